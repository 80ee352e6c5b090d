package functiontest

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/cfjs"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/need"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/routing"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
)

// cloudfrontModule stands in for the module cloudfront, which njs does not have.
const cloudfrontModule = `
var data = %s;
function get(key, options) {
  if (!(key in data)) { return Promise.reject(new Error('KeyNotFound')); }
  var format = options && options.format || 'string';
  try { return Promise.resolve(format === 'json' ? JSON.parse(data[key]) : data[key]); } catch (e) { return Promise.reject(e); }
}
var store = {
  get: get,
  exists: function (key) { return Promise.resolve(key in data); },
  meta: function () { return Promise.resolve({ creationDateTime: '', lastUpdatedDateTime: '', keyCount: Object.keys(data).length }); }
};
function nothing() { }
export default { kvs: function () { return store; }, edgeLocation: { name: 'LOC', serverIp: '127.0.0.1', region: 'local' },
  updateRequestOrigin: nothing, selectRequestOriginById: nothing, createRequestOriginGroup: nothing };
`

// harness calls the handler as CloudFront does, and prints what came of it.
const harness = `
;(function () {
  var event = JSON.parse(%s), raw = %s;
  event.request.rawQueryString = function () { return raw; };
  function tell(v) {
    if (v && typeof v.body === 'string') { v.body = { encoding: 'text', data: v.body }; }
    console.log('RESULT ' + JSON.stringify(v && v.statusCode !== undefined ? { response: v } : { request: v }));
  }
  function failed(e) { console.log('FAILED ' + e); }
  var v;
  try { v = handler(event); } catch (e) { failed(e); return; }
  if (v && typeof v.then === 'function') { v.then(tell, failed); } else { tell(v); }
})();
`

// runNJS runs code in njs, and returns what it logged and what it came to: "RESULT …" or "FAILED …".
func runNJS(t *testing.T, code string, ev *cfjs.Event, kv Store) (logs []string, outcome string) {
	t.Helper()
	dir := t.TempDir()
	quoted := func(v any) string {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	event := map[string]any{
		"version": "1.0", "viewer": map[string]string{"ip": ev.ViewerIP}, "request": ev.Request,
		"context": map[string]string{"distributionDomainName": ev.DistributionDomainName, "distributionId": ev.DistributionID,
			"eventType": string(ev.Type), "requestId": ev.RequestID},
	}
	if ev.Response != nil {
		event["response"] = withMaps(*ev.Response)
	}
	raw := "undefined"
	if ev.Request.RawQuery != nil {
		raw = quoted(*ev.Request.RawQuery)
	}
	for _, quote := range []string{"'", `"`} {
		code = strings.ReplaceAll(code, "from "+quote+"cloudfront"+quote, "from 'cloudfront.js'")
	}
	files := map[string]string{
		"cloudfront.js": fmt.Sprintf(cloudfrontModule, quoted(kv)),
		"main.js":       code + fmt.Sprintf(harness, quoted(quoted(event)), raw),
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	out, err := exec.CommandContext(t.Context(), "njs", "-u", "-p", dir, filepath.Join(dir, "main.js")).CombinedOutput()
	lines := strings.Split(strings.TrimRight(string(out), "\n"), "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, "RESULT ") || strings.HasPrefix(line, "FAILED ") {
			return lines[:i], line
		}
	}
	return nil, fmt.Sprintf("FAILED %s (%v)", out, err)
}

// compareNJS returns what of njs's outcome is not as expected of CloudFront's.
func compareNJS(t *testing.T, c Case) []string {
	kv := c.Store
	if kv == nil {
		kv = Store{"path": "r1"}
	}
	logs, outcome := runNJS(t, c.Function.Code, c.Event, kv)
	result, ok := strings.CutPrefix(outcome, "RESULT ")
	e := c.Expected
	switch {
	case e.Refused != nil || e.Status == 503 || e.Error != nil:
		if ok {
			return []string{"want an error, got " + result}
		}
		return nil
	case !ok:
		return []string{outcome}
	}
	diff := e.compareOutput(result)
	if e.Logs != nil && !slices.Equal(*e.Logs, logs) {
		diff = append(diff, fmt.Sprintf("logs: want %q, got %q", *e.Logs, logs))
	}
	return diff
}

// The vectors run in njs, whose dialect CloudFront's runtime is: what differs is listed in testdata/njs-differences.json,
// and explained. What CloudFront checks after the function has run (502) is not njs's business.
func TestVectorsInNJS(t *testing.T) {
	need.Program(t, "njs", "apt-get install njs")
	data, err := os.ReadFile("testdata/njs-differences.json")
	if err != nil {
		t.Fatal(err)
	}
	var differences map[string]string
	if err := json.Unmarshal(data, &differences); err != nil {
		t.Fatal(err)
	}
	cases, err := Load("testdata/vectors")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		name := strings.Replace(c.Name, ".txtar", "", 1)
		t.Run(name, func(t *testing.T) {
			if c.Expected.Status == 502 {
				t.Skip("checked after the function has run")
			}
			if strings.Contains(c.Function.Code, "while (true)") {
				t.Skip("njs has no time limit")
			}
			diff := compareNJS(t, c)
			reason, known := differences[name]
			for again := 0; known && len(diff) == 0 && again < 100; again++ {
				diff = compareNJS(t, c) // a clock that moves on need not have done so in a moment
			}
			switch {
			case known && len(diff) == 0:
				t.Errorf("njs does the same; listed as different: %s", reason)
			case !known && len(diff) > 0:
				t.Errorf("njs differs:\n%s", strings.Join(diff, "\n"))
			}
			delete(differences, name)
		})
	}
	for name := range differences {
		t.Errorf("testdata/njs-differences.json lists %s, which is no case", name)
	}
}

