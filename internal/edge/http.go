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

// ServeHTTP answers one request. It sends all headers itself but for Date, which the server adds. If w has a method TakesLong, that is
// called before anything that takes longer than to find an answer in memory.
func (e *Edge) ServeHTTP(w http.ResponseWriter, hr *http.Request) {
	r := e.newRequest(hr)
	r.caller, _ = w.(patient)
	a := e.serve(hr.Context(), r)
	defer a.close()
	if origin, ok := a.upgraded(); ok {
		written, err := a.switchProtocols(w, origin, e.socketIdle)
		if err != nil {
			e.logError(r, err)
		}
		e.logAccess(r, a, written)
		return
	}
	a.writeHeader(w)
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

// patient is an http.ResponseWriter of a server that many connections wait for while it runs the handler, until it is told.
type patient interface {
	// TakesLong is called before anything that takes longer than to find an answer in memory. It may be called again.
	TakesLong()
}

// takesLong is called before anything that does: a function's run, a look at an origin, a compression, a wait for others.
func (r *request) takesLong() {
	if r.caller != nil {
		r.caller.TakesLong()
	}
}

// headWriter is an http.ResponseWriter that takes lines of the header that are ready to be sent. They are none of Content-Length,
// Connection, Date and Transfer-Encoding, and not of a name that is in Header too; they do not change.
type headWriter interface {
	// AddHead reports whether the protocol takes such lines.
	AddHead(lines []byte) bool
}

// writeHeader puts the answer's headers where the server takes them from.
func (a *answer) writeHeader(w http.ResponseWriter) {
	h := w.Header()
	static := a.static
	if hw, ok := w.(headWriter); ok && a.headStands() && hw.AddHead(a.head) {
		if static = nil; a.length >= 0 {
			if i := fieldIndex(a.static, "Content-Length"); i >= 0 {
				static = a.static[i : i+1]
			}
		}
	}
	for _, f := range static {
		h[f.name] = f.value
	}
	for _, f := range a.extra {
		h[f.name] = f.value
	}
	if _, ok := h["Content-Type"]; !ok && len(static) == len(a.static) {
		h["Content-Type"] = nil // the server is not to guess one
	}
}

// headStands reports whether no header of this answer alone takes the place of one that many answers share.
func (a *answer) headStands() bool {
	if a.head == nil {
		return false
	}
	for _, f := range a.extra {
		if fieldIndex(a.static, f.name) >= 0 {
			return false
		}
	}
	return true
}

// notInHeads are the headers that a server sends itself or has to know.
var notInHeads = map[string]bool{"Connection": true, "Date": true, "Transfer-Encoding": true}

// headOf makes the lines of headers. It returns nil if they need the care of a server: one is the server's own, or cannot be
// sent as it is.
func headOf(fields []field) []byte {
	var b []byte
	for _, f := range fields {
		if f.name == "Content-Length" {
			continue
		}
		if notInHeads[f.name] || strings.ContainsFunc(f.name, notInName) {
			return nil
		}
		for _, v := range f.value {
			if strings.ContainsFunc(v, notInValue) {
				return nil
			}
			b = append(b, f.name+": "+v+"\r\n"...)
		}
	}
	return b
}

// notInName is stricter than the token of RFC 9110: it lets through what names are made of.
func notInName(c rune) bool {
	return !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_')
}

func notInValue(c rune) bool { return c < ' ' && c != '\t' || c == 0x7f }

// newRequest takes over a request from net/http. The URI is as the viewer sent it, not as net/http parsed it.
func (e *Edge) newRequest(hr *http.Request) *request {
	r := &request{
		start:   e.now(),
		id:      newRequestID(),
		method:  hr.Method,
		host:    hr.Host,
		ip:      hr.RemoteAddr,
		address: hr.RemoteAddr,
		version: httpVersion(hr),
		tls:     hr.TLS,
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
	var text [56]byte
	base64.URLEncoding.Encode(text[:], b[:])
	return string(text[:])
}
