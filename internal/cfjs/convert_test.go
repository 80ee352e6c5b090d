package cfjs

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// invalid runs the body of a handler and returns its error, which must be CloudFront's 502 for what was returned.
func invalid(t *testing.T, body string, ev *Event) string {
	t.Helper()
	r, err := run(t, "import cf from 'cloudfront'; function handler(event) { var request = event.request, response = event.response; "+body+" }", ev, nil)
	var fail *Error
	if !errors.As(err, &fail) {
		t.Fatalf("got %+v, %v", r, err)
	}
	if fail.Status != 502 || fail.Type() != "FunctionValidationError" {
		t.Errorf("status %d (%s), want 502: %v", fail.Status, fail.Type(), err)
	}
	return err.Error()
}

func TestInvalidRequest(t *testing.T) {
	for name, tc := range map[string]struct{ body, want string }{
		"nothing":                {"", "not undefined"},
		"null":                   {"return null;", "not null"},
		"a string":               {"return 'x';", "not a string"},
		"an array":               {"return [];", "type Array"},
		"a function":             {"return handler;", "type Function"},
		"an empty object":        {"return {};", "must return the request"},
		"the event":              {"return event;", "must return the request"},
		"method changed":         {"request.method = 'POST'; return request;", "method is read-only"},
		"method deleted":         {"delete request.method; return request;", "method is read-only"},
		"uri not a string":       {"request.uri = 1; return request;", "uri must be a string"},
		"uri deleted":            {"delete request.uri; return request;", "uri must be a string"},
		"uri without slash":      {"request.uri = 'a'; return request;", "begin with a slash"},
		"uri a URL":              {"request.uri = 'https://example.com/'; return request;", "begin with a slash"},
		"uri with a space":       {"request.uri = '/a b'; return request;", "spaces"},
		"uri with a line break":  {"request.uri = '/a\\r\\nb'; return request;", "control"},
		"uri too long":           {"request.uri = '/' + 'x'.repeat(8192); return request;", "less than 8192"},
		"headers not an object":  {"request.headers = 'x'; return request;", "headers must be an object"},
		"headers an array":       {"request.headers = []; return request;", "headers must be an object"},
		"header a string":        {"request.headers['x-a'] = 'b'; return request;", `headers["x-a"] must be an object`},
		"header value a number":  {"request.headers['x-a'] = {value: 1}; return request;", `headers["x-a"].value must be a string`},
		"header without value":   {"request.headers['x-a'] = {}; return request;", "value must be a string"},
		"header in capitals":     {"request.headers['X-A'] = {value: 'b'}; return request;", "must be lower case"},
		"header with a space":    {"request.headers['x a'] = {value: 'b'}; return request;", "character"},
		"header line break":      {"request.headers['x-a'] = {value: 'b\\r\\nx: y'}; return request;", "control character"},
		"multiValue not array":   {"request.headers['x-a'] = {value: 'b', multiValue: 'c'}; return request;", "multiValue must be an array"},
		"multiValue line break":  {"request.headers['x-a'] = {multiValue: [{value: 'a\\n'}]}; return request;", "control character"},
		"multiValue of strings":  {"request.headers['x-a'] = {value: 'b', multiValue: ['c']}; return request;", "multiValue[0] must be an object"},
		"host changed":           {"request.headers.host.value = 'evil'; return request;", `"host" is read-only`},
		"host deleted":           {"delete request.headers.host; return request;", `"host" is read-only`},
		"host dropped by a copy": {"request.headers = {}; return request;", `"host" is read-only`},
		"via added":              {"request.headers.via = {value: '1.1 x'}; return request;", `"via" is read-only`},
		"content-length added":   {"request.headers['content-length'] = {value: '1'}; return request;", `"content-length" is read-only`},
		"cdn-loop added":         {"request.headers['cdn-loop'] = {value: 'x'}; return request;", `"cdn-loop" is read-only`},
		"x-forwarded-proto":      {"request.headers['x-forwarded-proto'] = {value: 'https'}; return request;", `cannot set the header "x-forwarded-proto"`},
		"x-amz-cf-…":             {"request.headers['x-amz-cf-foo'] = {value: 'x'}; return request;", "cannot set the header"},
		"x-edge-…":               {"request.headers['x-edge-foo'] = {value: 'x'}; return request;", "cannot set the header"},
		"connection":             {"request.headers.connection = {value: 'x'}; return request;", "cannot set the header"},
		"query with a space":     {"request.querystring.a = {value: 'b c'}; return request;", "querystring must not have"},
		"query with #":           {"request.querystring['a#'] = {value: 'b'}; return request;", "querystring must not have"},
		"query value a number":   {"request.querystring.a = {value: 1}; return request;", `querystring["a"].value must be a string`},
		"cookie a string":        {"request.cookies.a = 'b'; return request;", "must be an object with a value"},
		"status a string":        {"return {statusCode: '302'};", "statusCode must be a whole number"},
		"status a fraction":      {"return {statusCode: 200.5};", "statusCode must be a whole number"},
		"status out of range":    {"return {statusCode: 99};", "statusCode must be a whole number"},
		"description a number":   {"return {statusCode: 200, statusDescription: 1};", "statusDescription"},
		"description two lines":  {"return {statusCode: 200, statusDescription: 'a\\nb'};", "statusDescription"},
		"body a number":          {"return {statusCode: 200, body: 1};", "body must be a string"},
		"body without data":      {"return {statusCode: 200, body: {encoding: 'text'}};", "body.data must be a string"},
		"body encoding":          {"return {statusCode: 200, body: {encoding: 'gzip', data: ''}};", "text or base64"},
		"body not base64":        {"return {statusCode: 200, body: {encoding: 'base64', data: '!'}};", "not base64"},
		"response header":        {"return {statusCode: 200, headers: {'Location': {value: '/'}}};", "lower case"},
		"response via":           {"return {statusCode: 200, headers: {via: {value: '/'}}};", "read-only"},
		"response x-cache":       {"return {statusCode: 200, headers: {'x-cache': {value: '/'}}};", "cannot set"},
		"getter that throws":     {"return {get statusCode() { return 'x'; }};", "statusCode must be a whole number"},
		"origin with a port":     {"cf.updateRequestOrigin({domainName: 'example.com:80'}); return request;", "domainName"},
		"origin an address":      {"cf.updateRequestOrigin({domainName: '192.0.2.1'}); return request;", "domainName"},
		"origin unknown key":     {"cf.updateRequestOrigin({domain: 'x'}); return request;", "unknown field"},
		"origin path":            {"cf.updateRequestOrigin({originPath: '/a/'}); return request;", "originPath"},
		"origin timeout":         {"cf.updateRequestOrigin({timeouts: {connectionTimeout: 11}}); return request;", "1 to 10 seconds"},
		"origin nothing":         {"cf.updateRequestOrigin(); return request;", "takes an object"},
		"origin id":              {"cf.selectRequestOriginById(1); return request;", "must be a string"},
		"group of one":           {"cf.createRequestOriginGroup({originIds: [{originId: 'a'}], failoverCriteria: {statusCodes: [500]}}); return request;", "two origins"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := invalid(t, tc.body, event("/")); !strings.Contains(got, tc.want) {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func responseEvent() *Event {
	ev := event("/")
	ev.Type = ViewerResponse
	ev.Response = &Response{StatusCode: 200, StatusDescription: "OK",
		Headers: map[string]Value{"content-type": {Value: "text/html"}, "via": {Value: "1.1 x"}},
		Cookies: map[string]Value{"s": {Value: "1", Attributes: "Secure"}}}
	return ev
}

func TestInvalidViewerResponse(t *testing.T) {
	for name, tc := range map[string]struct{ body, want string }{
		"the request":     {"return request;", "must return the response"},
		"via changed":     {"response.headers.via.value = 'x'; return response;", `"via" is read-only`},
		"warning added":   {"response.headers.warning = {value: 'x'}; return response;", `"warning" is read-only`},
		"x-cache":         {"response.headers['x-cache'] = {value: 'x'}; return response;", "cannot set"},
		"status":          {"response.statusCode = 'x'; return response;", "statusCode"},
		"changed origin":  {"cf.updateRequestOrigin({domainName: 'example.com'}); return response;", "viewer-request functions only"},
		"selected origin": {"cf.selectRequestOriginById('a'); return response;", "viewer-request functions only"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := invalid(t, tc.body, responseEvent()); !strings.Contains(got, tc.want) {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

// What comes back, as JSON of the returned request or response.
func TestReturned(t *testing.T) {
	base := func() *Event {
		ev := event("/a")
		ev.Request.Headers = map[string]Value{"host": {Value: "h"}, "x": {Value: "1"}}
		ev.Request.Querystring, ev.Request.Cookies = map[string]Value{"q": {Value: "1"}}, nil
		return ev
	}
	for name, tc := range map[string]struct {
		body string
		ev   *Event
		want string
	}{
		"as it was":          {"return request;", base(), `{"method":"GET","uri":"/a","querystring":{"q":{"value":"1"}},"headers":{"host":{"value":"h"},"x":{"value":"1"}},"cookies":null}`},
		"header deleted":     {"delete request.headers.x; return request;", base(), `{"method":"GET","uri":"/a","querystring":{"q":{"value":"1"}},"headers":{"host":{"value":"h"}},"cookies":null}`},
		"multiValue wins":    {"request.querystring.q.multiValue = [{value: '2'}, {value: '3'}]; return request;", base(), `{"method":"GET","uri":"/a","querystring":{"q":{"value":"2","multiValue":[{"value":"2"},{"value":"3"}]}},"headers":{"host":{"value":"h"},"x":{"value":"1"}},"cookies":null}`},
		"cookie added":       {"request.cookies.c = {value: 'v'}; return request;", base(), `{"method":"GET","uri":"/a","querystring":{"q":{"value":"1"}},"headers":{"host":{"value":"h"},"x":{"value":"1"}},"cookies":{"c":{"value":"v"}}}`},
		"query gone":         {"delete request.querystring; return request;", base(), `{"method":"GET","uri":"/a","querystring":null,"headers":{"host":{"value":"h"},"x":{"value":"1"}},"cookies":null}`},
		"redirect":           {"return {statusCode: 301, statusDescription: 'Moved', headers: {location: {value: '/b'}}};", base(), `{"statusCode":301,"statusDescription":"Moved","headers":{"location":{"value":"/b"}}}`},
		"body":               {"return {statusCode: 200, body: 'ä'};", base(), `{"statusCode":200,"body":{"encoding":"text","data":"ä"}}`},
		"body in base64":     {"return {statusCode: 200, body: {encoding: 'base64', data: 'aGk='}};", base(), `{"statusCode":200,"body":{"encoding":"base64","data":"aGk="}}`},
		"cookies":            {"return {statusCode: 200, cookies: {a: {value: '1', attributes: 'Secure', multiValue: [{value: '1', attributes: 'Secure'}, {value: '2'}]}}};", base(), `{"statusCode":200,"cookies":{"a":{"value":"1","attributes":"Secure","multiValue":[{"value":"1","attributes":"Secure"},{"value":"2"}]}}}`},
		"response as it was": {"return response;", responseEvent(), `{"statusCode":200,"statusDescription":"OK","headers":{"content-type":{"value":"text/html"},"via":{"value":"1.1 x"}},"cookies":{"s":{"value":"1","attributes":"Secure"}}}`},
		"response header":    {"response.headers['x-a'] = {value: 'b'}; return response;", responseEvent(), `{"statusCode":200,"statusDescription":"OK","headers":{"content-type":{"value":"text/html"},"via":{"value":"1.1 x"},"x-a":{"value":"b"}},"cookies":{"s":{"value":"1","attributes":"Secure"}}}`},
		"response replaced":  {"return {statusCode: 404, headers: {via: {value: '1.1 x'}}, body: 'x'};", responseEvent(), `{"statusCode":404,"headers":{"via":{"value":"1.1 x"}},"body":{"encoding":"text","data":"x"}}`},
		"header emptied":     {"request.headers.x.value = ''; return request;", base(), `{"method":"GET","uri":"/a","querystring":{"q":{"value":"1"}},"headers":{"host":{"value":"h"},"x":{"value":""}},"cookies":null}`},
	} {
		t.Run(name, func(t *testing.T) {
			before, _ := json.Marshal(tc.ev)
			r, err := run(t, "function handler(event) { var request = event.request, response = event.response; "+tc.body+" }", tc.ev, nil)
			if err != nil {
				t.Fatal(err)
			}
			var got []byte
			if r.Request != nil {
				got, _ = json.Marshal(r.Request)
			} else {
				got, _ = json.Marshal(r.Response)
			}
			if diff := cmp.Diff(tc.want, string(got)); diff != "" {
				t.Error(diff)
			}
			if after, _ := json.Marshal(tc.ev); string(after) != string(before) {
				t.Errorf("the event was changed:\n%s\n%s", before, after)
			}
		})
	}
}

func TestOrigin(t *testing.T) {
	path := "/v2"
	for name, tc := range map[string]struct {
		call string
		want Origin
	}{
		"update": {`cf.updateRequestOrigin({domainName: 'www.example.com', originPath: '/v2', customHeaders: {'x-stage': 'p'}, timeouts: {readTimeout: 30}, customOriginConfig: {port: 443, protocol: 'https', sslProtocols: ['TLSv1.2']}, hostHeader: 'h.example.com'})`,
			Origin{Update: &OriginUpdate{OriginOverrides: OriginOverrides{HostHeader: "h.example.com"}, DomainName: "www.example.com", OriginPath: &path,
				CustomHeaders: map[string]string{"x-stage": "p"}, Timeouts: &OriginTimeouts{ReadTimeout: 30},
				CustomOriginConfig: &CustomOriginConfig{Port: 443, Protocol: "https", SSLProtocols: []string{"TLSv1.2"}}}}},
		"select":           {`cf.selectRequestOriginById('api')`, Origin{ID: "api"}},
		"select, override": {`cf.selectRequestOriginById('api', {hostHeader: 'h.example.com'})`, Origin{ID: "api", Overrides: &OriginOverrides{HostHeader: "h.example.com"}}},
		"group": {`cf.createRequestOriginGroup({originIds: [{originId: 'a'}, {originId: 'b', originOverrides: {sni: 's.example.com'}}], failoverCriteria: {statusCodes: [500, 503]}})`,
			Origin{Group: &OriginGroup{OriginIDs: []OriginGroupMember{{OriginID: "a"}, {OriginID: "b", OriginOverrides: &OriginOverrides{SNI: "s.example.com"}}},
				FailoverCriteria: FailoverCriteria{StatusCodes: []int{500, 503}}}}},
		"the last wins": {`cf.updateRequestOrigin({domainName: 'x.example.com'}); cf.selectRequestOriginById('b')`, Origin{ID: "b"}},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := run(t, "import cf from 'cloudfront'; function handler(event) { "+tc.call+"; return event.request; }", event("/"), nil)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(&tc.want, r.Origin); diff != "" {
				t.Error(diff)
			}
		})
	}
}
