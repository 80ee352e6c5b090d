// Package publishtest holds the contract of publish.ObjectStore and publish.Pointer as test suites, and an implementation
// of both in memory that can be made to fail.
package publishtest

import (
	"errors"
	"sync"
)

// ErrCrash is what every operation returns after a crash.
var ErrCrash = errors.New("crashed")

// Faults makes the operations of a Store and a Pointer fail. The zero value lets everything pass. It is safe for
// concurrent use; one Faults may be shared by a Store and a Pointer.
type Faults struct {
	mu      sync.Mutex
	ops     int
	crashAt int
	late    bool
	crashed bool
	before  func(op, key string) error
}

// CrashAt makes the n-th operation from now on, and all after it, fail with ErrCrash, as if the process had been killed.
// With late set, the n-th operation takes effect first. A crash ends with Recover.
func (f *Faults) CrashAt(n int, late bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ops, f.crashAt, f.late, f.crashed = 0, n, late, false
}

// Recover lets everything pass again, and reports whether there was a crash.
func (f *Faults) Recover() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	crashed := f.crashed
	f.crashAt, f.crashed, f.before = 0, false, nil
	return crashed
}

// Before is called ahead of each operation, named as in the interfaces ("Put", "Swap", …), with its key, if it has one;
// an error from it is the operation's. It may itself use the store.
func (f *Faults) Before(hook func(op, key string) error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.before = hook
}

// do runs one operation.
func (f *Faults) do(op, key string, run func() error) error {
	f.mu.Lock()
	f.ops++
	hook, late := f.before, false
	if f.crashAt > 0 && f.ops >= f.crashAt {
		late = f.late && !f.crashed
		f.crashed = true
		if !late {
			f.mu.Unlock()
			return ErrCrash
		}
	}
	f.mu.Unlock()
	if hook != nil {
		if err := hook(op, key); err != nil {
			return err
		}
	}
	err := run()
	if late {
		return ErrCrash
	}
	return err
}
