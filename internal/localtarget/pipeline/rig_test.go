package pipeline_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/pipeline"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/source"
)

// gate is a stage that the test lets go on.
type gate struct {
	stage string
	job   *pipeline.Job
	leave chan error
}

// gatedWork stops at each stage until the test opens the gate, and notes what was finished.
type gatedWork struct{ gates chan gate }

func (w *gatedWork) pass(ctx context.Context, stage string, j *pipeline.Job) error {
	g := gate{stage, j, make(chan error, 1)}
	select {
	case w.gates <- g:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-g.leave:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (w *gatedWork) Source(ctx context.Context, j *pipeline.Job) error {
	err := w.pass(ctx, hosting.StageSource, j)
	if j.Execution.Revision == "" {
		j.Execution.Revision, j.Execution.Message = "newest", "subject of newest"
	}
	return err
}
func (w *gatedWork) Build(ctx context.Context, j *pipeline.Job) error {
	fmt.Fprintln(j.Output, "building", j.Execution.Revision)
	return w.pass(ctx, hosting.StageBuild, j)
}
func (w *gatedWork) Release(ctx context.Context, j *pipeline.Job) error {
	return w.pass(ctx, hosting.StageRelease, j)
}
func (w *gatedWork) Finish(*pipeline.Job) {}

// rig is a running pipeline under test.
type rig struct {
	t       *testing.T
	records pipeline.Records
	work    *gatedWork
	p       *pipeline.Pipeline
	// log is what the runner logged; read it after stop.
	log *bytes.Buffer
	// inputs is what builds are made from, besides their commits.
	inputs atomic.Value
	stop   func()
}

func newRig(t *testing.T, dir string) *rig {
	t.Helper()
	r := &rig{t: t, records: pipeline.Records{Dir: dir}, work: &gatedWork{gates: make(chan gate)}, log: &bytes.Buffer{}}
	r.p = pipeline.New(r.records, r.work, slog.New(slog.NewTextHandler(r.log, nil)))
	r.inputs.Store("the configuration")
	r.p.Inputs = func(*pipeline.Job) string { return r.inputs.Load().(string) }
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.p.Run(ctx) }()
	stopped := false
	r.stop = func() {
		if !stopped {
			stopped = true
			cancel()
			if err := <-done; err != nil {
				t.Errorf("Run = %v", err)
			}
		}
	}
	t.Cleanup(r.stop)
	return r
}

func (r *rig) push(id string) { r.p.Push(source.Commit{ID: id, Subject: "subject of " + id}) }

// at waits until a commit is in a stage.
func (r *rig) at(stage, revision string) gate {
	r.t.Helper()
	select {
	case g := <-r.work.gates:
		if g.stage != stage || g.job.Execution.Revision != revision {
			r.t.Fatalf("%s is in %s, want %s in %s", g.job.Execution.Revision, g.stage, revision, stage)
		}
		return g
	case <-time.After(time.Minute):
		r.t.Fatalf("%s never came to %s: %s", revision, stage, r.summary())
		return gate{}
	}
}

// pass leads a commit through stages without a stop.
func (r *rig) pass(revision string, stages ...string) {
	r.t.Helper()
	for _, s := range stages {
		r.at(s, revision).leave <- nil
	}
}

// await waits until the summary of all records is as wanted.
func (r *rig) await(want string) {
	r.t.Helper()
	deadline := time.Now().Add(time.Minute)
	for r.summary() != want {
		if time.Now().After(deadline) {
			r.t.Fatalf("executions: %s\nwant:       %s", r.summary(), want)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// summary lists revision:status of all executions, the oldest first.
func (r *rig) summary() string {
	ids, err := r.records.IDs()
	if err != nil {
		r.t.Fatal(err)
	}
	var all []string
	for i := len(ids) - 1; i >= 0; i-- {
		e, err := r.records.Load(ids[i])
		if err != nil {
			all = append(all, "damaged")
			continue
		}
		all = append(all, e.Revision+":"+string(e.Status))
	}
	return strings.Join(all, " ")
}

func (r *rig) request() hosting.Execution {
	r.t.Helper()
	e, err := r.records.Create(pipeline.TriggerDeploy, "", "")
	if err != nil {
		r.t.Fatal(err)
	}
	return e
}

// passAny leads whatever comes through so many stages.
func (r *rig) passAny(stages int) {
	r.t.Helper()
	for range stages {
		select {
		case g := <-r.work.gates:
			g.leave <- nil
		case <-time.After(time.Minute):
			r.t.Fatalf("nothing comes: %s", r.summary())
		}
	}
}

// passInAnyOrder leads several commits on, each through its stages in order.
func (r *rig) passInAnyOrder(stages map[string][]string) {
	r.t.Helper()
	for len(stages) > 0 {
		select {
		case g := <-r.work.gates:
			c := g.job.Execution.Revision
			if len(stages[c]) == 0 || stages[c][0] != g.stage {
				r.t.Fatalf("%s is in %s, want %v", c, g.stage, stages)
			}
			if stages[c] = stages[c][1:]; len(stages[c]) == 0 {
				delete(stages, c)
			}
			g.leave <- nil
		case <-time.After(time.Minute):
			r.t.Fatalf("still to come: %v; %s", stages, r.summary())
		}
	}
}
