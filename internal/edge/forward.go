package edge

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// forward answers with what a custom origin says: by way of the cache for GET and HEAD, and for OPTIONS if the behaviour keeps
// it, where the cache policy caches at all; directly otherwise.
func (e *Edge) forward(ctx context.Context, r *request, src *source, uri string) *answer {
	p := &r.behavior.CachePolicy
	r.key = src.id + uri
	options := r.method == http.MethodOptions && r.behavior.CachesOptions && !r.hasBody
	kept := r.method == http.MethodGet || r.method == http.MethodHead || options
	if p.MaxTTL == 0 && p.MinTTL == 0 && p.DefaultTTL == 0 || !kept || r.isUpgrade() {
		return e.pass(ctx, r, src.custom, uri)
	}
	t := &target{via: r.behavior, owner: r.behavior, source: src, uri: uri, options: options}
	t.parts = src.id + " " + r.behavior.acceptEncoding(r) + " " + p.keyParts(r)
	if options {
		t.parts = "OPTIONS " + t.parts // Developer Guide, DownloadDistValuesCacheBehavior, "Cached HTTP methods"
	}
	if en := e.cache.get(t.key()); r.method == http.MethodHead && (en == nil || !en.fresh(r.start, r.epoch)) {
		return e.pass(ctx, r, src.custom, uri)
	}
	en, res := e.fetchRange(ctx, r, t)
	if en == nil || en.large && en.status != http.StatusOK {
		return e.pass(ctx, r, src.custom, uri)
	}
	a := e.respond(ctx, r, t, en, res)
	if a.originStatus == 0 {
		a.originStatus = en.status
	}
	a.unreached = en.unreached
	return a
}

// viewersOwn are the headers that ask for an answer which is of no use to others: the edge evaluates them itself for what it keeps,
// and sends them where it keeps nothing.
var viewersOwn = []headerName{hdrRange, hdrIfRange, hdrIfMatch, hdrIfNoneMatch, hdrIfModifiedSince, hdrIfUnmodifiedSince}

// pass sends the request to a custom origin and passes its answer on as it comes, uncached.
func (e *Edge) pass(ctx context.Context, r *request, o *customOrigin, uri string) *answer {
	r.takesLong()
	req, err := o.request(ctx, r, uri)
	if err != nil {
		return e.errorAnswer(r, http.StatusBadRequest)
	}
	req.Method = r.method
	if r.bodyLength != 0 && r.body != nil {
		req.Body, req.ContentLength = io.NopCloser(r.body), r.bodyLength
	}
	for _, name := range viewersOwn {
		if v := r.get(name); v != "" {
			req.Header.Set(name.canonical, v)
		}
	}
	if r.isUpgrade() {
		req.Header.Set("Connection", "Upgrade")
		req.Header.Set("Upgrade", "websocket")
	}
	resp, err := e.send(r, o, req)
	if gone(ctx, err) {
		return e.goneAnswer(r)
	}
	if err != nil {
		r.trace.unreachable(err)
		status := gatewayStatus(err)
		e.logError(r, fmt.Errorf("ask origin %s: %w", o.ID, err))
		a := e.errorAnswer(r, status)
		a.originStatus, a.unreached = status, true
		return a
	}
	cleanResponse(r, resp.Header)
	r.trace.passed(o, uri, resp)
	a := &answer{status: resp.StatusCode, originStatus: resp.StatusCode, live: resp.Body, length: resp.ContentLength}
	if a.status >= 400 {
		a.result = resultError
	}
	a.static = r.behavior.policy.apply(responseFields(resp.Header))
	if cl := resp.Header.Get("Content-Length"); cl != "" {
		a.set("Content-Length", cl, FromOrigin)
	}
	return a
}

// send asks the origin, once more if a GET or HEAD is not answered in time, as often as the origin is set to be connected to
// (Developer Guide, RequestAndResponseBehaviorCustomOrigin, "Origin response timeout"). The body ends with an error when nothing
// of it comes for as long.
func (e *Edge) send(r *request, o *customOrigin, req *http.Request) (*http.Response, error) {
	begun := time.Now()
	defer func() { r.fetchTime += time.Since(begun) }()
	again := req.Body == nil && (req.Method == http.MethodGet || req.Method == http.MethodHead)
	for attempt := 1; ; attempt++ {
		ctx, cancel := context.WithCancelCause(req.Context())
		resp, err := o.transport.RoundTrip(req.WithContext(ctx))
		if err == nil && resp.StatusCode == http.StatusSwitchingProtocols && req.Header.Get("Upgrade") == "" {
			resp.Body.Close()
			err = errUnwantedSwitch
		}
		if err == nil {
			resp.Body = o.body(resp, cancel)
			return resp, nil
		}
		cancel(nil)
		if !again || attempt >= o.ConnectionAttempts || gatewayStatus(err) != http.StatusGatewayTimeout || req.Context().Err() != nil {
			return nil, err
		}
	}
}

