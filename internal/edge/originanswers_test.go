package edge

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// What an origin may say to a request for a part, and what becomes of it. The object has 20 digits; "as asked" is an origin that
// answers the viewer's own Range.
func TestAnswersToARange(t *testing.T) {
	const digits = "01234567890123456789"
	part := func(status int, contentRange, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Range") == "bytes=2-3" { // what the viewer asked for
				w.Header().Set("Content-Range", "bytes 2-3/20")
				w.WriteHeader(http.StatusPartialContent)
				_, _ = io.WriteString(w, "as asked")
				return
			}
			w.Header().Set("Cache-Control", "max-age=60")
			if contentRange != "" {
				w.Header().Set("Content-Range", contentRange)
			}
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}
	}
	block := "bytes=0-262143"
	own := []string{block, "bytes=2-3"}
	tests := map[string]struct {
		origin http.HandlerFunc
		status int
		body   string
		asked  []string
		// again is what a second viewer is answered, and asked of the origin.
		again int
		more  []string
	}{
		"the whole as a part":   {part(206, "bytes 0-19/20", digits), 206, "23", []string{block}, 206, nil},
		"a part of more":        {part(206, "bytes 0-19/900", digits), 206, "23", []string{block}, 206, nil},
		"in capitals":           {part(206, "Bytes 0-19/900", digits), 206, "23", []string{block}, 206, nil},
		"another part":          {part(206, "bytes 10-19/99999999", digits[10:]), 206, "as asked", own, 206, own[1:]},
		"less than was asked":   {part(206, "bytes 0-2/99999999", digits[:3]), 206, "as asked", own, 206, own[1:]},
		"no Content-Range":      {part(206, "", digits), 206, "as asked", own, 206, own},
		"an unknown size":       {part(206, "bytes 0-19/*", digits), 206, "as asked", own, 206, own},
		"another unit":          {part(206, "lines 0-19/20", digits), 206, "as asked", own, 206, own},
		"past its own size":     {part(206, "bytes 0-20/20", digits+"x"), 206, "as asked", own, 206, own},
		"backwards":             {part(206, "bytes 19-0/20", digits), 206, "as asked", own, 206, own},
		"no number":             {part(206, "bytes -1-19/20", digits), 206, "as asked", own, 206, own},
		"another length":        {part(206, "bytes 0-9/20", digits), 206, "as asked", own, 206, own},
		"more than a block":     {part(206, "bytes 0-262144/262145", strings.Repeat("x", 262145)), 206, "as asked", own, 206, own},
		"the whole":             {part(200, "", digits), 200, digits, []string{block}, 206, nil},
		"an empty whole":        {part(200, "", ""), 200, "", []string{block}, 416, nil},
		"not found":             {part(404, "", "none"), 404, "none", []string{block}, 404, nil},
		"not satisfiable":       {part(416, "bytes */2", "short"), 416, "short", []string{block}, 416, []string{block}},
		"broken":                {part(500, "", "oh"), 500, "oh", []string{block}, 500, nil},
		"a 304 to no condition": {part(304, "", ""), 304, "", []string{block}, 304, []string{block}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			asked := &askedOrigin{}
			te := apiEdge(t, asked.wrap(tc.origin), func(o *Options) { o.Config.ErrorPages = nil })
			resp := te.get(t, "/cached/x", "Range", "bytes=2-3")
			wantStatus(t, resp, tc.status, "")
			if b, got := body(t, resp), asked.take(); b != tc.body || !slices.Equal(got, tc.asked) {
				t.Errorf("body %.40q, want %q; the origin was asked for %q, want %q", b, tc.body, got, tc.asked)
			}
			wantStatus(t, te.get(t, "/cached/x", "Range", "bytes=2-3"), tc.again, "")
			if got := asked.take(); !slices.Equal(got, tc.more) {
				t.Errorf("the second time, the origin was asked for %q, want %q", got, tc.more)
			}
		})
	}
}

