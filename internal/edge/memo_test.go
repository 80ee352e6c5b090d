package edge

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/cfjs"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/routing"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
)

// memoFunctions look at requests in every way that there is.
var memoFunctions = map[string]string{
	"uri":           `const r = event.request; r.uri = '/' + (await kv.get('path')) + r.uri; return r;`,
	"untouched":     `return event.request;`,
	"constant uri":  `event.request.uri = '/r1/a.html'; return event.request;`,
	"own request":   `return { method: 'GET', uri: '/r1/a.html', headers: {}, querystring: {}, cookies: {} };`,
	"no parts":      `return { method: event.request.method, uri: '/r1/a.html' };`,
	"no cookies":    `delete event.request.cookies; event.request.uri = '/r1/a.html'; return event.request;`,
	"delete header": `delete event.request.headers['x-flavour']; event.request.uri = '/r1/a.html'; return event.request;`,
	"set header":    `event.request.headers['x-flavour'] = { value: 'sour' }; event.request.uri = '/r1/a.html'; return event.request;`,
	"read header":   `const h = event.request.headers['x-flavour']; event.request.uri = h ? '/r1/b.html' : '/r1/a.html'; return event.request;`,
	"header in":     `event.request.uri = 'X-Flavour' in event.request.headers ? '/r1/b.html' : '/r1/a.html'; return event.request;`,
	"host":          `return { statusCode: 302, headers: { location: { value: 'https://' + event.request.headers.host.value + event.request.uri } } };`,
	"count headers": `return { statusCode: 200, body: String(Object.keys(event.request.headers).length) };`,
	"one cookie":    `const c = event.request.cookies.side; event.request.uri = c && c.value === 'b' ? '/r1/b.html' : '/r1/a.html'; return event.request;`,
	"all cookies":   `return { statusCode: 200, body: JSON.stringify(event.request.cookies) };`,
	"one parameter": `const q = event.request.querystring.q; event.request.uri = q ? '/r1/b.html' : '/r1/a.html'; return event.request;`,
	"set parameter": `event.request.querystring.q = { value: 'x' }; return event.request;`,
	"raw query":     `return { statusCode: 200, body: String(event.request.rawQueryString()) };`,
	"method":        `return { statusCode: 200, body: event.request.method };`,
	"viewer":        `return { statusCode: 200, body: event.viewer.ip };`,
	"by name":       `const q = event.request.querystring.q; const h = q && event.request.headers[q.value]; return { statusCode: 200, body: h ? h.value : 'none' };`,
	"if then":       `if (event.request.uri.length > 8) { return { statusCode: 200, body: event.request.method }; } event.request.uri = '/r1/a.html'; return event.request;`,
	"missing key":   `const r = event.request; r.uri = (await kv.exists('other')) ? '/r1/b.html' : '/r1/a.html'; return r;`,
	"fails":         `if (event.request.querystring.q) { throw new Error('no'); } event.request.uri = '/r1/a.html'; return event.request;`,
	"logs":          `console.log(event.request.uri); event.request.uri = '/r1/a.html'; return event.request;`,
	"long":          `event.request.uri = '/r1' + '/a'.repeat(2500) + event.request.uri; return event.request;`,
	"same uri":      `event.request.uri = '/a.html'; return event.request;`,
}

// showRequest tells the viewer what the viewer-request function has left of the request.
const showRequest = `function handler(event) {
	event.response.headers['x-seen'] = { value: JSON.stringify(event.request) };
	return event.response;
}`

