package awstarget_test

import (
	"bytes"
	"fmt"
	"io"
	"sync"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
)

// recorder is a reporter that remembers.
type recorder struct {
	mu       sync.Mutex
	text     bytes.Buffer
	steps    []string
	warnings []string
	asked    []string
	// yes is the answer to questions; refuse is the error instead of one.
	yes    bool
	refuse error
	// told is called with each detail; it may be nil.
	told func(detail string)
}

var _ hosting.Reporter = (*recorder)(nil)

func (r *recorder) line(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fmt.Fprintf(&r.text, format+"\n", args...)
}

func (r *recorder) Step(name string) {
	r.line("== %s", name)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.steps = append(r.steps, name)
}

func (r *recorder) Detail(format string, args ...any) {
	r.line("   "+format, args...)
	if r.told != nil {
		r.told(fmt.Sprintf(format, args...))
	}
}

func (r *recorder) Warn(format string, args ...any) {
	r.line("!! "+format, args...)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.warnings = append(r.warnings, fmt.Sprintf(format, args...))
}

func (r *recorder) Output() io.Writer { return r }

func (r *recorder) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(p)
}

func (r *recorder) Confirm(question string) (bool, error) {
	r.line("?? %s", question)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked = append(r.asked, question)
	return r.yes, r.refuse
}

func (r *recorder) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}
