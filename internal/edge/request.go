package edge

import (
	"crypto/tls"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/cfjs"
)

// request is a viewer's request, and what the edge finds out about it on the way. The server's plumbing fills in the
// first part; everything below the line is the edge's.
type request struct {
	start time.Time
	id    string
	// method is as sent; uri is percent-encoded as the viewer sent it, without the query string.
	method, uri string
	// query is what follows the "?", if hasQuery.
	query    string
	hasQuery bool
	host, ip string
	// address is the viewer's with its port, version that of HTTP, and tls nil for a plain connection.
	address, version string
	tls              *tls.ConnectionState
	// http10 viewers get no compression; secure ones came over TLS; hasBody is true for a GET with a body.
	http10, secure, hasBody bool
	header                  http.Header
	// body is the request's, of bodyLength bytes, -1 if that is not known; the server closes it.
	body       io.Reader
	bodyLength int64

	behavior *behavior
	// kv is the view of the key-value store, epoch the time of its last change.
	kv    cfjs.KV
	epoch int64
	// rewritten is what the viewer-request function made of the request, nil if it did not run; changed says in what it
	// differs from the viewer's.
	rewritten *cfjs.Request
	changed   cfjs.Changed
	// chosen is the origin that the function chose, nil for the behaviour's.
	chosen *cfjs.Origin
	// key is the key of the object that answers, once it is known.
	key string
	// fetchTime is how long the origin took, 0 without one.
	fetchTime time.Duration
	// caller is told before anything that takes long; it may be nil.
	caller patient
	// trace is nil but for Explain.
	trace *Trace
}

// headerName is the name of a header in both the forms that are looked up.
type headerName struct{ canonical, lower string }

var (
	hdrAcceptEncoding    = headerName{"Accept-Encoding", "accept-encoding"}
	hdrRange             = headerName{"Range", "range"}
	hdrIfRange           = headerName{"If-Range", "if-range"}
	hdrIfMatch           = headerName{"If-Match", "if-match"}
	hdrIfNoneMatch       = headerName{"If-None-Match", "if-none-match"}
	hdrIfModifiedSince   = headerName{"If-Modified-Since", "if-modified-since"}
	hdrIfUnmodifiedSince = headerName{"If-Unmodified-Since", "if-unmodified-since"}
	hdrOrigin            = headerName{"Origin", "origin"}
	hdrRequestMethod     = headerName{"Access-Control-Request-Method", "access-control-request-method"}
	hdrPragma            = headerName{"Pragma", "pragma"}
)

// get returns the value of a request header as it is after the viewer-request function, "" if there is none. Several
// lines of one name are joined with commas.
func (r *request) get(name headerName) string {
	if r.changed.Headers {
		v, ok := r.rewritten.Headers[name.lower]
		if !ok {
			return ""
		}
		return strings.Join(valuesOf(v), ", ")
	}
	switch vs := r.header[name.canonical]; len(vs) {
	case 0:
		return ""
	case 1:
		return vs[0]
	default:
		return strings.Join(vs, ", ")
	}
}

// effectiveURI returns the URI that the origin is asked for: the function's, else the viewer's.
func (r *request) effectiveURI() string {
	if r.changed.URI {
		return r.rewritten.URI
	}
	return r.uri
}

// wantsBody reports whether the answer has a body, which that of a HEAD request has not.
func (r *request) wantsBody() bool { return r.method != http.MethodHead }

// valuesOf returns all values of an entry. As the Developer Guide has it (functions-event-structure), multiValue wins
// over value where both are there.
func valuesOf(v cfjs.Value) []string {
	if len(v.Multi) == 0 {
		return []string{v.Value}
	}
	out := make([]string, len(v.Multi))
	for i, m := range v.Multi {
		out[i] = m.Value
	}
	return out
}
