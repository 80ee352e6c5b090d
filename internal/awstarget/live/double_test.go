//go:build !aws

package live

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/account"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/double"
)

// What the double has no answer to is asked of AWS only.
var (
	hostingFactsOfAWS  map[string]func(*testing.T, *hosting)
	pipelineFactsOfAWS map[string]func(*testing.T, *pipeline)
)

func TestMain(m *testing.M) {
	if double.IsProgram() {
		return
	}
	os.Exit(m.Run())
}

// open makes a double, with a repository and the release step's program.
func open(t *testing.T) *world {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("the release step runs on Linux")
	}
	d := double.New(t)
	d.CompleteNew(1)
	for name, value := range d.Environment() {
		t.Setenv(name, value)
	}
	a, err := account.Open(t.Context(), account.Options{})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{account: a, viewer: d.Client(), pace: 2 * time.Millisecond, repository: "https://github.com/alice/live.git", zone: "example.com", resolver: d.Resolver()}
	d.AddZone(w.zone, false)
	repository := filepath.Join(t.TempDir(), "live")
	d.Repositories["alice/live"] = repository
	commit := func(n int) string {
		err := errors.Join(os.MkdirAll(repository, 0o755),
			os.WriteFile(filepath.Join(repository, "index.html"), fmt.Appendf(nil, "<title>version %d</title>", n), 0o644))
		if err != nil {
			t.Fatal(err)
		}
		git(t, repository, "init", "-q", "-b", "main")
		git(t, repository, "add", "-A")
		git(t, repository, "commit", "-q", "-m", fmt.Sprintf("Version %d", n))
		return git(t, repository, "rev-parse", "HEAD")
	}
	commit(1)
	w.program = func() string { return build(t) }
	w.push = func() string {
		id := commit(2)
		d.Push("alice/live")
		return id
	}
	return w
}

// build makes the program that the release step runs.
func build(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "release-step")
	cmd := exec.Command("go", "build", "-ldflags", "-s -w", "-o", file, "../../../cmd/release-step")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return file
}

func git(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", append([]string{"-C", dir, "-c", "user.name=Alice", "-c", "user.email=alice@example.com", "-c", "commit.gpgsign=false"}, args...)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}
