package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/watch"
)

const (
	// followGlance is how often a followed execution is looked at even if the file system reports nothing.
	followGlance = 100 * time.Millisecond
	// aliveGlance is how often it is asked whether the pipeline still runs.
	aliveGlance = time.Second
)

// Follower watches one execution from outside, by its files. All of its functions may be nil.
type Follower struct {
	Records Records
	// Output gets the log as it grows, from its beginning.
	Output io.Writer
	// Changed gets each new state of the record.
	Changed func(hosting.Execution)
	// Progress gets each new state of what the running stage is at.
	Progress func(text string)
	// Alive returns an error when nobody works on executions any more, so that waiting is in vain.
	Alive func() error
}

// Follow returns the execution when it is done, after all of its output has been written; or with an error when ctx
// ends, when the record disappears, or when Alive says that the wait is in vain.
func (f Follower) Follow(ctx context.Context, id string) (hosting.Execution, error) {
	changes := watch.New(nil)
	defer changes.Close()
	changes.Add(f.Records.folder(id))
	glances, asks := time.NewTicker(followGlance), time.NewTicker(aliveGlance)
	defer glances.Stop()
	defer asks.Stop()
	t := tail{name: f.Records.Log(id), to: f.Output}
	defer t.close()
	var last hosting.Execution
	var progress string
	for {
		e, err := f.Records.Load(id)
		if err != nil {
			return last, err
		}
		// The record is read before the log: when it says that the execution is done, all of the log is there.
		if err := t.copy(); err != nil {
			return e, err
		}
		if f.Changed != nil && changed(last, e) {
			f.Changed(e)
		}
		last = e
		if e.Status.Done() {
			return e, nil
		}
		if now := f.Records.Progress(id); f.Progress != nil && now != progress && now != "" {
			progress = now
			f.Progress(now)
		}
		select {
		case <-ctx.Done():
			return e, ctx.Err()
		case <-changes.C:
		case <-glances.C:
		case <-asks.C:
			if err := f.alive(id); err != nil {
				return e, err
			}
		}
	}
}

// alive asks whether the wait is in vain. The execution may have ended between the last look and the end of the runner.
func (f Follower) alive(id string) error {
	if f.Alive == nil {
		return nil
	}
	why := f.Alive()
	if why == nil {
		return nil
	}
	if e, err := f.Records.Load(id); err == nil && e.Status.Done() {
		return nil
	}
	return why
}

func changed(a, b hosting.Execution) bool {
	if a.ID != b.ID || a.Status != b.Status || a.Revision != b.Revision || a.Release != b.Release {
		return true
	}
	for i := range a.Stages {
		if a.Stages[i].Status != b.Stages[i].Status {
			return true
		}
	}
	return false
}

// tail copies a growing file.
type tail struct {
	name string
	to   io.Writer
	file *os.File
}

// copy writes what is new. A file that does not exist yet has nothing new.
func (t *tail) copy() error {
	if t.to == nil {
		return nil
	}
	if t.file == nil {
		f, err := os.Open(t.name)
		if errors.Is(err, os.ErrNotExist) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read log: %w", err)
		}
		t.file = f
	}
	if _, err := io.Copy(t.to, t.file); err != nil {
		return fmt.Errorf("copy log: %w", err)
	}
	return nil
}

func (t *tail) close() {
	if t.file != nil {
		_ = t.file.Close()
	}
}
