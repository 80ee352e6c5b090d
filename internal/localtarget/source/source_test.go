package source_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/source"
)

// TestMain keeps the machine's git configuration out of the tests.
func TestMain(m *testing.M) {
	home, err := os.MkdirTemp("", "home")
	if err != nil {
		panic(err)
	}
	for k, v := range map[string]string{
		"HOME": home, "XDG_CONFIG_HOME": home, "GIT_CONFIG_GLOBAL": os.DevNull, "GIT_CONFIG_NOSYSTEM": "1",
		"GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@example.com", "GIT_COMMITTER_NAME": "A", "GIT_COMMITTER_EMAIL": "a@example.com",
	} {
		if err := os.Setenv(k, v); err != nil {
			panic(err)
		}
	}
	code := m.Run()
	_ = os.RemoveAll(home)
	os.Exit(code)
}

func git(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", append([]string{"-C", dir}, args...)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// repository makes a repository with one commit on main.
func repository(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "my site")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	git(t, dir, "init", "-q", "-b", "main")
	commit(t, dir, "first")
	return dir
}

func commit(t *testing.T, dir, subject string) string {
	t.Helper()
	write(t, filepath.Join(dir, "index.html"), subject)
	git(t, dir, "add", "-A")
	git(t, dir, "commit", "-q", "-m", subject+"\n\nbody")
	return git(t, dir, "rev-parse", "HEAD")
}

func mirror(t *testing.T, repo string) *source.Mirror {
	t.Helper()
	return &source.Mirror{Dir: filepath.Join(t.TempDir(), "source.git"), Address: repo, Branch: "main"}
}