// The toolkit's own functions route in njs as here, by the same vectors.
func TestRoutingsInNJS(t *testing.T) {
	need.Program(t, "njs", "apt-get install njs")
	for _, r := range []site.Routing{site.RoutingSPA, site.RoutingStatic} {
		data, err := os.ReadFile(filepath.Join("..", "routing", "testdata", string(r)+".json"))
		if err != nil {
			t.Fatal(err)
		}
		var vectors []struct{ Name, URI, Want string }
		if err := json.Unmarshal(data, &vectors); err != nil {
			t.Fatal(err)
		}
		code, err := routing.Code(r)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range vectors {
			t.Run(string(r)+"/"+v.Name, func(t *testing.T) {
				ev, err := URLEvent("GET", "/", nil)
				if err != nil {
					t.Fatal(err)
				}
				ev.Request.URI = v.URI
				want, _ := json.Marshal(map[string]string{"uri": "/r1" + v.Want})
				c := Case{Function: Function{Code: code}, Event: ev, Expected: Expected{Request: want}}
				for _, line := range compareNJS(t, c) {
					t.Error(line)
				}
			})
		}
	}
}

// The redirects of hosts answer in njs as here, by the same vectors.
func TestRedirectsInNJS(t *testing.T) {
	need.Program(t, "njs", "apt-get install njs")
	data, err := os.ReadFile(filepath.Join("..", "routing", "testdata", "redirects.json"))
	if err != nil {
		t.Fatal(err)
	}
	var vectors []struct {
		Name, Host, URI, Want string
		Query                 *string
	}
	if err := json.Unmarshal(data, &vectors); err != nil {
		t.Fatal(err)
	}
	code, err := routing.Code(site.RoutingSPA)
	if err != nil {
		t.Fatal(err)
	}
	code = routing.WithRedirects(code, site.Config{DomainName: "example.com", DomainNames: []string{"shop.example.org", "www.example.net"}}.Names())
	for _, v := range vectors {
		t.Run(v.Name, func(t *testing.T) {
			ev, err := URLEvent("GET", "/", nil)
			if err != nil {
				t.Fatal(err)
			}
			ev.Request.URI, ev.Request.RawQuery, ev.Request.Headers = v.URI, v.Query, map[string]cfjs.Value{}
			if v.Host != "" {
				ev.Request.Headers["host"] = cfjs.Value{Value: v.Host}
			}
			c := Case{Function: Function{Code: code}, Event: ev}
			if v.Want == "" {
				c.Expected.Request, _ = json.Marshal(map[string]string{"method": "GET"})
			} else {
				c.Expected.Response, _ = json.Marshal(map[string]any{"statusCode": 301, "headers": map[string]any{"location": map[string]string{"value": v.Want}}})
			}
			for _, line := range compareNJS(t, c) {
				t.Error(line)
			}
		})
	}
}

