package pipeline

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
)

// considerPush queues an execution for the commit that the branch points at, unless it has had its run. As long as an
// earlier execution has yet to find its commit, it waits: they may turn out to be for the same one.
func (r *runner) considerPush(ctx context.Context) {
	if r.pending == nil {
		return
	}
	r.takeRequests() // one that is as old as the push may not have been told yet
	source := r.schedule.slots[stageSource]
	if source.running != nil || source.waiting != nil {
		return
	}
	c := *r.pending
	r.pending = nil
	newest, ok, err := r.Records.Current()
	if err != nil {
		r.Log.Error("executions cannot be read", "error", err)
		return
	}
	if ok && newest.Revision == c.ID && newest.Status != hosting.Stopped {
		return
	}
	if ok && r.Concerns != nil && newest.Revision != "" && newest.Status != hosting.Stopped && !r.Concerns(ctx, newest.Revision, c) {
		return
	}
	e, err := r.Records.Create(TriggerPush, c.ID, c.Subject)
	if err != nil {
		r.Log.Error("a commit cannot be deployed", "commit", c.ID, "error", err)
		return
	}
	r.known[e.ID] = true
	r.arrive(stageSource, &Job{Execution: e})
}

// twin returns the execution that is making the release that one is about to make, whose commit was just found: the newest of
// those before it, if it is for the same commit and its build is made, or will be, from what one would be made from now. nil if
// there is none. So a request that comes right after the commit that it is about does not build that once more.
func (r *runner) twin(f finished) *Job {
	if f.stage != stageSource || f.job.Execution.Trigger != TriggerDeploy {
		return nil
	}
	var last *Job
	for _, j := range r.schedule.jobs() {
		if j.Execution.ID < f.job.Execution.ID && (last == nil || j.Execution.ID > last.Execution.ID) {
			last = j
		}
	}
	if last == nil || last.Execution.Revision != f.job.Execution.Revision || last.Execution.Message != f.job.Execution.Message {
		return nil
	}
	if last.Execution.Stages[stageBuild].Status == "" {
		return last // its build has yet to begin
	}
	if r.Inputs == nil || last.inputs == "" || last.inputs != r.Inputs(f.job) {
		return nil
	}
	return last
}

// join ends a job whose work its twin does.
func (r *runner) join(j, twin *Job) {
	j.Execution.SupersededBy = twin.Execution.ID
	r.conclude(j, hosting.Superseded, fmt.Sprintf("execution %s makes the same release already", twin.Execution.ID), "")
}

// Joined returns the execution that one has joined, which does its work; false if it has joined none.
func (r Records) Joined(e hosting.Execution) (hosting.Execution, bool) {
	if e.Status != hosting.Superseded || e.SupersededBy == "" || e.SupersededBy > e.ID {
		return hosting.Execution{}, false // newer ones make another release
	}
	by, err := r.Load(e.SupersededBy)
	return by, err == nil
}

// Current returns the newest record that can be read or, if it is of an execution that has joined another one, that one's; and
// whether there is one.
func (r Records) Current() (hosting.Execution, bool, error) {
	e, ok, err := r.Newest()
	if by, joined := r.Joined(e); joined {
		return by, true, nil
	}
	return e, ok, err
}

// Inputs tells what a job's build is made from besides its commit, if it begins now, by a digest: the configuration that is
// deployed, the copy of the build file if the commit has none, and the variables from a file. It is "" if one of them cannot be
// read.
func (s *Stages) Inputs(j *Job) string {
	d, err := s.Site.Load()
	if err != nil {
		return ""
	}
	var spec, private []byte
	if _, err := os.Stat(s.ownBuildFile(j, d)); err != nil {
		if spec, err = os.ReadFile(s.Site.Buildspec()); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return ""
		}
	}
	if d.EnvFile != "" {
		if private, err = os.ReadFile(d.EnvFile); err != nil {
			return ""
		}
	}
	data, err := json.Marshal([]any{d.Repository, d.Branch, d.Subdir, d.Config, d.EnvFile, spec, private})
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
