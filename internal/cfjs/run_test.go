package cfjs

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// mapKV is a store in memory.
type mapKV map[string]string

func (m mapKV) Get(key string) (string, bool) { v, ok := m[key]; return v, ok }
func (m mapKV) Meta() KVMeta {
	return KVMeta{Created: time.Unix(1700000000, 0), Updated: time.Unix(1700000100, 0), Keys: len(m)}
}

// event is a viewer request as a browser sends it.
func event(uri string) *Event {
	return &Event{
		Type: ViewerRequest, DistributionID: "EDFDVBD6EXAMPLE", DistributionDomainName: "d111111abcdef8.cloudfront.net",
		RequestID: "EXAMPLEntjQpEXAMPLE_SG5Z-EXAMPLEPmPfEXAMPLEu3EqEXAMPLE==", ViewerIP: "203.0.113.11",
		Request: Request{
			Method: "GET", URI: uri,
			Headers: map[string]Value{
				"host": {Value: "www.example.com"}, "user-agent": {Value: "curl/8"}, "accept": {Value: "*/*"},
				"accept-encoding": {Value: "gzip, br"}, "accept-language": {Value: "en"}, "cache-control": {Value: "no-cache"},
				"referer": {Value: "https://www.example.com/"}, "sec-fetch-mode": {Value: "navigate"},
				"x-list": {Value: "a", Multi: []MultiValue{{Value: "a"}, {Value: "b"}}},
			},
			Querystring: map[string]Value{"q": {Value: "1"}},
			Cookies:     map[string]Value{"id": {Value: "abc"}},
		},
	}
}

