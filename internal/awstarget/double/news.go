package double

import (
	"context"
	"time"
)

// glance is how long a look at a pipeline that runs is held back, if there is nothing new to see.
const glance = 20 * time.Millisecond

// tell is called, with the lock held, when there is something new to see of a pipeline.
func (a *Account) tell() {
	if a.news != nil {
		close(a.news)
	}
	a.news, a.told = make(chan struct{}), false
}

// awaitNews holds a look at pipelines back until there is something to see that no look has seen before, or for a glance. Who
// looks every millisecond keeps the builds from the processor that he waits for.
func (a *Account) awaitNews(ctx context.Context) {
	a.mu.Lock()
	news, told := a.news, a.told
	a.told = true
	a.mu.Unlock()
	if news == nil || !told || !a.working() {
		return
	}
	timer := time.NewTimer(glance)
	defer timer.Stop()
	select {
	case <-news:
	case <-timer.C:
	case <-ctx.Done():
	}
}

// working reports whether an execution goes on.
func (a *Account) working() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, p := range a.pipelines {
		for _, e := range p.executions {
			if e.status == "InProgress" || e.status == "Stopping" {
				return true
			}
		}
	}
	return false
}
