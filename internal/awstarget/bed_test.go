package awstarget_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/double"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
)

func TestMain(m *testing.M) {
	if double.IsProgram() {
		return
	}
	os.Exit(runIn(m))
}

// shared is the folder for what all tests of a run use and none changes.
var shared string

// runIn runs the tests, with a folder for what they share.
func runIn(m *testing.M) int {
	debug.SetGCPercent(400) // each test makes a whole account, and drops it: a fifth of the time went into collecting them
	var err error
	if shared, err = os.MkdirTemp("", "awstarget-test-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(shared) }()
	return m.Run()
}

// toolkit is the program that a plain build uploads, releaseStep the one that a released build carries; each is built once,
// and shares what make cross and make plain compile. launcher is a short program that runs releaseStep.
var (
	toolkit     = sync.OnceValues(func() (string, error) { return build("cloudfront-hosting-toolkit") })
	releaseStep = sync.OnceValues(func() (string, error) { return build("release-step") })
	launcher    = sync.OnceValues(func() (string, error) {
		program, err := releaseStep()
		file := filepath.Join(shared, "launcher")
		return file, errors.Join(err, os.WriteFile(file, []byte("#!/bin/sh\nexec '"+program+"' \"$@\"\n"), 0o755))
	})
)

func build(command string) (string, error) {
	file := filepath.Join(shared, command)
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", file, "../../cmd/"+command)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return file, nil
}

// firstCommit is a folder with the project that every bed begins with, committed once.
var firstCommit = sync.OnceValues(func() (string, error) {
	dir := filepath.Join(shared, "hello")
	for name, text := range map[string]string{
		site.Folder + "/" + site.ConfigFile: `{"repoUrl": "https://github.com/Alice/hello.git", "branchName": "main", "routing": "spa", "target": "aws"}`,
		site.Folder + "/" + site.BuildFile:  "version: 0.2\nphases:\n  build:\n    commands:\n      - mkdir dist && cp -r src/. dist\n      - echo built it\nartifacts:\n  base-directory: dist\n  files: ['**/*']\n",
	} {
		if err := write(dir, name, text); err != nil {
			return "", err
		}
	}
	_, err := git(dir, "init", "-q", "-b", "main", "--template=")
	if err == nil {
		_, err = commit(dir, "one")
	}
	return dir, err
})

// bed is a project with its repository at a Git host, and an AWS account to deploy it to.
type bed struct {
	t       *testing.T
	account *double.Account
	site    *site.Site
	opts    awstarget.Options
	repo    string
}

// newBed makes one. With whole, deployments upload the toolkit itself, as a plain build does; otherwise a few bytes that run
// the program which a released build carries.
func newBed(t *testing.T, whole bool) *bed {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("the release step runs on Linux")
	}
	b := &bed{t: t, account: double.New(t), repo: filepath.Join(t.TempDir(), "hello")}
	for name, value := range b.account.Environment() {
		t.Setenv(name, value)
	}
	program := launcher
	if whole {
		program = toolkit
	}
	executable, err := program()
	if err != nil {
		t.Fatal(err)
	}
	project, err := firstCommit()
	if err == nil {
		err = os.CopyFS(b.repo, os.DirFS(project))
	}
	if err != nil {
		t.Fatal(err)
	}
	b.opts = awstarget.Options{Executable: executable, Version: "test", Pace: time.Millisecond, HTTP: b.account.Client()}
	b.account.Repositories["Alice/hello"] = b.repo
	b.load()
	return b
}

func (b *bed) load() {
	b.t.Helper()
	s, err := site.Load(b.repo)
	if err != nil {
		b.t.Fatal(err)
	}
	b.site = s
}

func (b *bed) hosting() *awstarget.Hosting { return awstarget.New(b.site, b.opts) }

func (b *bed) write(name, text string) {
	b.t.Helper()
	if err := write(b.repo, name, text); err != nil {
		b.t.Fatal(err)
	}
}

func write(dir, name, text string) error {
	file := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, []byte(text), 0o644)
}

func (b *bed) git(args ...string) string {
	b.t.Helper()
	out, err := git(b.repo, args...)
	if err != nil {
		b.t.Fatal(err)
	}
	return out
}

func git(dir string, args ...string) (string, error) {
	cmd := exec.Command("git", append([]string{"-C", dir, "-c", "user.name=Alice", "-c", "user.email=alice@example.com", "-c", "commit.gpgsign=false"}, args...)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("git %v: %w\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out)), nil
}

// commit makes a version of the site, and returns its commit id.
func (b *bed) commit(version string) string {
	b.t.Helper()
	id, err := commit(b.repo, version)
	if err != nil {
		b.t.Fatal(err)
	}
	return id
}

func commit(dir, version string) (string, error) {
	err := errors.Join(write(dir, "src/index.html", "<title>version "+version+"</title>"), write(dir, "src/assets/app.js", "// version "+version))
	for _, args := range [][]string{{"add", "-A"}, {"commit", "-q", "-m", "Version " + version + "\n\nwith a \"quoted\" body"}} {
		if err == nil {
			_, err = git(dir, args...)
		}
	}
	if err != nil {
		return "", err
	}
	return git(dir, "rev-parse", "HEAD")
}

// get asks the site, and returns the status and the body.
func (b *bed) get(url string) (int, string) {
	b.t.Helper()
	res, err := b.account.Client().Get(url)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

// recorder is a reporter that remembers.
type recorder struct {
	mu       sync.Mutex
	text     bytes.Buffer
	steps    []string
	warnings []string
	asked    []string
	// yes is the answer to questions; refuse is the error instead of one.
	yes    bool
	refuse error
	// told is called with each detail; it may be nil.
	told func(detail string)
}

var _ hosting.Reporter = (*recorder)(nil)

func (r *recorder) line(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fmt.Fprintf(&r.text, format+"\n", args...)
}

func (r *recorder) Step(name string) {
	r.line("== %s", name)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.steps = append(r.steps, name)
}

func (r *recorder) Detail(format string, args ...any) {
	r.line("   "+format, args...)
	if r.told != nil {
		r.told(fmt.Sprintf(format, args...))
	}
}

func (r *recorder) Warn(format string, args ...any) {
	r.line("!! "+format, args...)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.warnings = append(r.warnings, fmt.Sprintf(format, args...))
}

func (r *recorder) Output() io.Writer { return r }

func (r *recorder) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(p)
}

func (r *recorder) Confirm(question string) (bool, error) {
	r.line("?? %s", question)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked = append(r.asked, question)
	return r.yes, r.refuse
}

func (r *recorder) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}

// deploy deploys, and shows what was reported if it fails and must not.
func (b *bed) deploy(r *recorder) (hosting.Deployed, error) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), 2*time.Minute)
	defer cancel()
	return b.hosting().Deploy(ctx, hosting.DeployOptions{}, r)
}
