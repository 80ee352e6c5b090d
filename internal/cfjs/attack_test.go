package cfjs

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/grafana/sobek"
	"github.com/grafana/sobek/ast"
	"github.com/grafana/sobek/parser"
)

// What a function can make built-ins do to each other, without an instruction of its own in between at which the engine looks at the
// limits. Before there was one in the built-ins, each of these held a processor for minutes, took gigabytes, or (those that are too
// deep) ended the process.
func TestBuiltinsAmongThemselves(t *testing.T) {
	const long = "var s = 'x'.repeat(2e6), a = []; for (var i = 0; i < 5e4; i++) { a.push(s); } "
	for name, body := range map[string]string{
		"concat calls itself":         "var o = {}; o.toString = ''.concat.bind('', o); String(o);",
		"a number calls itself":       "var o = {}; o.valueOf = Math.max.bind(null, o); +o;",
		"JSON calls itself":           "var o = {}; o.toJSON = JSON.stringify.bind(null, o); JSON.stringify(o);",
		"forEach calls itself":        "var a = []; var f = a.forEach.bind(a); a.push(f); f(f);",
		"a getter calls itself":       "var o = {}; Object.defineProperty(o, 'x', {get: JSON.stringify.bind(null, o), enumerable: true}); o.x;",
		"parentheses":                 "new RegExp('('.repeat(1e6));",
		"parentheses to be matched":   "'x'.match('('.repeat(1e6));",
		"brackets":                    "var s = '['.repeat(2e6); s += s; JSON.parse(s);",
		"arrays as text":              "var a = []; for (var i = 0; i < 2e3; i++) { a = [a]; } String(a);",
		"map and repeat":              "var a = []; for (var i = 0; i < 5e4; i++) { a.push(2e6); } a.map(''.repeat, 'x');",
		"map and toUpperCase":         long + "a.map(''.toUpperCase, s);",
		"map and test":                long + "a.map(/y/.test, /(x+x+)+y/);",
		"map and encodeURIComponent":  long + "a.map(encodeURIComponent);",
		"sort and indexOf":            "var a = []; for (var i = 0; i < 2e5; i++) { a.push(i); } a.sort([].indexOf.bind(a));",
		"map and decode":              "var d = new TextDecoder(), b = new Uint8Array(2e6), a = []; for (var i = 0; i < 2e4; i++) { a.push(b); } a.map(d.decode, d);",
		"forEach and update":          long + "var h = require('crypto').createHash('sha256'); a.forEach(h.update, h);",
		"join of joins":               "var s = 'x'.repeat(1e6), a = [s], b = []; for (var i = 0; i < 5e4; i++) { b.push(a); } b.join();",
		"join of String objects":      "var s = new String('x'.repeat(2e6)), a = []; for (var i = 0; i < 2e3; i++) { a.push(s); } a.join();",
		"concat of strings":           "var s = 'x'.repeat(2e6), a = []; for (var i = 0; i < 1500; i++) { a.push(s); } ''.concat.apply('', a);",
		"concat of arrays":            "var s = new Array(262144), a = []; for (var i = 0; i < 1e3; i++) { a.push(s); } [].concat.apply([], a);",
		"JSON with a list":            "var a = []; a.length = 4e9; JSON.stringify(a, []);",
		"JSON with a number":          "var a = []; a.length = 4e9; JSON.stringify(a, 1);",
		"JSON with a built-in":        "var a = []; a.length = 4e9; JSON.stringify(a, Math.max);",
		"JSON within JSON":            "var a = []; a.length = 4e9; JSON.stringify({a: {toJSON: function () { JSON.stringify(1); return a; }}});",
		"console.log of a long array": "var a = []; a.length = 4e9; console.log(a);",
		"a length that changes":       "var n = 0; [].indexOf.call({get length() { return n++ ? 4e9 : 1; }}, 1);",
		"a length that is text":       "[].indexOf.call({length: '4e9'}, 1);",
		"a length that is computed":   "[].indexOf.call({length: {valueOf: function () { return 4e9; }}}, 1);",
		"an inherited length":         "[].indexOf.call(Object.create({length: 4e9}), 1);",
		"typed array by text":         "new Uint8Array('4000000000');",
		"buffer by valueOf":           "new ArrayBuffer({valueOf: function () { return 4e9; }});",
		"set from what is long":       "new Uint8Array(1).set({length: '4e9'});",
		"replacement by toString":     "'x'.repeat(2e5).replace(/x/g, {toString: function () { return '$`'; }});",
		"a pattern's own replace":     "/x/g[Symbol.replace]('x'.repeat(2e5), '$`');",
		"the characters of a string":  "Object.entries('x'.repeat(2e6));",
		"bytes as entries":            "Object.entries(new Uint8Array(2e6));",
	} {
		t.Run(name, func(t *testing.T) {
			fail := failed(t, "function handler(event) { "+body+" return event.request; }", Options{Timeout: 50 * time.Millisecond})
			if !strings.Contains(fail.Message, "limit") && fail.Message != errDepth.Error() && fail.Message != errLength.Error() && !strings.Contains(fail.Message, "Nested too deep") {
				t.Errorf("message %q", fail.Message)
			}
		})
	}
}

