package h1

import (
	"bufio"
	"bytes"
	"net/http"
	"reflect"
	"strings"
	"testing"
)

var requests = map[string]verdict{
	"GET / HTTP/1.1\r\nHost: a\r\n\r\n":                                                  simple,
	"HEAD /a/b.html?x=1&y HTTP/1.1\r\nhost: a:80\r\nuser-agent: x\r\n\r\n":               simple,
	"GET /%2e%41?q=%zz HTTP/1.1\r\nHost: [::1]:8080\r\nX-A: 1\r\nx-a: 2\r\n\r\n":         simple,
	"GET //a? HTTP/1.1\r\nHost: a\r\nPragma: no-cache\r\nConnection: Keep-Alive\r\n\r\n": simple,
	"GET /é HTTP/1.1\r\nHost: a\r\n\r\n":                                                 other,
	"GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n":                                               other,
	"GET / HTTP/1.1\r\nHost: a\r\nX-Text: caf\xe9 \t\r\nEmpty:\r\n\r\n":                  simple,
	"":                                      incomplete,
	"GE":                                    incomplete,
	"HEAD":                                  incomplete,
	"GET / HTTP/1.1\r\nHost:":               incomplete,
	"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n": other,
	"GET  / HTTP/1.1\r\nHost: a\r\n\r\n":    other,
	"GET / HTTP/1.0\r\nHost: a\r\n\r\n":     other,
	"GET /\r\n\r\n":                         other,
	"GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n":                                                other,
	"GET * HTTP/1.1\r\nHost: a\r\n\r\n":                                                        other,
	"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n":                                                     other,
	"GET / HTTP/1.1\r\n\r\n":                                                                   other,
	"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n":                                             other,
	"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n":                                                      other,
	"GET / HTTP/1.1\r\nHost:\r\n\r\n":                                                          other,
	"GET / HTTP/1.1\nHost: a\n\r\n\r\n":                                                        other,
	"GET / HTTP/1.1\nHost: a\n\n":                                                              other,
	"GET / HTTP/1.1\nHo":                                                                       other,
	"GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n":                                             other,
	"GET / HTTP/1.1\r\nHost: a\r\nX : y\r\n\r\n":                                               other,
	"GET / HTTP/1.1\r\nHost: a\r\n: y\r\n\r\n":                                                 other,
	"GET / HTTP/1.1\r\nHost: a\r\nX\r\n\r\n":                                                   other,
	"GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n":                                             other,
	"GET / HTTP/1.1\r\nHost: a\r\nX: a\nY: b\r\n\r\n":                                          other,
	"GET / HTTP/1.1\r\nHost: a\r\nX: \x00\r\n\r\n":                                             other,
	"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n":                                   other,
	"GET / HTTP/1.1\r\nHost: a\r\ncontent-length: 5\r\n\r\nhello":                              other,
	"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n":                 other,
	"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n":                                   other,
	"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n": other,
	"GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n":                                other,
	"POST / HTTP/1.1\r\nHost: a\r\n\r\n":                                                       other,
	"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n":                                                         other,
	"\x16\x03\x01":                                                                             other,
}

func TestParse(t *testing.T) {
	for text, want := range requests {
		t.Run(strings.ToValidUTF8(text, "?"), func(t *testing.T) {
			if _, _, got := parse([]byte(text)); got != want {
				t.Errorf("verdict %d, want %d", got, want)
			}
			sameAsHTTP(t, []byte(text))
		})
	}
}

// A request that is found simple is one for net/http too, the very same, and ends at the same byte: nobody can hide a request
// from one of the two.
func FuzzParse(f *testing.F) {
	for text := range requests {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) { sameAsHTTP(t, data) })
}

func sameAsHTTP(t *testing.T, data []byte) {
	h, size, v := parse(data)
	if v != simple {
		return
	}
	rest := bytes.NewReader(data)
	buffered := bufio.NewReaderSize(rest, len(data)+16)
	r, err := http.ReadRequest(buffered)
	if err != nil {
		t.Fatalf("net/http refuses %q: %v", data, err)
	}
	if read := len(data) - rest.Len() - buffered.Buffered(); read != size {
		t.Errorf("net/http reads %d bytes of %q, not %d", read, data, size)
	}
	if r.Method != h.method || r.RequestURI != h.target || r.Host != h.host || !reflect.DeepEqual(r.URL, h.url) || !reflect.DeepEqual(r.Header, h.header) {
		t.Errorf("of %q\nnet/http makes %s %s %q %+v %v\nparse makes    %s %s %q %+v %v", data, r.Method, r.RequestURI, r.Host, r.URL, r.Header,
			h.method, h.target, h.host, h.url, h.header)
	}
	if r.Body != http.NoBody || r.ContentLength != 0 || r.Close || len(r.TransferEncoding) > 0 {
		t.Errorf("%q has a body, or ends the connection", data)
	}
}
