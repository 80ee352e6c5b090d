package edge

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/cfjs"
)

// Origin groups (Developer Guide, high_availability_origin_failover): the secondary origin answers for the statuses of the
// criteria, and whenever the primary one cannot be reached or does not answer in time; for GET, HEAD and OPTIONS only.
func TestOriginGroup(t *testing.T) {
	good := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "second ", r.Method) }))
	t.Cleanup(good.Close)
	bad := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/503":
			w.WriteHeader(http.StatusServiceUnavailable)
		case "/slow":
			_, _ = io.Copy(io.Discard, r.Body)
			<-r.Context().Done()
		default:
			fmt.Fprint(w, "first")
		}
	}))
	t.Cleanup(bad.Close)
	gone := httptest.NewServer(nil)
	gone.Close()
	path := "/v9"
	tests := map[string]struct {
		method, target, first string
		cached                bool
		chosen                *cfjs.Origin
		status                int
		body                  string
	}{
		"good":              {"GET", "/x", "bad", false, nil, 200, "first"},
		"status listed":     {"GET", "/503", "bad", false, nil, 200, "second GET"},
		"cached":            {"GET", "/503", "bad", true, nil, 200, "second GET"},
		"POST":              {"POST", "/503", "bad", false, nil, 503, ""},
		"OPTIONS":           {"OPTIONS", "/503", "bad", false, nil, 200, "second OPTIONS"},
		"cannot be reached": {"GET", "/x", "gone", false, nil, 200, "second GET"},
		"no answer in time": {"GET", "/slow", "bad", false, nil, 200, "second GET"},
		"bucket":            {"GET", "/x", "bucket", false, nil, 404, "lost"},
		"primary updated":   {"GET", "/503", "bad", false, &cfjs.Origin{Update: &cfjs.OriginUpdate{OriginPath: &path}}, 200, "first"},
		"chosen otherwise":  {"GET", "/503", "bad", false, &cfjs.Origin{ID: "bad"}, 503, ""},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			te := newTestEdge(t, func(ev *cfjs.Event, _ cfjs.KV) (*cfjs.Result, error) {
				return &cfjs.Result{Request: &ev.Request, Origin: tc.chosen}, nil
			}, func(o *Options) {
				slow := customOriginAt(t, "bad", bad.URL)
				slow.ReadTimeout, slow.ConnectionAttempts = 50*time.Millisecond, 2
				o.Config.CustomOrigins = []CustomOrigin{slow, customOriginAt(t, "good", good.URL), customOriginAt(t, "gone", gone.URL)}
				for i := range o.Config.CustomOrigins {
					o.Config.CustomOrigins[i].Path = ""
				}
				o.Config.OriginGroups = []OriginGroup{{ID: "both", Members: [2]string{tc.first, "good"}, StatusCodes: []int{503}}}
				b := &o.Config.Behaviors[1]
				b.OriginID, b.AllowedMethods = "both", []string{"GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE"}
				if b.CachePolicy = optimized; !tc.cached {
					b.CachePolicy = CachePolicy{}
				}
			})
			te.origin.put("_errors/404.html", "lost", "text/html", "")
			resp := te.do(t, tc.method, tc.target)
			if b := body(t, resp); resp.StatusCode != tc.status || tc.body != "" && b != tc.body {
				t.Errorf("%d %q", resp.StatusCode, b)
			}
		})
	}
}

// A GET that is not answered in time is sent again, as often as the origin may be connected to; a POST is not (Developer Guide,
// RequestAndResponseBehaviorCustomOrigin, "Origin response timeout"). An answer that stops coming is cut off.
func TestOriginResponseTimeout(t *testing.T) {
	var asked atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		_, _ = io.Copy(io.Discard, r.Body)
		if r.URL.Path == "/v1/stalls" {
			fmt.Fprint(w, "begun")
			w.(http.Flusher).Flush()
		}
		<-r.Context().Done()
	}))
	defer srv.Close()
	te := newTestEdge(t, nil, func(o *Options) {
		api := customOriginAt(t, "api", srv.URL)
		api.ReadTimeout, api.ConnectionAttempts = 50*time.Millisecond, 3
		o.Config.CustomOrigins = []CustomOrigin{api}
		o.Config.Behaviors[1] = Behavior{OriginID: "api", AllowedMethods: []string{"GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE"}}
	})
	for method, want := range map[string]int32{"GET": 3, "HEAD": 3, "POST": 1, "DELETE": 1} {
		asked.Store(0)
		if resp := te.do(t, method, "/x"); resp.StatusCode != http.StatusGatewayTimeout || asked.Load() != want {
			t.Errorf("%s: status %d, asked %d times, want %d", method, resp.StatusCode, asked.Load(), want)
		}
	}
	func() {
		defer func() {
			if recover() != http.ErrAbortHandler {
				t.Error("an answer that stalls is taken for a whole one")
			}
		}()
		te.get(t, "/stalls")
	}()
}
