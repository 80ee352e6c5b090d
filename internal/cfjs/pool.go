package cfjs

import (
	"context"
	"runtime"
	"sync"
)

// pool hands out the engines of one function, most recently used first. It bounds how many invocations run at a time:
// JavaScript only uses processor time, so more would add memory and no speed.
type pool struct {
	slots chan struct{}
	mu    sync.Mutex
	idle  []*engine
	build func() (*engine, error)
}

func newPool(build func() (*engine, error)) *pool {
	return &pool{slots: make(chan struct{}, max(4, 2*runtime.GOMAXPROCS(0))), build: build}
}

// get waits for a free place and returns an engine. Each get needs one put.
func (p *pool) get(ctx context.Context) (*engine, error) {
	select {
	case p.slots <- struct{}{}:
	default:
		select {
		case p.slots <- struct{}{}:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	p.mu.Lock()
	if n := len(p.idle); n > 0 {
		e := p.idle[n-1]
		p.idle[n-1] = nil
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		return e, nil
	}
	p.mu.Unlock()
	e, err := p.build()
	if err != nil {
		<-p.slots
	}
	return e, err
}

// put gives the place back, and the engine too unless it is nil.
func (p *pool) put(e *engine) {
	if e != nil {
		p.mu.Lock()
		p.idle = append(p.idle, e)
		p.mu.Unlock()
	}
	<-p.slots
}