func compile(t testing.TB, code string, opts Options) *Function {
	t.Helper()
	f, err := Compile("function.js", code, opts)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

const upstreamShape = `import cf from 'cloudfront';

const kvsId = '__KVS_ID__';

// This fails if the key value store is not associated with the function
const kvsHandle = cf.kvs(kvsId);

async function handler(event) {
    const request = event.request;
    const uri = request.uri;
    const pathToAdd = await kvsHandle.get("path");
    if (uri === '/' || !/\.[a-z0-9]+$/i.test(uri)) {
        request.uri = '/' + pathToAdd + '/index.html';
    } else {
        request.uri = '/' + pathToAdd + uri;
    }
    return request;
}
`

func TestRunUpstreamShape(t *testing.T) {
	f := compile(t, upstreamShape, Options{})
	r, err := f.Run(context.Background(), event("/users/42"), mapKV{"path": "abc"})
	if err != nil {
		t.Fatal(err)
	}
	if r.Request.URI != "/abc/index.html" || !r.Pure || len(r.Reads) != 1 {
		t.Errorf("%+v", r)
	}
}

func BenchmarkRun(b *testing.B) {
	for name, code := range map[string]string{
		"rewrite":  upstreamShape,
		"sync":     `function handler(event) { var r = event.request; if (r.uri.endsWith('/')) { r.uri += 'index.html'; } return r; }`,
		"header":   `function handler(event) { var r = event.request; r.headers['x-a'] = {value: r.headers.host.value}; return r; }`,
		"response": `function handler(event) { return {statusCode: 302, headers: {location: {value: 'https://a' + event.request.uri}}}; }`,
		"json":     `function handler(event) { console.log(JSON.stringify(event)); return event.request; }`,
		"fresh":    upstreamShape + "String.prototype.foo = function () { return this; };",
	} {
		b.Run(name, func(b *testing.B) {
			f := compile(b, code, Options{})
			kv := mapKV{"path": "0123456789abcdef"}
			ev := event("/docs/guide/")
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			b.ReportAllocs()
			for b.Loop() {
				if _, err := f.Run(ctx, ev, kv); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// run compiles and runs code once.
func run(t *testing.T, code string, ev *Event, kv KV) (*Result, error) {
	t.Helper()
	return compile(t, code, Options{}).Run(t.Context(), ev, kv)
}

// The event is the documented one, property by property and in that order (functions-event-structure).
func TestEventShape(t *testing.T) {
	const request = `"request":{"method":"GET","uri":"/a%20b","querystring":{"q":{"value":"1"}},` +
		`"headers":{"host":{"value":"www.example.com"},"x-list":{"value":"a","multiValue":[{"value":"a"},{"value":"b"}]}},"cookies":{"id":{"value":"abc"}}}`
	const context = `"context":{"distributionDomainName":"d111111abcdef8.cloudfront.net","distributionId":"EDFDVBD6EXAMPLE","eventType":"%s","requestId":"R"},"viewer":{"ip":"203.0.113.11"},`
	ev := event("/a%20b")
	ev.RequestID = "R"
	ev.Request.Headers = map[string]Value{"host": ev.Request.Headers["host"], "x-list": ev.Request.Headers["x-list"]}
	t.Run("viewer request", func(t *testing.T) {
		r, err := run(t, "function handler(event) { console.log(JSON.stringify(event)); return event.request; }", ev, nil)
		if err != nil {
			t.Fatal(err)
		}
		if want := `{"version":"1.0",` + strings.Replace(context, "%s", "viewer-request", 1) + request + `}`; r.Logs[0] != want {
			t.Errorf("got  %s\nwant %s", r.Logs[0], want)
		}
	})
	t.Run("viewer response", func(t *testing.T) {
		ev := *ev
		ev.Type = ViewerResponse
		ev.Response = &Response{StatusCode: 200, StatusDescription: "OK", Headers: map[string]Value{"etag": {Value: `"x"`}},
			Cookies: map[string]Value{"s": {Value: "1", Attributes: "Secure; Path=/"}}}
		r, err := run(t, "function handler(event) { console.log(JSON.stringify(event)); return event.response; }", &ev, nil)
		if err != nil {
			t.Fatal(err)
		}
		want := `{"version":"1.0",` + strings.Replace(context, "%s", "viewer-response", 1) + request +
			`,"response":{"statusCode":200,"statusDescription":"OK","headers":{"etag":{"value":"\"x\""}},"cookies":{"s":{"value":"1","attributes":"Secure; Path=/"}}}}`
		if r.Logs[0] != want {
			t.Errorf("got  %s\nwant %s", r.Logs[0], want)
		}
	})
}

// The objects of the event act as plain objects do.
func TestEventObjects(t *testing.T) {
	for name, tc := range map[string]struct{ expr, want string }{
		"identity":           {`event.request === event.request && event.request.headers === event.request.headers`, `true`},
		"keys":               {`Object.keys(event.request)`, `["method","uri","querystring","headers","cookies"]`},
		"in":                 {`['host' in event.request.headers, 'nope' in event.request.headers, event.request.headers.hasOwnProperty('host')]`, `[true,false,true]`},
		"for in":             {`(function () { var n = []; for (var k in event.request.cookies) { n.push(k); } return n; })()`, `["id"]`},
		"missing":            {`typeof event.request.headers.nope`, `"undefined"`},
		"no cookie header":   {`typeof event.request.headers.cookie`, `"undefined"`},
		"delete":             {`delete event.request.headers.accept && !('accept' in event.request.headers) && Object.keys(event.request.headers).indexOf('accept')`, `-1`},
		"add":                {`(event.request.headers['x-new'] = {value: '1'}, Object.keys(event.request.headers).pop())`, `"x-new"`},
		"rawQueryString":     {`event.request.rawQueryString()`, `"a=1&b"`},
		"rawQueryString own": {`[Object.keys(event.request).indexOf('rawQueryString'), typeof event.request.rawQueryString]`, `[-1,"function"]`},
		"toString":           {`String(event.request)`, `"[object Object]"`},
		"own property":       {`(event.request.mine = 1, event.mine = 2, [event.request.mine, event.mine, 'mine' in event])`, `[1,2,true]`},
		"delete own":         {`(event.request.mine = 1, delete event.request.mine, 'mine' in event.request)`, `false`},
		"no response":        {`'response' in event`, `false`},
		"Object.assign":      {`Object.assign({}, event.request.querystring)`, `{"q":{"value":"1"}}`},
		"entries":            {`Object.entries(event.viewer)`, `[["ip","203.0.113.11"]]`},
		"latin-1":            {`event.request.headers['x-latin'].value`, `"é"`},
	} {
		t.Run(name, func(t *testing.T) {
			ev := event("/")
			raw := "a=1&b"
			ev.Request.RawQuery = &raw
			ev.Request.Headers["x-latin"] = Value{Value: "\xe9"}
			r, err := run(t, "function handler(event) { var request = event.request; console.log(JSON.stringify("+tc.expr+")); return {statusCode: 200}; }", ev, nil)
			if err != nil {
				t.Fatal(err)
			}
			if r.Logs[0] != tc.want {
				t.Errorf("got %s, want %s", r.Logs[0], tc.want)
			}
		})
	}
}

func TestRawQueryString(t *testing.T) {
	empty := ""
	for want, raw := range map[string]*string{"undefined": nil, "string ": &empty} {
		ev := event("/")
		ev.Request.RawQuery = raw
		r, err := run(t, "function handler(event) { var q = event.request.rawQueryString(); console.log(q === undefined ? 'undefined' : typeof q + ' ' + q); return event.request; }", ev, nil)
		if err != nil || r.Logs[0] != want || !r.Used.RawQuery {
			t.Errorf("%v, %v, want %q", r, err, want)
		}
	}
}

func TestKVS(t *testing.T) {
	kv := mapKV{"a": "1", "json": `{"x":[1]}`, "bad": "{", "bytes": "hé"}
	for name, tc := range map[string]struct{ expr, want string }{
		"get":            {`await kvs.get('a')`, `"1"`},
		"get string":     {`await kvs.get('a', {format: 'string'})`, `"1"`},
		"get json":       {`(await kvs.get('json', {format: 'json'})).x[0]`, `1`},
		"get bytes":      {`(await kvs.get('bytes', {format: 'bytes'})).toString('hex')`, `"68c3a9"`},
		"missing":        {`await kvs.get('nope')`, `throws Error: KeyNotFound`},
		"bad json":       {`await kvs.get('bad', {format: 'json'})`, `throws Error: the value is not JSON`},
		"unknown format": {`await kvs.get('a', {format: 'xml'})`, `throws Error: unknown format`},
		"exists":         {`[await kvs.exists('a'), await kvs.exists('nope')]`, `[true,false]`},
		"meta":           {`await kvs.meta()`, `{"creationDateTime":"2023-11-14T22:13:20.000Z","lastUpdatedDateTime":"2023-11-14T22:15:00.000Z","keyCount":4}`},
		"a promise":      {`kvs.get('a') instanceof Promise`, `true`},
		"then":           {`await kvs.get('a').then(function (v) { return v + '!'; })`, `"1!"`},
		"catch":          {`await kvs.get('nope').catch(function (e) { return e.message; })`, `"KeyNotFound"`},
		"all":            {`await Promise.all([kvs.get('a'), kvs.exists('b')])`, `["1",false]`},
		"no count":       {`typeof kvs.count`, `"undefined"`},
		"any id":         {`await cf.kvs('a1b2c3d4-5678-90ab-cdef-EXAMPLE1').get('a')`, `"1"`},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := run(t, "import cf from 'cloudfront'; const kvs = cf.kvs(); async function handler(event) { var v; try { v = JSON.stringify("+tc.expr+"); } catch (e) { v = 'throws ' + e; } console.log(v); return event.request; }", event("/"), kv)
			if err != nil {
				t.Fatal(err)
			}
			if r.Logs[0] != tc.want && !(strings.HasPrefix(tc.want, "throws") && strings.HasPrefix(r.Logs[0], tc.want)) {
				t.Errorf("got %s, want %s", r.Logs[0], tc.want)
			}
		})
	}
	_, err := run(t, "import cf from 'cloudfront'; const kvs = cf.kvs(); async function handler(event) { return event.request; }", event("/"), nil)
	var fail *Error
	if !errors.As(err, &fail) || fail.Status != 503 || !strings.Contains(fail.Message, "KVSNamespaceNotFound") {
		t.Errorf("without a store: %v", err)
	}
}

func TestLogs(t *testing.T) {
	r, err := run(t, `function handler(event) {
		console.log('a' + 1); console.log({x: [1, 'y']}); console.log(null); console.log(); console.log(new Error('e')); console.error('b', 2);
		for (var i = 0; i < 100; i++) { console.log('x'.repeat(500)); }
		return event.request; }`, event("/"), nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"a1", `{"x":[1,"y"]}`, "null", "", "Error: e", "b 2"}
	if !slices.Equal(r.Logs[:len(want)], want) {
		t.Errorf("got %q, want %q", r.Logs[:len(want)], want)
	}
	if n := len(strings.Join(r.Logs, "\n")); n > maxLogs || n < maxLogs-2 {
		t.Errorf("the log has %d bytes, want it cut at %d", n, maxLogs)
	}
}

// Which parts a result depends on is what an edge may keep it by.
func TestUsedAndChanged(t *testing.T) {
	for name, tc := range map[string]struct {
		code    string
		pure    bool
		used    Used
		changed Changed
	}{
		"nothing":          {`return event.request;`, true, Used{}, Changed{}},
		"uri":              {`event.request.uri += 'x'; return event.request;`, true, Used{URI: true}, Changed{URI: true}},
		"uri set":          {`event.request.uri = '/x'; return event.request;`, true, Used{}, Changed{URI: true}},
		"uri set the same": {`event.request.uri = event.request.uri; return event.request;`, true, Used{URI: true}, Changed{}},
		"one header":       {`if (event.request.headers.host.value === 'x') { return {statusCode: 301}; } return event.request;`, true, Used{Headers: []string{"host"}}, Changed{}},
		"a missing header": {`if ('x-y' in event.request.headers) { return {statusCode: 301}; } return event.request;`, true, Used{Headers: []string{"x-y"}}, Changed{}},
		"header set":       {`event.request.headers['x-y'] = {value: 'z'}; return event.request;`, true, Used{AllHeaders: true}, Changed{Headers: true}},
		"header changed":   {`event.request.headers.accept.value = 'z'; return event.request;`, true, Used{AllHeaders: true}, Changed{Headers: true}},
		"all headers":      {`Object.keys(event.request.headers); return event.request;`, true, Used{AllHeaders: true}, Changed{}},
		"a cookie":         {`event.request.cookies.id; return event.request;`, true, Used{Cookies: []string{"id"}}, Changed{}},
		"query deleted":    {`delete event.request.querystring.q; return event.request;`, true, Used{AllQuerystring: true}, Changed{Querystring: true}},
		"query replaced":   {`event.request.querystring = {}; return event.request;`, true, Used{AllQuerystring: true}, Changed{Querystring: true}},
		"method":           {`if (event.request.method !== 'GET') { return {statusCode: 405}; } return event.request;`, true, Used{Method: true}, Changed{}},
		"viewer":           {`if (event.viewer.ip === '') { return {statusCode: 403}; } return event.request;`, true, Used{ViewerIP: true}, Changed{}},
		"random":           {`if (Math.random() < 0) { return {statusCode: 403}; } return event.request;`, false, Used{Random: true}, Changed{}},
		"time":             {`if (Date.now() < 0) { return {statusCode: 403}; } return event.request;`, false, Used{Time: true}, Changed{}},
		"request id":       {`if (event.context.requestId === '') { return {statusCode: 403}; } return event.request;`, false, Used{RequestID: true}, Changed{}},
		"distribution":     {`if (event.context.distributionId === '') { return {statusCode: 403}; } return event.request;`, true, Used{}, Changed{}},
		"copy":             {`return JSON.parse(JSON.stringify(event.request));`, true, Used{Method: true, URI: true, AllHeaders: true, AllCookies: true, AllQuerystring: true}, Changed{Querystring: true, Headers: true, Cookies: true}},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := run(t, "function handler(event) { "+tc.code+" }", event("/"), nil)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.used, r.Used); diff != "" || r.Pure != tc.pure || r.Changed != tc.changed {
				t.Errorf("pure %v, changed %+v, used:\n%s", r.Pure, r.Changed, diff)
			}
		})
	}
}

func TestEdgeLocation(t *testing.T) {
	code := "import cf from 'cloudfront'; function handler(event) { console.log(JSON.stringify(cf.edgeLocation)); return event.response || event.request; }"
	f := compile(t, code, Options{EdgeLocation: EdgeLocation{"SEA", "192.0.2.1", "us-west-2"}})
	r, err := f.Run(t.Context(), event("/"), nil)
	if err != nil || r.Logs[0] != `{"name":"SEA","serverIp":"192.0.2.1","region":"us-west-2"}` {
		t.Errorf("%v, %v", r, err)
	}
	ev := event("/")
	ev.Type, ev.Response = ViewerResponse, &Response{StatusCode: 200}
	if r, err = f.Run(t.Context(), ev, nil); err != nil || r.Logs[0] != "{}" {
		t.Errorf("viewer response: %v, %v", r, err)
	}
}
