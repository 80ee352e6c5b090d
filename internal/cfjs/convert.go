package cfjs

import (
	"encoding/base64"
	"fmt"
	"math"
	"strings"

	"github.com/grafana/sobek"
)

// maxURI is how long a URI with its query string may be: it must be less (edge-function-restrictions-all, "URI").
const maxURI = 8192

// toResult reads what the handler returned. invalid says why CloudFront would not accept it, or is empty.
func (e *engine) toResult(v sobek.Value) (_ *Result, invalid string) {
	o, ok := v.(*sobek.Object)
	if !ok || o.ClassName() == "Array" || o.ClassName() == "Function" {
		return nil, "the handler must return the request or a response, not " + typeName(v)
	}
	if e.inv.event.Type == ViewerResponse {
		return e.toViewerResponse(o)
	}
	if r, isRecord := exported[*record](o); isRecord && r == e.inv.request {
		return e.toRequest(o, r)
	}
	if defined(o.Get("statusCode")) {
		return e.toMadeResponse(o)
	}
	if defined(o.Get("uri")) || defined(o.Get("method")) {
		return e.toRequest(o, nil)
	}
	return nil, "the handler must return the request (an object with a uri) or a response (an object with a statusCode)"
}

func typeName(v sobek.Value) string {
	switch {
	case v == nil || sobek.IsUndefined(v):
		return "undefined"
	case sobek.IsNull(v):
		return "null"
	}
	if o, ok := v.(*sobek.Object); ok {
		return "an object of type " + o.ClassName()
	}
	return fmt.Sprintf("a %T", v.Export())
}

func defined(v sobek.Value) bool { return v != nil && !sobek.IsUndefined(v) && !sobek.IsNull(v) }

// toRequest reads a returned request. r is the event's own request object, or nil if the function made another.
func (e *engine) toRequest(o *sobek.Object, r *record) (*Result, string) {
	from := &e.inv.event.Request
	out := *from
	res := &Result{Request: &out}
	used := &e.inv.used
	if r == nil || !r.own(atMethod) {
		used.Method = true
		if method, ok := o.Get("method").(sobek.String); !ok || method.String() != utf8Text(from.Method) {
			return nil, "request.method is read-only"
		}
	}
	if r == nil || !r.own(atURI) {
		uri, ok := o.Get("uri").(sobek.String)
		if !ok {
			return nil, "request.uri must be a string"
		}
		if s := uri.String(); s != utf8Text(from.URI) {
			out.URI, res.Changed.URI = s, true
		} else {
			used.URI = true
		}
	}
	if problem := e.toRequestParts(o, r, &out, res); problem != "" {
		return nil, problem
	}
	if res.Changed.URI || res.Changed.Querystring {
		if problem := uriProblem(&out, res.Changed); problem != "" {
			return nil, problem
		}
	}
	if res.Changed.Headers {
		if problem := headersProblem(out.Headers, from.Headers, ViewerRequest); problem != "" {
			return nil, problem
		}
	}
	if res.Changed.Cookies {
		return res, cookiesProblem(out.Cookies)
	}
	return res, ""
}

// toRequestParts reads the querystring, the headers and the cookies. A part that was changed depends on all that was in it.
func (e *engine) toRequestParts(o *sobek.Object, r *record, out *Request, res *Result) (problem string) {
	used := &e.inv.used
	for _, part := range []struct {
		at      int
		name    string
		seen    *entries
		values  *map[string]Value
		changed *bool
		all     *bool
		names   *[]string
	}{
		{atQuery, "querystring", e.inv.query, &out.Querystring, &res.Changed.Querystring, &used.AllQuerystring, &used.Querystring},
		{atHeaders, "headers", e.inv.headers, &out.Headers, &res.Changed.Headers, &used.AllHeaders, &used.Headers},
		{atCookies, "cookies", e.inv.cookies, &out.Cookies, &res.Changed.Cookies, &used.AllCookies, &used.Cookies},
	} {
		if r != nil && r.own(part.at) && (part.seen == nil || len(part.seen.touched) == 0) {
			continue
		}
		values, changed, problem := e.toEntries(o.Get(part.name), "request."+part.name, part.seen, *part.values)
		if problem != "" {
			return problem
		}
		if changed || values == nil {
			*part.values, *part.changed, *part.all, *part.names = values, changed, true, nil
		}
	}
	return ""
}

