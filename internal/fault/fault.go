// Package fault is an error as its reader meets it: what went wrong, what to do next, and which exit code follows.
//
// A room returns a plain wrapped error where it knows nothing more than the cause, and a fault where it knows the way
// out. The kind and the hint travel with the error through any number of %w wraps; only the command line reads them.
package fault

import (
	"errors"
	"fmt"
)

// Kind says what sort of failure an error is. The command line maps each kind to one exit code.
type Kind int

const (
	// Other is every failure that has no kind of its own.
	Other Kind = iota
	// Usage is wrong usage of the command line, or an invalid configuration, buildspec, function or template.
	Usage
	// Failed is a build or a pipeline execution that ran and failed.
	Failed
	// NotDeployed is a command that needs a deployed site, or a live release, where there is none yet.
	NotDeployed
)

// Error is an error with a kind and a hint.
type Error struct {
	// Kind decides the exit code.
	Kind Kind
	// Hint is what to do next, most often a command to run; it may be empty.
	Hint string
	// Err is what happened, to what, and why.
	Err error
}

// Error returns what happened, without the hint.
func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// New returns an error of the given kind. The hint may be empty; format and args are those of fmt.Errorf, %w included.
func New(kind Kind, hint, format string, args ...any) error {
	return &Error{Kind: kind, Hint: hint, Err: fmt.Errorf(format, args...)}
}

// KindOf returns the kind of the outermost fault in err's chain that has one, or Other.
func KindOf(err error) Kind {
	for e := find(err); e != nil; e = find(e.Err) {
		if e.Kind != Other {
			return e.Kind
		}
	}
	return Other
}

// HintOf returns the outermost hint in err's chain, or "".
func HintOf(err error) string {
	for e := find(err); e != nil; e = find(e.Err) {
		if e.Hint != "" {
			return e.Hint
		}
	}
	return ""
}

func find(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return nil
}
