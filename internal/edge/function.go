package edge

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/cfjs"
)

// viewerFunction is a compiled function, safe for concurrent use.
type viewerFunction interface {
	Run(ctx context.Context, event *cfjs.Event, kv cfjs.KV) (*cfjs.Result, error)
}

var _ viewerFunction = (*cfjs.Function)(nil)

// FunctionEvent is one run of a function, as the function log gets it.
type FunctionEvent struct {
	Time      time.Time
	RequestID string
	// Function is the function's name, URI the viewer's.
	Function string
	Type     cfjs.EventType
	URI      string
	// Logs are the lines of console.log.
	Logs []string
	// Utilization is the share of the time limit that was used, 0 to 100.
	Utilization int
	// Err is why the run failed, and Status what the viewer got for it: 502 or 503. Nil and 0 if it did not fail.
	Err    error
	Status int
}

func compileFunction(f *Function, opts Options) (viewerFunction, error) {
	return cfjs.Compile(f.Name, f.Code, cfjs.Options{Timeout: opts.FunctionTimeout, Runtime: f.Runtime, Measured: opts.MeasureFunctions})
}

// emptyKV is a key-value store without a key.
type emptyKV struct{}

func (emptyKV) Get(string) (string, bool) { return "", false }
func (emptyKV) Meta() cfjs.KVMeta         { return cfjs.KVMeta{} }

// openKV takes the request's view of the key-value store.
func (e *Edge) openKV(r *request) {
	kv, err := e.readKV(r)
	if err != nil || kv == nil {
		r.kv = emptyKV{}
		if err != nil && e.functionLog != nil {
			e.functionLog(FunctionEvent{Time: r.start, RequestID: r.id, URI: r.uri, Type: cfjs.ViewerRequest,
				Err: fmt.Errorf("read key-value store: %w", err)})
		}
		return
	}
	r.kv = kv
	r.epoch = kv.Meta().Updated.UnixNano()
}

func (e *Edge) readKV(r *request) (cfjs.KV, error) {
	if e.kvGlance != nil {
		if kv := e.kvGlance(); kv != nil {
			return kv, nil
		}
		r.takesLong()
	}
	return e.kv()
}

// runRequest runs the viewer-request function. The answer is nil if the function let the request through.
func (e *Edge) runRequest(ctx context.Context, r *request) *answer {
	b := r.behavior
	res, err := e.requestResult(ctx, r)
	if err == nil && res.Request != nil && res.Changed.URI && !strings.HasPrefix(res.Request.URI, "/") {
		// Developer Guide, functions-event-structure: a changed uri must begin with a slash.
		err = &cfjs.Error{Status: http.StatusBadGateway, Message: fmt.Sprintf("the uri %q does not begin with a slash", res.Request.URI), Logs: res.Logs}
	}
	if gone(ctx, err) {
		return e.goneAnswer(r)
	}
	var made *answer
	if err == nil && res.Response != nil {
		made, err = responseAnswer(res.Response)
	}
	status := e.logFunction(r, b.ViewerRequest.Name, cfjs.ViewerRequest, res, err)
	if err != nil {
		return e.functionFailed(r, status)
	}
	if made != nil {
		made.result = resultFunction
		made.static = b.policy.own
		return made
	}
	r.rewritten, r.changed, r.chosen = res.Request, res.Changed, res.Origin
	return nil
}

// requestResult runs the viewer-request function, or finds what it made of such a request before. In a result that is found,
// the unchanged parts of the request are there only for a viewer-response function, the only one who looks at them.
func (e *Edge) requestResult(ctx context.Context, r *request) (*cfjs.Result, error) {
	b := r.behavior
	if r.trace == nil {
		if found := b.memo.get(r); found != nil {
			if found.Request == nil || b.onResponse == nil {
				return found, nil
			}
			whole := *found
			whole.Request = overlay(e.event(r, cfjs.ViewerRequest).Request, found)
			return &whole, nil
		}
	}
	r.takesLong()
	res, err := b.onRequest.Run(ctx, e.event(r, cfjs.ViewerRequest), r.kv)
	if err == nil {
		b.memo.add(r, res)
	}
	return res, err
}

// statusGone is the status of a request whose viewer did not wait for the answer. Nobody sees it but the access log and the
// metrics, where it must not look like an error of the site; CloudFront's log has 000 there (Developer Guide, AccessLogs,
// sc-status).
const statusGone = 499

