package pipeline_test

import (
	"strings"
	"testing"
)

// A request that comes right after a commit is about what is being built already: one build is made of it. Where the build would
// be another one, it is made.
func TestARequestJoinsTheRunOfItsCommit(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		run  func(r *rig)
		want string
	}{
		"while it is built": {func(r *rig) {
			r.push("newest")
			r.pass("newest", src)
			building := r.at(build, "newest")
			r.request()
			r.at(src, "").leave <- nil
			r.await("newest:InProgress newest:Superseded")
			building.leave <- nil
			r.pass("newest", release)
		}, "newest:Succeeded newest:Superseded"},
		"while it is released": {func(r *rig) {
			r.push("newest")
			r.pass("newest", src, build)
			releasing := r.at(release, "newest")
			r.request()
			r.at(src, "").leave <- nil
			r.await("newest:InProgress newest:Superseded")
			releasing.leave <- nil
		}, "newest:Succeeded newest:Superseded"},
		"while it waits for its build, which begins with what is deployed by then": {func(r *rig) {
			r.push("a")
			r.pass("a", src)
			building := r.at(build, "a")
			r.push("newest")
			r.pass("newest", src)
			r.inputs.Store("another configuration")
			r.request()
			r.at(src, "").leave <- nil
			r.await("a:InProgress newest:InProgress newest:Superseded")
			building.leave <- nil
			r.passInAnyOrder(map[string][]string{"a": {release}, "newest": {build, release}})
		}, "a:Succeeded newest:Succeeded newest:Superseded"},
		"not if its build was begun from something else": {func(r *rig) {
			r.push("newest")
			r.pass("newest", src)
			building := r.at(build, "newest")
			r.inputs.Store("another configuration")
			r.request()
			r.at(src, "").leave <- nil
			building.leave <- nil
			r.passAny(3) // the release of the one, build and release of the other
		}, "newest:Succeeded newest:Succeeded"},
		"not if another commit came between": {func(r *rig) {
			r.push("newest")
			r.pass("newest", src)
			building := r.at(build, "newest")
			r.push("b")
			r.pass("b", src)
			r.request()
			r.at(src, "").leave <- nil
			r.await("newest:InProgress b:Superseded newest:InProgress")
			building.leave <- nil
			r.passAny(3)
		}, "newest:Succeeded b:Superseded newest:Succeeded"},
		"not if it is done": {func(r *rig) {
			r.push("newest")
			r.pass("newest", src, build, release)
			r.await("newest:Succeeded")
			r.request()
			r.at(src, "").leave <- nil
			r.pass("newest", build, release)
		}, "newest:Succeeded newest:Succeeded"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, t.TempDir())
			tc.run(r)
			r.await(tc.want)
		})
	}
}

func TestAJoinedRequestNamesWhatDoesItsWork(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := newRig(t, dir)
	r.push("newest")
	r.pass("newest", src)
	building := r.at(build, "newest")
	request := r.request()
	r.at(src, "").leave <- nil
	r.await("newest:InProgress newest:Superseded")
	joined, err := r.records.Load(request.ID)
	if err != nil || joined.SupersededBy != building.job.Execution.ID || !strings.Contains(joined.FailedStage().Error, joined.SupersededBy) {
		t.Errorf("the request: %+v, %v; want it to name %s", joined, err, building.job.Execution.ID)
	}
	if e, ok, err := r.records.Current(); err != nil || !ok || e.ID != building.job.Execution.ID {
		t.Errorf("the current one is %s, want %s; %v", e.ID, building.job.Execution.ID, err)
	}

	// That it was stopped counts for both: the commit is run again.
	r.stop()
	if got := r.summary(); got != "newest:Stopped newest:Superseded" {
		t.Fatal(got)
	}
	r = newRig(t, dir)
	r.push("newest")
	r.pass("newest", src, build, release)
	r.await("newest:Stopped newest:Superseded newest:Succeeded")
}