// What the limits let through: the same calls, of ordinary size, do what the language says. The results are those of
// ECMAScript, and of njs but for two: there, an array that is emptied while it is sorted stays empty, and one that holds itself cannot
// be joined.
func TestBuiltinsWithinLimits(t *testing.T) {
	for expression, want := range map[string]string{
		"[1, [2, [3]], null, undefined, 'x'].join()":                                                                       "1,2,3,,,x",
		"[1, 2].join(undefined) + [1, 2].join(null) + [].join() + [[]].join()":                                             "1,21null2",
		"(function () { var a = [1]; a.push(a); return a.join('-'); })()":                                                  "1-",
		"[].join.call({length: 2, 0: 'a', 1: {toString: function () { return 'b'; }}})":                                    "a,b",
		"[3, undefined, 1, 2].sort().join() + [3, 20, 1].sort(function (a, b) { return b - a; }).join()":                   "1,2,3,20,3,1",
		"(function () { var a = [2, 1]; return a.sort() === a && a.join() === '1,2'; })()":                                 "true",
		"(function () { var a = [1]; a[2] = 0; a.sort(); return a.join() + (2 in a); })()":                                 "0,1,false",
		"(function () { var a = [3, 2, 1]; a.sort(function (x, y) { a.length = 0; return x - y; }); return a.join(); })()": "1,2,3",
		"[].join.call('abc', '.')": "a.b.c",
		"JSON.stringify({a: 1, b: {a: 2, c: 3}, d: [{a: 1, c: 2}]}, ['a', 'b', 'd'])":                                                  `{"a":1,"b":{"a":2},"d":[{"a":1}]}`,
		"JSON.stringify({1: 'x', 2: 'y'}, [2])":                                                                                        `{"2":"y"}`,
		"(function () { var o = {a: 1}; o.o = o; return JSON.stringify(o, ['a']); })()":                                                `{"a":1}`,
		"JSON.stringify({a: 1, b: 2}, function (k, v) { return k === 'a' ? undefined : this === v ? 0 : v; })":                         `{"b":2}`,
		"JSON.stringify({a: new Date(0), b: [undefined, function () {}]}, null, 1)":                                                    "{\n \"a\": \"1970-01-01T00:00:00.000Z\",\n \"b\": [\n  null,\n  null\n ]\n}",
		"JSON.stringify({toJSON: function () { return {x: JSON.stringify([1])}; }})":                                                   `{"x":"[1]"}`,
		"JSON.stringify(undefined) + JSON.stringify(null, 1) + JSON.stringify('x', {})":                                                `undefinednull"x"`,
		"JSON.parse('[' + '['.repeat(30) + ']'.repeat(31)).length":                                                                     "1",
		`JSON.parse('{"a":"[[[[\\"[[[["}', function (k, v) { return v; }).a`:                                                           `[[[["[[[[`,
		"''.repeat.call({toString: function () { return 'ab'; }}, {valueOf: function () { return 2; }})":                               "abab",
		"'x'.padStart('3', {toString: function () { return '-'; }})":                                                                   "--x",
		"'a'.concat(1, null, {toString: function () { return 'b'; }})":                                                                 "a1nullb",
		"[1].concat(2, [3], {length: 1, 0: 4}).length":                                                                                 "4",
		"'aXbX'.replace('X', {toString: function () { return '$&$&'; }})":                                                              "aXXbX",
		"/b/g[Symbol.replace]('abcb', '[$&]') + /b/[Symbol.search]('ab')":                                                              "a[b]c[b]1",
		"'a1b2'.split(/\\d/).concat('ab'.match('b')).join()":                                                                           "a,b,,b",
		"new RegExp('a+', 'g').test('caat') + String(new RegExp(/x/g)) + RegExp('y')":                                                  "true/x/g/y/",
		"new Uint8Array('3').length + new Uint8Array([1, 2]).length + new Uint8Array({length: 2}).length":                              "7",
		"new Uint8Array(new Uint8Array([7]).buffer)[0] + new ArrayBuffer({valueOf: function () { return 2; }}).byteLength":             "9",
		"Uint8Array.name + Uint8Array.length + (new Uint8Array(1) instanceof Uint8Array) + [].map.name":                                "Uint8Array3truemap",
		"[].map.call('ab', function (c) { return c + c; }).join('') + [].slice.call((function () { return arguments; })(1, 2)).length": "aabb2",
		"Math.max.apply(null, [1, 3]) + Object.keys('ab').length + Object.entries({a: 1}).length":                                      "6",
		"`" + strings.Repeat("${1}-", 40) + "`":                                                                                        strings.Repeat("1-", 40),
		"(function () { var n = 0, f = function () { return n++; }; return `" + strings.Repeat("${f()},", 20) + "`; })()":              "0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,",
	} {
		r, err := run(t, "function handler(event) { console.log(String("+expression+")); return event.request; }", event("/"), nil)
		if err != nil || r.Logs[0] != want {
			t.Errorf("%s: %v, want %q", expression, err, want)
			if r != nil {
				t.Errorf("got %q", r.Logs[0])
			}
		}
	}
}

