package localtarget_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/server"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/state"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/publish"
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
	os.Exit(m.Run())
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
	for k, v := range map[string]string{
		"HOME": t.TempDir(), "XDG_CONFIG_HOME": t.TempDir(), "GIT_CONFIG_GLOBAL": os.DevNull, "GIT_CONFIG_NOSYSTEM": "1",
		"GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@example.com", "GIT_COMMITTER_NAME": "A", "GIT_COMMITTER_EMAIL": "a@example.com",
		"TEST_AS_SERVER": "1",
	} {
		t.Setenv(k, v)
	}
	b := &bed{t: t, repo: t.TempDir(), state: filepath.Join(t.TempDir(), "state folder")}
	b.git("init", "-q", "-b", "main")
	b.write("cloudfront-hosting-toolkit/cloudfront-hosting-toolkit-config.json", `{"repoUrl":".","branchName":"main","routing":"static"}`)
	b.commit("first")
	t.Cleanup(func() {
		if err := server.Stop(context.Background(), b.state); err != nil {
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
	deadline := time.Now().Add(20 * time.Second)
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

func TestDeployInThisProcess(t *testing.T) {
	b := newBed(t)
	h := b.hosting("")
	if _, err := h.Show(t.Context()); fault.KindOf(err) != fault.NotDeployed {
		t.Errorf("Show before = %v", err)
	}
	if _, err := h.Execution(t.Context(), ""); fault.KindOf(err) != fault.NotDeployed {
		t.Errorf("Execution before = %v", err)
	}
	head := b.git("rev-parse", "HEAD")
	d, r := b.mustDeploy(here)
	if d.Execution.Status != hosting.Succeeded || d.Execution.Revision != head || d.Release != head || d.Serving {
		t.Errorf("deployed = %+v", d)
	}
	if got := strings.Join(r.steps, " "); got != "Check Source Build Release" {
		t.Errorf("steps = %s", got)
	}
	if len(r.warns) > 0 {
		t.Errorf("warnings: %q", r.warns)
	}
	info, err := h.Show(t.Context())
	if err != nil || info.Release != head || info.Releases != 1 || info.Bytes != 5 || info.Source.Branch != "main" || info.PushURL == "" ||
		len(info.Differs) > 0 || !strings.HasSuffix(info.URL, ".localhost:8080/") {
		t.Errorf("Show = %+v, %v", info, err)
	}
	e, err := h.Execution(t.Context(), "")
	if err != nil || e.ID != d.Execution.ID {
		t.Errorf("Execution = %+v, %v", e, err)
	}
	for _, follow := range []bool{false, true} {
		var log bytes.Buffer
		if err := h.Logs(t.Context(), "", follow, &log); err != nil || log.String() != r.out.String() || !strings.Contains(log.String(), head) {
			t.Errorf("Logs = %v %q, deploy had %q", err, log.String(), r.out.String())
		}
	}
	if _, err := h.Execution(t.Context(), "nope"); fault.KindOf(err) != fault.Usage {
		t.Errorf("Execution(nope) = %v", err)
	}

	// The same commit again is the same release; the changed function is told and deployed.
	b.write("cloudfront-hosting-toolkit/cloudfront-hosting-toolkit-cff.js", "async function handler(event) { return event.request; }\n")
	if info, err := h.Show(t.Context()); err != nil || strings.Join(info.Differs, " ") != "function" {
		t.Errorf("Differs = %v, %v", info.Differs, err)
	}
	d, r = b.mustDeploy(here)
	if d.Release != head || !r.warned("the function has changed") || len(d.Differs) > 0 {
		t.Errorf("second deploy: %+v, warnings %q", d, r.warns)
	}
}

func TestDeployInTheBackground(t *testing.T) {
	b := newBed(t)
	d, r := b.mustDeploy(hosting.DeployOptions{})
	if got := strings.Join(r.steps, " "); got != "Check Server Source Build Release Live" {
		t.Errorf("steps = %s", got)
	}
	if !d.Serving {
		t.Errorf("deployed = %+v, want it to be served", d)
	}
	await(t, d.URL, "first")
	begin := time.Now()
	b.commit("second")
	await(t, d.URL, "second")
	t.Logf("commit → live: %s", time.Since(begin))

	again, _ := b.mustDeploy(hosting.DeployOptions{})
	if again.URL != d.URL || again.Execution.ID <= d.Execution.ID {
		t.Errorf("second deploy = %+v", again)
	}
	waitless, _ := b.mustDeploy(hosting.DeployOptions{NoWait: true})
	var log bytes.Buffer
	if err := b.hosting("").Logs(t.Context(), waitless.Execution.ID, true, &log); err != nil || log.Len() == 0 {
		t.Errorf("logs --follow: %v %q", err, log.String())
	}
	// --no-serve leaves the work to the server that runs.
	there, _ := b.mustDeploy(here)
	if !there.Serving || there.Execution.Status != hosting.Succeeded {
		t.Errorf("deploy --no-serve beside a server = %+v", there)
	}

	removed, err := b.hosting("").Delete(t.Context(), &report{})
	if err != nil || len(removed.Removed) != 1 || !strings.Contains(strings.Join(removed.Left, "\n"), "serve --stop") {
		t.Fatalf("Delete = %+v, %v", removed, err)
	}
	if _, err := os.Stat(filepath.Join(b.repo, "index.html")); err != nil {
		t.Errorf("the project was touched: %v", err)
	}
	if _, err := b.hosting("").Delete(t.Context(), &report{}); fault.KindOf(err) != fault.NotDeployed {
		t.Errorf("second Delete = %v", err)
	}
	b.mustDeploy(hosting.DeployOptions{})
	await(t, d.URL, "second")
	if err := server.Stop(t.Context(), b.state); err != nil {
		t.Fatal(err)
	}
	// The next server has the same address.
	d2, _ := b.mustDeploy(hosting.DeployOptions{})
	_ = d2
}

func TestDefect29_AFailedBuildIsAnErrorThatNamesItsStage(t *testing.T) {
	b := newBed(t)
	b.mustDeploy(here)
	live := b.git("rev-parse", "HEAD")
	b.write(buildFile, build("echo no way; exit 3"))
	b.commit("broken")
	d, r, err := b.deploy(here)
	if fault.KindOf(err) != fault.Failed || !strings.Contains(err.Error(), "failed in stage Build") || !strings.Contains(fault.HintOf(err), "logs") {
		t.Errorf("error = %v (hint %q)", err, fault.HintOf(err))
	}
	if d.Execution.Status != hosting.Failed || d.Release != live || !strings.Contains(r.out.String(), "no way") {
		t.Errorf("deployed = %+v, output %q", d, r.out.String())
	}
	// A build that makes nothing: the release stage never sees a folder.
	b.write(buildFile, build("mkdir out"))
	b.commit("empty")
	if d, _, err = b.deploy(here); fault.KindOf(err) != fault.Failed || d.Release != live {
		t.Errorf("empty output: %v, live %s", err, d.Release)
	}
	b.write(buildFile, build("mkdir out && cp index.html out/"))
	want := b.commit("good")
	if d, _ := b.mustDeploy(here); d.Release != want {
		t.Errorf("live = %s, want %s", d.Release, want)
	}
}

func TestABuildFileThatIsNotCommittedIsUsedWithANotice(t *testing.T) {
	b := newBed(t)
	b.write(buildFile, build("mkdir out && echo built > out/index.html"))
	d, r := b.mustDeploy(here)
	if !r.warned("has no "+buildFile) || !strings.Contains(r.out.String(), "the copy from the last deploy is used") {
		t.Errorf("warnings %q, output %q", r.warns, r.out.String())
	}
	if r.warned("not committed; only") {
		t.Errorf("the toolkit's own files count as changes: %q", r.warns)
	}
	if d.Bytes != 6 {
		t.Errorf("the build file was not used: %+v", d)
	}
	b.write("new.html", "x")
	if _, r := b.mustDeploy(here); !r.warned("changes that are not committed") {
		t.Errorf("warnings = %q", r.warns)
	}
}

func TestWhatIsWrongIsFoundBeforeAnythingIsWritten(t *testing.T) {
	folder := "cloudfront-hosting-toolkit/cloudfront-hosting-toolkit-"
	tests := map[string]struct{ file, text, want string }{
		"branch":    {folder + "config.json", `{"repoUrl":".","branchName":"none"}`, `no branch "none"; it has main`},
		"function":  {folder + "cff.js", "function handler(event) {\n  return event.\n}", "3"},
		"buildspec": {folder + "build.yml", "version: 0.2\nphases: [", "build.yml"},
		"bucket":    {folder + "config.json", `{"s3bucket":"a-bucket"}`, "git repository"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			b := newBed(t)
			b.write(tc.file, tc.text)
			_, _, err := b.deploy(hosting.DeployOptions{})
			if fault.KindOf(err) != fault.Usage || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error = %v, want a fault.Usage with %q", err, tc.want)
			}
			if _, err := os.Stat(b.state); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the state folder was made: %v", err)
			}
		})
	}
}

