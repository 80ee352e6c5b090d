package awstarget_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/double"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/double/s3server"
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

// beside is how many tests run at once for each processor: they wait for programs and connections more than they compute.
const beside = 3

// runIn runs the tests, with a folder for what they share, and nothing of the machine's own AWS configuration.
func runIn(m *testing.M) int {
	flag.Parse()
	if f := flag.Lookup("test.parallel"); f.Value.String() == f.DefValue {
		_ = f.Value.Set(strconv.Itoa(beside * runtime.GOMAXPROCS(0)))
	}
	debug.SetGCPercent(400) // each test makes a whole account, and drops it: a fifth of the time went into collecting them
	var err error
	if shared, err = os.MkdirTemp("", "awstarget-test-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(shared) }()
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); strings.HasPrefix(name, "AWS_") {
			_ = os.Unsetenv(name)
		}
	}
	for name, value := range map[string]string{
		"AWS_CONFIG_FILE": filepath.Join(shared, "aws-config"), "AWS_SHARED_CREDENTIALS_FILE": os.DevNull, "AWS_EC2_METADATA_DISABLED": "true",
	} {
		if err := os.Setenv(name, value); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
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

// profiles is the AWS configuration file of this process: a profile for each bed, by its name.
type profiles struct {
	mu  sync.Mutex
	all map[string]map[string]string
}

var configured = profiles{all: map[string]map[string]string{}}

// set makes a profile what the settings say, or removes it if there are none.
func (p *profiles) set(name string, settings map[string]string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.all[name] = settings
	if settings == nil {
		delete(p.all, name)
	}
	var text strings.Builder
	for name, settings := range p.all {
		fmt.Fprintf(&text, "[profile %s]\n", name)
		for key, value := range settings {
			fmt.Fprintf(&text, "%s = %s\n", key, value)
		}
	}
	// Beds beside this one read the file meanwhile.
	file := os.Getenv("AWS_CONFIG_FILE")
	return errors.Join(os.WriteFile(file+".new", []byte(text.String()), 0o600), os.Rename(file+".new", file))
}

// bed is a project with its repository at a Git host, and an AWS account to deploy it to.
type bed struct {
	t       *testing.T
	account *double.Account
	site    *site.Site
	opts    awstarget.Options
	repo    string
	// profile is the bed's profile of the AWS configuration; nil for a bed that is alone.
	profile map[string]string
}

// newBed makes one, in a test that runs beside others from here on: a profile leads to the account. With whole, deployments
// upload the toolkit itself, as a plain build does; otherwise a few bytes that run the program which a released build carries.
func newBed(t *testing.T, whole bool) *bed {
	t.Helper()
	t.Parallel()
	b := makeBed(t, whole)
	b.profile = map[string]string{
		"endpoint_url": b.account.URL(), "region": double.Region, "aws_access_key_id": s3server.AccessKey, "aws_secret_access_key": s3server.SecretKey,
	}
	b.opts.Profile = "bed-" + b.account.URL()[strings.LastIndexByte(b.account.URL(), ':')+1:]
	b.set("max_attempts", "")
	t.Cleanup(func() {
		if err := configured.set(b.opts.Profile, nil); err != nil {
			t.Error(err)
		}
	})
	return b
}

// loneBed makes one in a test that runs alone, since the process's environment leads to the account, and is the test's to change.
func loneBed(t *testing.T) *bed {
	t.Helper()
	b := makeBed(t, false)
	for name, value := range b.account.Environment() {
		t.Setenv(name, value)
	}
	return b
}

// bedFor makes a bed of either kind.
func bedFor(t *testing.T, alone bool) *bed {
	t.Helper()
	if alone {
		return loneBed(t)
	}
	return newBed(t, false)
}

// set changes a setting of the bed's profile; an empty one is removed.
func (b *bed) set(name, value string) {
	b.t.Helper()
	if b.profile[name] = value; value == "" {
		delete(b.profile, name)
	}
	if err := configured.set(b.opts.Profile, b.profile); err != nil {
		b.t.Fatal(err)
	}
}

// command is a program with an environment that leads to the account.
func (b *bed) command(program string, args ...string) *exec.Cmd {
	cmd := exec.Command(program, args...)
	cmd.Env = os.Environ()
	for name, value := range b.account.Environment() {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	return cmd
}

func makeBed(t *testing.T, whole bool) *bed {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("the release step runs on Linux")
	}
	b := &bed{t: t, account: double.New(t), repo: filepath.Join(t.TempDir(), "hello")}
	program := launcher
	if whole {
		program = toolkit
	}
	executable, err := program()
	if err != nil {
		t.Fatal(err)
	}
	project, err := firstCommit()
	for _, folder := range []string{site.Folder, "src"} {
		if err == nil {
			err = os.CopyFS(filepath.Join(b.repo, folder), os.DirFS(filepath.Join(project, folder)))
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	b.opts = awstarget.Options{Executable: executable, Version: "test", Pace: time.Millisecond, HTTP: b.account.Client()}
	b.account.Repositories["Alice/hello"] = project
	if whole {
		b.ownRepository()
	}
	b.load()
	return b
}

// ownRepository gives the bed a repository of its own. Until it needs one, the Git host has the one with the first commit that
// all beds share: copying it takes longer than most of what a test does.
func (b *bed) ownRepository() {
	b.t.Helper()
	project, err := firstCommit()
	if _, none := os.Stat(filepath.Join(b.repo, ".git")); none != nil && err == nil {
		err = os.CopyFS(filepath.Join(b.repo, ".git"), os.DirFS(filepath.Join(project, ".git")))
	}
	if err != nil {
		b.t.Fatal(err)
	}
	b.account.Do(func() { b.account.Repositories["Alice/hello"] = b.repo })
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
	b.ownRepository()
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
	b.ownRepository()
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

// deploy deploys, and shows what was reported if it fails and must not.
func (b *bed) deploy(r *recorder) (hosting.Deployed, error) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), 2*time.Minute)
	defer cancel()
	return b.hosting().Deploy(ctx, hosting.DeployOptions{}, r)
}
