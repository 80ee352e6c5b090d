package pipeline

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/source"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/state"
)

// Running is the pipeline of one site at work.
type Running struct {
	site   state.Site
	stages *Stages
	log    *slog.Logger
	pipe   *Pipeline
	stop   func()
	unlock func() error

	watched   *state.Deployed
	stopWatch func()
}

// Start takes the site's work for this process, waiting up to patience if another one still ends it, and runs its pipeline
// until Stop. The caller holds the state folder.
func Start(ctx context.Context, site state.Site, version string, patience time.Duration, log *slog.Logger) (*Running, error) {
	lock, err := site.Lock(ctx, patience)
	if err != nil {
		return nil, err
	}
	if _, err := (Records{Dir: site.Executions()}).IDs(); err != nil {
		return nil, errors.Join(err, lock.Unlock())
	}
	stages := &Stages{Site: site, Version: version}
	if err := stages.Clean(); err != nil {
		log.Warn("old work cannot be removed", "error", err)
	}
	r := &Running{site: site, stages: stages, log: log, unlock: lock.Unlock, stopWatch: func() {}}
	r.pipe = New(Records{Dir: site.Executions()}, stages, log)
	r.pipe.Concerns, r.pipe.Inputs = r.concerns, stages.Inputs
	r.stop = background(ctx, func(ctx context.Context) {
		if err := r.pipe.Run(ctx); err != nil {
			log.Error("the pipeline cannot run", "error", err)
		}
	})
	return r, nil
}

// background runs work in a goroutine. The function that it returns ends work's context and waits for work to return.
func background(ctx context.Context, work func(context.Context)) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var wait sync.WaitGroup
	wait.Go(func() { work(ctx) })
	return func() { cancel(); wait.Wait() }
}

// Watch runs an execution whenever the branch of the configuration moves, or a zip file is copied into the site's folder for
// them. A call with another source replaces the one before; with the same one it changes nothing. It is not safe for concurrent
// use.
func (r *Running) Watch(ctx context.Context, d *state.Deployed) {
	if w := r.watched; w != nil && w.Config.Zips() == d.Config.Zips() && w.Repository == d.Repository && w.Branch == d.Branch && w.Poll() == d.Poll() {
		return
	}
	r.stopWatch()
	r.watched = d
	if d.Config.Zips() {
		r.stopWatch = background(ctx, r.watchUploads)
		return
	}
	r.stopWatch = background(ctx, func(ctx context.Context) {
		r.stages.Mirror(d).Watch(ctx, d.Poll(), r.take)
	})
}

// take passes on what the watcher reports.
func (r *Running) take(u source.Update) {
	if u.Err != nil {
		r.log.Warn("the repository cannot be read", "error", u.Err)
		if err := state.WriteFile(r.site.SourceError(), []byte(u.Err.Error()+"\n")); err != nil && !errors.Is(err, os.ErrNotExist) {
			r.log.Error("the site's state cannot be written", "error", err)
		}
	} else if os.Remove(r.site.SourceError()) == nil {
		r.log.Info("the repository can be read again")
	}
	if u.Commit.ID != "" {
		_ = os.Remove(r.site.PassedOver()) // it is about another commit, or is written again at once
		r.pipe.Push(u.Commit)
	}
}

// concerns tells whether a commit has changed what the site's paths name since revision. Where that cannot be told, it has.
func (r *Running) concerns(ctx context.Context, revision string, c source.Commit) bool {
	d, err := r.site.Load()
	if err != nil || len(d.Config.Paths) == 0 {
		return true
	}
	touches, err := r.stages.Mirror(d).Touches(ctx, revision, c.ID, d.Config.Paths)
	if err != nil {
		r.log.Warn("it cannot be told what a commit changes; it is deployed", "commit", c.ID, "error", err)
	}
	if touches || err != nil {
		return true
	}
	r.log.Info("the commit changes nothing within the site's paths; it is not deployed", "commit", c.ID, "subject", c.Subject)
	text := fmt.Sprintf("%s %s\n", c.ID, c.Subject)
	if err := state.WriteFile(r.site.PassedOver(), []byte(text)); err != nil && !errors.Is(err, os.ErrNotExist) {
		r.log.Error("the site's state cannot be written", "error", err)
	}
	return false
}

// Stop ends the watching and the pipeline, waits for both, and frees the site.
func (r *Running) Stop() {
	r.stopWatch()
	r.stop()
	if err := r.unlock(); err != nil {
		r.log.Error("the site cannot be freed", "error", err)
	}
}
