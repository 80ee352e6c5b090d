package cfjs

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/grafana/sobek"
)

// engine is one JavaScript realm with the function's program in it. It runs one invocation at a time.
//
// Its global objects are frozen, and the program's top level runs anew for every invocation, so nothing that an
// invocation does can be seen by the next one. A function that changes global objects itself gets an engine for each
// invocation instead (uses.fresh).
type engine struct {
	f       *Function
	vm      *sobek.Runtime
	start   sobek.Callable
	convert sobek.Callable
	modules []sobek.Value
	watch   watch
	inv     invocation
	runs    int
	// depth is how many built-ins are at work, one called by another.
	depth int
	// joining are the arrays that are being joined, one within another.
	joining []*sobek.Object
	// confinedYet are the built-ins that confine has seen, while the realm is set up.
	confinedYet map[*sobek.Object]bool
	// broken is true when the engine was stopped in the middle of something.
	broken bool

	// Parts of the realm that the engine itself needs, taken before any code of the user runs.
	requestProto *sobek.Object
	// shared are the objects that are to be locked and that no global object leads to.
	shared    []any
	promise   sobek.Value
	resolve   native
	reject    native
	parseJSON native
	stringify native
	// descriptor is Object.getOwnPropertyDescriptor.
	descriptor native
	newBuffer  func([]byte) sobek.Value

	// What convert found: a result, or why there is none.
	result  *Result
	invalid string
}

// invocation is the state of one call.
type invocation struct {
	event   *Event
	kv      KV
	now     time.Time
	request *record
	headers *entries
	query   *entries
	cookies *entries
	res     *record
	resHead *entries
	resCook *entries
	logs    []string
	logSize int
	reads   []Read
	used    Used
	origin  *Origin
	invalid string
	// stopped is why the engine stopped the function itself.
	stopped error
}

// maxRuns is after how many invocations an engine is replaced, so that what JavaScript can leave behind without anyone
// seeing it (names in the symbol registry) stays bounded.
const maxRuns = 100_000

var (
	errTime   = errors.New("time limit: the function ran too long")
	errMemory = errors.New("memory limit: the function needs more than 2 MB")
)

func (f *Function) newEngine() (*engine, error) {
	e := &engine{f: f, vm: sobek.New()}
	e.vm.SetMaxCallStackSize(maxDepth)
	e.vm.SetTimeSource(func() time.Time {
		e.inv.used.Time = true
		return e.inv.now
	})
	random := e.random()
	e.vm.SetRandSource(func() float64 {
		e.inv.used.Random = true
		return random()
	})
	if err := e.setUp(); err != nil {
		return nil, fmt.Errorf("set up the engine of %s: %w", f.name, err)
	}
	return e, nil
}

// setUp fills the realm, and leaves it locked unless the function may change it.
func (e *engine) setUp() error {
	e.take()
	e.confinedYet = map[*sobek.Object]bool{}
	defer func() { e.confinedYet = nil }()
	if e.f.uses.groups {
		e.setUpNamedGroups()
	}
	if err := e.guard(); err != nil {
		return err
	}
	modules, err := e.setUpModules()
	if err != nil {
		return err
	}
	if err := e.setUpRealm(!e.f.uses.fresh); err != nil {
		return err
	}
	for _, i := range e.f.imports {
		e.modules = append(e.modules, modules[i.module])
	}
	v, err := e.vm.RunProgram(e.f.program)
	if err != nil {
		return err
	}
	e.start, _ = sobek.AssertFunction(v)
	e.convert, _ = sobek.AssertFunction(e.vm.ToValue(func(c sobek.FunctionCall) sobek.Value {
		e.result, e.invalid = e.toResult(c.Argument(0))
		return sobek.Undefined()
	}))
	e.watch.init(e.vm, e.f.opts.Timeout)
	return nil
}

// take keeps the built-ins that the engine calls, so that no code of the user can put others in their place.
func (e *engine) take() {
	global := e.vm.GlobalObject()
	promise := global.Get("Promise").ToObject(e.vm)
	e.promise = promise
	e.resolve = promise.Get("resolve").Export().(native)
	e.reject = promise.Get("reject").Export().(native)
}