func newest(t *testing.T, m *source.Mirror, fetch bool) source.Commit {
	t.Helper()
	if fetch {
		if err := m.Fetch(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	c, err := m.Newest(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestWhicheverMovedLastIsDeployed(t *testing.T) {
	t.Parallel()
	repo := repository(t)
	first := git(t, repo, "rev-parse", "HEAD")
	m := mirror(t, repo)
	c := newest(t, m, true)
	if c.ID != first || c.Subject != "first" || time.Since(c.Time).Abs() > time.Hour {
		t.Fatalf("newest = %+v, want %s first", c, first)
	}
	second := commit(t, repo, "second")
	if c := newest(t, m, true); c.ID != second {
		t.Fatalf("after a commit: %+v", c)
	}

	// A push to the mirror, of a commit that origin has not.
	clone := filepath.Join(t.TempDir(), "clone")
	git(t, repo, "clone", "-q", m.Dir, clone)
	pushed := commit(t, clone, "pushed")
	git(t, clone, "push", "-q", m.Dir, "HEAD:main")
	if c := newest(t, m, false); c.ID != pushed {
		t.Fatalf("after a push: %+v, want %s", c, pushed)
	}
	if c := newest(t, m, true); c.ID != pushed {
		t.Fatalf("a fetch without news took the push back: %+v", c)
	}

	// The branch is rewound in the user's repository: it moved last.
	git(t, repo, "reset", "-q", "--hard", first)
	if c := newest(t, m, true); c.ID != first {
		t.Fatalf("after a rewind: %+v, want %s", c, first)
	}
	// A forced push, and the deletion of the branch, which is refused.
	git(t, clone, "reset", "-q", "--hard", second)
	git(t, clone, "push", "-q", "--force", m.Dir, "HEAD:main")
	if c := newest(t, m, false); c.ID != second {
		t.Fatalf("after a forced push: %+v, want %s", c, second)
	}
	if out, err := exec.Command("git", "-C", clone, "push", "-q", m.Dir, ":main").CombinedOutput(); err == nil {
		t.Fatalf("the branch could be deleted: %s", out)
	}
}

func TestCheckSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	repo := repository(t)
	git(t, repo, "branch", "develop")
	git(t, repo, "branch", "feature/x")
	empty := t.TempDir()
	git(t, empty, "init", "-q", "-b", "main")
	tests := map[string]struct {
		address, branch string
		kind            fault.Kind
		want            string
	}{
		"good":               {repo, "main", fault.Other, ""},
		"file URL":           {"file://" + filepath.ToSlash(repo), "feature/x", fault.Other, ""},
		"no branch":          {repo, "live", fault.Usage, `has no branch "live"; it has develop, feature/x, main`},
		"no repository":      {filepath.Join(repo, "nowhere"), "main", fault.Usage, "nowhere"},
		"a name with 403":    {filepath.Join(repo, "403"), "main", fault.Usage, "403"},
		"empty repository":   {empty, "main", fault.Usage, "has no commits yet"},
		"nothing configured": {"", "main", fault.Usage, "no repository is configured"},
		"an option":          {"--upload-pack=touch x", "main", fault.Usage, "cannot begin with a dash"},
		"ext transport":      {"ext::sh -c date", "main", fault.Usage, "transport helpers are not allowed"},
		"other scheme":       {"ftp://example.com/x", "main", fault.Usage, "the transport ftp is not allowed"},
		"branch is an option": {repo, "--force", fault.Usage,
			"not a valid branch name"},
		"branch is a refspec": {repo, "main:refs/heads/x", fault.Usage, "not a valid branch name"},
		"token in the address": {"http://user:s3cret@127.0.0.1:1/x.git", "main", fault.Other,
			"read repository http://127.0.0.1:1/x.git"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			id, err := source.Check(t.Context(), tc.address, tc.branch)
			if tc.want == "" {
				if err != nil || len(id) != 40 {
					t.Fatalf("Check = %q, %v", id, err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Fatalf("error = %v, want one with %q", err, tc.want)
			}
			if fault.KindOf(err) != tc.kind || fault.HintOf(err) == "" {
				t.Errorf("kind %v hint %q, want kind %v and a hint", fault.KindOf(err), fault.HintOf(err), tc.kind)
			}
			if strings.Contains(err.Error(), "s3cret") {
				t.Errorf("the error tells the password: %v", err)
			}
		})
	}
}

func TestFetchOfABranchThatIsGoneKeepsTheMirror(t *testing.T) {
	t.Parallel()
	repo := repository(t)
	first := git(t, repo, "rev-parse", "HEAD")
	m := mirror(t, repo)
	newest(t, m, true)
	git(t, repo, "branch", "-m", "main", "trunk")
	err := m.Fetch(t.Context())
	if err == nil || !strings.Contains(err.Error(), `no branch "main"; it has trunk`) {
		t.Fatalf("error = %v, want the branches that there are", err)
	}
	if c := newest(t, m, false); c.ID != first {
		t.Fatalf("newest = %+v, want %s", c, first)
	}
}

func TestDefect24_PathsWithSpacesAndAnyBranch(t *testing.T) {
	t.Parallel()
	repo := repository(t) // its path has a space
	git(t, repo, "checkout", "-q", "-b", "feature/größer")
	want := commit(t, repo, "wide")
	m := mirror(t, repo)
	m.Branch = "feature/größer"
	if c := newest(t, m, true); c.ID != want {
		t.Errorf("newest = %+v, want %s", c, want)
	}
}

func TestCheckoutHoldsWhatAClonesWorkingTreeHolds(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("symbolic links and modes need a file system with both")
	}
	repo := repository(t)
	write(t, filepath.Join(repo, ".gitattributes"), "secret.txt export-ignore\n")
	write(t, filepath.Join(repo, "secret.txt"), "kept")
	write(t, filepath.Join(repo, "dir", "ünï code.txt"), "x")
	write(t, filepath.Join(repo, "run.sh"), "#!/bin/sh\n")
	write(t, filepath.Join(repo, ".gitmodules"), "")
	if err := os.Chmod(filepath.Join(repo, "run.sh"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("index.html", filepath.Join(repo, "link")); err != nil {
		t.Fatal(err)
	}
	// Hooks of the user's configuration never run.
	hooks := t.TempDir()
	write(t, filepath.Join(hooks, "post-checkout"), "#!/bin/sh\ntouch hooked\n")
	_ = os.Chmod(filepath.Join(hooks, "post-checkout"), 0o755)
	id := commit(t, repo, "more")
	m := mirror(t, repo)
	newest(t, m, true)
	t.Setenv("GIT_CONFIG_GLOBAL", filepath.Join(t.TempDir(), "gitconfig"))
	git(t, repo, "config", "--global", "core.hooksPath", hooks)

	dir := filepath.Join(t.TempDir(), "work", "tree")
	notes, err := m.Checkout(t.Context(), id, dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(notes) != 1 || !strings.Contains(notes[0], "submodules") {
		t.Errorf("notes = %q", notes)
	}
	entries, _ := os.ReadDir(dir)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if got, want := strings.Join(names, " "), ".gitattributes .gitmodules dir index.html link run.sh secret.txt"; got != want {
		t.Errorf("files = %s, want %s", got, want)
	}
	if to, _ := os.Readlink(filepath.Join(dir, "link")); to != "index.html" {
		t.Errorf("link → %q", to)
	}
	if info, err := os.Stat(filepath.Join(dir, "run.sh")); err != nil || info.Mode()&0o111 == 0 {
		t.Errorf("run.sh lost its mode: %v %v", info, err)
	}
	if _, err := os.Stat(dir + ".index"); err == nil {
		t.Error("the index was left behind")
	}
}

func TestGitEnvironmentOfAHookDoesNotLeadAstray(t *testing.T) {
	repo := repository(t)
	t.Setenv("GIT_DIR", filepath.Join(t.TempDir(), "elsewhere"))
	t.Setenv("GIT_INDEX_FILE", "elsewhere")
	t.Setenv("GIT_WORK_TREE", "elsewhere")
	m := mirror(t, repo)
	c := newest(t, m, true)
	if _, err := m.Checkout(t.Context(), c.ID, filepath.Join(t.TempDir(), "tree")); err != nil {
		t.Fatal(err)
	}
}

func TestPrintable(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ in, want string }{
		"token":         {"https://ghp_x@github.com/a/b", "https://github.com/a/b"},
		"user and word": {"fatal: 'https://u:p@h/x' not found", "fatal: 'https://h/x' not found"},
		"ssh user":      {"ssh://git@h/x", "ssh://git@h/x"},
		"ssh password":  {"ssh://git:p@h/x", "ssh://git@h/x"},
		"scp form":      {"git@github.com:a/b.git", "git@github.com:a/b.git"},
		"path":          {"/home/a@b/site", "/home/a@b/site"},
		"two":           {"https://a@x/ https://b@y/", "https://x/ https://y/"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if got := source.Printable(tc.in); got != tc.want {
				t.Errorf("Printable(%q) = %q, want %q", tc.in, got, tc.want)
			}
		})
	}
}

func TestLocksOfAMachineThatWentDownAreRemoved(t *testing.T) {
	t.Parallel()
	repo := repository(t)
	m := mirror(t, repo)
	newest(t, m, true)
	want := commit(t, repo, "second")
	lock := filepath.Join(m.Dir, "refs", "toolkit", "fetched.lock")
	write(t, lock, "")
	if err := m.Fetch(t.Context()); err == nil || !strings.Contains(err.Error(), "fetched.lock': File exists") || strings.Contains(err.Error(), "editor") || !strings.Contains(fault.HintOf(err), "removed within") {
		t.Fatalf("a lock that may be held: %v (hint %q)", err, fault.HintOf(err))
	}
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(lock, old, old); err != nil {
		t.Fatal(err)
	}
	if c := newest(t, m, true); c.ID != want {
		t.Errorf("newest = %+v, want %s", c, want)
	}
}

func TestHas(t *testing.T) {
	t.Parallel()
	repo := repository(t)
	write(t, filepath.Join(repo, "a b", "c.txt"), "x")
	id := commit(t, repo, "second")
	m := mirror(t, repo)
	newest(t, m, true)
	for name, want := range map[string]bool{"index.html": true, "a b/c.txt": true, "none": false, "a b/none": false} {
		if got := m.Has(t.Context(), id, name); got != want {
			t.Errorf("Has(%q) = %v", name, got)
		}
	}
}

// The command of the hint mends what it is about, whichever folder this version of git means.
func TestARepositoryOfAnotherUser(t *testing.T) {
	repo := repository(t)
	t.Setenv("GIT_CONFIG_GLOBAL", filepath.Join(t.TempDir(), "gitconfig"))
	t.Setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
	_, err := source.Check(t.Context(), repo, "main")
	_, folder, found := strings.Cut(fault.HintOf(err), "another user: git config --global --add safe.directory ")
	if !found {
		t.Fatalf("%v (hint %q)", err, fault.HintOf(err))
	}
	git(t, repo, "config", "--global", "--add", "safe.directory", strings.Trim(folder, "'"))
	if _, err := source.Check(t.Context(), repo, "main"); err != nil {
		t.Errorf("with %s: %v", folder, err)
	}
}