// body is an answer's body, with what ends its request.
func (o *customOrigin) body(resp *http.Response, cancel context.CancelCauseFunc) io.ReadCloser {
	if both, ok := resp.Body.(io.ReadWriteCloser); ok && resp.StatusCode == http.StatusSwitchingProtocols {
		return &socket{both, cancel}
	}
	return newPatientBody(resp.Body, o.ReadTimeout, cancel)
}

// errStalled is why the body of an answer has no end.
var errStalled = errors.New("the origin stopped sending")

// errUnwantedSwitch is what an answer is that would take over a connection which others' requests may follow on.
var errUnwantedSwitch = errors.New("the origin switched protocols, which it was not asked to")

// patientBody is the body of an answer that is given up when nothing comes for too long.
type patientBody struct {
	io.ReadCloser
	timeout time.Duration
	timer   *time.Timer
	cancel  context.CancelCauseFunc
}

func newPatientBody(body io.ReadCloser, timeout time.Duration, cancel context.CancelCauseFunc) *patientBody {
	b := &patientBody{ReadCloser: body, timeout: timeout, cancel: cancel}
	b.timer = time.AfterFunc(timeout, func() { cancel(errStalled) })
	b.timer.Stop()
	return b
}

// Read implements io.Reader.
func (b *patientBody) Read(p []byte) (int, error) {
	b.timer.Reset(b.timeout)
	defer b.timer.Stop()
	return b.ReadCloser.Read(p)
}

// Close implements io.Closer.
func (b *patientBody) Close() error {
	b.timer.Stop()
	err := b.ReadCloser.Close()
	b.cancel(nil)
	return err
}

// gatewayStatus is the status for an origin that did not answer (Developer Guide, http-502-bad-gateway and
// http-504-gateway-timeout).
func gatewayStatus(err error) int {
	var timeout net.Error
	if errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout() {
		return http.StatusGatewayTimeout
	}
	return http.StatusBadGateway
}

// request makes the request to the origin: a GET of the URI, with what the two policies send of the viewer's request, and
// what CloudFront always adds (Developer Guide, controlling-origin-requests and RequestAndResponseBehaviorCustomOrigin).
func (o *customOrigin) request(ctx context.Context, r *request, uri string) (*http.Request, error) {
	scheme, authority := o.address(r.secure)
	u := &url.URL{Scheme: scheme, Host: authority, RawPath: o.Path + uri}
	var ok bool
	if u.Path, ok = decode(u.RawPath); !ok {
		return nil, fmt.Errorf("decode %q: malformed percent-encoding", uri)
	}
	u.RawQuery = strings.TrimPrefix(r.originQuery(), "&")
	req := (&http.Request{Method: http.MethodGet, URL: u, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: r.originHeaders()}).WithContext(ctx)
	req.Host = cmp.Or(o.hostHeader, o.DomainName)
	if host := req.Header.Get("Host"); host != "" {
		req.Host = host
		req.Header.Del("Host")
	}
	if cookies := r.originCookies(); cookies != "" {
		req.Header.Set("Cookie", cookies)
	}
	h := req.Header
	for _, name := range viewersOwn {
		h.Del(name.canonical) // whatever the policies send
	}
	h.Set("X-Forwarded-For", strings.TrimPrefix(r.get(headerName{"X-Forwarded-For", "x-forwarded-for"})+", "+r.ip, ", "))
	h.Set("Via", "1.1 "+serverName)
	h.Set("X-Amz-Cf-Id", r.id)
	if enc := r.behavior.acceptEncoding(r); enc != "" {
		h.Set("Accept-Encoding", enc)
	}
	if h.Get("User-Agent") == "" {
		h.Set("User-Agent", serverName)
	}
	for name, value := range o.Headers {
		h.Set(name, value)
	}
	return req, nil
}

// acceptEncoding returns the normalised Accept-Encoding of a behaviour that caches compressed objects.
func (b *behavior) acceptEncoding(r *request) string {
	p := &b.CachePolicy
	if !p.AcceptGzip && !p.AcceptBrotli {
		return ""
	}
	gzip, br := accepted(r.get(hdrAcceptEncoding))
	gzip, br = gzip && p.AcceptGzip && !r.http10, br && p.AcceptBrotli && !r.http10
	switch {
	case gzip && br:
		return "br,gzip"
	case br:
		return "br"
	case gzip:
		return "gzip"
	default:
		return "identity"
	}
}

// responseFields returns the headers of a custom origin's answer that are passed on. Content-Length is the edge's.
func responseFields(h http.Header) []field {
	var out []field
	for name, values := range h {
		if hopByHop[name] || name == "Content-Length" || name == "X-Cache" || name == "Via" || strings.HasPrefix(name, "X-Amz-Cf-") || len(values) == 0 {
			continue
		}
		out = append(out, field{name, values, FromOrigin})
	}
	return out
}