// No template has more values than the engine may put together at a time, however it is nested in others; tagged ones stay.
func TestSplitTemplates(t *testing.T) {
	tree, err := parser.ParseFile(nil, "t.js", "f(`"+strings.Repeat("${`"+strings.Repeat("${a}-", 30)+"`}", 100)+"`, t`"+strings.Repeat("${a}", 20)+"`)", 0)
	if err != nil {
		t.Fatal(err)
	}
	splitTemplates(tree)
	values := 0
	visitAll(reflect.ValueOf(tree.Body), func(n ast.Node) func() {
		switch n := n.(type) {
		case *ast.TemplateLiteral:
			if len(n.Elements) != len(n.Expressions)+1 || n.Tag == nil && len(n.Expressions) > maxInserted || n.Tag != nil && len(n.Expressions) != 20 {
				t.Errorf("%d values, %d texts", len(n.Expressions), len(n.Elements))
			}
		case *ast.Identifier:
			values++
		}
		return nothing
	})
	if values != 100*30+20+2 {
		t.Errorf("%d values are left", values)
	}
}

// Errors of what is nested too deep are njs's, and a function can catch them.
func TestNesting(t *testing.T) {
	const code = `function handler(event) { var a = 1; for (var i = 0; i < 32; i++) { a = [a]; }
		try { JSON.stringify(a); } catch (e) { console.log(String(e)); }
		try { JSON.parse('['.repeat(32) + ']'.repeat(32)); } catch (e) { console.log(String(e)); }
		console.log(JSON.stringify(a[0]).length); return event.request; }`
	r, err := run(t, code, event("/"), nil)
	if err != nil || strings.Join(r.Logs, "|") != "TypeError: Nested too deep or a cyclic structure|SyntaxError: Nested too deep|63" {
		t.Errorf("%v, %v", r, err)
	}
}

