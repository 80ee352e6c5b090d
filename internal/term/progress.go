package term

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
)

// Progress shows the steps of a long operation on Err. On a terminal it is a live list below what scrolls by: each step with
// its mark, the time it takes and what it is doing. Elsewhere it is the same as plain lines.
//
// The live list never hides the cursor and never takes over the screen, so that nothing has to be restored however the
// process ends.
type Progress struct {
	ctx     context.Context // of the operation: it cuts a question off
	streams *Streams
	style   Style

	mu      sync.Mutex
	steps   []*step
	display display
	output  *lineWriter
	closed  bool
}

var _ hosting.Reporter = (*Progress)(nil)

// step is one line of the list.
type step struct {
	name, detail, result string
	started, ended       time.Time
	outcome              outcome
}

// outcome is how a step ended.
type outcome int

const (
	succeeded outcome = iota
	failed
	interrupted
)

func outcomeOf(err error) outcome {
	switch {
	case err == nil:
		return succeeded
	case errors.Is(err, context.Canceled):
		return interrupted
	default:
		return failed
	}
}

func (s *step) running() bool { return s.ended.IsZero() }

// words are what stands beside the step.
func (s *step) words() string {
	if s.running() || s.outcome != succeeded {
		return s.detail
	}
	return s.result
}

func (s *step) elapsed(now time.Time) time.Duration {
	if !s.running() {
		now = s.ended
	}
	return now.Sub(s.started)
}

// display draws a Progress. Its methods are called with the Progress's lock held, except stop.
type display interface {
	// begun, changed and ended tell what happened to the newest step.
	begun(s *step)
	changed(s *step)
	ended(s *step)
	// line writes a line that stays, above the list; after the end, below it.
	line(text string)
	// pause takes the list away until the next call of any other method.
	pause()
	// stop ends what runs in the background, and waits for it.
	stop()
}

// NewProgress returns a Progress without steps. The caller must Close it.
func NewProgress(ctx context.Context, s *Streams) *Progress {
	p := &Progress{ctx: ctx, streams: s, style: s.ErrStyle()}
	if s.Animated {
		p.display = newLive(p)
	} else {
		p.display = newPlain(p)
	}
	p.output = &lineWriter{progress: p}
	return p
}

// Step ends the current step with success and begins the next.
func (p *Progress) Step(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	p.end(succeeded)
	s := &step{name: name, started: time.Now()}
	p.steps = append(p.steps, s)
	p.display.begun(s)
}

// Detail says what the current step is doing. It stays beside a step that fails; one that succeeds has no more to do.
func (p *Progress) Detail(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s := p.current(); s != nil && !p.closed {
		s.detail = clean(fmt.Sprintf(format, args...), false)
		p.display.changed(s)
	}
}

// Result says what the current step has done; it stays beside the step.
func (p *Progress) Result(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s := p.current(); s != nil && !p.closed {
		s.result = clean(fmt.Sprintf(format, args...), false)
		p.display.changed(s)
	}
}

// Output takes the output of a build, line by line. What moves the cursor is taken out of it; colours are kept where
// there are any.
func (p *Progress) Output() io.Writer { return p.output }

// Warn writes a warning that stays on the screen. What follows a line break stands on lines of its own, with nothing before it:
// an address, a command or a table there can be copied.
func (p *Progress) Warn(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.output.flush()
	first, rest, _ := strings.Cut(strings.TrimRight(fmt.Sprintf(format, args...), "\n"), "\n")
	p.display.line(p.style.Yellow("warning:") + " " + clean(first, false))
	for line := range strings.Lines(rest) {
		p.display.line(clean(line, false))
	}
}

// Confirm asks as Streams.Confirm does, with no for an empty answer, while the list makes way for the question.
func (p *Progress) Confirm(question string) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.output.flush()
	p.display.pause()
	return p.streams.Confirm(p.ctx, question, false)
}

// Close ends the current step: with success if err is nil, as interrupted if it is context.Canceled, else as failed. The
// list stays as it stands. Close is idempotent.
func (p *Progress) Close(err error) {
	p.mu.Lock()
	already := p.closed
	if !already {
		p.end(outcomeOf(err))
		p.closed = true
	}
	p.mu.Unlock()
	if !already {
		p.display.stop()
	}
}

// end ends the current step if it still runs. The lock is held.
func (p *Progress) end(how outcome) {
	p.output.flush()
	if s := p.current(); s != nil {
		s.ended, s.outcome = time.Now(), how
		p.display.ended(s)
	}
}

// current returns the running step, or nil. The lock is held.
func (p *Progress) current() *step {
	if n := len(p.steps); n > 0 && p.steps[n-1].running() {
		return p.steps[n-1]
	}
	return nil
}
