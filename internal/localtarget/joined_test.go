package localtarget_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/pipeline"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/server"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/state"
)

// outcome is what became of a deployment.
type outcome struct {
	d   hosting.Deployed
	err error
}

// deploying starts a deployment.
func (b *bed) deploying(r *report) <-chan outcome {
	ended := make(chan outcome, 1)
	h := b.hosting("127.0.0.1:0")
	go func() {
		d, err := h.Deploy(b.t.Context(), hosting.DeployOptions{}, r)
		ended <- outcome{d, err}
	}()
	return ended
}

// awaitRequest waits until the newest record is a deployment's that is newer than the one given and has found its commit.
func (b *bed) awaitRequest(after string) hosting.Execution {
	b.t.Helper()
	records := pipeline.Records{Dir: state.Dir(b.state).Site(b.site()).Executions()}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		e, ok, err := records.Newest()
		if err == nil && ok && e.ID > after && e.Trigger == pipeline.TriggerDeploy && e.Stages[0].Status == hosting.Succeeded {
			return e
		}
		if time.Now().After(deadline) {
			b.t.Fatalf("the newest execution is %+v, %v", e, err)
		}
	}
}

// Who commits and deploys has the commit built once, though the server has noticed it by itself.
func TestDeployRightAfterACommitBuildsItOnce(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		// stop ends the server before the commit: then it and the deployment find it at the same time, in whatever order.
		stop bool
	}{
		"the server is building it":   {},
		"the server has just started": {stop: true},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBed(t)
			d, _ := b.mustDeploy(hosting.DeployOptions{})
			dir := t.TempDir()
			gate, builds := filepath.Join(dir, "gate"), filepath.Join(dir, "builds")
			if tc.stop {
				if _, err := server.Stop(t.Context(), b.state); err != nil {
					t.Fatal(err)
				}
			}
			b.write(buildFile, build(fmt.Sprintf("echo build >> '%s'; while [ ! -e '%s' ]; do sleep 0.02; done; mkdir out; cp index.html out/", builds, gate)))
			want := b.commit("second")
			if !tc.stop {
				b.awaitExecution(func(e hosting.Execution) bool {
					return e.ID > d.Execution.ID && e.Trigger == pipeline.TriggerPush && e.Stages[1].Status == hosting.InProgress
				})
			}
			r := &report{}
			deploying := b.deploying(r)
			request := b.awaitRequest(d.Execution.ID)
			var log bytes.Buffer
			logged := make(chan error, 1)
			go func() { logged <- b.hosting("").Logs(t.Context(), request.ID, true, &log) }()
			if err := os.WriteFile(gate, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			got := <-deploying
			if got.err != nil || got.d.Execution.Status != hosting.Succeeded || got.d.Execution.Revision != want || got.d.Release != want || r.warned("took the place") {
				t.Errorf("deploy = %+v, %v, warnings %q", got.d, got.err, r.warns)
			}
			if text, err := os.ReadFile(builds); err != nil || strings.Count(string(text), "build") != 1 {
				t.Errorf("builds: %q, %v", text, err)
			}
			// Whoever did not wait and has the request's own id finds the same.
			for _, id := range []string{"", request.ID} {
				if e, err := b.hosting("").Execution(t.Context(), id); err != nil || e.ID != got.d.Execution.ID {
					t.Errorf("status %s tells of %+v, %v; want %s", id, e, err, got.d.Execution.ID)
				}
			}
			if err := <-logged; err != nil || !strings.Contains(log.String(), "phase BUILD succeeded") {
				t.Errorf("logs --follow %s: %v %q", request.ID, err, log.String())
			}
		})
	}
}