func TestPortInUse(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	b := newBed(t)
	dir := state.Dir(b.state)

	_, err = b.hosting(taken.Addr().String()).Deploy(t.Context(), hosting.DeployOptions{}, &report{})
	if err == nil || !strings.Contains(err.Error(), taken.Addr().String()) || !strings.Contains(fault.HintOf(err), "serve.log") {
		t.Errorf("deploy with an address that is taken = %v (hint %q)", err, fault.HintOf(err))
	}
	if _, err := b.hosting("").Show(t.Context()); fault.KindOf(err) != fault.NotDeployed {
		t.Errorf("something was deployed: %v", err)
	}

	// An address that nobody asked for gives way.
	if err := dir.SaveHolder(state.Holder{PID: 1, Command: "serve", Listen: taken.Addr().String(), URL: "http://x/"}); err != nil {
		t.Fatal(err)
	}
	r := &report{}
	d, err := b.hosting(server.DefaultListen).Deploy(t.Context(), hosting.DeployOptions{}, r)
	if err != nil || !r.warned("is in use") {
		t.Fatalf("deploy = %v, warnings %q", err, r.warns)
	}
	await(t, d.URL, "first")

	// The next server takes the same address.
	if err := server.Stop(t.Context(), b.state); err != nil {
		t.Fatal(err)
	}
	again, err := b.hosting(server.DefaultListen).Deploy(t.Context(), hosting.DeployOptions{}, &report{})
	if err != nil || again.URL != d.URL {
		t.Errorf("after a restart: %s, want %s; %v", again.URL, d.URL, err)
	}
}

