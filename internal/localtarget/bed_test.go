package localtarget_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/server"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
)

// TestMain lets the test binary stand in for the tool: Deploy starts it as its server.
func TestMain(m *testing.M) {
	if os.Getenv("TEST_AS_SERVER") == "1" && len(os.Args) == 6 && os.Args[3] == "serve" {
		log := slog.New(slog.NewTextHandler(os.Stderr, nil))
		if err := server.Run(context.Background(), server.Options{StateDir: os.Args[2], Listen: os.Args[5], Version: "test", Log: log}); err != nil {
			fmt.Fprintln(os.Stderr, "Error:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	// Servers and git know nothing of the user's settings.
	home, err := os.MkdirTemp("", "home")
	if err != nil {
		panic(err)
	}
	for k, v := range map[string]string{
		"HOME": home, "XDG_CONFIG_HOME": home, "GIT_CONFIG_GLOBAL": os.DevNull, "GIT_CONFIG_NOSYSTEM": "1",
		"GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@example.com", "GIT_COMMITTER_NAME": "A", "GIT_COMMITTER_EMAIL": "a@example.com",
		"TEST_AS_SERVER": "1",
	} {
		if err := os.Setenv(k, v); err != nil {
			panic(err)
		}
	}
	// The tests wait for servers most of the time. What -parallel says counts more.
	if err := flag.Set("test.parallel", strconv.Itoa(3*runtime.GOMAXPROCS(0))); err != nil {
		panic(err)
	}
	code := m.Run()
	_ = os.RemoveAll(home)
	os.Exit(code)
}

// report is a Reporter that remembers.
type report struct {
	mu    sync.Mutex
	steps []string
	warns []string
	out   bytes.Buffer
	// onStep is called at each step.
	onStep func(name string)
}

func (r *report) Step(name string) {
	r.mu.Lock()
	r.steps = append(r.steps, name)
	r.mu.Unlock()
	if r.onStep != nil {
		r.onStep(name)
	}
}
func (r *report) Detail(string, ...any)        {}
func (r *report) Output() io.Writer            { return &r.out }
func (r *report) Confirm(string) (bool, error) { return false, errors.New("asked") }
func (r *report) Warn(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.warns = append(r.warns, fmt.Sprintf(format, args...))
}

func (r *report) warned(part string) bool {
	return strings.Contains(strings.Join(r.warns, "\n"), part)
}

// bed is a project in a repository, and a state folder.
type bed struct {
	t     *testing.T
	repo  string
	state string
}

func newBed(t *testing.T) *bed {
	t.Helper()
	b := &bed{t: t, repo: t.TempDir(), state: filepath.Join(t.TempDir(), "state folder")}
	b.git("init", "-q", "-b", "main")
	b.write("cloudfront-hosting-toolkit/cloudfront-hosting-toolkit-config.json", `{"repoUrl":".","branchName":"main","routing":"static"}`)
	b.commit("first")
	t.Cleanup(func() {
		if _, err := server.Stop(context.Background(), b.state); err != nil {
			t.Error(err)
		}
	})
	return b
}

func (b *bed) git(args ...string) string {
	b.t.Helper()
	out, err := exec.Command("git", append([]string{"-C", b.repo}, args...)...).CombinedOutput()
	if err != nil {
		b.t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

func (b *bed) write(name, text string) {
	b.t.Helper()
	name = filepath.Join(b.repo, filepath.FromSlash(name))
	if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte(text), 0o644)); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bed) commit(text string) string {
	b.t.Helper()
	b.write("index.html", text)
	b.git("add", "-A")
	b.git("commit", "-q", "-m", text)
	return b.git("rev-parse", "HEAD")
}

const buildFile = "cloudfront-hosting-toolkit/cloudfront-hosting-toolkit-build.yml"

// build is a build file that runs one command and publishes the folder out.
func build(command string) string {
	return "version: 0.2\nphases:\n  build:\n    commands:\n      - " + command + "\nartifacts:\n  base-directory: out\n  files: ['**/*']\n"
}

// hosting opens the project as a command would.
func (b *bed) hosting(listen string) *localtarget.Hosting {
	b.t.Helper()
	s, err := site.Load(b.repo)
	if err != nil {
		b.t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		b.t.Fatal(err)
	}
	return localtarget.New(b.state, s, localtarget.Options{Executable: self, Version: "test", Listen: listen})
}

// site is the name of the site.
func (b *bed) site() string {
	b.t.Helper()
	s, err := site.Load(b.repo)
	if err != nil {
		b.t.Fatal(err)
	}
	return s.Name()
}

func (b *bed) deploy(opts hosting.DeployOptions) (hosting.Deployed, *report, error) {
	b.t.Helper()
	r := &report{}
	d, err := b.hosting("127.0.0.1:0").Deploy(b.t.Context(), opts, r)
	return d, r, err
}

func (b *bed) mustDeploy(opts hosting.DeployOptions) (hosting.Deployed, *report) {
	b.t.Helper()
	d, r, err := b.deploy(opts)
	if err != nil {
		b.t.Fatalf("deploy: %v\n%s", err, r.out.String())
	}
	return d, r
}

var here = hosting.DeployOptions{NoServe: true}

// get asks a URL of the local server; *.localhost is not resolved, since not every system can.
func get(t *testing.T, url string) (int, string) {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		_, port, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		return new(net.Dialer).DialContext(ctx, network, "127.0.0.1:"+port)
	}}}
	res, err := client.Get(url)
	if err != nil {
		return 0, err.Error()
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

func await(t *testing.T, url, want string) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for {
		status, body := get(t, url)
		if status == 200 && body == want {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: %d %q, want %q", url, status, body, want)
		}
		time.Sleep(5 * time.Millisecond)
	}
}
