package cfjs

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// failed runs a handler's body and returns its error, which must be CloudFront's 503.
func failed(t *testing.T, code string, opts Options) *Error {
	t.Helper()
	r, err := compile(t, code, opts).Run(t.Context(), event("/"), mapKV{})
	var fail *Error
	if !errors.As(err, &fail) {
		t.Fatalf("got %+v, %v", r, err)
	}
	if fail.Status != 503 || fail.Type() != "FunctionExecutionError" {
		t.Errorf("status %d (%s), want 503: %v", fail.Status, fail.Type(), err)
	}
	return fail
}

func TestErrors(t *testing.T) {
	for name, tc := range map[string]struct{ code, want string }{
		"throw":               {"function handler(event) {\n  throw new Error('boom');\n}", "function.js:2:9: Error: boom"},
		"throw async":         {"async function handler(event) {\n  await 1;\n  throw new TypeError('boom');\n}", "function.js:3:9: TypeError: boom"},
		"throw in a call":     {"function f(x) { return x.y.z; }\nfunction handler(event) { return f({}); }", "function.js:1:28: TypeError: Cannot read property 'z' of undefined"},
		"throw a string":      {"function handler(event) { throw 'boom'; }", "function.js:1:27: boom"},
		"throw an object":     {"function handler(event) { throw {a: 1}; }", "an object was thrown that is not an Error"},
		"throw nothing":       {"async function handler(event) { throw undefined; }", "function.js: undefined"},
		"top level":           {"var x = undefined;\nvar y = x.z;\nfunction handler(event) {}", "function.js:2:11: TypeError"},
		"first line":          {"import cf from 'cloudfront'; undefined.x; function handler(event) {}", "function.js:1:40: TypeError"},
		"handler overwritten": {"var handler = 1; function other() {}", "handler is not a function"},
		"never settles":       {"function handler(event) { return new Promise(function () {}); }", "promise never settled"},
		"rejected":            {"function handler(event) { return Promise.reject(new Error('no')); }", "Error: no"},
		"result throws":       {"function handler(event) { return {get statusCode() { throw new Error('gotcha'); }}; }", "gotcha"},
		"message throws":      {"function handler(event) { var e = new Error('x'); Object.defineProperty(e, 'message', {get: function () { throw 1; }}); throw e; }", "an error was thrown"},
		"toString in log":     {"function handler(event) { console.log({toJSON: function () { throw new Error('in log'); }}); return event.request; }", "in log"},
		"deep recursion":      {"function f() { return f() + 1; } function handler(event) { return f(); }", "call stack is too deep"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := failed(t, tc.code, Options{}).Error(); !strings.Contains(got, tc.want) {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestErrorKeepsLogsAndReads(t *testing.T) {
	fail := failed(t, "import cf from 'cloudfront'; async function handler(event) { console.log('before'); await cf.kvs().exists('k'); throw new Error('x'); }", Options{})
	if len(fail.Logs) != 1 || fail.Logs[0] != "before" || len(fail.Reads) != 1 || fail.Reads[0].Key != "k" {
		t.Errorf("%+v", fail)
	}
}

// A function that loops or allocates without end is stopped, whatever way it does it in.
func TestRunaway(t *testing.T) {
	for name, body := range map[string]string{
		"loop":                 "for (;;) {}",
		"loop that catches":    "for (;;) { try { for (;;) {} } catch (e) {} }",
		"loop in finally":      "try { for (;;) {} } finally { for (;;) {} }",
		"promise jobs":         "var f = function () { return Promise.resolve().then(f); }; return f();",
		"result getter":        "return {get statusCode() { for (;;) {} }};",
		"log getter":           "console.log({get a() { for (;;) {} }});",
		"error getter":         "var e = new Error('x'); Object.defineProperty(e, 'message', {get: function () { for (;;) {} }}); throw e;",
		"replacer":             "'x'.repeat(1e6).replace(/x/g, function () { for (;;) {} });",
		"sort":                 "[2, 1].sort(function () { for (;;) {} });",
		"string doubling":      "var s = 'x'; for (;;) { s += s; }",
		"strings kept":         "var a = []; for (;;) { a.push('x'.repeat(1e6) + a.length); }",
		"objects kept":         "var a = {}; for (var i = 0; ; i++) { a['k' + i] = {i: [i]}; }",
		"array grows":          "var a = []; for (;;) { a.push(a.length); }",
		"headers grow":         "for (var i = 0; ; i++) { event.request.headers['x' + i] = {value: ''}; }",
		"repeat":               "return 'x'.repeat(1e9);",
		"padStart":             "return 'x'.padStart(1e9);",
		"replaceAll grows":     "var s = 'x'.repeat(1e6); return s.replaceAll('x', s);",
		"long array":           "return new Array(4e9).join('x');",
		"long array, length":   "var a = []; a.length = 4e9; return a.indexOf(1);",
		"long array-like":      "return Array.prototype.indexOf.call({length: Math.pow(2, 53) - 1}, 1);",
		"long array in JSON":   "var a = []; a.length = 4e9; return JSON.stringify({a: [a]});",
		"apply":                "return Math.max.apply(null, {length: 4e9});",
		"typed array":          "return new Uint8Array(1e9);",
		"array buffer":         "return new ArrayBuffer(1e9);",
		"Buffer":               "return Buffer.alloc(1e9);",
		"concat doubling":      "var a = [1]; for (;;) { a = a.concat(a); }",
		"backtracking regexp":  "return /^(?=a)(a+)+$/.test('a'.repeat(40) + 'b');",
		"join of long strings": "var s = 'x'.repeat(1e6), a = []; for (var i = 0; i < 1000; i++) { a.push(s); } for (;;) { a.join(s); }",
		"JSON of long strings": "var s = 'x'.repeat(1e6), a = []; for (var i = 0; i < 1000; i++) { a.push(s); } return JSON.stringify(a);",
		"replacement grows":    "return 'x'.repeat(1e6).replace(/x/g, '$`');",
		"typed array from":     "return Uint8Array.from({length: 1e9});",
		"typed array of":       "return new Uint8Array({length: 1e9});",
		"log without end":      "for (;;) { console.log('x'.repeat(1e4)); }",
		"reads without end":    "for (;;) { require('querystring').parse('a=1&b=2'); }",
	} {
		t.Run(name, func(t *testing.T) {
			started := time.Now()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			f := compile(t, "function handler(event) { "+body+" return event.request; }", Options{Timeout: 50 * time.Millisecond})
			r, err := f.Run(t.Context(), event("/"), mapKV{})
			var fail *Error
			if !errors.As(err, &fail) {
				t.Fatalf("got %+v, %v", r, err)
			}
			runtime.ReadMemStats(&after)
			if took := time.Since(started); took > time.Minute {
				t.Errorf("it took %v", took)
			}
			if grown := after.TotalAlloc - before.TotalAlloc; grown > 16*maxGrowth {
				t.Errorf("it allocated %d MB", grown>>20)
			}
			if !strings.Contains(fail.Message, "limit") && name != "backtracking regexp" {
				t.Errorf("message %q", fail.Message)
			}
		})
	}
}

// One invocation leaves nothing behind that another can see.
func TestIsolation(t *testing.T) {
	for name, code := range map[string]string{
		"top-level variable": "var n = 0; function handler(event) { n++; console.log(n); return event.request; }",
		"function property":  "function handler(event) { handler.n = (handler.n || 0) + 1; console.log(handler.n); return event.request; }",
		"global":             "function handler(event) { globalThis.n = (globalThis.n || 0) + 1; console.log(globalThis.n); return event.request; }",
		"prototype":          "function handler(event) { var had = ''.foo; String.prototype.foo = 1; console.log(had ? 2 : 1); return event.request; }",
		"Math":               "function handler(event) { Math.n = (Math.n || 0) + 1; console.log(Math.n); return event.request; }",
		"defineProperty":     "function handler(event) { var had = [].x; Object.defineProperty(Array.prototype, 'x', {value: 1, configurable: true}); console.log(had ? 2 : 1); return event.request; }",
		"assign":             "function handler(event) { var had = Array.x; Object.assign(Array, {x: 1}); console.log(had ? 2 : 1); return event.request; }",
		"regexp state":       "var re = /a/g; function handler(event) { re.test('aa'); console.log(re.lastIndex); return event.request; }",
		"hidden prototype":   "function handler(event) { var p = ['prototype'].map(n => String[n])[0]; try { p.foo = (p.foo || 0) + 1; console.log(p.foo); } catch (e) { console.log(1); } return event.request; }",
		"array prototype":    "function handler(event) { var p = [].constructor.prototype; try { p.foo = (p.foo || 0) + 1; console.log(p.foo); } catch (e) { console.log(1); } return event.request; }",
		"object prototype":   "function handler(event) { var p = ({}).__proto__; try { p.foo = (p.foo || 0) + 1; console.log(p.foo); } catch (e) { console.log(1); } return event.request; }",
		"toString":           "function handler(event) { var p = ({}).__proto__; try { p.toString = function () { return 'x'; }; } catch (e) {} console.log(String({}) === '[object Object]' ? 1 : 2); return event.request; }",
		"module":             "import cf from 'cloudfront'; function handler(event) { try { cf.n = (cf.n || 0) + 1; } catch (e) {} console.log(cf.n || 1); return event.request; }",
		"kvs handle":         "import cf from 'cloudfront'; function handler(event) { var k = cf.kvs(); try { k.n = (k.n || 0) + 1; } catch (e) {} console.log(k.n || 1); return event.request; }",
		"console":            "function handler(event) { try { console.n = (console.n || 0) + 1; } catch (e) {} console.log(console.n || 1); return event.request; }",
		"edge location":      "import cf from 'cloudfront'; function handler(event) { var l = cf.edgeLocation; try { l.n = (l.n || 0) + 1; } catch (e) {} console.log(l.n || 1); return event.request; }",
		"request prototype":  "function handler(event) { var p = Object.getPrototypeOf(event.request); try { p.n = (p.n || 0) + 1; } catch (e) {} console.log(event.request.n || 1); return event.request; }",
		"Buffer":             "function handler(event) { var B = [Buffer][0]; try { B.n = (B.n || 0) + 1; } catch (e) {} console.log(B.n || 1); return event.request; }",
		"promise prototype":  "async function handler(event) { var p = Object.getPrototypeOf(Promise.resolve(1)); try { p.n = (p.n || 0) + 1; } catch (e) {} console.log(p.n || 1); return event.request; }",
		"async prototype":    "async function handler(event) { var p = Object.getPrototypeOf(handler); try { p.n = (p.n || 0) + 1; } catch (e) {} console.log(p.n || 1); return event.request; }",
		"method of objects":  "function handler(event) { var f = ({}).toString; try { f.n = (f.n || 0) + 1; } catch (e) {} console.log(f.n || 1); return event.request; }",
		"method of errors":   "function handler(event) { var f = new Error('x').toString; try { f.n = (f.n || 0) + 1; } catch (e) {} console.log(f.n || 1); return event.request; }",
		"array iterator":     "function handler(event) { var p = Object.getPrototypeOf([].values()); try { p.n = (p.n || 0) + 1; } catch (e) {} console.log(p.n || 1); return event.request; }",
	} {
		t.Run(name, func(t *testing.T) {
			f := compile(t, code, Options{})
			var first string
			for i := range 3 {
				r, err := f.Run(t.Context(), event("/"), mapKV{})
				if err != nil {
					t.Fatal(err)
				}
				if i == 0 {
					first = r.Logs[0]
				} else if r.Logs[0] != first {
					t.Fatalf("invocation %d saw %s, the first one %s", i+1, r.Logs[0], first)
				}
			}
		})
	}
}

// A polyfill works, as it does on CloudFront.
func TestPolyfill(t *testing.T) {
	r, err := run(t, `if (!Array.prototype.flat) { Array.prototype.flat = function () { return [].concat.apply([], this); }; }
		function handler(event) { console.log([[1], [2]].flat().join()); return event.request; }`, event("/"), nil)
	if err != nil || r.Logs[0] != "1,2" {
		t.Errorf("%v, %v", r, err)
	}
}

func TestConcurrentRuns(t *testing.T) {
	f := compile(t, upstreamShape, Options{})
	before := runtime.NumGoroutine()
	var wg sync.WaitGroup
	for g := range 16 {
		wg.Go(func() {
			for i := range 50 {
				release := fmt.Sprintf("r%d-%d", g, i)
				r, err := f.Run(t.Context(), event("/x.js"), mapKV{"path": release})
				if err != nil || r.Request.URI != "/"+release+"/x.js" {
					t.Errorf("%v, %v", r, err)
					return
				}
			}
		})
	}
	wg.Wait()
	if after := runtime.NumGoroutine(); after > before+2 {
		t.Errorf("%d goroutines before, %d after", before, after)
	}
}

// While some invocations loop, those of another function go on.
func TestLoopLeavesOthersAlone(t *testing.T) {
	loop := compile(t, "function handler(event) { for (;;) {} }", Options{Timeout: 50 * time.Millisecond})
	good := compile(t, upstreamShape, Options{})
	var wg sync.WaitGroup
	for range 3 * runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			var fail *Error
			if _, err := loop.Run(t.Context(), event("/"), nil); !errors.As(err, &fail) || fail.Status != 503 || fail.Utilization != 100 {
				t.Errorf("loop: %v", err)
			}
		})
	}
	for range 20 {
		if _, err := good.Run(t.Context(), event("/"), mapKV{"path": "a"}); err != nil {
			t.Errorf("good: %v", err)
		}
	}
	wg.Wait()
}

func TestContext(t *testing.T) {
	f := compile(t, "function handler(event) { for (;;) {} }", Options{Timeout: time.Minute})
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, cancel)
	if _, err := f.Run(ctx, event("/"), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("while it runs: %v", err)
	}
	if _, err := f.Run(ctx, event("/"), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("before it runs: %v", err)
	}
}

