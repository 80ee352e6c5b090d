package localtarget_test

import (
	"context"
	"errors"
	"net"
	"os"
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
)

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
	if _, err := server.Stop(t.Context(), b.state); err != nil {
		t.Fatal(err)
	}
	again, err := b.hosting(server.DefaultListen).Deploy(t.Context(), hosting.DeployOptions{}, &report{})
	if err != nil || again.URL != d.URL {
		t.Errorf("after a restart: %s, want %s; %v", again.URL, d.URL, err)
	}
}

func TestInterruptedDeployGoesOnInTheServer(t *testing.T) {
	t.Parallel()
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
	t.Parallel()
	b := newBed(t)
	h, _, done := b.building()
	if _, err := h.Delete(t.Context(), hosting.DeleteOptions{}, &report{}); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err == nil || !strings.Contains(err.Error(), "was deleted while execution") {
		t.Errorf("the deployment of a deleted site ended with %v", err)
	}
	if names, err := os.ReadDir(filepath.Join(b.state, "sites")); err != nil || len(names) != 0 {
		t.Errorf("left: %v %v", names, err)
	}
}

func TestPublishBeforeAnyDeploy(t *testing.T) {
	t.Parallel()
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

// building starts a deployment whose build waits for the gate, and returns when it does.
func (b *bed) building() (h *localtarget.Hosting, open func(), done <-chan error) {
	b.t.Helper()
	gate := filepath.Join(b.t.TempDir(), "gate")
	b.write(buildFile, build("while [ ! -e '"+gate+"' ]; do sleep 0.02; done; mkdir out; cp index.html out/"))
	b.commit("gated")
	begun, ended := make(chan struct{}), make(chan error, 1)
	h = b.hosting("127.0.0.1:0")
	go func() {
		once := sync.OnceFunc(func() { close(begun) })
		_, err := h.Deploy(b.t.Context(), hosting.DeployOptions{}, &report{onStep: func(name string) {
			if name == hosting.StageBuild {
				once()
			}
		}})
		ended <- err
	}()
	<-begun
	return h, func() {
		if err := os.WriteFile(gate, nil, 0o600); err != nil {
			b.t.Error(err)
		}
	}, ended
}

// awaitExecution waits until the newest execution is as wanted.
func (b *bed) awaitExecution(ok func(hosting.Execution) bool) hosting.Execution {
	b.t.Helper()
	h := b.hosting("")
	deadline := time.Now().Add(time.Minute)
	for {
		e, err := h.Execution(b.t.Context(), "")
		if err == nil && ok(e) {
			return e
		}
		if time.Now().After(deadline) {
			b.t.Fatalf("the newest execution is %+v, %v", e, err)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func TestASupersededDeployFollowsTheNewerCommit(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	_, open, first := b.building()
	running := b.awaitExecution(func(hosting.Execution) bool { return true })
	r := &report{}
	b.commit("second")
	second := b.deploying(r)
	// It waits for the build of the first one, until the next commit takes its place.
	b.awaitRequest(running.ID)
	want := b.commit("newest")
	b.awaitExecution(func(e hosting.Execution) bool {
		return e.Revision == want && e.Stages[0].Status == hosting.Succeeded
	})
	open()
	if err := <-first; err != nil {
		t.Error(err)
	}
	got := <-second
	if got.err != nil || got.d.Execution.Revision != want || got.d.Release != want || !r.warned("a newer commit took the place") {
		t.Errorf("deploy = %+v, %v, warnings %q", got.d, got.err, r.warns)
	}
}

func TestDeployEndsWithTheServer(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	h, _, done := b.building()
	if _, err := server.Stop(t.Context(), b.state); err != nil {
		t.Fatal(err)
	}
	if err := <-done; fault.KindOf(err) != fault.Failed || !strings.Contains(err.Error(), "was stopped in stage Build") {
		t.Errorf("deploy = %v", err)
	}
	e, err := h.Execution(t.Context(), "")
	if err != nil || e.Status != hosting.Stopped {
		t.Errorf("execution = %+v, %v", e, err)
	}
}

func TestShowTellsThatTheRepositoryCannotBeRead(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.mustDeploy(hosting.DeployOptions{})
	h := b.hosting("")
	awaitInfo := func(what string, ok func(hosting.Info) bool) {
		t.Helper()
		deadline := time.Now().Add(time.Minute)
		for {
			info, err := h.Show(t.Context())
			if err == nil && ok(info) {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("%s: %+v, %v", what, info, err)
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
	if err := os.Rename(filepath.Join(b.repo, ".git"), filepath.Join(b.repo, "away")); err != nil {
		t.Fatal(err)
	}
	awaitInfo("without repository", func(i hosting.Info) bool { return strings.Contains(i.SourceError, b.repo) })
	if err := os.Rename(filepath.Join(b.repo, "away"), filepath.Join(b.repo, ".git")); err != nil {
		t.Fatal(err)
	}
	awaitInfo("with it again", func(i hosting.Info) bool { return i.SourceError == "" })
}

func TestTwoDeploymentsWithoutAServerTakeTurns(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	errs := make(chan error, 2)
	for range 2 {
		h := b.hosting("")
		go func() {
			_, err := h.Deploy(t.Context(), here, &report{})
			errs <- err
		}()
	}
	for range 2 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}

// A commit that changes nothing within the paths starts no execution, and that is said; the next one that does is compared
// with what was run, not with the commit before it.
func TestPathsPassOverCommits(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.write("cloudfront-hosting-toolkit/cloudfront-hosting-toolkit-config.json", `{"repoUrl":".","branchName":"main","routing":"static","paths":["*.html"]}`)
	b.commit("first")
	d, _ := b.mustDeploy(hosting.DeployOptions{})
	h := b.hosting("")
	other := func(text string) string {
		b.write("docs/notes.txt", text)
		b.git("add", "-A")
		b.git("commit", "-q", "-m", text)
		return b.git("rev-parse", "HEAD")
	}
	passedOver := func(want string) {
		t.Helper()
		deadline := time.Now().Add(time.Minute)
		for {
			info, err := h.Show(t.Context())
			if err == nil && info.PassedOver == want {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("passed over %q, want %q; %v", info.PassedOver, want, err)
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
	id := other("elsewhere")
	passedOver(id + " elsewhere")
	if e, err := h.Execution(t.Context(), ""); err != nil || e.ID != d.Execution.ID {
		t.Errorf("execution %s, want %s; %v", e.ID, d.Execution.ID, err)
	}
	b.commit("second")
	await(t, d.URL, "second")
	passedOver("")

	// By hand it is deployed all the same.
	id = other("again")
	passedOver(id + " again")
	if d, _ = b.mustDeploy(hosting.DeployOptions{}); d.Execution.Revision != id {
		t.Errorf("deploy ran %s, want %s", d.Execution.Revision, id)
	}
	passedOver("")
}
