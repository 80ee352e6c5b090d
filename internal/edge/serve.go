package edge

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"strconv"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/cfjs"
)

// maxURL is the longest URL that is served (Developer Guide, "Maximum length of a request and maximum length of a URL").
const maxURL = 8192

// serve answers a request. It knows nothing of the server that the request came by, and always returns an answer, which
// the caller writes and closes.
func (e *Edge) serve(ctx context.Context, r *request) (a *answer) {
	defer func() {
		if p := recover(); p != nil {
			e.logError(r, fmt.Errorf("panic: %v\n%s", p, debug.Stack()))
			a = sign(r, e.errorAnswer(r, http.StatusInternalServerError))
		}
	}()
	r.behavior = e.behaviorFor(r.uri)
	if a = e.refuse(r); a != nil {
		r.trace.refused()
	} else {
		e.openKV(r)
		if r.behavior.onRequest != nil {
			a = e.runRequest(ctx, r)
		}
	}
	if a == nil {
		a = e.lookUp(ctx, r)
	}
	e.addPolicy(r, a)
	return sign(r, e.runResponse(ctx, r, a))
}

// refuse answers what is not served, before any function runs.
func (e *Edge) refuse(r *request) *answer {
	b := r.behavior
	switch {
	case r.uri == "" || r.uri[0] != '/':
		return e.errorAnswer(r, http.StatusBadRequest)
	case len(r.uri)+len(r.query) > maxURL:
		return e.errorAnswer(r, http.StatusRequestEntityTooLarge)
	case e.https && !r.secure && b.ViewerProtocolPolicy == "https-only":
		return e.errorAnswer(r, http.StatusForbidden)
	case e.https && !r.secure && b.ViewerProtocolPolicy == "redirect-to-https":
		return e.redirectToHTTPS(r)
	case !slices.Contains(allowedMethods(b.AllowedMethods), r.method):
		a := e.errorAnswer(r, http.StatusMethodNotAllowed)
		a.extra = append(a.extra, field{"Allow", b.allow, FromBehavior})
		return a
	case r.hasBody && (r.method == http.MethodGet || r.method == http.MethodHead):
		// Developer Guide, RequestAndResponseBehaviorS3Origin, "GET requests that include a body".
		return e.errorAnswer(r, http.StatusForbidden)
	}
	return nil
}

// redirectToHTTPS answers as the viewer protocol policy redirect-to-https says (Developer Guide,
// using-https-viewers-to-cloudfront).
func (e *Edge) redirectToHTTPS(r *request) *answer {
	location := "https://" + hostOnly(r.host) + e.httpsPort + r.uri
	if r.hasQuery {
		location += "?" + r.query
	}
	return &answer{status: http.StatusMovedPermanently, result: resultRedirect, static: r.behavior.policy.own,
		extra: []field{{"Location", []string{location}, FromBehavior}, {"Content-Length", []string{"0"}, FromEdge}}}
}

// lookUp answers with what the rewritten URI names at the origin.
func (e *Edge) lookUp(ctx context.Context, r *request) *answer {
	uri := r.effectiveURI()
	if uri == "/" && e.config.DefaultRootObject != "" {
		// Developer Guide, DefaultRootObject: for the root only.
		uri = "/" + e.config.DefaultRootObject
	}
	route, err := e.route(r)
	if err != nil {
		return e.functionFailed(r, e.logFunction(r, r.behavior.ViewerRequest.Name, cfjs.ViewerRequest, nil, err))
	}
	for i, src := range route.sources {
		if src.custom != nil {
			a := e.forward(ctx, r, src, uri)
			if route.next(r, i, a.originStatus, a.unreached) {
				a.close()
				continue
			}
			return e.orErrorPage(ctx, r, a)
		}
		a, status := e.lookUpKey(ctx, r, src, uri)
		if route.next(r, i, status, status == http.StatusBadGateway || status == http.StatusGatewayTimeout) {
			a.close()
			continue
		}
		return a
	}
	return e.errorAnswer(r, http.StatusInternalServerError)
}

// lookUpKey answers with an object of a bucket, and says what status the bucket's own answer had.
func (e *Edge) lookUpKey(ctx context.Context, r *request, src *source, uri string) (*answer, int) {
	if r.method != http.MethodGet && r.method != http.MethodHead {
		// A bucket answers no other method; OPTIONS neither, without a CORS configuration of its own.
		return e.originError(ctx, r, http.StatusForbidden), http.StatusForbidden
	}
	key, refused := objectKey(src.path + uri)
	r.key = key
	if refused != 0 {
		return e.originError(ctx, r, refused), refused
	}
	t := &target{via: r.behavior, owner: r.behavior, source: src, uri: key, parts: r.behavior.CachePolicy.keyParts(r)}
	if src != r.behavior.source {
		t.parts = src.id + " " + t.parts
	}
	en, res := e.fetch(ctx, r, t)
	return e.respond(ctx, r, t, en, res), en.status
}

// addPolicy adds those headers of the response headers policy that differ from one answer to the next.
func (e *Edge) addPolicy(r *request, a *answer) {
	if b := r.behavior; a.result < resultRedirect {
		a.extra = append(a.extra, b.policy.cors.headers(r, a.static)...)
		if timing := b.policy.serverTiming(r, a.result, e.now()); timing != "" {
			a.set("Server-Timing", timing, FromPolicy)
		}
	}
}

// sign adds the headers by which CloudFront says how it came by an answer.
func sign(r *request, a *answer) *answer {
	a.extra = append(a.extra, field{"X-Cache", xCache[a.result], FromEdge}, field{"X-Amz-Cf-Id", []string{r.id}, FromEdge})
	return a
}

// logError tells the access log of an error that no viewer sees the reason of.
func (e *Edge) logError(r *request, err error) {
	if e.accessLog != nil {
		e.accessLog.LogAttrs(context.Background(), slog.LevelError, "error", slog.String("request_id", r.id),
			slog.String("host", r.host), slog.String("uri", r.uri), slog.String("error", err.Error()))
	}
}

// logAccess writes the record of a request that was answered.
func (e *Edge) logAccess(r *request, a *answer, written int64) {
	if e.accessLog == nil || !e.accessLog.Enabled(context.Background(), slog.LevelInfo) {
		return
	}
	uri := r.uri
	if r.hasQuery {
		uri += "?" + r.query
	}
	header := func(name string) string {
		if v := r.header[name]; len(v) > 0 {
			return v[0]
		}
		return ""
	}
	now := e.now()
	// Not by the Logger's methods, which would look for the place of this call in the source each time.
	record := slog.NewRecord(now, slog.LevelInfo, "request", 0)
	record.AddAttrs(slog.String("method", r.method), slog.String("host", r.host), slog.String("uri", uri),
		slog.Int("status", a.status), slog.Int64("bytes", written), slog.Duration("duration", now.Sub(r.start)),
		slog.String("result", a.result.String()), slog.String("key", r.key), slog.String("ip", r.ip),
		slog.String("referer", header("Referer")), slog.String("user_agent", header("User-Agent")),
		slog.String("request_id", r.id))
	_ = e.accessLog.Handler().Handle(context.Background(), record) // as the Logger does
}

func hostOnly(host string) string {
	for i := len(host) - 1; i >= 0 && host[i] != ']'; i-- {
		if host[i] == ':' {
			if _, err := strconv.ParseUint(host[i+1:], 10, 16); err == nil {
				return host[:i]
			}
			break
		}
	}
	return host
}
