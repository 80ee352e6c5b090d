package edge

import (
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"
)

// RFC 9110, section 13; CloudFront answers conditional requests from its cache (RequestAndResponseBehaviorS3Origin).
func TestConditional(t *testing.T) {
	te := newTestEdge(t, nil, nil)
	te.origin.put("r1/x.txt", "content", "text/plain", assetControl)
	etag := te.get(t, "/x.txt").Header.Get("ETag")
	const (
		at     = "Sun, 01 Nov 2026 10:00:00 GMT"
		before = "Sun, 01 Nov 2026 09:59:59 GMT"
		after  = "Sun, 01 Nov 2026 10:00:01 GMT"
	)
	tests := map[string]struct {
		headers []string
		status  int
	}{
		"If-None-Match same":               {[]string{"If-None-Match", etag}, 304},
		"If-None-Match other":              {[]string{"If-None-Match", `"other"`}, 200},
		"If-None-Match weak":               {[]string{"If-None-Match", "W/" + etag}, 304},
		"If-None-Match list":               {[]string{"If-None-Match", `"a", W/"b,c" ,` + etag}, 304},
		"If-None-Match lines":              {[]string{"If-None-Match", `"a"`, "If-None-Match", etag}, 304},
		"If-None-Match any":                {[]string{"If-None-Match", "*"}, 304},
		"If-None-Match broken":             {[]string{"If-None-Match", `"abc`}, 200},
		"If-None-Match beats the date":     {[]string{"If-None-Match", `"other"`, "If-Modified-Since", after}, 200},
		"If-Modified-Since same":           {[]string{"If-Modified-Since", at}, 304},
		"If-Modified-Since older":          {[]string{"If-Modified-Since", before}, 200},
		"If-Modified-Since newer":          {[]string{"If-Modified-Since", after}, 304},
		"If-Modified-Since not a date":     {[]string{"If-Modified-Since", "yesterday"}, 200},
		"If-Match same":                    {[]string{"If-Match", etag}, 200},
		"If-Match any":                     {[]string{"If-Match", "*"}, 200},
		"If-Match other":                   {[]string{"If-Match", `"other"`}, 412},
		"If-Match weak":                    {[]string{"If-Match", "W/" + etag}, 412},
		"If-Unmodified-Since same":         {[]string{"If-Unmodified-Since", at}, 200},
		"If-Unmodified-Since older":        {[]string{"If-Unmodified-Since", before}, 412},
		"If-Match beats the date":          {[]string{"If-Match", etag, "If-Unmodified-Since", before}, 200},
		"If-Match holds and If-None-Match": {[]string{"If-Match", etag, "If-None-Match", etag}, 304},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			resp := te.get(t, "/x.txt", tc.headers...)
			wantStatus(t, resp, tc.status, "")
			if tc.status != http.StatusNotModified {
				return
			}
			wantHeader(t, resp, "ETag", etag)
			wantHeader(t, resp, "Cache-Control", assetControl)
			wantHeader(t, resp, "Content-Type", "")
			wantHeader(t, resp, "Content-Length", "")
			wantHeader(t, resp, "Age", "0")
			if b := body(t, resp); b != "" {
				t.Errorf("body %q", b)
			}
		})
	}
}

