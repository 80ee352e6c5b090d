package functiontest

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sort"
	"strings"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/cfjs"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/edge"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
)

// event is the JSON of an event (Developer Guide, functions-event-structure).
type event struct {
	Version string `json:"version"`
	Context struct {
		DistributionDomainName string         `json:"distributionDomainName"`
		DistributionID         string         `json:"distributionId"`
		EventType              cfjs.EventType `json:"eventType"`
		RequestID              string         `json:"requestId"`
	} `json:"context"`
	Viewer struct {
		IP string `json:"ip"`
	} `json:"viewer"`
	Request  *cfjs.Request  `json:"request"`
	Response *eventResponse `json:"response"`
}

type eventResponse struct {
	StatusCode        int                   `json:"statusCode"`
	StatusDescription string                `json:"statusDescription"`
	Headers           map[string]cfjs.Value `json:"headers"`
	Cookies           map[string]cfjs.Value `json:"cookies"`
	Body              json.RawMessage       `json:"body"`
}

// The values of an event that leaves them out.
const (
	defaultDomain = "d111111abcdef8.cloudfront.net"
	defaultID     = "EDFDVBD6EXAMPLE"
	defaultIP     = "198.51.100.11"
	defaultReqID  = "EXAMPLEntjQpEXAMPLE_SG5Z-EXAMPLEPmPfEXAMPLEu3EqEXAMPLE=="
)

const eventHint = `see "CloudFront Functions event structure" in the CloudFront Developer Guide; the least is {"version":"1.0","request":{"method":"GET","uri":"/"}}`

// ParseEvent reads the JSON of an event. What it leaves out has a default; what CloudFront does not know is an error
// (fault.Usage) that names the file and the line.
func ParseEvent(file string, data []byte) (*cfjs.Event, error) {
	var in event
	if err := decodeStrictly(data, &in); err != nil {
		return nil, fault.New(fault.Usage, eventHint, "%s: %w", file, err)
	}
	if in.Version != "" && in.Version != "1.0" {
		return nil, fault.New(fault.Usage, eventHint, "%s: version %q, CloudFront's events have 1.0", file, in.Version)
	}
	ev := &cfjs.Event{
		Type: in.Context.EventType, DistributionID: cmp.Or(in.Context.DistributionID, defaultID),
		DistributionDomainName: cmp.Or(in.Context.DistributionDomainName, defaultDomain),
		RequestID:              cmp.Or(in.Context.RequestID, defaultReqID), ViewerIP: cmp.Or(in.Viewer.IP, defaultIP),
	}
	if in.Request == nil {
		return nil, fault.New(fault.Usage, eventHint, "%s: the event has no request", file)
	}
	ev.Request = *in.Request
	ev.Request.Method = cmp.Or(ev.Request.Method, http.MethodGet)
	if !strings.HasPrefix(ev.Request.URI, "/") {
		return nil, fault.New(fault.Usage, eventHint, "%s: request.uri must begin with a slash, not be %q", file, ev.Request.URI)
	}
	for _, m := range []*map[string]cfjs.Value{&ev.Request.Headers, &ev.Request.Querystring, &ev.Request.Cookies} {
		if *m == nil {
			*m = map[string]cfjs.Value{}
		}
	}
	ev.Request.RawQuery = rawQuery(ev.Request.Querystring)
	if in.Response != nil {
		r, err := in.Response.response()
		if err != nil {
			return nil, fault.New(fault.Usage, eventHint, "%s: %w", file, err)
		}
		ev.Response = r
	}
	return ev, checkType(file, ev)
}

// checkType finds out the type of an event that does not say it.
func checkType(file string, ev *cfjs.Event) error {
	want := cfjs.ViewerRequest
	if ev.Response != nil {
		want = cfjs.ViewerResponse
	}
	if ev.Type == "" {
		ev.Type = want
	}
	if ev.Type != want {
		return fault.New(fault.Usage, eventHint, "%s: an event of type %q; with a response it is %s, without one %s", file, ev.Type,
			cfjs.ViewerResponse, cfjs.ViewerRequest)
	}
	return nil
}

