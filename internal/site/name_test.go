package site_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
)

var label = regexp.MustCompile(`^[a-z][a-z0-9-]{0,27}[a-z0-9]$`)

func git(repository, branch, subdir string) *site.Site {
	return &site.Site{Repository: repository, Subdir: subdir, Config: site.Config{RepoURL: repository, BranchName: branch}}
}

func s3(bucket, prefix string) *site.Site {
	return &site.Site{Config: site.Config{S3Bucket: bucket, S3Path: prefix}}
}

// TestDefect23_NamesAreInjective: upstream gave alice/site and bob/site one stack, two prefixes of one bucket another, and
// made Asite of both 1site and 2site. Here sources in different rows never share a name; those in one row are one source.
func TestDefect23_NamesAreInjective(t *testing.T) {
	rows := [][]*site.Site{
		{git("https://github.com/alice/site", "main", ""), git("https://github.com/alice/site.git", "main", ""),
			git("git@github.com:alice/site.git", "main", ""), git("git@github.com:alice/site", "main", ""),
			git("ssh://git@github.com/alice/site.git", "main", ""), git("ssh://git@GitHub.com:22/alice/site/", "main", ""),
			git("https://someone@github.com:443/alice/site.git", "main", ""), git("http://github.com/alice/site", "main", "")},
		{git("https://github.com/bob/site", "main", "")},
		{git("https://gitlab.com/alice/site", "main", "")},
		{git("https://github.com/alice/site", "develop", "")},
		{git("https://github.com/alice/site", "main", "apps/web"), git("git@github.com:alice/site.git", "main", "apps/web")},
		{git("https://github.com/alice/site", "main", "apps/docs")},
		{git("https://github.com/alice/site/main", "main", "")},
		{git("https://github.com:8443/alice/site", "main", "")},
		{git("https://github.com/alice/1site", "main", "")},
		{git("https://github.com/alice/2site", "main", "")},
		{git("https://github.com/alice/Asite", "main", "")},
		{git("https://github.com/alice/si-te", "main", "")},
		{git("https://github.com/alice/si.te", "main", "")},
		{git("alice@host:site.git", "main", ""), git("alice@host:site", "main", "")},
		{git("bob@host:site.git", "main", "")},
		{git("alice@host:/srv/site.git", "main", ""), git("ssh://bob@host/srv/site", "main", "")},
		{git("/srv/site", "main", "")},
		{git("/srv/site.git", "main", "")},
		{git("/home/alice/site", "main", "")},
		{s3("bucket", "a"), s3("bucket", "a/"), s3("bucket", "/a/")},
		{s3("bucket", "b")},
		{s3("bucket", "")},
		{s3("bucket", "a/b")},
		{s3("bucket-a", "b")},
	}
	owner := map[string]int{}
	for i, row := range rows {
		for _, s := range row {
			name := s.Name()
			if other, taken := owner[name]; taken && other != i {
				t.Errorf("%s%s has the name of row %d: %s", s.Repository, s.Config.S3Bucket, other, name)
			}
			owner[name] = i
			if name != row[0].Name() {
				t.Errorf("%s and %s are one source: %s, %s", row[0].Repository, s.Repository, row[0].Name(), name)
			}
			if !label.MatchString(name) {
				t.Errorf("%q is not a short DNS label that begins with a letter", name)
			}
		}
	}
}

func TestNamesReadWell(t *testing.T) {
	for repository, want := range map[string]string{
		"https://github.com/O/Hello_World.git": "hello-world-",
		"/home/me/my site":                     "my-site-",
		"/srv/site.git":                        "site-",
		"https://h/o/1site":                    "site-1site-",
		"https://h/o/---":                      "site-",
		"https://h/o/日本":                       "site-",
		"https://h/o/a-very-long-name-of-a-repository-for-sure": "a-very-long-name-of-",
		"git@h:site": "site-",
	} {
		name := git(repository, "main", "").Name()
		if !strings.HasPrefix(name, want) && !strings.HasPrefix(name, strings.TrimSuffix(want, "-")) || !label.MatchString(name) {
			t.Errorf("%s: %s, want %s…", repository, name, want)
		}
	}
	if name := s3("my-bucket", "a/b").Name(); !strings.HasPrefix(name, "my-bucket-") {
		t.Errorf("bucket: %s", name)
	}
}

func TestNamesStay(t *testing.T) {
	// A name is the key to a site's state and stack: it must never change between versions of the tool.
	for want, s := range map[string]*site.Site{
		"site-972ad9d2":   git("https://github.com/alice/site.git", "main", "apps/web"),
		"site-25305e16":   git("/srv/site", "main", ""),
		"bucket-c367ab9d": s3("bucket", "a/"),
	} {
		if got := s.Name(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestStripCredentials(t *testing.T) {
	for in, want := range map[string]string{
		"https://a:b@h/r.git":    "https://h/r.git",
		"https://ghp_x@h/r":      "https://h/r",
		"https://h/r":            "https://h/r",
		"ssh://git@h/r":          "ssh://git@h/r",
		"ssh://git:secret@h/r":   "ssh://git@h/r",
		"git@h:r":                "git@h:r",
		"/a path/with @ and : x": "/a path/with @ and : x",
	} {
		if got := site.StripCredentials(in); got != want {
			t.Errorf("StripCredentials(%q) = %q, want %q", in, got, want)
		}
	}
}

// A name for a bucket that deploy makes is new each time, and fits everything that is named after it.
func TestNewName(t *testing.T) {
	for folder, want := range map[string]string{"hello": `^hello-[0-9a-f]{8}$`, "My Great-Project": `^my-great-p[a-z]?-[0-9a-f]{8}$`, "1": `^site-1-[0-9a-f]{8}$`, "": `^site-[0-9a-f]{8}$`} {
		name := site.NewName(folder)
		s := &site.Site{Config: site.Config{SiteName: name}}
		if !regexp.MustCompile(want).MatchString(name) || len(name) > 20 || name == site.NewName(folder) || s.Name() != name {
			t.Errorf("%q: %s, want %s", folder, name, want)
		}
		if err := (site.Config{SiteName: name}).Validate(); err != nil {
			t.Error(err)
		}
	}
}
