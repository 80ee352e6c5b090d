package site_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
)

const (
	config = site.Folder + "/" + site.ConfigFile
	own    = `{"repoUrl": ".", "branchName": "main"}`
)

func TestLoadAppliesDefaults(t *testing.T) {
	dir := project(t, map[string]string{
		config:      `{"repoUrl": ".", "branchName": "main", "framework": "reactjs", "domainName": "WWW.Example.com", "hostedZoneId": "/hostedzone/Z1"}`,
		".git/HEAD": "ref: refs/heads/main\n"})
	got, err := site.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	want := &site.Site{Dir: dir, Repository: dir, Config: site.Config{Target: site.Local, RepoURL: ".", BranchName: "main", Framework: "reactjs",
		Routing: site.RoutingSPA, DomainName: "www.example.com", HostedZoneID: "Z1", KeepReleases: 10, BuildTimeoutMinutes: 30, PollSeconds: 15}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if got.Keep() != 10 || got.BuildTimeout() != 30*time.Minute || got.Poll() != 15*time.Second {
		t.Errorf("keep %d, build %v, poll %v", got.Keep(), got.BuildTimeout(), got.Poll())
	}
	if !got.Local() {
		t.Error("a path is not local")
	}
}

func TestLoadErrors(t *testing.T) {
	dir := project(t, map[string]string{
		"configured/" + config: own, "configured/src/a": "",
		"it is/" + config: own, "it is/src/a": "",
		"broken/" + config:             "{\n x}",
		"folder/" + config + "/x.json": "",
		"empty/a":                      "",
	})
	tests := map[string]struct{ dir, want, hint string }{
		"no configuration":             {"empty", "has no cloudfront-hosting-toolkit/", "cloudfront-hosting-toolkit init"},
		"no folder":                    {"nowhere", "has no cloudfront-hosting-toolkit/", "cloudfront-hosting-toolkit init"},
		"a subfolder of the project":   {"configured/src", "has no cloudfront-hosting-toolkit/", "--dir " + filepath.Join(dir, "configured")},
		"a subfolder, with a space":    {"it is/src", "has no cloudfront-hosting-toolkit/", "--dir '" + filepath.Join(dir, "it is") + "'"},
		"invalid":                      {"broken", filepath.Join(dir, "broken", site.Folder, site.ConfigFile) + ":2:2: invalid JSON", ""},
		"a folder in the file's place": {"folder", "is not a file", ""},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := site.Load(filepath.Join(dir, filepath.FromSlash(tc.dir)))
			if fault.KindOf(err) != fault.Usage || !strings.Contains(err.Error(), tc.want) || !strings.Contains(fault.HintOf(err), tc.hint) {
				t.Errorf("error %v (hint %q), want %q (hint %q)", err, fault.HintOf(err), tc.want, tc.hint)
			}
		})
	}
}

func TestRepositoryIsResolved(t *testing.T) {
	dir := project(t, map[string]string{
		"repo/.git/HEAD":             "ref: refs/heads/main\n",
		"repo/apps/web/index.html":   "",
		"repo/vendor/sub/.git":       "gitdir: ../../.git/modules/sub\n",
		"worktree/.git":              "gitdir: ../repo/.git/worktrees/worktree\n",
		"worktree/docs/index.html":   "",
		"bare site.git/HEAD":         "ref: refs/heads/main\n",
		"bare site.git/objects/x":    "",
		"bare site.git/refs/x":       "",
		"plain/folder/index.html":    "",
		"plain/deeper/a/b/page.html": "",
	})
	at := func(path string) string { return filepath.Join(dir, filepath.FromSlash(path)) }
	tests := map[string]struct{ project, repoURL, repository, subdir string }{
		"the folder itself":               {"repo", ".", at("repo"), ""},
		"a subfolder":                     {"repo/apps/web", ".", at("repo"), "apps/web"},
		"the top, relative":               {"repo/apps/web", "../..", at("repo"), "apps/web"},
		"absolute":                        {"repo", at("repo"), at("repo"), ""},
		"a file URL":                      {"repo", "file://" + filepath.ToSlash("/"+strings.TrimPrefix(at("repo"), "/")), at("repo"), ""},
		"defect 24: a path with spaces":   {"repo/apps/web", "../../../bare site.git", at("bare site.git"), "apps/web"},
		"a worktree":                      {"worktree/docs", ".", at("worktree"), "docs"},
		"a submodule":                     {"repo/vendor/sub", ".", at("repo/vendor/sub"), ""},
		"the repository over a submodule": {"repo/vendor/sub", "../..", at("repo"), "vendor/sub"},
		"no repository":                   {"plain/folder", ".", at("plain/folder"), ""},
		"a path that does not exist":      {"plain/folder", "../gone", at("plain/gone"), ""},
		"a URL":                           {"repo/apps/web", "https://h/o/r.git", "https://h/o/r.git", "apps/web"},
		"a URL, no clone":                 {"plain/deeper", "git@h:o/r", "git@h:o/r", ""},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			s := site.New(at(tc.project), site.Config{RepoURL: tc.repoURL, BranchName: "main"})
			if s.Repository != tc.repository || s.Subdir != tc.subdir {
				t.Errorf("got %q, %q; want %q, %q", s.Repository, s.Subdir, tc.repository, tc.subdir)
			}
			// What lies elsewhere has to push.
			if want := strings.HasPrefix(at(tc.project)+string(filepath.Separator), tc.repository+string(filepath.Separator)); s.InRepository() != want {
				t.Errorf("InRepository() = %v", !want)
			}
		})
	}
}

func TestFiles(t *testing.T) {
	dir := project(t, map[string]string{config: own})
	s, err := site.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if code, err := s.Function(); code != "" || err != nil {
		t.Errorf("no function file: %q, %v", code, err)
	}
	if text, err := s.Buildspec(); text != nil || err != nil {
		t.Errorf("no build file: %q, %v", text, err)
	}
	s.Config.Routing = site.RoutingCustom
	if _, err := s.Function(); fault.KindOf(err) != fault.Usage {
		t.Errorf("custom routing without a function: %v", err)
	}
	for path, text := range map[string]string{s.FunctionFile(): "\ufeffcode", s.BuildFile(): ""} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if code, err := s.Function(); code != "code" || err != nil {
		t.Errorf("function file with a byte order mark: %q, %v", code, err)
	}
	if text, err := s.Buildspec(); text == nil || len(text) != 0 || err != nil {
		t.Errorf("an empty build file is one: %v, %v", text, err)
	}
	if s.ConfigFile() != filepath.Join(dir, site.Folder, site.ConfigFile) {
		t.Errorf("configuration file %s", s.ConfigFile())
	}
}

func TestValidRelease(t *testing.T) {
	for id, ok := range map[string]bool{
		"3f786850e387550fdab836ed7e6dc881de23001b": true, "3f78685-2": true, "v1.0_rc": true, "0": true, strings.Repeat("a", 128): true,
		"": false, strings.Repeat("a", 129): false, "_releases": false, ".git": false, "..": false, "-x": false, "a/b": false, `a\b`: false,
		"a b": false, "é": false, "a\n": false, "a%2e": false, "v1.": false,
	} {
		if err := site.ValidRelease(id); (err == nil) != ok || err != nil && fault.KindOf(err) != fault.Usage {
			t.Errorf("ValidRelease(%q) = %v", id, err)
		}
	}
}