func TestInterruptedDeployGoesOnInTheServer(t *testing.T) {
	b := newBed(t)
	gate := filepath.Join(t.TempDir(), "gate")
	b.write(buildFile, build("while [ ! -e '"+gate+"' ]; do sleep 0.02; done; mkdir out; cp index.html out/"))
	b.commit("slow")
	ctx, cancel := context.WithCancel(t.Context())
	r := &report{onStep: func(name string) {
		if name == hosting.StageBuild {
			cancel()
		}
	}}
	d, err := b.hosting("127.0.0.1:0").Deploy(ctx, hosting.DeployOptions{}, r)
	if !errors.Is(err, context.Canceled) || !strings.Contains(fault.HintOf(err), "logs --follow") {
		t.Fatalf("deploy = %v (hint %q)", err, fault.HintOf(err))
	}
	if e, err := b.hosting("").Execution(t.Context(), d.Execution.ID); err != nil || e.Status != hosting.InProgress {
		t.Errorf("execution = %+v, %v", e, err)
	}
	if err := os.WriteFile(gate, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	await(t, d.URL, "slow")
}

func TestDeleteEndsARunningBuild(t *testing.T) {
	b := newBed(t)
	b.write(buildFile, build("sleep 300"))
	b.commit("endless")
	building := make(chan struct{})
	r := &report{onStep: func(name string) {
		if name == hosting.StageBuild {
			close(building)
		}
	}}
	done := make(chan error, 1)
	go func() {
		_, err := b.hosting("127.0.0.1:0").Deploy(t.Context(), hosting.DeployOptions{}, r)
		done <- err
	}()
	<-building
	if _, err := b.hosting("").Delete(t.Context(), &report{}); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err == nil {
		t.Error("the deployment of a deleted site succeeded")
	}
	if names, err := os.ReadDir(filepath.Join(b.state, "sites")); err != nil || len(names) != 0 {
		t.Errorf("left: %v %v", names, err)
	}
}

func TestPublishBeforeAnyDeploy(t *testing.T) {
	b := newBed(t)
	h := b.hosting("127.0.0.1:0")
	p, err := h.Publisher(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "index.html"), []byte("by hand"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Publish(t.Context(), publish.Request{Dir: dir, ID: "hand-1"}); err != nil {
		t.Fatal(err)
	}
	info, err := h.Show(t.Context())
	if err != nil || info.Release != "hand-1" || info.PushURL != "" {
		t.Errorf("Show = %+v, %v", info, err)
	}
	if _, err := h.Execution(t.Context(), ""); fault.KindOf(err) != fault.NotDeployed {
		t.Errorf("Execution = %v", err)
	}
	d, _ := b.mustDeploy(hosting.DeployOptions{})
	await(t, d.URL, "first")
}
