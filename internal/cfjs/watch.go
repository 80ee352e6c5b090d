package cfjs

import (
	"context"
	"errors"
	"runtime/metrics"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dlclark/regexp2"
	"github.com/grafana/sobek"
)

const (
	// slice is how often a running invocation is looked at. One that ends before the first look costs a timer's start and
	// stop only.
	slice = 2 * time.Millisecond
	// maxGrowth is how much the process's heap may grow while one invocation runs on, before that is looked into: the
	// invocation is interrupted, and what its realm holds is measured. If it is not much, others have made the heap grow, and
	// it runs anew. Only an invocation that is past its first slice, which is more than CloudFront would give it, comes to that.
	maxGrowth = 64 << 20
	// maxHeld is how much an invocation's realm may hold then: the 2 MB of a function (CloudFront Developer Guide,
	// cloudfront-limits), at four times what CloudFront's engine needs for the same objects.
	maxHeld = 4 * (2 << 20)
	// maxSuspicions is how often an invocation is interrupted to be measured. After that only its time is limited, which
	// bounds what it can take, too.
	maxSuspicions = 3
	// patience is how many times the time limit an invocation may last when the machine is too busy to give the process
	// its processor time.
	patience = 10
)

// watch interrupts the engine when the time or the memory is used up, or the context ends.
type watch struct {
	vm      *sobek.Runtime
	timeout time.Duration
	timer   *time.Timer

	mu      sync.Mutex
	running bool
	ctx     context.Context
	started time.Time
	// looked is whether the invocation was looked at before; heap and cpu are what the process had used then.
	looked bool
	heap   uint64
	cpu    time.Duration
	// due is why the invocation is to be stopped, nil until then: what the engine itself was told by Interrupt.
	due atomic.Pointer[error]
	// measures is whether a heap that grows is looked into.
	measures bool
}

// errSuspect interrupts an invocation during which the process's heap has grown much.
var errSuspect = errors.New("the heap has grown")

// The engine's backtracking regular expressions cannot be interrupted; they give up by themselves, with no match.
func init() { regexp2.DefaultMatchTimeout = DefaultTimeout }

func (w *watch) init(vm *sobek.Runtime, timeout time.Duration) {
	w.vm, w.timeout = vm, timeout
	w.timer = time.AfterFunc(time.Hour, w.look)
	w.timer.Stop()
}

func (w *watch) begin(ctx context.Context, measures bool) {
	w.mu.Lock()
	w.running, w.ctx, w.started, w.looked, w.measures = true, ctx, time.Now(), false, measures
	w.due.Store(nil)
	w.timer.Reset(min(slice, w.timeout))
	w.mu.Unlock()
}

// end returns when no interrupt can come any more.
func (w *watch) end() {
	w.mu.Lock()
	w.running, w.ctx = false, nil
	w.timer.Stop()
	w.mu.Unlock()
	w.vm.ClearInterrupt()
}

func (w *watch) look() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.running {
		return
	}
	// Again and again until the end: after an interrupt the engine may still call into the function, to describe what was
	// thrown.
	if reason := w.reason(); reason != nil {
		w.due.Store(&reason)
		w.vm.Interrupt(reason)
	}
	w.timer.Reset(slice)
}

// reason is why the invocation must stop now, or nil.
func (w *watch) reason() error {
	if err := w.ctx.Err(); err != nil {
		return err
	}
	heap, cpu := heapBytes(), processTime()
	if !w.looked {
		w.looked, w.heap, w.cpu = true, heap, cpu
	}
	if took := time.Since(w.started); took >= w.timeout && cpu-w.cpu+slice >= w.timeout || took >= patience*w.timeout {
		return errTime
	}
	if w.measures && heap > w.heap+maxGrowth {
		return errSuspect
	}
	return nil
}

func heapBytes() uint64 {
	sample := [1]metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample[:])
	return sample[0].Value.Uint64()
}