// uriProblem checks a URI and query string that the function may have changed.
func uriProblem(r *Request, changed Changed) string {
	if !strings.HasPrefix(r.URI, "/") {
		return fmt.Sprintf("request.uri must begin with a slash: %q", clip(r.URI))
	}
	if i := strings.IndexFunc(r.URI, func(c rune) bool { return notFieldValue(c) || c == '\t' || c == ' ' }); changed.URI && i >= 0 {
		return fmt.Sprintf("request.uri must not have spaces or control characters: %q", clip(r.URI))
	}
	size := len(r.URI)
	if !changed.Querystring {
		if r.RawQuery != nil {
			size += 1 + len(*r.RawQuery)
		}
	} else {
		for name, v := range r.Querystring {
			n := max(1, len(v.Multi))
			size += n*(len(name)+2) + len(v.Value)
			for _, m := range v.Multi {
				size += len(m.Value)
			}
			for _, s := range append([]MultiValue{{Value: name}, {Value: v.Value}}, v.Multi...) {
				if strings.ContainsFunc(s.Value, func(c rune) bool { return notFieldValue(c) || c == '\t' || c == ' ' || c == '#' }) {
					return fmt.Sprintf("request.querystring must not have spaces, control characters or #: %q", clip(s.Value))
				}
			}
		}
	}
	if size >= maxURI {
		return fmt.Sprintf("the URI with its query string has %d characters, it must be less than %d", size, maxURI)
	}
	return ""
}

func clip(s string) string {
	if len(s) > 100 {
		return s[:100] + "…"
	}
	return s
}

// toMadeResponse reads a response that a viewer-request function made.
func (e *engine) toMadeResponse(o *sobek.Object) (*Result, string) {
	out, _, problem := e.toResponse(o, nil, nil)
	if problem == "" {
		problem = headersProblem(out.Headers, nil, ViewerRequest)
	}
	if problem != "" {
		return nil, problem
	}
	return &Result{Response: out, Changed: Changed{Headers: true, Cookies: true, Status: true, Body: true}}, ""
}

// toViewerResponse reads what a viewer-response function returned.
func (e *engine) toViewerResponse(o *sobek.Object) (*Result, string) {
	r, isRecord := exported[*record](o)
	if !isRecord || r != e.inv.res {
		r = nil
		if !defined(o.Get("statusCode")) {
			return nil, "a viewer-response function must return the response (an object with a statusCode)"
		}
	}
	e.inv.used.Response = true
	from := e.inv.event.Response
	out, changed, problem := e.toResponse(o, from, r)
	if problem == "" && changed.Headers {
		problem = headersProblem(out.Headers, from.Headers, ViewerResponse)
	}
	if problem != "" {
		return nil, problem
	}
	return &Result{Response: out, Changed: changed}, ""
}

// toResponse reads a response. from is the event's, or nil for a new one; r is the event's own object, if it is that.
func (e *engine) toResponse(o *sobek.Object, from *Response, r *record) (_ *Response, changed Changed, problem string) {
	if from == nil {
		from = &Response{}
	}
	out := &Response{Headers: from.Headers, Cookies: from.Cookies}
	status, ok := numeric(o.Get("statusCode"))
	if !ok || status != math.Trunc(status) || status < 100 || status > 599 {
		return nil, changed, "response.statusCode must be a whole number from 100 to 599"
	}
	out.StatusCode = int(status)
	if d := o.Get("statusDescription"); defined(d) {
		s, ok := d.(sobek.String)
		if !ok || strings.ContainsFunc(s.String(), notFieldValue) {
			return nil, changed, "response.statusDescription must be a string of one line"
		}
		out.StatusDescription = s.String()
	}
	changed.Status = out.StatusCode != from.StatusCode || out.StatusDescription != utf8Text(from.StatusDescription)
	for _, part := range []struct {
		name    string
		seen    *entries
		values  *map[string]Value
		changed *bool
	}{
		{"headers", e.inv.resHead, &out.Headers, &changed.Headers},
		{"cookies", e.inv.resCook, &out.Cookies, &changed.Cookies},
	} {
		seen := part.seen
		if r == nil {
			seen = nil
		}
		if *part.values, *part.changed, problem = e.toEntries(o.Get(part.name), "response."+part.name, seen, *part.values); problem != "" {
			return nil, changed, problem
		}
	}
	if changed.Cookies {
		problem = cookiesProblem(out.Cookies)
	}
	if problem != "" {
		return nil, changed, problem
	}
	if out.Body, problem = toBody(o.Get("body")); problem != "" {
		return nil, changed, problem
	}
	changed.Body = (out.Body == nil) != (from.Body == nil) || out.Body != nil && *out.Body != *from.Body
	return out, changed, ""
}

