package edge

import (
	"encoding/base64"
	"encoding/binary"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
)

var _ http.Handler = (*Edge)(nil)

// ServeHTTP answers one request. It sends all headers itself but for Date, which the server adds.
func (e *Edge) ServeHTTP(w http.ResponseWriter, hr *http.Request) {
	r := e.newRequest(hr)
	a := e.serve(hr.Context(), r)
	defer a.close()
	h := w.Header()
	for _, f := range a.static {
		h[f.name] = f.value
	}
	for _, f := range a.extra {
		h[f.name] = f.value
	}
	if _, ok := h["Content-Type"]; !ok {
		h["Content-Type"] = nil // the server is not to guess one
	}
	w.WriteHeader(a.status)
	var written int64
	var err error
	if r.wantsBody() && bodyAllowed(a.status) {
		written, err = a.writeBody(w)
	}
	e.logAccess(r, a, written)
	if err != nil {
		// The status is out; cutting the connection is the only way left to tell the viewer.
		a.close()
		panic(http.ErrAbortHandler)
	}
}

// newRequest takes over a request from net/http. The URI is as the viewer sent it, not as net/http parsed it.
func (e *Edge) newRequest(hr *http.Request) *request {
	r := &request{
		start:   e.now(),
		id:      newRequestID(),
		method:  hr.Method,
		host:    hr.Host,
		ip:      hr.RemoteAddr,
		http10:  !hr.ProtoAtLeast(1, 1),
		secure:  hr.TLS != nil,
		hasBody: hr.ContentLength != 0,
		header:  hr.Header,

		body:       hr.Body,
		bodyLength: hr.ContentLength,
	}
	if host, _, err := net.SplitHostPort(hr.RemoteAddr); err == nil {
		r.ip = host
	}
	if strings.HasPrefix(hr.RequestURI, "/") {
		r.uri, r.query, r.hasQuery = strings.Cut(hr.RequestURI, "?")
		return r
	}
	// The absolute form, or a request that no server parsed.
	r.uri, r.query, r.hasQuery = hr.URL.EscapedPath(), hr.URL.RawQuery, hr.URL.RawQuery != "" || hr.URL.ForceQuery
	if r.uri == "" && hr.URL.Host != "" {
		r.uri = "/"
	}
	return r
}

// newRequestID returns an identifier of the shape that CloudFront's have.
func newRequestID() string {
	var b [40]byte
	for i := 0; i < len(b); i += 8 {
		binary.LittleEndian.PutUint64(b[i:], rand.Uint64())
	}
	return base64.URLEncoding.EncodeToString(b[:])
}
