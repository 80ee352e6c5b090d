package site

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"path"
	"path/filepath"
	"strings"
)

// maxSlug is how much of the repository's name is kept in a site's name. With the hyphen and eight digits a site's name
// has at most 29 characters: names derived from it, such as "<site>-codebuild-role" or a pipeline's, stay inside the
// tightest limits they meet (32 for a connection, 64 for a role or key-value store, 63 for a DNS label), with room for
// a suffix.
const maxSlug = 20

// Name is the site's name: the repository's or bucket's name, cut to 20 characters, and eight hexadecimal digits of a
// hash of the whole source (repository, branch and subfolder; or bucket and prefix). Two sources never share a name, and
// one source has the same name whether its address is an https or an ssh one, with ".git" or without. The name is a DNS
// label that begins with a letter.
//
// A site whose bucket deploy makes has no source that could name it: its name is the one in its configuration.
func (s *Site) Name() string {
	if s.Config.SiteName != "" {
		return s.Config.SiteName
	}
	sum := sha256.Sum256([]byte(s.identity()))
	return s.slug() + "-" + hex.EncodeToString(sum[:4])
}

// identity is the source in a normal form; NUL, which no part can hold, separates the parts.
func (s *Site) identity() string {
	if s.Repository == "" {
		return strings.Join([]string{"s3", s.Config.S3Bucket, strings.Trim(s.Config.S3Path, "/")}, "\x00")
	}
	return strings.Join([]string{"git", normalRepository(s.Repository), s.Config.BranchName, s.Subdir}, "\x00")
}

// NewName is a SiteName that no other site has, for a project folder of the given name.
func NewName(folder string) string {
	var random [4]byte
	_, _ = rand.Read(random[:]) // never fails
	const room = maxSiteName - 9
	return strings.TrimRight(slug(folder)[:min(len(slug(folder)), room)], "-") + "-" + hex.EncodeToString(random[:])
}

func (s *Site) slug() string {
	name := s.Config.S3Bucket
	if s.Repository != "" {
		name = filepath.ToSlash(s.Repository)
		if !s.Local() {
			name = normalRepository(s.Repository)
		}
		name = strings.TrimSuffix(path.Base(name), ".git")
	}
	return slug(name)
}

// slug is a name as the beginning of a DNS label of at most maxSlug characters.
func slug(name string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(name) {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	slug := strings.Trim(b.String(), "-")
	switch {
	case slug == "":
		slug = "site"
	case slug[0] < 'a': // a digit: stack names begin with a letter
		slug = "site-" + slug
	}
	return strings.TrimRight(slug[:min(len(slug), maxSlug)], "-")
}

// normalRepository is the normal form of a repository's address: "host/path" without scheme, default port, user and
// ".git", the host in lower case. Forges serve one repository at one such path over https and ssh. A path in the home
// folder of an ssh user other than git keeps the user, since each has a folder of their own. Local paths stay whole.
func normalRepository(repository string) string {
	if filepath.IsAbs(repository) {
		return "file:" + filepath.ToSlash(repository)
	}
	var user, host, where string
	if u, err := url.Parse(repository); err == nil && strings.Contains(repository, "://") {
		host, where = strings.ToLower(u.Hostname()), u.Path
		if port := u.Port(); port != "" && port != remoteSchemes[strings.ToLower(u.Scheme)] {
			host += ":" + port
		}
		if strings.HasPrefix(where, "/~/") && u.User != nil {
			user = u.User.Username()
		}
		if u.RawQuery != "" {
			where += "?" + u.RawQuery
		}
	} else if m := scpForm.FindStringSubmatch(repository); m != nil {
		host, where = strings.ToLower(strings.Trim(m[2]+m[3], "[]")), m[4]
		if !strings.HasPrefix(where, "/") {
			user = m[1]
		}
	} else {
		return "file:" + filepath.ToSlash(repository)
	}
	where = strings.TrimSuffix(strings.Trim(where, "/"), ".git")
	if user != "" && user != "git" {
		host = user + "@" + host
	}
	return host + "/" + strings.Trim(where, "/")
}
