package cfjs

import (
	"runtime"
	"sync"
	"time"

	"github.com/grafana/sobek"
)

// stopwatch tells how long something took: in processor time of the thread that it was begun in, and must end in, if it was begun
// so, else in the time that goes by.
type stopwatch struct {
	started time.Time
	thread  time.Duration // what the thread had used; -1 if that does not count
}

// clock begins to take the time of an invocation.
func (o *Options) clock() stopwatch {
	if o.Measured {
		if used, ok := threadTime(); ok {
			return stopwatch{thread: used}
		}
	}
	return stopwatch{started: time.Now(), thread: -1}
}

func (s stopwatch) took() time.Duration {
	if s.thread >= 0 {
		used, _ := threadTime()
		return used - s.thread
	}
	return time.Since(s.started)
}

// utilization is the share of CloudFront's time limit that an invocation took. That limit is not documented as a time;
// it is taken to be a millisecond there, and the time here is scaled by how fast this machine runs JavaScript.
func utilization(took time.Duration) int {
	return int(min(100, 100*took/budget()))
}

const (
	// referenceLoop is run once to see how fast this machine is; referenceTime is what it takes on the machine that the
	// budget was set on.
	referenceLoop = `(function(){var n=0;for(var i=0;i<20000;i++){n=(n+i*3)%1000}return n})()`
	referenceTime = 2 * time.Millisecond
	referenceCost = time.Millisecond
)

// Calibrate sees how fast this machine runs JavaScript, of which each Utilization is a share. It takes about 10 ms, once in a
// process: a server calls it before somebody waits for an answer, else the first invocation does.
func Calibrate() { budget() }

// budget is what 100 percent of the time limit is on this machine.
var budget = sync.OnceValue(func() time.Duration {
	program := sobek.MustCompile("budget.js", referenceLoop, true)
	vm := sobek.New()
	best := time.Hour
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for range 5 {
		started := (&Options{Measured: true}).clock()
		if _, err := vm.RunProgram(program); err != nil {
			return referenceCost
		}
		best = min(best, started.took())
	}
	return min(max(referenceCost*best/referenceTime, referenceCost/4), 16*referenceCost)
})
