package server_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/pipeline"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/server"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/state"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/publish"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/template"
)

// start runs a server until the test ends, or until stop is called.
func start(t *testing.T, dir state.Dir) (h state.Holder, stop func()) {
	t.Helper()
	return startWith(t, server.Options{StateDir: string(dir)})
}

// get asks the server with a host name, and returns the status and the body.
func get(t *testing.T, h state.Holder, host, path string) (int, string) {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, strings.TrimSuffix(h.URL, "/")+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if host != "" {
		req.Host = host
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

// await asks until the answer is as wanted.
func await(t *testing.T, h state.Holder, host, path string, status int, part string) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for {
		got, body := get(t, h, host, path)
		if got == status && strings.Contains(body, part) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s%s: %d %q, want %d with %q", host, path, got, body, status, part)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// deploy writes a site as `publish` would before any deploy.
func deploy(t *testing.T, dir state.Dir, config site.Config, name string) state.Site {
	t.Helper()
	if config.RepoURL == "" {
		config.RepoURL, config.BranchName = "https://example.com/"+name+".git", "main"
	}
	if config.Routing == "" {
		config.Routing = site.RoutingStatic
	}
	project := site.New(t.TempDir(), config)
	in, err := template.For(project)
	if err != nil {
		t.Fatal(err)
	}
	rendered, err := template.Render(in)
	if err != nil {
		t.Fatal(err)
	}
	s := dir.Site(project.Name())
	if err := s.Create(); err != nil {
		t.Fatal(err)
	}
	if err := state.WriteFile(s.Template(), rendered); err != nil {
		t.Fatal(err)
	}
	save(t, s, &state.Deployed{Site: s.Name(), Repository: project.Repository, Branch: config.BranchName, Config: project.Config,
		Parameters: in.Parameters, DeployedAt: time.Now()})
	return s
}

func save(t *testing.T, s state.Site, d *state.Deployed) {
	t.Helper()
	if err := s.Save(d); err != nil {
		t.Fatal(err)
	}
}

// release publishes a page.
func release(t *testing.T, s state.Site, id, text string) {
	t.Helper()
	releaseFiles(t, s, id, map[string]string{"index.html": text})
}

// releaseFiles publishes files of one folder.
func releaseFiles(t *testing.T, s state.Site, id string, files map[string]string) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	d, err := s.Load()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pipeline.Publisher(s, d, "test").Publish(t.Context(), publish.Request{Dir: dir, ID: id}); err != nil {
		t.Fatal(err)
	}
}

func TestHostNames(t *testing.T) {
	t.Parallel()
	dir := state.Dir(t.TempDir())
	one := deploy(t, dir, site.Config{DomainName: "shop.example.com"}, "one")
	release(t, one, "r1", "this is one")
	h, _ := start(t, dir)
	for _, host := range []string{one.Name() + ".localhost", "SHOP.example.com.", "192.0.2.1:8080", "whatever.example", "localhost"} {
		if status, body := get(t, h, host, "/"); status != 200 || body != "this is one" {
			t.Errorf("one site, host %s: %d %q", host, status, body)
		}
	}

	two := deploy(t, dir, site.Config{}, "two")
	release(t, two, "r1", "this is two")
	await(t, h, two.Name()+".localhost", "/", 200, "this is two")
	tests := map[string]struct {
		host, path string
		status     int
		part       string
	}{
		"name":               {one.Name() + ".localhost:8080", "/", 200, "this is one"},
		"domain":             {"shop.example.com", "/", 200, "this is one"},
		"missing file":       {"shop.example.com", "/none.js", 404, ""},
		"unknown":            {"whatever.example", "/", 404, "No site here"},
		"index of all sites": {"localhost", "/", 200, `//` + two.Name() + ".localhost/"},
		"bare address":       {"", "/", 200, one.Name()},
		"path of the index":  {"127.0.0.1", "/x", 404, "No site here"},
		"no host":            {":80", "/", 404, "No site here"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			status, body := get(t, h, tc.host, tc.path)
			if status != tc.status || !strings.Contains(body, tc.part) {
				t.Errorf("%d %q, want %d with %q", status, body, tc.status, tc.part)
			}
			if tc.status == 404 && (strings.Contains(body, one.Name()) || strings.Contains(body, two.Name())) {
				t.Errorf("the answer tells of the sites: %q", body)
			}
		})
	}
}

func TestSitesComeChangeAndGo(t *testing.T) {
	t.Parallel()
	dir := state.Dir(t.TempDir())
	h, _ := start(t, dir)
	if status, _ := get(t, h, "", "/"); status != 404 {
		t.Errorf("without sites: %d", status)
	}
	s := deploy(t, dir, site.Config{}, "one")
	await(t, h, "", "/", 503, "") // the function's answer before the first release
	release(t, s, "r1", "first")
	if status, body := get(t, h, "", "/"); status != 200 || body != "first" {
		t.Errorf("right after the release: %d %q", status, body)
	}

	// A template that cannot be served leaves the old one in place; the next good one is taken up.
	good, err := os.ReadFile(s.Template())
	if err != nil {
		t.Fatal(err)
	}
	if err := state.WriteFile(s.Template(), []byte("Resources: [")); err != nil {
		t.Fatal(err)
	}
	d, _ := s.Load()
	save(t, s, d)
	other := deploy(t, dir, site.Config{}, "other") // taken up after the damage has been seen
	release(t, other, "r1", "other")
	await(t, h, other.Name()+".localhost", "/", 200, "other")
	if status, body := get(t, h, s.Name()+".localhost", "/"); status != 200 || body != "first" {
		t.Errorf("with a damaged template: %d %q", status, body)
	}
	changed := strings.Replace(string(good), "async function handler(event) {", "async function handler(event) {\n          if (event.request.uri === '/new') { return { statusCode: 418 }; }", 1)
	if changed == string(good) {
		t.Fatal("the template has no handler to change")
	}
	if err := state.WriteFile(s.Template(), []byte(changed)); err != nil {
		t.Fatal(err)
	}
	await(t, h, s.Name()+".localhost", "/new", 418, "")

	if err := os.Remove(s.File()); err != nil {
		t.Fatal(err)
	}
	await(t, h, s.Name()+".localhost", "/", 200, "other") // the one that is left answers to any name
}

func TestDamagedStateKeepsWhatIsLive(t *testing.T) {
	t.Parallel()
	dir := state.Dir(t.TempDir())
	s := deploy(t, dir, site.Config{}, "one")
	release(t, s, "r1", "first")
	h, stop := start(t, dir)
	await(t, h, "", "/", 200, "first")
	for _, file := range []string{s.KV(), s.File()} {
		good, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(`{"pa`), 0o600); err != nil {
			t.Fatal(err)
		}
		if status, body := get(t, h, "", "/"); status != 200 || body != "first" {
			t.Errorf("with a damaged %s: %d %q", filepath.Base(file), status, body)
		}
		if err := os.WriteFile(file, good, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	stop()
	if err := os.WriteFile(s.File(), []byte(`{"pa`), 0o600); err != nil {
		t.Fatal(err)
	}
	h, _ = start(t, dir)
	if status, body := get(t, h, "", "/"); status != 503 || !strings.Contains(body, "deploying the site again") {
		t.Errorf("started with a damaged site.json: %d %q", status, body)
	}
}

func TestSecondServer(t *testing.T) {
	t.Parallel()
	dir := state.Dir(t.TempDir())
	h, stop := start(t, dir)
	err := server.Run(t.Context(), server.Options{StateDir: string(dir), Listen: "127.0.0.1:0"})
	if err == nil || !strings.Contains(err.Error(), fmt.Sprint(os.Getpid())) || !strings.Contains(err.Error(), h.URL) || fault.HintOf(err) == "" {
		t.Errorf("second server: %v, want an error with process and address", err)
	}
	stop()
	start(t, dir) // what is left of the first one is in nobody's way
}

func TestPortInUse(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for address, kind := range map[string]fault.Kind{l.Addr().String(): fault.Other, "127.0.0.1:http:x": fault.Usage} {
		err = server.Run(t.Context(), server.Options{StateDir: t.TempDir(), Listen: address})
		if err == nil || !strings.Contains(err.Error(), address) || !strings.Contains(fault.HintOf(err), "--listen") || fault.KindOf(err) != kind {
			t.Errorf("Run = %v (hint %q, kind %v)", err, fault.HintOf(err), fault.KindOf(err))
		}
	}
}

func TestStop(t *testing.T) {
	t.Parallel()
	dir := state.Dir(t.TempDir())
	if stopped, err := server.Stop(t.Context(), string(dir)); stopped || err != nil {
		t.Errorf("Stop without a server = %v, %v", stopped, err)
	}
	// Draining would take longer than Stop waits: connections that nothing is asked on are not waited for.
	h, _ := startWith(t, server.Options{StateDir: string(dir), Listen: loopback(freePort(t)), Limits: server.Limits{DrainTimeout: 10 * time.Minute}})
	get(t, h, "", "/")
	if stopped, err := server.Stop(t.Context(), string(dir)); !stopped || err != nil {
		t.Fatalf("Stop = %v, %v", stopped, err)
	}
	if _, err := net.Dial("tcp", h.Listen); err == nil {
		t.Error("the server still listens")
	}
}

func TestLogsAreWritten(t *testing.T) {
	t.Parallel()
	dir := state.Dir(t.TempDir())
	s := deploy(t, dir, site.Config{}, "one")
	h, stop := start(t, dir)
	get(t, h, "", "/first\nsecond"[:6])
	stop()
	access, err := os.ReadFile(dir.AccessLog())
	if err != nil || !strings.Contains(string(access), `"site":"`+s.Name()+`"`) {
		t.Errorf("access log: %q %v", access, err)
	}
	if _, err := os.Stat(s.FunctionLog()); err != nil {
		t.Error(err)
	}
}

// repository makes a git repository with one commit on main.
func repository(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	git(t, dir, "init", "-q", "-b", "main")
	commit(t, dir, "first")
	return dir
}

func git(t *testing.T, dir string, args ...string) string {
	t.Helper()
	out, err := exec.Command("git", append([]string{"-C", dir}, args...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

func commit(t *testing.T, dir, text string) string {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, "index.html"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	git(t, dir, "add", "-A")
	git(t, dir, "commit", "-q", "-m", text)
	return git(t, dir, "rev-parse", "HEAD")
}

func TestCommitsGoLive(t *testing.T) {
	t.Parallel()
	repo := repository(t)
	dir := state.Dir(t.TempDir())
	s := deploy(t, dir, site.Config{RepoURL: repo, BranchName: "main"}, "")
	d, err := s.Load()
	if err != nil {
		t.Fatal(err)
	}
	d.Pipeline = true
	save(t, s, d)
	h, stop := start(t, dir)
	await(t, h, "", "/", 200, "first")

	begin := time.Now()
	commit(t, repo, "second")
	await(t, h, "", "/", 200, "second")
	t.Logf("commit → live: %s", time.Since(begin))

	git(t, repo, "reset", "-q", "--hard", "HEAD~1")
	await(t, h, "", "/", 200, "first")

	git(t, repo, "checkout", "-q", "-b", "side")
	commit(t, repo, "pushed")
	git(t, repo, "push", "-q", s.Source(), "side:main")
	await(t, h, "", "/", 200, "pushed")

	stop()
	git(t, repo, "checkout", "-q", "main")
	commit(t, repo, "while nobody served")
	h, _ = start(t, dir)
	await(t, h, "", "/", 200, "while nobody served")
	if _, err := os.Stat(s.SourceError()); err == nil {
		t.Error("an error of the source is told though there is none")
	}
}
