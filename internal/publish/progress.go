package publish

import (
	"io"
	"sync"
)

// progress counts what is done of one step and tells Publisher.Progress, one call at a time.
type progress struct {
	mu   sync.Mutex
	tell func(Event)
	e    Event
}

// begin starts a step with its totals.
func (p *progress) begin(step Step, files int, bytes int64) {
	p.update(func(e *Event) { *e = Event{Step: step, Of: files, OfBy: bytes} })
}

// add moves the step on; bytes may be negative when an attempt starts again.
func (p *progress) add(files int, bytes int64) {
	p.update(func(e *Event) { e.Files += files; e.Bytes += bytes })
}

func (p *progress) update(f func(*Event)) {
	if p.tell == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	f(&p.e)
	p.tell(p.e)
}

// watch makes a blob report the bytes that are read of it. A second Open takes back what the first had counted.
func (p *progress) watch(b Blob) Blob {
	if p.tell == nil {
		return b
	}
	open := b.Open
	counted := &counter{p: p}
	b.Open = func() (io.ReadCloser, error) {
		r, err := open()
		if err != nil {
			return nil, err
		}
		counted.reset()
		return &countingReader{r, counted}, nil
	}
	return b
}

// counter is how much of one blob has been read. A store may still hold the reader of a given-up attempt.
type counter struct {
	p  *progress
	mu sync.Mutex
	n  int64
}

func (c *counter) reset() {
	c.mu.Lock()
	n := c.n
	c.n = 0
	c.mu.Unlock()
	if n != 0 {
		c.p.add(0, -n)
	}
}

func (c *counter) add(n int) {
	c.mu.Lock()
	c.n += int64(n)
	c.mu.Unlock()
	c.p.add(0, int64(n))
}

type countingReader struct {
	io.ReadCloser
	c *counter
}

func (r *countingReader) Read(b []byte) (int, error) {
	n, err := r.ReadCloser.Read(b)
	if n > 0 {
		r.c.add(n)
	}
	return n, err
}
