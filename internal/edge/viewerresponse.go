package edge

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/cfjs"
)

// runResponse runs the viewer-response function on an answer, and returns what the viewer gets in its place.
//
// It runs on what the cache or the origin answers with a status below 400. It does not run for errors and their custom
// pages, for a response that the viewer-request function made, or for a redirect to HTTPS (Developer Guide,
// edge-function-restrictions-all). It sees the headers as the response headers policy left them.
func (e *Edge) runResponse(ctx context.Context, r *request, a *answer) *answer {
	b := r.behavior
	if b == nil || b.onResponse == nil || a.status >= 400 || a.status < 200 || a.result > resultRefreshHit {
		return a
	}
	r.takesLong()
	ev := e.event(r, cfjs.ViewerResponse)
	ev.Response = eventResponse(a)
	res, err := b.onResponse.Run(ctx, ev, r.kv)
	if gone(ctx, err) {
		a.close()
		return e.goneAnswer(r)
	}
	var body []byte
	if err == nil && res.Response == nil {
		err = &cfjs.Error{Status: http.StatusBadGateway, Message: "the function returned no response", Logs: res.Logs}
	}
	if err == nil && res.Changed.Body {
		body, err = functionBody(res.Response.Body)
	}
	status := e.logFunction(r, b.ViewerResponse.Name, cfjs.ViewerResponse, res, err)
	if err != nil {
		a.close()
		return e.functionFailed(r, status)
	}
	if res.Changed.Headers || res.Changed.Cookies {
		before := [2][]field{a.static, a.extra}
		a.static, a.head, a.extra = nil, nil, functionHeaders(res.Response)
		r.trace.keepSources(a.extra, before)
		for _, f := range b.policy.own {
			if f.name != "Server" || fieldIndex(a.extra, f.name) < 0 {
				a.extra = append(a.extra, f)
			}
		}
		if bodyAllowed(a.status) && a.length >= 0 {
			a.set("Content-Length", strconv.FormatInt(a.length, 10), FromFunction)
		}
	}
	if res.Changed.Status {
		a.status = res.Response.StatusCode
	}
	if res.Changed.Body {
		a.close()
		a.object, a.live, a.parts, a.tail = nil, nil, nil, ""
		a.body, a.length = body, int64(len(body))
		a.set("Content-Length", strconv.FormatInt(a.length, 10), FromFunction)
	}
	return a
}

// eventResponse is the response of the event: the status, and the headers that the viewer would get but for those that
// are CloudFront's own.
func eventResponse(a *answer) *cfjs.Response {
	resp := &cfjs.Response{
		StatusCode:        a.status,
		StatusDescription: http.StatusText(a.status),
		Headers:           make(map[string]cfjs.Value, len(a.static)+len(a.extra)),
		Cookies:           make(map[string]cfjs.Value),
	}
	for _, fields := range [][]field{a.static, a.extra} {
		for _, f := range fields {
			switch f.name {
			case "Via", "X-Amz-Cf-Pop":
			case "Set-Cookie":
				for _, line := range f.value {
					addCookie(resp.Cookies, line)
				}
			default:
				v := cfjs.Value{Value: f.value[0]}
				if len(f.value) > 1 {
					for _, s := range f.value {
						v.Multi = append(v.Multi, cfjs.MultiValue{Value: s})
					}
				}
				resp.Headers[lowerName(f.name)] = v
			}
		}
	}
	return resp
}

// addCookie adds a Set-Cookie line to the cookies of an event (Developer Guide, functions-event-structure, "Cookie
// attributes").
func addCookie(cookies map[string]cfjs.Value, line string) {
	pair, attributes, _ := strings.Cut(line, ";")
	name, value, _ := strings.Cut(pair, "=")
	name, value, attributes = strings.TrimSpace(name), strings.TrimSpace(value), strings.TrimSpace(attributes)
	v, seen := cookies[name]
	if !seen {
		cookies[name] = cfjs.Value{Value: value, Attributes: attributes}
		return
	}
	if v.Multi == nil {
		v.Multi = []cfjs.MultiValue{{Value: v.Value, Attributes: v.Attributes}}
	}
	v.Multi = append(v.Multi, cfjs.MultiValue{Value: value, Attributes: attributes})
	cookies[name] = v
}