// Run calls the handler with the event. It returns *Error when the function failed or returned what CloudFront does not
// accept, and the context's error when that ended first. kv may be nil: then no store is associated with the function.
// The event is not changed, and must not change while Run works or while its result is in use.
func (f *Function) Run(ctx context.Context, event *Event, kv KV) (*Result, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	e, err := f.pool.get(ctx)
	if err != nil {
		return nil, err
	}
	if f.opts.Measured {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
	}
	reuse := false
	defer func() {
		if !reuse {
			e = nil
		}
		f.pool.put(e)
	}()
	result, err := e.run(ctx, event, kv, true)
	for suspicions := 1; err == errSuspect; suspicions++ {
		if e, err = f.newEngine(); err != nil {
			return nil, err
		}
		result, err = e.run(ctx, event, kv, suspicions < maxSuspicions)
	}
	e.runs++
	reuse = !e.broken && !f.uses.fresh && e.runs < maxRuns
	return result, err
}

// run is one invocation, under watch. With measures it may return errSuspect, for an invocation that was interrupted to be
// measured and has nothing wrong with it.
func (e *engine) run(ctx context.Context, event *Event, kv KV, measures bool) (_ *Result, err error) {
	started := e.f.opts.clock()
	e.inv, e.depth, e.joining = invocation{event: event, kv: kv, now: e.f.opts.Now()}, 0, nil
	e.result, e.invalid = nil, ""
	defer func() {
		if x := recover(); x != nil {
			e.broken = true
			err = e.failure(fmt.Errorf("the engine failed: %v", x), started)
		}
	}()
	e.watch.begin(ctx, measures)
	defer e.watch.end()
	if err := e.call(); err != nil {
		var interrupted *sobek.InterruptedError
		if due := e.watch.due.Load(); due != nil && !errors.As(err, &interrupted) {
			err = *due // a built-in ended by it, and no instruction came after
		}
		if cause := ctx.Err(); cause != nil && errors.Is(err, cause) {
			e.broken = true
			return nil, cause
		}
		if e.suspect(err) {
			return nil, errSuspect
		}
		return nil, e.failure(err, started)
	}
	if e.invalid == "" {
		e.invalid = e.inv.invalid
	}
	if e.invalid != "" {
		fail := e.failure(errors.New(e.invalid), started)
		fail.Status = statusInvalid
		return nil, fail
	}
	r := e.result
	r.Origin, r.Logs, r.Reads = e.inv.origin, e.inv.logs, e.inv.reads
	r.Used, r.Pure = e.inv.used, e.inv.used.pure()
	r.Utilization = utilization(started.took())
	e.inv = invocation{}
	return r, nil
}

// suspect reports whether an invocation was interrupted to be measured, and holds little. One that holds much is stopped.
func (e *engine) suspect(err error) bool {
	var interrupted *sobek.InterruptedError
	if err != errSuspect && (!errors.As(err, &interrupted) || interrupted.Value() != errSuspect) {
		return false
	}
	e.broken = true
	e.watch.end() // nothing may happen in the realm while it is measured
	if limit := e.f.fresh() + maxHeld; sizeOf(e.vm, limit) >= limit {
		e.inv.stopped = errMemory
		return false
	}
	return true
}

// call runs the top level, the handler, and the conversion of what it returned.
func (e *engine) call() error {
	v, err := e.start(sobek.Undefined(), e.modules...)
	if err != nil {
		return err
	}
	handler, ok := sobek.AssertFunction(v)
	if !ok {
		return errors.New("handler is not a function")
	}
	v, err = handler(sobek.Undefined(), e.newEvent())
	if err != nil {
		return err
	}
	if p, isPromise := exported[*sobek.Promise](v); isPromise {
		switch p.State() {
		case sobek.PromiseStatePending:
			return errors.New("the handler's promise never settled")
		case sobek.PromiseStateRejected:
			return &rejection{p.Result()}
		}
		v = p.Result()
	}
	_, err = e.convert(sobek.Undefined(), v)
	return err
}

