package edge

import (
	"io"
	"mime"
	"mime/multipart"
	"strings"
	"testing"
)

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
