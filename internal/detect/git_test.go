package detect_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/detect"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
)

// run runs git commands, one a line, in dir, away from the user's own configuration.
func run(t *testing.T, dir, script string) {
	t.Helper()
	for line := range strings.Lines(script) {
		args := strings.Fields(line)
		for i, a := range args {
			args[i] = strings.ReplaceAll(a, "%20", " ")
		}
		if len(args) == 0 {
			continue
		}
		cmd := exec.Command("git", args...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %s: %v\n%s", line, err, out)
		}
	}
}

func hermeticGit(t *testing.T) {
	t.Helper()
	empty := filepath.Join(t.TempDir(), "gitconfig")
	if err := os.WriteFile(empty, []byte("[user]\n\tname = T\n\temail = t@example.com\n[init]\n\tdefaultBranch = main\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Setenv("GIT_CONFIG_GLOBAL", empty)
	t.Setenv("GIT_CONFIG_NOSYSTEM", "1")
}

func folder(t *testing.T, names ...string) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if err := os.MkdirAll(filepath.Join(dir, filepath.FromSlash(name)), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestGit(t *testing.T) {
	hermeticGit(t)
	tests := map[string]struct {
		script  string
		in      string
		want    detect.Source
		warning string
	}{
		"no remote":   {"init -q\ncommit -q --allow-empty -m x", "", detect.Source{Repository: ".", Branch: "main"}, ""},
		"a subfolder": {"init -q\ncommit -q --allow-empty -m x", "apps/my%20web", detect.Source{Repository: ".", Branch: "main", Subdir: "apps/my web"}, ""},
		"unborn":      {"init -q -b trunk", "", detect.Source{Repository: ".", Branch: "trunk"}, "branch trunk has no commit yet"},
		"defect 24: HEAD's branch, not the first configured one": {
			"init -q\nconfig branch.aaa.remote origin\nconfig branch.aaa.merge refs/heads/aaa\nremote add origin https://h/o/r\ncommit -q --allow-empty -m x\nswitch -q -c feature/x",
			"", detect.Source{Repository: "https://h/o/r", Branch: "feature/x"}, ""},
		"defect 24: a remote without .git":  {"init -q\nremote add origin git@github.com:o/r", "", detect.Source{Repository: "git@github.com:o/r", Branch: "main"}, "no commit"},
		"defect 24: a remote with a space":  {"init -q\nremote add origin /srv/my%20site.git", "", detect.Source{Repository: "/srv/my site.git", Branch: "main"}, "no commit"},
		"origin among several":              {"init -q\nremote add a https://h/a\nremote add origin https://h/o", "", detect.Source{Repository: "https://h/o", Branch: "main"}, "no commit"},
		"the branch's remote":               {"init -q\nremote add a https://h/a\nremote add b https://h/b\nconfig branch.main.remote b", "", detect.Source{Repository: "https://h/b", Branch: "main"}, "no commit"},
		"the only remote":                   {"init -q\nremote add github https://h/g", "", detect.Source{Repository: "https://h/g", Branch: "main"}, "no commit"},
		"credentials stay out":              {"init -q\nremote add origin https://me:ghp_secret@github.com/o/r.git", "", detect.Source{Repository: "https://github.com/o/r.git", Branch: "main"}, "holds credentials"},
		"a shorthand is expanded":           {"init -q\nconfig url.https://github.com/.insteadOf gh:\nremote add origin gh:o/r", "", detect.Source{Repository: "https://github.com/o/r", Branch: "main"}, "no commit"},
		"a relative remote, at the top":     {"init -q\nremote add origin ../r.git", "", detect.Source{Repository: "../r.git", Branch: "main"}, "no commit"},
		"a relative remote, in a subfolder": {"init -q\nremote add origin ../r.git", "apps/web", detect.Source{Repository: "../../../r.git", Branch: "main", Subdir: "apps/web"}, "no commit"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			in := strings.ReplaceAll(tc.in, "%20", " ")
			dir := folder(t, in)
			run(t, dir, tc.script)
			got := detect.Git(t.Context(), filepath.Join(dir, filepath.FromSlash(in)))
			if got.Err != nil || got.Repository != tc.want.Repository || got.Branch != tc.want.Branch || got.Subdir != tc.want.Subdir || got.Top != dir {
				t.Errorf("got %+v, want %+v", got, tc.want)
			}
			if all := strings.Join(got.Warnings, "\n"); !strings.Contains(all, tc.warning) || tc.warning == "" && all != "" || strings.Contains(all, "secret") {
				t.Errorf("warnings %q, want %q", got.Warnings, tc.warning)
			}
			c := site.Config{RepoURL: got.Repository, BranchName: got.Branch}
			if err := c.Validate(); err != nil {
				t.Errorf("not a valid configuration: %v", err)
			}
		})
	}
}

func TestGitWorktree(t *testing.T) {
	hermeticGit(t)
	dir := folder(t, "repo")
	run(t, filepath.Join(dir, "repo"), "init -q\nremote add origin https://h/r\ncommit -q --allow-empty -m x\nworktree add -q -b fix ../tree")
	got := detect.Git(t.Context(), filepath.Join(dir, "tree"))
	if got.Err != nil || got.Branch != "fix" || got.Repository != "https://h/r" || got.Top != filepath.Join(dir, "tree") {
		t.Errorf("got %+v", got)
	}
}

func TestGitInsideAHook(t *testing.T) {
	hermeticGit(t)
	dir := folder(t)
	run(t, dir, "init -q -b here")
	t.Setenv("GIT_DIR", filepath.Join(dir, "elsewhere"))
	if got := detect.Git(t.Context(), dir); got.Branch != "here" {
		t.Errorf("GIT_DIR was followed: %+v", got)
	}
}

func TestGitErrors(t *testing.T) {
	hermeticGit(t)
	t.Setenv("GIT_CEILING_DIRECTORIES", os.TempDir())
	tests := map[string]struct{ script, repository, branch, want, hint string }{
		"no repository": {"", "", "", "is not in a git repository", "git init"},
		"bare":          {"init -q --bare", "", "", "is a bare repository", "clone"},
		"detached":      {"init -q\nremote add origin https://h/r\ncommit -q --allow-empty -m x\nswitch -q --detach", "https://h/r", "", "HEAD is detached at ", "--branch"},
		"ambiguous":     {"init -q\nremote add a https://h/a\nremote add b https://h/b", "", "main", "has the remotes a, b", "--repo"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			dir := folder(t)
			run(t, dir, tc.script)
			got := detect.Git(t.Context(), dir)
			if got.Repository != tc.repository || got.Branch != tc.branch || got.Err == nil {
				t.Fatalf("got %+v", got)
			}
			if fault.KindOf(got.Err) != fault.Usage || !strings.Contains(got.Err.Error(), tc.want) || !strings.Contains(fault.HintOf(got.Err), tc.hint) {
				t.Errorf("error %v (hint %q)", got.Err, fault.HintOf(got.Err))
			}
		})
	}
	t.Run("another user's, seen from a folder in it", func(t *testing.T) {
		dir := folder(t, "apps/web")
		run(t, dir, "init -q -b main")
		t.Setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
		got := detect.Git(t.Context(), filepath.Join(dir, "apps", "web"))
		if got.Err == nil || fault.HintOf(got.Err) != "run: git config --global --add safe.directory "+dir {
			t.Errorf("error %v (hint %q)", got.Err, fault.HintOf(got.Err))
		}
	})
	t.Run("git is not installed", func(t *testing.T) {
		t.Setenv("PATH", t.TempDir())
		if got := detect.Git(t.Context(), t.TempDir()); got.Err == nil || !strings.Contains(got.Err.Error(), "git is not installed") {
			t.Errorf("got %+v", got)
		}
	})
	t.Run("no folder", func(t *testing.T) {
		if got := detect.Git(t.Context(), filepath.Join(t.TempDir(), "gone")); got.Err == nil || !strings.Contains(got.Err.Error(), "find project folder") {
			t.Errorf("got %+v", got)
		}
	})
}
