package source

import (
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
)

var (
	userinfo  = regexp.MustCompile(`(?i)\b([a-z][a-z0-9+.-]*)://([^/@\s'"]*)@`)
	helper    = regexp.MustCompile(`^[A-Za-z0-9]+::`)
	scheme    = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9+.-]*)://`)
	badBranch = regexp.MustCompile(`[\x00-\x20~^:?*\[\\\x7f]|\.\.|@\{|//|^[-/.]|[/.]$|\.lock$|/\.|\.lock/`)
)

// Printable returns text with the credentials of all addresses in it left out. Every address and every message of git
// goes through it before it is shown or logged.
func Printable(text string) string {
	return userinfo.ReplaceAllStringFunc(text, func(match string) string {
		m := userinfo.FindStringSubmatch(match)
		user, _, _ := strings.Cut(m[2], ":")
		if strings.HasPrefix(strings.ToLower(m[1]), "http") || user == "" {
			return m[1] + "://" // a token may stand in the place of the user
		}
		return m[1] + "://" + user + "@"
	})
}

// validAddress says whether git may fetch from address: an absolute path, a URL with one of the transports file, git,
// http, https and ssh, or user@host:path.
func validAddress(address string) error {
	hint := "use an https:// or ssh:// URL, git@host:owner/repository.git, or the path of a local repository"
	refuse := func(why string) error {
		return fault.New(fault.Usage, hint, "repository %q: %s", Printable(address), why)
	}
	switch m := scheme.FindStringSubmatch(address); {
	case address == "":
		return fault.New(fault.Usage, "set repoUrl in the configuration", "no repository is configured")
	case strings.HasPrefix(address, "-"):
		return refuse("an address cannot begin with a dash")
	case strings.ContainsFunc(address, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return refuse("an address cannot hold control characters")
	case helper.MatchString(address):
		return refuse("git transport helpers are not allowed")
	case m != nil && !strings.Contains(":"+transports+":"+aliases+":", ":"+strings.ToLower(m[1])+":"):
		return refuse("the transport " + m[1] + " is not allowed")
	}
	return nil
}

// validBranch says whether git accepts name as a branch.
func validBranch(name string) error {
	if name == "" || name == "HEAD" || name == "@" || badBranch.MatchString(name) {
		return fault.New(fault.Usage, "set branchName in the configuration", "%q is not a valid branch name", name)
	}
	return nil
}

// localPath returns the folder that address names on this machine, or "" if it is not a folder here.
func localPath(address string) string {
	path := address
	if u, err := url.Parse(address); err == nil && strings.EqualFold(u.Scheme, "file") {
		path = filepath.FromSlash(u.Path)
		if runtime.GOOS == "windows" {
			path = strings.TrimPrefix(path, `\`)
		}
	}
	if !filepath.IsAbs(path) {
		return ""
	}
	if info, err := os.Stat(path); err != nil || !info.IsDir() {
		return ""
	}
	return path
}