// memoEdge is an edge with a function that shows viewers all that the function leaves of a request.
func memoEdge(t *testing.T, code string, logs *[]string, kv func() (cfjs.KV, error)) *Edge {
	t.Helper()
	origin := newFakeOrigin()
	for _, name := range []string{"r1/a.html", "r1/b.html", "r2/a.html", "r2/b.html", "a.html"} {
		origin.put(name, "content of "+name, "text/html", htmlControl)
	}
	part := KeyPart{Behavior: partAll}
	e, err := New(Options{
		Config: Config{Behaviors: []Behavior{{OriginID: "bucket", ViewerRequest: &Function{Name: "f", Code: code},
			ViewerResponse: &Function{Name: "show", Code: showRequest},
			CachePolicy: CachePolicy{MaxTTL: 365 * 24 * time.Hour, QueryStrings: part, Cookies: part,
				Headers: KeyPart{Behavior: partWhitelist, Items: []string{"x-flavour"}}}}}},
		Origins: map[string]Origin{"bucket": origin},
		KV:      kv,
		FunctionLog: func(ev FunctionEvent) {
			*logs = append(*logs, ev.URI+": "+strings.Join(ev.Logs, "|")+fmt.Sprint(ev.Err))
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// whatever is a request of those that the functions tell apart, often one that came before.
func whatever(rnd *rand.Rand) *http.Request {
	one := func(of ...string) string { return of[rnd.IntN(len(of))] }
	r := httptest.NewRequest(one("GET", "GET", "HEAD"), one("/a.html", "/b.html", "/a.html", "/a/long/path.html")+
		one("", "", "?", "?q=1", "?q=x-flavour", "?other=2", "?q=1&q=2", "?u="+strings.Repeat("x", 4000)), nil)
	r.Host = one("one.example", "two.example")
	r.RemoteAddr = one("192.0.2.1:1", "192.0.2.2:1")
	if c := one("", "side=a", "side=b", "other=c", "side=b; other=c"); c != "" {
		r.Header.Set("Cookie", c)
	}
	if h := one("", "sweet", "salty"); h != "" {
		r.Header.Set("X-Flavour", h)
	}
	if rnd.IntN(4) == 0 {
		r.Header.Set("Accept-Language", "en")
	}
	return r
}

// What is remembered gives the answers that running the function gives, whatever comes before and while the pointer moves.
func TestMemoIsExact(t *testing.T) {
	for name, body := range memoFunctions {
		t.Run(name, func(t *testing.T) {
			code := "import cf from 'cloudfront'; const kv = cf.kvs(); async function handler(event) { " + body + " }"
			kv := &fakeKV{release: "r1", updated: fileTime}
			var with, without []string
			remembering, running := memoEdge(t, code, &with, kv.view), memoEdge(t, code, &without, kv.view)
			running.behaviors[0].memo = nil
			rnd := rand.New(rand.NewPCG(1, 2))
			for i := range 400 {
				if i%50 == 49 {
					kv.swap([]string{"r1", "r2"}[rnd.IntN(2)])
				}
				r := whatever(rnd)
				got, want := ask(remembering, r), ask(running, r)
				if got != want {
					t.Fatalf("request %d, %s %s %v:\nremembered %s\nrun        %s", i, r.Method, r.RequestURI, r.Header, got, want)
				}
				if !slices.Equal(with, without) {
					t.Fatalf("request %d, %s: logs %q, want %q", i, r.RequestURI, with, without)
				}
			}
		})
	}
}

// ask returns what a viewer sees but for what differs from answer to answer.
func ask(e *Edge, r *http.Request) string {
	w := httptest.NewRecorder()
	e.ServeHTTP(w, r)
	for _, name := range []string{"X-Amz-Cf-Id", "Age", "X-Cache"} {
		w.Header().Del(name)
	}
	body := w.Body.String()
	if i := strings.Index(body, "Request ID"); i >= 0 {
		body = body[:i]
	}
	return fmt.Sprint(w.Code, w.Header(), body)
}

// The toolkit's routings run once for each path and release.
func TestMemoSparesRuns(t *testing.T) {
	code, err := routing.Code(site.RoutingStatic)
	if err != nil {
		t.Fatal(err)
	}
	kv := &fakeKV{release: "r1", updated: fileTime}
	var logs []string
	e := memoEdge(t, code, &logs, kv.view)
	runs := 0
	inner := e.behaviors[0].onRequest
	e.behaviors[0].onRequest = fakeFunction(func(ev *cfjs.Event, kv cfjs.KV) (*cfjs.Result, error) {
		runs++
		return inner.Run(t.Context(), ev, kv)
	})
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		ask(e, whatever(rnd))
	}
	if runs != 3 {
		t.Errorf("%d runs for 3 paths", runs)
	}
	kv.swap("r2")
	if got := ask(e, httptest.NewRequest("GET", "/a.html", nil)); !strings.Contains(got, "r2/a.html") || runs != 4 {
		t.Errorf("after the swap: %s, %d runs", got, runs)
	}
}

func TestMemoIsBounded(t *testing.T) {
	kv := &fakeKV{release: "r1", updated: fileTime}
	var logs []string
	e := memoEdge(t, `function handler(event) { event.request.uri = '/r1' + event.request.uri; return event.request; }`, &logs, kv.view)
	m := newMemo(1 << 20)
	e.behaviors[0].memo = m
	for i := range 2000 {
		ask(e, httptest.NewRequest("GET", fmt.Sprintf("/%d.html", i), nil))
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if n := len(m.young) + len(m.old); n == 0 || int64(n)*rememberedOverhead > 1<<20/memoShare+maxRemembered {
		t.Errorf("%d results are remembered", n)
	}
}