// gone reports whether an error is only that the viewer has gone: no fault of the function's or the origin's.
func gone(ctx context.Context, err error) bool {
	return err != nil && errors.Is(err, context.Canceled) && errors.Is(ctx.Err(), context.Canceled)
}

// goneAnswer is for nobody.
func (e *Edge) goneAnswer(r *request) *answer {
	return &answer{status: statusGone, result: resultError, static: r.behavior.policy.own}
}

// functionFailed is the answer when a function fails: 503 for an error in its run, 502 for a result that CloudFront
// refuses (Developer Guide, http-503-service-unavailable and http-502-bad-gateway). It is never cached and gets no
// custom error page.
func (e *Edge) functionFailed(r *request, status int) *answer {
	a := e.functionErrorAnswer(r, status)
	a.result = resultFunctionError
	if status == http.StatusBadGateway {
		a.result = resultFunctionInvalid
	}
	return a
}

// logFunction tells the function log of a run, and returns the status of a failed one.
func (e *Edge) logFunction(r *request, name string, t cfjs.EventType, res *cfjs.Result, err error) int {
	ev := FunctionEvent{Time: r.start, RequestID: r.id, Function: name, Type: t, URI: r.uri, Err: err}
	if res != nil {
		ev.Logs, ev.Utilization = res.Logs, res.Utilization
	}
	if err != nil {
		ev.Status = http.StatusServiceUnavailable
		var fault *cfjs.Error
		if errors.As(err, &fault) {
			ev.Logs = fault.Logs
			if fault.Status == http.StatusBadGateway {
				ev.Status = fault.Status
			}
		}
	}
	r.trace.ran(name, t, res, err, ev.Status)
	if e.functionLog != nil && (err != nil || len(ev.Logs) > 0) {
		e.functionLog(ev)
	}
	return ev.Status
}

// responseAnswer makes an answer of the response that a function generated. Nothing is added to it but what CloudFront
// itself always sends: such a response bypasses the cache and the response headers policy.
func responseAnswer(resp *cfjs.Response) (*answer, error) {
	if resp.StatusCode < 200 || resp.StatusCode > 599 {
		return nil, &cfjs.Error{Status: http.StatusBadGateway, Message: fmt.Sprintf("the status code %d is not one", resp.StatusCode)}
	}
	body, err := functionBody(resp.Body)
	if err != nil {
		return nil, err
	}
	a := &answer{status: resp.StatusCode, body: body, length: int64(len(body))}
	a.extra = functionHeaders(resp)
	if bodyAllowed(a.status) {
		a.set("Content-Length", strconv.FormatInt(a.length, 10), FromFunction)
	} else {
		a.body, a.length = nil, 0
	}
	return a, nil
}

func functionBody(b *cfjs.Body) ([]byte, error) {
	switch {
	case b == nil:
		return nil, nil
	case b.Encoding == "base64":
		data, err := base64.StdEncoding.DecodeString(b.Data)
		if err != nil {
			return nil, &cfjs.Error{Status: http.StatusBadGateway, Message: fmt.Sprintf("decode base64 body: %v", err)}
		}
		return data, nil
	default:
		return []byte(b.Data), nil
	}
}

// functionHeaders returns the headers and cookies of a function's response. Content-Length is the edge's own business.
func functionHeaders(resp *cfjs.Response) []field {
	var out []field
	for name, v := range resp.Headers {
		canonical := http.CanonicalHeaderKey(name)
		if canonical == "Content-Length" || hopByHop[canonical] {
			continue
		}
		out = append(out, field{canonical, valuesOf(v), FromFunction})
	}
	var cookies []string
	for name, v := range resp.Cookies {
		if len(v.Multi) == 0 {
			cookies = append(cookies, setCookie(name, v.Value, v.Attributes))
		}
		for _, m := range v.Multi {
			cookies = append(cookies, setCookie(name, m.Value, m.Attributes))
		}
	}
	if cookies != nil {
		out = append(out, field{"Set-Cookie", cookies, FromFunction})
	}
	return out
}

func setCookie(name, value, attributes string) string {
	if attributes == "" {
		return name + "=" + value
	}
	return name + "=" + value + "; " + attributes
}