// toBody reads a body: a string, or an object with encoding and data.
func toBody(v sobek.Value) (*Body, string) {
	if !defined(v) {
		return nil, ""
	}
	if s, ok := v.(sobek.String); ok {
		return &Body{Encoding: "text", Data: s.String()}, bodySize(s.Length())
	}
	o, ok := v.(*sobek.Object)
	if !ok {
		return nil, "response.body must be a string, or an object with encoding and data"
	}
	data, ok := o.Get("data").(sobek.String)
	if !ok {
		return nil, "response.body.data must be a string"
	}
	b := &Body{Encoding: plainProperty(o, "encoding"), Data: data.String()}
	switch b.Encoding {
	case "text":
	case "base64":
		if _, err := base64.StdEncoding.DecodeString(b.Data); err != nil {
			return nil, "response.body.data is not base64"
		}
	default:
		return nil, "response.body.encoding must be text or base64"
	}
	return b, bodySize(data.Length())
}

func bodySize(n int) string {
	if n > maxText {
		return "response.body is larger than the memory of a function"
	}
	return ""
}

// toEntries reads a headers, querystring or cookies object. seen is the event's object for that part if it was made, and
// original its values: they are returned as they are when nothing was changed.
func (e *engine) toEntries(v sobek.Value, what string, seen *entries, original map[string]Value) (_ map[string]Value, changed bool, problem string) {
	if !defined(v) {
		return nil, len(original) > 0, ""
	}
	o, ok := v.(*sobek.Object)
	if !ok || o.ClassName() != "Object" {
		return nil, false, what + " must be an object"
	}
	if n, isEntries := exported[*entries](o); isEntries && n == seen {
		return n.export(what, original)
	}
	out := make(map[string]Value)
	for _, name := range o.Keys() {
		value, problem := toEntry(o.Get(name), what, name)
		if problem != "" {
			return nil, false, problem
		}
		out[name] = value
	}
	return out, true, ""
}

// export reads the entries that were touched.
func (n *entries) export(what string, original map[string]Value) (_ map[string]Value, changed bool, problem string) {
	now := make(map[string]Value, len(n.touched))
	changed = n.dirty
	for _, t := range n.touched {
		if t.value == nil {
			continue
		}
		v, problem := toEntry(t.value, what, t.name)
		if problem != "" {
			return nil, false, problem
		}
		if !t.assigned {
			changed = changed || !v.equal(original[t.name])
		}
		now[t.name] = v
	}
	if !changed {
		return original, false, ""
	}
	for name, v := range original {
		if n.find(name) == nil {
			now[name] = v
		}
	}
	return now, true, ""
}

// toEntry reads {value, multiValue, attributes}. multiValue, when there is one, wins over value.
func toEntry(v sobek.Value, what, name string) (Value, string) {
	o, ok := v.(*sobek.Object)
	if !ok {
		return Value{}, fmt.Sprintf("%s[%q] must be an object with a value", what, name)
	}
	out := Value{}
	multi := o.Get("multiValue")
	if s, ok := o.Get("value").(sobek.String); ok {
		out.Value = s.String()
	} else if !defined(multi) {
		return Value{}, fmt.Sprintf("%s[%q].value must be a string", what, name)
	}
	out.Attributes = plainProperty(o, "attributes")
	if !defined(multi) {
		return out, ""
	}
	list, ok := multi.(*sobek.Object)
	n := 0.0
	if ok && list.ClassName() == "Array" {
		n, _ = numeric(list.Get("length"))
	} else {
		return Value{}, fmt.Sprintf("%s[%q].multiValue must be an array", what, name)
	}
	if n > maxElements {
		return Value{}, fmt.Sprintf("%s[%q].multiValue is too long", what, name)
	}
	for i := range int(n) {
		item, ok := list.Get(fmt.Sprint(i)).(*sobek.Object)
		if !ok {
			return Value{}, fmt.Sprintf("%s[%q].multiValue[%d] must be an object with a value", what, name, i)
		}
		s, ok := item.Get("value").(sobek.String)
		if !ok {
			return Value{}, fmt.Sprintf("%s[%q].multiValue[%d].value must be a string", what, name, i)
		}
		out.Multi = append(out.Multi, MultiValue{Value: s.String(), Attributes: plainProperty(item, "attributes")})
	}
	if len(out.Multi) > 0 {
		out.Value = out.Multi[0].Value
	}
	return out, ""
}