func (r *eventResponse) response() (*cfjs.Response, error) {
	out := &cfjs.Response{StatusCode: r.StatusCode, StatusDescription: r.StatusDescription, Headers: r.Headers, Cookies: r.Cookies}
	if out.StatusCode == 0 {
		return nil, errors.New("response.statusCode is missing")
	}
	if out.Headers == nil {
		out.Headers = map[string]cfjs.Value{}
	}
	if out.Cookies == nil {
		out.Cookies = map[string]cfjs.Value{}
	}
	if len(r.Body) == 0 || string(r.Body) == "null" {
		return out, nil
	}
	body := cfjs.Body{Encoding: "text"}
	target := any(&body)
	if r.Body[0] == '"' {
		target = &body.Data
	}
	if err := decodeStrictly(r.Body, target); err != nil {
		return nil, fmt.Errorf("response.body: %w", err)
	}
	out.Body = &body
	return out, nil
}

// rawQuery puts the query string of an event's parameters together, in the order of their names; nil without any.
func rawQuery(query map[string]cfjs.Value) *string {
	if len(query) == 0 {
		return nil
	}
	names := make([]string, 0, len(query))
	for name := range query {
		names = append(names, name)
	}
	sort.Strings(names)
	var pairs []string
	add := func(name, value string) {
		if value != "" {
			name += "=" + value
		}
		pairs = append(pairs, name)
	}
	for _, name := range names {
		if v := query[name]; len(v.Multi) == 0 {
			add(name, v.Value)
		}
		for _, m := range query[name].Multi {
			add(name, m.Value)
		}
	}
	raw := strings.Join(pairs, "&")
	return &raw
}

// URLEvent is the event of a viewer's request for a URL, or for a path of the site. header may be nil.
func URLEvent(method, url string, header http.Header) (*cfjs.Event, error) {
	const hint = "give a URL, or a path such as /about"
	host, path := defaultDomain, url
	if _, rest, ok := strings.Cut(url, "://"); ok {
		host, path = rest, "/"
		if at := strings.IndexAny(rest, "/?#"); at >= 0 {
			host, path = rest[:at], rest[at:]
		}
		if !strings.HasPrefix(path, "/") {
			path = "/" + path
		}
	}
	path, _, _ = strings.Cut(path, "#")
	if host == "" || !strings.HasPrefix(path, "/") || strings.ContainsFunc(path, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		return nil, fault.New(fault.Usage, hint, "%q is neither a URL nor a path", url)
	}
	hr := &http.Request{Method: cmp.Or(method, http.MethodGet), RequestURI: path, Host: host, RemoteAddr: defaultIP + ":1",
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: header.Clone()}
	ev := edge.RequestEvent(&edge.Config{ID: defaultID, DomainName: defaultDomain}, hr)
	ev.RequestID = defaultReqID
	return ev, nil
}

// ParseStore reads the content of a key-value store: a flat JSON object of strings.
func ParseStore(file string, data []byte) (Store, error) {
	s := Store{}
	if err := decodeStrictly(data, &s); err != nil {
		return nil, fault.New(fault.Usage, `write a JSON object of strings, such as {"path":"4f2c9e1"}`, "%s: %w", file, err)
	}
	return s, nil
}

// decodeStrictly reads one JSON document. An error tells the line and the column.
func decodeStrictly(data []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	err := dec.Decode(into)
	if err == nil && len(bytes.TrimSpace(data[dec.InputOffset():])) > 0 {
		err = errors.New("there is more after the JSON document")
	}
	if err == nil {
		return nil
	}
	offset := dec.InputOffset()
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		offset = syntax.Offset
	case errors.As(err, &kind):
		offset = kind.Offset
		err = fmt.Errorf("%s cannot be a JSON %s", cmp.Or(kind.Field, "the document"), kind.Value)
	}
	before := data[:min(max(offset, 0), int64(len(data)))]
	line, column := 1+bytes.Count(before, []byte("\n")), max(1, len(before)-bytes.LastIndexByte(before, '\n')-1)
	return fmt.Errorf("line %d, column %d: %s", line, column, strings.TrimPrefix(err.Error(), "json: "))
}