// RangeGETs: an answer in chunks is passed on whole; what the origin breaks off is a 502, kept as one.
func TestOriginsThatSendInTheirOwnWay(t *testing.T) {
	tests := map[string]struct {
		origin http.HandlerFunc
		status int
		body   string
		again  int
	}{
		"the whole in chunks": {func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, "01234")
			w.(http.Flusher).Flush()
			fmt.Fprint(w, "56789")
		}, 200, "0123456789", 206},
		"a part in chunks": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Range", "bytes 0-9/99")
			w.WriteHeader(http.StatusPartialContent)
			fmt.Fprint(w, "01234")
			w.(http.Flusher).Flush()
			fmt.Fprint(w, "56789")
		}, 206, "23", 206},
		"a part in chunks, too short": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Range", "bytes 0-9/99")
			w.WriteHeader(http.StatusPartialContent)
			fmt.Fprint(w, "01234")
			w.(http.Flusher).Flush()
		}, 502, "", 502},
		"a part in chunks, too long": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Range", "bytes 0-9/99")
			w.WriteHeader(http.StatusPartialContent)
			fmt.Fprint(w, strings.Repeat("0123456789", 1000))
			w.(http.Flusher).Flush()
		}, 502, "", 502},
		"fewer bytes than promised": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Range", "bytes 0-9/99")
			w.Header().Set("Content-Length", "10")
			w.WriteHeader(http.StatusPartialContent)
			fmt.Fprint(w, "01234")
			panic(http.ErrAbortHandler)
		}, 502, "", 502},
		"no answer": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, 502, "", 502},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			asked := &askedOrigin{}
			te := apiEdge(t, asked.wrap(tc.origin), nil)
			resp := te.get(t, "/cached/x", "Range", "bytes=2-3")
			wantStatus(t, resp, tc.status, "")
			if b := body(t, resp); tc.status < 400 && b != tc.body {
				t.Errorf("body %q, want %q", b, tc.body)
			}
			wantStatus(t, te.get(t, "/cached/x", "Range", "bytes=2-3"), tc.again, "")
			if got := asked.take(); len(got) != 1 {
				t.Errorf("the origin was asked for %q", got)
			}
		})
	}
}

// What the origin forbids to keep is not kept, and as much is asked for each time.
func TestPartsThatAreNotToBeKept(t *testing.T) {
	asked := &askedOrigin{}
	te := apiEdge(t, asked.wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		http.ServeContent(w, r, "x.bin", time.Time{}, strings.NewReader(numbered(maxHeld+block)))
	})), func(o *Options) {
		for i := range o.Config.Behaviors {
			if p := &o.Config.Behaviors[i].CachePolicy; p.MaxTTL > 0 {
				p.MinTTL = 0
			}
		}
	})
	for range 2 {
		wantStatus(t, te.get(t, "/cached/x", "Range", "bytes=2-3"), 206, "Miss")
		wantStatus(t, te.get(t, "/cached/x", "Range", "bytes=9-"), 206, "Miss")
	}
	if got, want := asked.take(), []string{"bytes=0-262143", "bytes=0-262143", "bytes=9-"}; !slices.Equal(got, slices.Concat(want, want)) {
		t.Errorf("the origin was asked for %q", got)
	}
}