// What is refused here with line and reason is what njs refuses too, and what is let through is what it takes: every piece of
// syntax since ECMAScript 5.1 that people write.
func TestSyntaxInNJS(t *testing.T) {
	need.Program(t, "njs", "apt-get install njs")
	const handler = "\nfunction handler(event) { return event.request; }\n"
	tests := map[string]struct {
		code    string
		refused bool
	}{
		"let and const":            {"let a = 1; const b = 2;", false},
		"arrow function":           {"var f = (x) => x;", false},
		"rest parameter":           {"function f(a, ...b) { return b; }", false},
		"template literal":         {"var s = `a${1}`;", false},
		"tagged template":          {"function t(s) { return s[0]; } var s = t`a`;", false},
		"exponent":                 {"var a = 2 ** 3; a **= 2;", false},
		"named group":              {"var m = /(?<y>a)/.exec('a').groups.y;", false},
		"for in":                   {"for (const a in {}) {}", false},
		"shorthand property":       {"var a = 1; var o = {a};", false},
		"computed property":        {"var o = {['a' + 1]: 1};", false},
		"short method":             {"var o = {f() { return 1; }};", false},
		"getter":                   {"var o = {get a() { return 1; }};", false},
		"numeric separator":        {"var a = 1_000;", false},
		"octal and binary":         {"var a = 0o17 + 0b11;", false},
		"async function":           {"async function f() { await 1; }", false},
		"async arrow function":     {"var f = async () => { await 1; };", false},
		"label":                    {"a: for (;;) { break a; }", false},
		"regular expression y":     {"var r = /a/y;", false},
		"code point escape":        {"var s = '\\u{1F600}';", false},
		"nullish":                  {"var a = null ?? 1;", false},
		"for of":                   {"for (const a of [1]) {}", true},
		"for await":                {"async function f() { for await (var x of []) {} }", true},
		"class":                    {"class A {}", true},
		"private field":            {"class A { #x = 1; }", true},
		"optional chaining":        {"var a = {}; a?.b;", true},
		"nullish assignment":       {"var a = null; a ??= 1;", true},
		"logical assignment":       {"var a = null; a ||= 1;", true},
		"object destructuring":     {"var {a} = {a: 1};", true},
		"array destructuring":      {"var [a] = [1];", true},
		"parameter destructuring":  {"var f = ({a}) => a;", true},
		"catch destructuring":      {"try {} catch ({message}) {}", true},
		"spread in an array":       {"var a = [...[1]];", true},
		"spread in an object":      {"var a = {...{}};", true},
		"spread in a call":         {"Math.max(...[1]);", true},
		"default parameter":        {"function f(a = 1) {}", true},
		"generator":                {"function* f() { yield 1; }", true},
		"generator method":         {"var o = {*f() {}};", true},
		"catch without a variable": {"try {} catch {}", true},
		"big integer":              {"var a = 1n;", true},
		"top-level await":          {"await 1;", true},
		"with":                     {"with ({}) {}", true},
		"new.target":               {"function f() { return new.target; }", true},
		"super":                    {"var o = {f() { return super.x; }};", true},
		"regular expression s":     {"var r = /a/s;", true},
		"regular expression d":     {"var r = /a/d;", true},
		"dynamic import":           {"function f() { return import('crypto'); }", true},
		"import.meta":              {"var a = import.meta;", true},
		"old octal":                {"var a = 017;", true},
		"name beyond ASCII":        {"var ä = 1;", true},
		"property beyond ASCII":    {"var o = {}; o.ä = 1;", true},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := cfjs.Compile("function.js", tc.code+handler, cfjs.Options{})
			if (err != nil) != tc.refused || err != nil && !strings.HasPrefix(err.Error(), "function.js:1:") {
				t.Errorf("here: %v", err)
			}
			file := filepath.Join(t.TempDir(), "function.js")
			if err := os.WriteFile(file, []byte(tc.code+handler), 0o644); err != nil {
				t.Fatal(err)
			}
			if out, err := exec.CommandContext(t.Context(), "njs", file).CombinedOutput(); (err != nil) != tc.refused {
				t.Errorf("njs: %v\n%s", err, out)
			}
		})
	}
}