func TestUtilization(t *testing.T) {
	for want, took := range map[int]time.Duration{0: 0, 50: budget()/2 + time.Microsecond, 100: 50 * budget()} {
		if got := utilization(took); got != want {
			t.Errorf("utilization(%v) = %d, want %d", took, got, want)
		}
	}
}

// waiting is a store that takes its time, as a busy machine does with everything.
type waiting struct{ mapKV }

func (w waiting) Get(key string) (string, bool) {
	time.Sleep(20 * time.Millisecond)
	return w.mapKV.Get(key)
}

// What a function took does not depend on how long it had to wait for the processor, where that is asked for.
func TestUtilizationOnABusyMachine(t *testing.T) {
	const code = `import cf from 'cloudfront'; async function handler(event) { await cf.kvs().get('path'); return event.request; }`
	if _, ok := threadTime(); !ok {
		t.Skip("this system has no clock of threads that would do")
	}
	for _, measured := range []bool{false, true} {
		f, err := Compile("busy.js", code, Options{Measured: measured, Timeout: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		least := 100
		for range 10 { // the first one makes what the others find made
			r, err := f.Run(t.Context(), event("/"), waiting{mapKV{"path": "r1"}})
			if err != nil {
				t.Fatal(err)
			}
			least = min(least, r.Utilization)
		}
		if measured == (least == 100) {
			t.Errorf("measured %t: %d %%", measured, least)
		}
	}
}

func FuzzResult(f *testing.F) {
	for _, s := range []string{"event.request", "{statusCode:200}", "{statusCode:301,headers:{location:{value:'/'}}}", "{uri:'/x',method:'GET'}",
		"Object.assign({},event.request)", "{statusCode:200,body:{encoding:'base64',data:'aGk='}}", "(event.request.headers={a:{multiValue:[{value:'b'}]}},event.request)",
		"(event.request.uri='/'+'x'.repeat(9),event.request)", "[1,2]", "new Proxy({},{})", "Promise.resolve(event.request)", "(delete event.request.uri,event.request)"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, expr string) {
		fn, err := Compile("f.js", "function handler(event) { return ("+expr+"\n); }", Options{Timeout: 20 * time.Millisecond})
		if err != nil {
			return
		}
		r, err := fn.Run(t.Context(), event("/a"), mapKV{"path": "a"})
		var fail *Error
		switch {
		case err != nil && !errors.As(err, &fail):
			t.Errorf("not an *Error: %v", err)
		case err == nil && (r.Request == nil) == (r.Response == nil):
			t.Errorf("not one of request and response: %+v", r)
		case err == nil && r.Request != nil && headersProblem(r.Request.Headers, event("/a").Request.Headers, ViewerRequest) != "":
			t.Errorf("forbidden headers came through: %v", r.Request.Headers)
		}
		if fail != nil && strings.Contains(fail.Message, "the engine failed") {
			t.Error(fail)
		}
	})
}