// Every built-in that a function can reach looks at the limits: another engine, or a built-in that is made in another way, is
// noticed here.
func TestEveryBuiltinIsConfined(t *testing.T) {
	for name, code := range map[string]string{
		"shared engine": "function handler(event) { return event.request; } // globalThis, Buffer, TextEncoder",
		"own engine":    "Math.x = 1; function handler(event) { return event.request; }",
	} {
		e, err := compile(t, code, Options{}).newEngine()
		if err != nil {
			t.Fatal(err)
		}
		due := errTime
		found := builtins(e.vm)
		if len(found) < 300 {
			t.Errorf("%s: %d built-ins were found", name, len(found))
		}
		e.watch.due.Store(&due)
		for path, call := range found {
			func() {
				defer func() {
					if x := recover(); x == nil || !strings.Contains(toText(x), "being stopped") {
						t.Errorf("%s: %s runs on: %v", name, path, x)
					}
				}()
				call(sobek.FunctionCall{This: sobek.Undefined()})
			}()
		}
	}
}

func toText(x any) string {
	if v, ok := x.(sobek.Value); ok {
		return v.String()
	}
	if err, ok := x.(error); ok {
		return err.Error()
	}
	return ""
}

// builtins are the native functions below the global objects' own properties, by their path.
func builtins(vm *sobek.Runtime) map[string]native {
	found, global := map[string]native{}, vm.GlobalObject()
	add := func(path string, v sobek.Value) {
		if f, isNative := exported[native](v); isNative && strings.Contains(v.String(), "[native code]") {
			found[path] = f
		}
	}
	for _, name := range global.GetOwnPropertyNames() {
		o, ok := global.Get(name).(*sobek.Object)
		if !ok {
			continue
		}
		add(name, o)
		for _, holder := range []sobek.Value{o, o.Get("prototype")} {
			h, ok := holder.(*sobek.Object)
			if !ok || name == "globalThis" {
				continue
			}
			for _, member := range h.GetOwnPropertyNames() {
				if ex := vm.Try(func() { add(name+"."+member, h.Get(member)) }); ex != nil {
					continue // a getter of something else
				}
			}
		}
	}
	return found
}

// A cookie cannot end its line.
func TestCookiesWithControlCharacters(t *testing.T) {
	for name, body := range map[string]string{
		"value":      `return {statusCode: 200, cookies: {a: {value: 'x\r\nX-Evil: 1'}}};`,
		"name":       `return {statusCode: 200, cookies: {'a\n': {value: 'x'}}};`,
		"attributes": `return {statusCode: 200, cookies: {a: {value: 'x', attributes: 'Path=/\r\nX-Evil: 1'}}};`,
		"multiValue": `return {statusCode: 200, cookies: {a: {multiValue: [{value: 'x', attributes: 'Path=/\nX-Evil: 1'}]}}};`,
		"request":    `event.request.cookies.a = {value: 'x\r\nX-Evil: 1'}; return event.request;`,
	} {
		_, err := run(t, "function handler(event) { "+body+" }", event("/"), nil)
		var fail *Error
		if !errors.As(err, &fail) || fail.Status != statusInvalid || !strings.Contains(fail.Message, "cookie") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Nothing that invocations share can be changed by one of them: all that can be reached is frozen, by whatever way it is reached.
func TestWhatIsSharedIsFrozen(t *testing.T) {
	e, err := compile(t, "function handler(event) { return event.request; } // Buffer, TextEncoder", Options{}).newEngine()
	if err != nil {
		t.Fatal(err)
	}
	open, err := e.vm.RunString(`(function () {
		var seen = [], open = [];
		function walk(path, v) {
			if (v === null || typeof v !== 'object' && typeof v !== 'function' || seen.indexOf(v) >= 0) return;
			seen.push(v);
			if (!Object.isFrozen(v)) open.push(path);
			walk(path + '.__proto__', Object.getPrototypeOf(v));
			Object.getOwnPropertyNames(v).concat(Object.getOwnPropertySymbols(v)).forEach(function (k) {
				var d = Object.getOwnPropertyDescriptor(v, k), name = path + '.' + String(k);
				walk(name + '(get)', d.get);
				walk(name + '(set)', d.set);
				var inner;
				try { inner = v[k]; } catch (e) { return; }
				walk(name, inner);
			});
		}
		walk('global', globalThis);
		[[].values(), ''[Symbol.iterator](), Promise.resolve(), async function () {}].forEach(function (v, i) { walk('kind ' + i, Object.getPrototypeOf(v)); });
		return open.join(', ');
	})()`)
	if err != nil || open.String() != "" {
		t.Errorf("%v, open: %v", err, open)
	}
}
