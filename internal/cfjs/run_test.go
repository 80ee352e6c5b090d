package cfjs

import (
	"context"
	"testing"
	"time"
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
