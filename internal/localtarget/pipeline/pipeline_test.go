package pipeline_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/pipeline"
)

const (
	src     = hosting.StageSource
	build   = hosting.StageBuild
	release = hosting.StageRelease
)

func TestSupersededMode(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		run  func(r *rig)
		want string
	}{
		"one commit": {func(r *rig) {
			r.push("a")
			r.pass("a", src, build, release)
		}, "a:Succeeded"},
		"the newest of those that wait for a build wins; the running build is not cut off": {func(r *rig) {
			r.push("a")
			r.pass("a", src)
			building := r.at(build, "a")
			r.push("b")
			r.pass("b", src)
			r.push("c")
			r.pass("c", src)
			r.await("a:InProgress b:Superseded c:InProgress")
			building.leave <- nil
			r.passInAnyOrder(map[string][]string{"a": {release}, "c": {build, release}})
		}, "a:Succeeded b:Superseded c:Succeeded"},
		"those that wait for a release too": {func(r *rig) {
			r.push("a")
			r.pass("a", src, build)
			releasing := r.at(release, "a")
			for _, c := range []string{"b", "c"} {
				r.push(c)
				r.pass(c, src, build)
			}
			r.await("a:InProgress b:Superseded c:InProgress")
			releasing.leave <- nil
			r.pass("c", release)
		}, "a:Succeeded b:Superseded c:Succeeded"},
		"a failure lets the next one in": {func(r *rig) {
			r.push("a")
			r.pass("a", src)
			building := r.at(build, "a")
			r.push("b")
			r.pass("b", src)
			building.leave <- errors.New("exit status 1")
			r.pass("b", build, release)
		}, "a:Failed b:Succeeded"},
		"a failed commit is not tried again when it is seen again": {func(r *rig) {
			r.push("a")
			r.pass("a", src)
			r.at(build, "a").leave <- errors.New("exit status 1")
			r.await("a:Failed")
			r.push("a")
			r.push("b")
			r.pass("b", src, build, release)
		}, "a:Failed b:Succeeded"},
		"a rewound branch runs the old commit again": {func(r *rig) {
			for _, c := range []string{"a", "b", "a"} {
				r.push(c)
				r.pass(c, src, build, release)
			}
		}, "a:Succeeded b:Succeeded a:Succeeded"},
		"a request and a push of the same commit are one run": {func(r *rig) {
			r.request()
			g := r.at(src, "")
			r.push("newest")
			g.leave <- nil
			r.pass("newest", build, release)
			r.push("b")
			r.pass("b", src, build, release)
		}, "newest:Succeeded b:Succeeded"},
		"a request runs a commit that has failed": {func(r *rig) {
			r.push("newest")
			r.at(src, "newest").leave <- errors.New("no network")
			r.await("newest:Failed")
			r.request()
			r.at(src, "").leave <- nil
			r.pass("newest", build, release)
		}, "newest:Failed newest:Succeeded"},
		"a later publication wins over the release stage": {func(r *rig) {
			r.push("a")
			r.pass("a", src, build)
			r.at(release, "a").leave <- pipeline.Superseded{By: "release x, from a run that started later, is live"}
		}, "a:Superseded"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, t.TempDir())
			tc.run(r)
			r.await(tc.want)
		})
	}
}

func TestTheServersLogTellsHowExecutionsEnd(t *testing.T) {
	t.Parallel()
	r := newRig(t, t.TempDir())
	r.push("a")
	r.pass("a", src, build, release)
	r.await("a:Succeeded")
	r.push("b")
	r.pass("b", src)
	r.at(build, "b").leave <- errors.New("exit status 2")
	r.await("a:Succeeded b:Failed")
	r.stop()
	for _, want := range []string{"a release is live", "commit=a", "level=ERROR", "commit=b", "stage=Build", "exit status 2"} {
		if !strings.Contains(r.log.String(), want) {
			t.Errorf("the log does not say %q:\n%s", want, r.log)
		}
	}
}

func TestDefect29_TheFailingStageIsNamed(t *testing.T) {
	t.Parallel()
	r := newRig(t, t.TempDir())
	r.push("a")
	r.pass("a", src)
	r.at(build, "a").leave <- errors.New("command npm run build: exit status 2")
	r.await("a:Failed")
	e, _, err := r.records.Newest()
	if err != nil {
		t.Fatal(err)
	}
	s := e.FailedStage()
	if s == nil || s.Name != build || !strings.Contains(s.Error, "npm run build") || s.EndedAt == nil || e.EndedAt == nil {
		t.Errorf("failed stage = %+v of %+v", s, e)
	}
	if e.Stages[2].Status != "" {
		t.Errorf("the release stage is %q, though it never began", e.Stages[2].Status)
	}
}

func TestDefect05_EachExecutionKeepsTheCommitItStartedWith(t *testing.T) {
	t.Parallel()
	r := newRig(t, t.TempDir())
	r.push("a")
	r.pass("a", src)
	building := r.at(build, "a")
	r.push("b") // the branch moves while a is built
	r.pass("b", src)
	building.leave <- nil
	r.passInAnyOrder(map[string][]string{"a": {release}, "b": {build, release}})
	r.await("a:Succeeded b:Succeeded")
}

func TestRestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := newRig(t, dir)
	r.push("a")
	r.pass("a", src)
	r.at(build, "a")
	r.stop()
	if got := r.summary(); got != "a:Stopped" {
		t.Fatalf("after a stop: %s", got)
	}

	// What a kill leaves behind: a record that says InProgress.
	e, _, _ := r.records.Newest()
	e.Status, e.EndedAt, e.Stages[1].Status, e.Stages[1].EndedAt = hosting.InProgress, nil, hosting.InProgress, nil
	if err := r.records.Save(e); err != nil {
		t.Fatal(err)
	}
	request := r.request()
	if err := os.WriteFile(filepath.Join(dir, request.ID[:len(request.ID)-6]+"ffffff"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	r = newRig(t, dir)
	r.push("newest")
	r.at(src, "").leave <- nil // the request that nobody had taken up
	r.pass("newest", build, release)
	r.await("a:Stopped newest:Succeeded damaged")
	e, err := r.records.Load(e.ID)
	if err != nil || !strings.Contains(e.FailedStage().Error, "server ended while it ran") {
		t.Errorf("recovered record: %+v %v", e, err)
	}
}

func TestRestartRunsTheStoppedCommitAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := newRig(t, dir)
	r.push("a")
	r.at(src, "a")
	r.stop()
	r = newRig(t, dir)
	r.push("a")
	r.pass("a", src, build, release)
	r.await("a:Stopped a:Succeeded")
	r.stop()
	r = newRig(t, dir)
	r.push("a") // it is released: nothing to do
	r.push("b")
	r.pass("b", src, build, release)
	r.await("a:Stopped a:Succeeded b:Succeeded")
}

func TestDamagedRecordStopsNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	records := pipeline.Records{Dir: dir}
	e, err := records.Create(pipeline.TriggerDeploy, "x", "")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, e.ID, "execution.json"), []byte(`{"execution":`), 0o600); err != nil {
		t.Fatal(err)
	}
	r := newRig(t, dir)
	r.push("a")
	r.pass("a", src, build, release)
	r.await("damaged a:Succeeded")
	if _, err := records.Load(e.ID); err == nil || !strings.Contains(err.Error(), "execution.json") {
		t.Errorf("Load = %v, want an error that names the file", err)
	}
}

func TestFollow(t *testing.T) {
	t.Parallel()
	r := newRig(t, t.TempDir())
	e := r.request()
	var log bytes.Buffer
	var states []string
	done := make(chan error, 1)
	go func() {
		_, err := pipeline.Follower{Records: r.records, Output: &log,
			Changed: func(e hosting.Execution) { states = append(states, string(e.Status)) }}.Follow(t.Context(), e.ID)
		done <- err
	}()
	r.at(src, "").leave <- nil
	r.pass("newest", build, release)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if log.String() != "building newest\n" || states[len(states)-1] != "Succeeded" {
		t.Errorf("log %q, states %v", log.String(), states)
	}
	if _, err := (pipeline.Follower{Records: r.records}).Follow(t.Context(), "../../x"); err == nil {
		t.Error("an execution with an invalid id was found")
	}
}

func TestFollowEndsWhenNobodyWorks(t *testing.T) {
	t.Parallel()
	records := pipeline.Records{Dir: t.TempDir()}
	e, err := records.Create(pipeline.TriggerDeploy, "", "")
	if err != nil {
		t.Fatal(err)
	}
	gone := errors.New("the server is gone")
	_, err = pipeline.Follower{Records: records, Alive: func() error { return gone }}.Follow(t.Context(), e.ID)
	if !errors.Is(err, gone) {
		t.Errorf("error = %v", err)
	}
}

func TestIDsGrowEvenIfTheClockDoesNot(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 23, 6, 30, 0, 0, time.UTC)
	records := pipeline.Records{Dir: t.TempDir(), Now: func() time.Time { at = at.Add(-time.Hour); return at }}
	last := ""
	for range 5 {
		e, err := records.Create(pipeline.TriggerDeploy, "", "")
		if err != nil {
			t.Fatal(err)
		}
		if e.ID <= last {
			t.Fatalf("%s after %s", e.ID, last)
		}
		last = e.ID
	}
}

func TestOldRecordsAreRemoved(t *testing.T) {
	t.Parallel()
	r := newRig(t, t.TempDir())
	for i := range 52 {
		c := fmt.Sprint(i)
		r.push(c)
		r.pass(c, src, build, release)
	}
	r.push("last")
	r.pass("last", src)
	r.at(build, "last")
	// The runner may still be at the end of the one before: what waits for it is not kept waiting.
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		ids, err := r.records.IDs()
		if err == nil && len(ids) >= 50 && len(ids) <= 51 {
			return
		}
		if err != nil || len(ids) < 50 || time.Now().After(deadline) {
			t.Fatalf("%d records, %v", len(ids), err)
		}
	}
}