// RangeGETs: ranges that are not valid, not in ascending order or that overlap get the whole object.
func TestRanges(t *testing.T) {
	te := newTestEdge(t, nil, nil)
	const content = "0123456789"
	te.origin.put("r1/x.txt", content, "text/plain", assetControl)
	te.origin.put("r1/empty", "", "text/plain", assetControl)
	etag := te.get(t, "/x.txt").Header.Get("ETag")
	tests := map[string]struct {
		headers      []string
		status       int
		body, ranges string
	}{
		"first bytes":          {[]string{"Range", "bytes=0-3"}, 206, "0123", "bytes 0-3/10"},
		"from":                 {[]string{"Range", "bytes=7-"}, 206, "789", "bytes 7-9/10"},
		"last bytes":           {[]string{"Range", "bytes=-2"}, 206, "89", "bytes 8-9/10"},
		"more than there is":   {[]string{"Range", "bytes=8-99"}, 206, "89", "bytes 8-9/10"},
		"last of too many":     {[]string{"Range", "bytes=-99"}, 206, content, "bytes 0-9/10"},
		"enormous":             {[]string{"Range", "bytes=0-99999999999999999999"}, 206, content, "bytes 0-9/10"},
		"one is satisfiable":   {[]string{"Range", "bytes=2-3,50-60"}, 206, "23", "bytes 2-3/10"},
		"past the end":         {[]string{"Range", "bytes=10-"}, 416, "", "bytes */10"},
		"no last bytes":        {[]string{"Range", "bytes=-0"}, 416, "", "bytes */10"},
		"not ascending":        {[]string{"Range", "bytes=4-5,0-1"}, 200, content, ""},
		"overlapping":          {[]string{"Range", "bytes=0-5,3-8"}, 200, content, ""},
		"suffix overlaps":      {[]string{"Range", "bytes=0-8,-3"}, 200, content, ""},
		"backwards":            {[]string{"Range", "bytes=5-2"}, 200, content, ""},
		"negative":             {[]string{"Range", "bytes=--2"}, 200, content, ""},
		"signed":               {[]string{"Range", "bytes=+1-2"}, 200, content, ""},
		"no range":             {[]string{"Range", "bytes="}, 200, content, ""},
		"other unit":           {[]string{"Range", "lines=0-1"}, 200, content, ""},
		"too many":             {[]string{"Range", "bytes=" + strings.Repeat("20-,", 65) + "0-0"}, 200, content, ""},
		"If-Range same":        {[]string{"Range", "bytes=0-0", "If-Range", etag}, 206, "0", "bytes 0-0/10"},
		"If-Range other":       {[]string{"Range", "bytes=0-0", "If-Range", `"other"`}, 200, content, ""},
		"If-Range weak":        {[]string{"Range", "bytes=0-0", "If-Range", "W/" + etag}, 200, content, ""},
		"If-Range same date":   {[]string{"Range", "bytes=0-0", "If-Range", "Sun, 01 Nov 2026 10:00:00 GMT"}, 206, "0", "bytes 0-0/10"},
		"If-Range other date":  {[]string{"Range", "bytes=0-0", "If-Range", "Sun, 01 Nov 2026 10:00:01 GMT"}, 200, content, ""},
		"If-None-Match first":  {[]string{"Range", "bytes=0-0", "If-None-Match", etag}, 304, "", ""},
		"in any case and gaps": {[]string{"Range", "Bytes= 0-1"}, 206, "01", "bytes 0-1/10"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			resp := te.get(t, "/x.txt", tc.headers...)
			wantStatus(t, resp, tc.status, "")
			wantHeader(t, resp, "Content-Range", tc.ranges)
			if b := body(t, resp); tc.status != 416 && b != tc.body {
				t.Errorf("body %q, want %q", b, tc.body)
			}
		})
	}
	wantStatus(t, te.get(t, "/empty", "Range", "bytes=0-"), 416, "")
	wantStatus(t, te.do(t, "HEAD", "/x.txt", "Range", "bytes=0-0"), 200, "")
}

func TestMultipleRanges(t *testing.T) {
	te := newTestEdge(t, nil, nil)
	te.origin.put("r1/x.txt", "0123456789", "text/plain", assetControl)
	resp := te.get(t, "/x.txt", "Range", "bytes=0-1, 4-4, -2")
	wantStatus(t, resp, 206, "")
	media, params, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if err != nil || media != "multipart/byteranges" {
		t.Fatalf("Content-Type %q: %v", resp.Header.Get("Content-Type"), err)
	}
	if got := body(t, resp); len(got) != int(resp.ContentLength) {
		t.Errorf("%d bytes, Content-Length %d", len(got), resp.ContentLength)
	} else {
		resp.Body = io.NopCloser(strings.NewReader(got))
	}
	mr := multipart.NewReader(resp.Body, params["boundary"])
	for _, want := range [][2]string{{"bytes 0-1/10", "01"}, {"bytes 4-4/10", "4"}, {"bytes 8-9/10", "89"}} {
		p, err := mr.NextPart()
		if err != nil {
			t.Fatal(err)
		}
		data, _ := io.ReadAll(p)
		if p.Header.Get("Content-Range") != want[0] || string(data) != want[1] || p.Header.Get("Content-Type") != "text/plain" {
			t.Errorf("part %v %q, want %v", p.Header, data, want)
		}
	}
	if _, err := mr.NextPart(); err != io.EOF {
		t.Errorf("after the last part: %v", err)
	}
}

func FuzzParseRanges(f *testing.F) {
	for _, s := range []string{"bytes=0-1", "bytes=-1", "bytes=1-,2-", "bytes=0-0,1-1,-1", "bytes=9223372036854775807-", "="} {
		f.Add(s, int64(10))
	}
	f.Fuzz(func(t *testing.T, header string, size int64) {
		if size < 0 {
			return
		}
		ranges, ok := parseRanges(header, size)
		end := int64(0)
		for _, r := range ranges {
			if !ok || r.off < end || r.n <= 0 || r.off > size-r.n {
				t.Fatalf("parseRanges(%q, %d) = %v, %v", header, size, ranges, ok)
			}
			end = r.off + r.n
		}
		if len(ranges) > maxRanges {
			t.Fatalf("%d ranges", len(ranges))
		}
	})
}

func FuzzETagListed(f *testing.F) {
	f.Add(`"a", W/"b"`, `"b"`)
	f.Add(`*`, ``)
	f.Fuzz(func(t *testing.T, list, etag string) {
		strong, weak := etagListed(list, etag, strongMatch), etagListed(list, etag, weakMatch)
		if strong && !weak && validETag(etag) != "" {
			t.Fatalf("%q in %q matches strongly and not weakly", etag, list)
		}
	})
}