// exported returns the Go value behind an object, if it has that type. Other objects are left alone: exporting a plain
// one would copy it and run its getters.
func exported[T any](v sobek.Value) (T, bool) {
	var none T
	o, ok := v.(*sobek.Object)
	if !ok || o.ExportType() != reflect.TypeFor[T]() {
		return none, false
	}
	t, ok := o.Export().(T)
	return t, ok
}

// rejection is what an async handler threw.
type rejection struct{ value sobek.Value }

func (r *rejection) Error() string { return "rejected" }

// failure describes an invocation that came to no result.
func (e *engine) failure(err error, started stopwatch) *Error {
	fail := &Error{Status: statusFailed, Name: e.f.name, Logs: e.inv.logs, Reads: e.inv.reads, Utilization: utilization(started.took())}
	var interrupted *sobek.InterruptedError
	var overflow *sobek.StackOverflowError
	var thrown *sobek.Exception
	var rejected *rejection
	switch {
	case e.inv.stopped != nil:
		e.broken = true
		fail.Message, fail.Utilization = e.inv.stopped.Error(), 100
	case errors.As(err, &interrupted):
		e.broken = true
		fail.Message = fmt.Sprint(interrupted.Value())
		e.place(fail, interrupted.Stack())
		fail.Utilization = 100
	case errors.Is(err, errTime):
		e.broken = true
		fail.Message, fail.Utilization = err.Error(), 100
	case errors.As(err, &overflow):
		e.broken = true
		fail.Message = "the call stack is too deep"
		e.place(fail, overflow.Stack())
	case errors.As(err, &rejected):
		fail.Message = e.describe(rejected.value)
		e.placeFromText(fail, rejected.value)
	case errors.As(err, &thrown):
		fail.Message = e.describe(thrown.Value())
		e.place(fail, thrown.Stack())
	default:
		fail.Message = err.Error()
	}
	return fail
}

// describe is the text of a thrown value. It runs under watch, since a property may be a getter of the user's.
func (e *engine) describe(v sobek.Value) string {
	o, ok := v.(*sobek.Object)
	if !ok {
		if v == nil {
			return "undefined was thrown"
		}
		return v.String()
	}
	if o.ClassName() != "Error" {
		return "an object was thrown that is not an Error"
	}
	stack := e.stackText(o)
	first, _, _ := strings.Cut(stack, "\n\tat ")
	return strings.TrimSpace(first)
}

// stackText is an error's stack, which the engine made when the error was: its first lines are the name and the message.
func (e *engine) stackText(o *sobek.Object) (text string) {
	defer func() {
		if x := recover(); x != nil {
			text = "an error was thrown"
			e.broken = true
			if interrupted, ok := x.(*sobek.InterruptedError); ok {
				text = fmt.Sprint(interrupted.Value())
			}
		}
	}()
	name, message := plainProperty(o, "name"), plainProperty(o, "message")
	if name == "" {
		name = "Error"
	}
	if message != "" {
		name += ": " + message
	}
	return name + "\n\tat " + plainProperty(o, "stack")
}

func plainProperty(o *sobek.Object, name string) string {
	if s, ok := o.Get(name).(sobek.String); ok {
		return s.String()
	}
	return ""
}

func (e *engine) place(fail *Error, stack []sobek.StackFrame) {
	for i := range stack {
		if pos := stack[i].Position(); stack[i].SrcName() == e.f.name && pos.Line > 0 {
			fail.Line, fail.Column = pos.Line, e.column(pos.Line, pos.Column)
			return
		}
	}
}

var placeInText = regexp.MustCompile(`:(\d+):(\d+)\(\d+\)`)

func (e *engine) placeFromText(fail *Error, v sobek.Value) {
	o, ok := v.(*sobek.Object)
	if !ok || o.ClassName() != "Error" {
		return
	}
	for _, line := range strings.Split(e.stackText(o), "\n") {
		if m := placeInText.FindStringSubmatch(line); m != nil && strings.Contains(line, e.f.name+":") {
			fail.Line, _ = strconv.Atoi(m[1])
			fail.Column, _ = strconv.Atoi(m[2])
			fail.Column = e.column(fail.Line, fail.Column)
			return
		}
	}
}

// column takes off what wrap put before the first line.
func (e *engine) column(line, column int) int {
	if line == 1 {
		return max(1, column-e.f.prefix)
	}
	return column
}
