package site

import (
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// scpForm is ssh's short form, [user@]host:path: git takes a colon before the first slash for it. A single letter before
// the colon, without a user, is a Windows drive.
var scpForm = regexp.MustCompile(`^(?:([^@/:]+)@([^@/:]+|\[[0-9a-fA-F:]+\])|([^@/:]{2,}|\[[0-9a-fA-F:]+\])):(.*)$`)

// remoteSchemes are the URL schemes that git fetches over, with their default ports.
var remoteSchemes = map[string]string{
	"https": "443", "http": "80", "ssh": "22", "git": "9418", "git+ssh": "22", "ssh+git": "22", "ftp": "21", "ftps": "990",
}

// tokenUser matches user names that are access tokens, as forges issue them.
var tokenUser = regexp.MustCompile(`^(ghp_|gho_|ghu_|ghs_|github_pat_|glpat-|gldt-|ATBB|ATCTT|x-access-token$|x-token-auth$|oauth2$)`)

// repositoryProblem says why text cannot be a repository, and what to do; "" if it can be.
func repositoryProblem(text string) (why, hint string) {
	const forms = "use an https, ssh or file URL, or a path; \".\" is the repository of the project folder"
	switch {
	case strings.HasPrefix(text, "-"):
		return "a repository does not begin with a hyphen", forms
	case strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return "a repository has no control characters", forms
	case strings.Contains(text, "::") && !strings.Contains(text, "://") && !strings.ContainsAny(text, `/\[`):
		return "remote helpers (name::address) are not supported", forms
	}
	if scheme, rest, ok := strings.Cut(text, "::"); ok && !strings.ContainsAny(scheme, `/\:[@`) && rest != "" {
		return "remote helpers (name::address) are not supported", forms
	}
	scheme, _, isURL := strings.Cut(text, "://")
	if !isURL {
		return "", ""
	}
	u, err := url.Parse(text)
	if err != nil {
		return "it is not a URL that git can fetch", forms
	}
	if scheme = strings.ToLower(scheme); scheme == "file" {
		if u.Host != "" && u.Host != "localhost" {
			return "a file URL has three slashes: file:///path", forms
		}
		return "", ""
	}
	if remoteSchemes[scheme] == "" {
		return "git cannot fetch over " + scheme, forms
	}
	if u.Hostname() == "" || strings.Trim(u.Path, "/") == "" {
		return "the URL has no host or no path", forms
	}
	if hasSecret(u) {
		return "the URL holds a password or token, and this file is meant to be committed",
			"remove it from the URL; git's credential helper or an ssh key supplies it"
	}
	return "", ""
}

func hasSecret(u *url.URL) bool {
	if u.User == nil {
		return false
	}
	_, password := u.User.Password()
	return password || tokenUser.MatchString(u.User.Username())
}

// StripCredentials returns the repository without the user name and password that an http(s) URL carries, and without
// the password of any other URL (git@ of an ssh URL stays, since ssh needs it).
func StripCredentials(repository string) string {
	if !strings.Contains(repository, "://") {
		return repository
	}
	u, err := url.Parse(repository)
	if err != nil || u.User == nil {
		return repository
	}
	switch strings.ToLower(u.Scheme) {
	case "https", "http":
		u.User = nil
	default:
		u.User = url.User(u.User.Username())
	}
	return u.String()
}

// locate resolves repoUrl for the project in dir: a URL as it is, a path as the absolute path of the top level of its
// repository; and the project's place inside the repository. With a URL, or the path of another repository, dir is taken
// to be in a clone of it.
func locate(dir, repoURL string) (repository, subdir string) {
	project := realPath(dir)
	top := topLevel(project)
	path, local := localPath(repoURL)
	if local {
		if !filepath.IsAbs(path) {
			path = filepath.Join(project, path)
		}
		path = realPath(path)
		if own := topLevel(path); own != "" {
			path = own
			if below(own, project) && top != "" && below(own, top) && top != own {
				top = own // a repository inside the named one, such as a submodule, is not a clone of it
			}
		}
		repository = path
	} else {
		repository = repoURL
	}
	if top == "" || !below(top, project) {
		return repository, ""
	}
	rel, err := filepath.Rel(top, project)
	if err != nil || rel == "." {
		return repository, ""
	}
	return repository, filepath.ToSlash(rel)
}

// localPath returns the path that a repository names on this machine, and whether it names one.
func localPath(repository string) (string, bool) {
	if scheme, _, isURL := strings.Cut(repository, "://"); isURL {
		if !strings.EqualFold(scheme, "file") {
			return "", false
		}
		u, err := url.Parse(repository)
		if err != nil {
			return "", false
		}
		path := u.Path
		if len(path) > 2 && path[0] == '/' && path[2] == ':' { // file:///C:/repositories/site
			path = path[1:]
		}
		return filepath.FromSlash(path), true
	}
	if strings.ContainsAny(repository, `\`) || !scpForm.MatchString(repository) {
		return filepath.FromSlash(repository), true
	}
	return "", false
}

// topLevel is the nearest folder, at or above dir, that is a repository: it has a .git folder or, in a worktree or
// submodule, a .git file; or it is a bare repository. "" if there is none.
func topLevel(dir string) string {
	for {
		if _, err := os.Stat(filepath.Join(dir, ".git")); err == nil {
			return dir
		}
		if isBare(dir) {
			return dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return ""
		}
		dir = parent
	}
}

// isBare applies git's own test of a repository folder: HEAD, objects and refs.
func isBare(dir string) bool {
	for _, name := range []string{"objects", "refs"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || !info.IsDir() {
			return false
		}
	}
	info, err := os.Stat(filepath.Join(dir, "HEAD"))
	return err == nil && info.Mode().IsRegular()
}

// below reports whether path is dir or inside it.
func below(dir, path string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}

// realPath resolves symbolic links, so that one folder has one name; a path that does not exist stays as it is.
func realPath(path string) string {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		return real
	}
	return filepath.Clean(path)
}