// Custom error pages and origin groups see a range's answers as any others.
func TestErrorsOfRanges(t *testing.T) {
	second := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "x.bin", fileTime, strings.NewReader("the second"))
	}))
	t.Cleanup(second.Close)
	te := apiEdge(t, func(w http.ResponseWriter, r *http.Request) {
		status, _ := strconv.Atoi(r.URL.Path[len("/v1/cached/"):])
		w.WriteHeader(status)
	}, func(o *Options) {
		o.Config.CustomOrigins = append(o.Config.CustomOrigins, customOriginAt(t, "second", second.URL))
		o.Config.OriginGroups = []OriginGroup{{ID: "both", Members: [2]string{"api", "second"}, StatusCodes: []int{503}}}
		o.Config.Behaviors[1].OriginID = "both"
		for _, status := range []int{404, 416} {
			o.Config.ErrorPages = append(o.Config.ErrorPages, ErrorPage{Status: status, ResponseStatus: 200, PagePath: "/_errors/404.html"})
		}
	})
	te.origin.put("_errors/404.html", "our page", "text/html", "")
	tests := map[string]struct {
		status int
		body   string
	}{"404": {200, "our page"}, "416": {200, "our page"}, "503": {206, "sec"}}
	for target, want := range tests {
		t.Run(target, func(t *testing.T) {
			resp := te.get(t, "/cached/"+target, "Range", "bytes=4-6")
			if b := body(t, resp); resp.StatusCode != want.status || b != want.body {
				t.Errorf("status %d, body %q", resp.StatusCode, b)
			}
		})
	}
}

// An error's body that is too large to be held is passed on: it was announced by its length, and not sent.
func TestLargeErrorOfAnOrigin(t *testing.T) {
	const size = maxHeld + 1
	te := apiEdge(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", strconv.Itoa(size))
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, strings.Repeat("x", size))
	}, func(o *Options) { o.Config.ErrorPages = nil })
	for range 2 {
		resp := te.get(t, "/cached/x")
		wantStatus(t, resp, 404, "Error")
		if n := len(body(t, resp)); n != size {
			t.Errorf("%d bytes", n)
		}
	}
}

// FuzzRangesOfAnOrigin asks for any ranges of an origin that says anything of what it sends: no answer is a 500, each has the length
// that its header says, and what is cut lies where Content-Range says.
func FuzzRangesOfAnOrigin(f *testing.F) {
	const digits = "01234567890123456789"
	f.Add("bytes=2-3", "bytes 0-19/20", "", uint8(206))
	f.Add("bytes=-1,0-", "bytes 10-19/99999999", `"e1"`, uint8(206))
	f.Add("bytes=19-,3-4", "bytes 0-19/9223372036854775807", `W/"e1"`, uint8(206))
	f.Add("bytes=5-", "bytes */20", "Sun, 01 Nov 2026 10:00:00 GMT", uint8(160))
	var contentRange string
	var status int
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("ETag", `"e1"`)
		w.Header().Set("Content-Range", contentRange)
		w.WriteHeader(status)
		if bodyAllowed(status) {
			_, _ = io.WriteString(w, digits)
		}
	}))
	f.Cleanup(srv.Close)
	f.Fuzz(func(t *testing.T, asked, says, ifRange string, code uint8) {
		contentRange, status = says, 200+int(code)%250
		te := newTestEdge(t, nil, func(o *Options) {
			o.Config.CustomOrigins = []CustomOrigin{customOriginAt(t, "api", srv.URL)}
			o.Config.Behaviors[1] = Behavior{OriginID: "api", CachePolicy: optimized}
			o.Config.ErrorPages = nil
		})
		for range 2 {
			r := httptest.NewRequest(http.MethodGet, "/x", nil)
			r.Header = http.Header{"Range": {asked}, "If-Range": {ifRange}}
			w := httptest.NewRecorder()
			te.ServeHTTP(w, r)
			if n := w.Header().Get("Content-Length"); w.Code == http.StatusInternalServerError || bodyAllowed(w.Code) && n != strconv.Itoa(w.Body.Len()) {
				t.Fatalf("%q of %d %q: status %d, Content-Length %s, body of %d bytes", asked, status, says, w.Code, n, w.Body.Len())
			}
			part, _, ok := parseContentRange(w.Result().Header.Values("Content-Range"))
			if was, _, valid := parseContentRange([]string{says}); ok && valid && w.Code == http.StatusPartialContent && w.Body.Len() < len(digits) &&
				w.Body.String() != digits[part.off-was.off:][:part.n] {
				t.Fatalf("%q of %q: %q at %d", asked, says, w.Body, part.off)
			}
		}
	})
}
