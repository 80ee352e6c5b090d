// Package doctor looks at what a deployment needs, one thing at a time and all of them side by side, and tells what it
// finds in a stable order. What cannot be looked at is told as such, and keeps nothing else from being looked at.
//
// The looks that the project alone answers are in here, too; the others are the targets' own.
package doctor

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
)

// Patience is how long a look may take. What takes longer is told as skipped.
const Patience = 15 * time.Second

// Finding is what a look found; the zero Finding says that the look does not apply, and is not told.
type Finding struct {
	Status       hosting.CheckStatus
	Detail, Hint string
}

// Look is one thing to look at.
type Look struct {
	// Name is one or two words.
	Name string
	// Find looks. It should end with its context, and need not.
	Find func(ctx context.Context) Finding
}

// OK is a finding that needs nothing done.
func OK(format string, args ...any) Finding {
	return Finding{Status: hosting.CheckOK, Detail: fmt.Sprintf(format, args...)}
}

// Warning is a finding that does not keep a deployment from working.
func Warning(hint, format string, args ...any) Finding {
	return Finding{hosting.CheckWarning, fmt.Sprintf(format, args...), hint}
}

// Failed is a finding that has to be mended.
func Failed(hint, format string, args ...any) Finding {
	return Finding{hosting.CheckFailed, fmt.Sprintf(format, args...), hint}
}

// Skipped is a look that could not be taken, and why.
func Skipped(hint, why string, args ...any) Finding {
	return Finding{hosting.CheckSkipped, "not looked at: " + fmt.Sprintf(why, args...), hint}
}

// Wrong is the failure that an error tells, with its hint.
func Wrong(err error) Finding { return Failed(fault.HintOf(err), "%v", err) }

// Run takes all looks at once and returns what they found, in their order. Looks that do not apply are left out. If ctx
// ends, the error is its cause.
func Run(ctx context.Context, looks []Look) ([]hosting.Check, error) {
	return run(ctx, looks, Patience)
}

func run(ctx context.Context, looks []Look, patience time.Duration) ([]hosting.Check, error) {
	found := make([]Finding, len(looks))
	var all sync.WaitGroup
	for i, look := range looks {
		all.Go(func() { found[i] = take(ctx, look, patience) })
	}
	all.Wait()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	checks := []hosting.Check{}
	for i, f := range found {
		if f.Status != "" {
			checks = append(checks, hosting.Check{Name: looks[i].Name, Status: f.Status, Detail: strings.TrimSpace(f.Detail), Hint: f.Hint})
		}
	}
	return checks, nil
}

// errSlow ends a look that takes too long.
var errSlow = errors.New("no answer in time")

// take takes one look. One that does not end in time is left behind: its result would be of no use any more.
func take(ctx context.Context, look Look, patience time.Duration) Finding {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, errSlow)
	defer cancel()
	done := make(chan Finding, 1)
	go func() {
		defer func() {
			if p := recover(); p != nil {
				done <- Skipped("this is a fault of the toolkit: please report it", "%v", p)
			}
		}()
		done <- look.Find(ctx)
	}()
	var f Finding
	select {
	case f = <-done:
	case <-ctx.Done():
	}
	if errors.Is(context.Cause(ctx), errSlow) && f.Status != hosting.CheckOK {
		return Skipped("run doctor again", "there was no answer within %s", patience)
	}
	return f
}

// Once returns a function that works out a value at its first call, for looks that share it. Each call has its own context;
// the first one's counts.
func Once[T any](work func(ctx context.Context) (T, error)) func(ctx context.Context) (T, error) {
	var once sync.Once
	var value T
	var err error
	return func(ctx context.Context) (T, error) {
		once.Do(func() { value, err = work(ctx) })
		return value, err
	}
}

// Failures counts the checks that failed.
func Failures(checks []hosting.Check) (n int) {
	for _, c := range checks {
		if c.Status == hosting.CheckFailed {
			n++
		}
	}
	return n
}
