package cfjs

import (
	"fmt"
	"strings"
)

// Headers that functions neither see nor set; setting one is a 502 (CloudFront Developer Guide,
// edge-function-restrictions-all, "Disallowed headers").
var disallowedHeaders = map[string]bool{
	"connection": true, "expect": true, "keep-alive": true, "proxy-authenticate": true, "proxy-authorization": true,
	"proxy-connection": true, "trailer": true, "upgrade": true, "x-accel-buffering": true, "x-accel-charset": true,
	"x-accel-limit-rate": true, "x-accel-redirect": true, "x-amzn-auth": true, "x-amzn-cf-billing": true,
	"x-amzn-cf-id": true, "x-amzn-cf-xff": true, "x-amzn-errortype": true, "x-amzn-fle-profile": true,
	"x-amzn-header-count": true, "x-amzn-header-order": true, "x-amzn-lambda-integration-tag": true,
	"x-amzn-requestid": true, "x-cache": true, "x-forwarded-proto": true, "x-real-ip": true,
}

// Headers that functions see and must leave as they are, by event ("Read-only headers" on the same page).
var readOnlyHeaders = map[EventType][]string{
	ViewerRequest:  {"cdn-loop", "content-length", "host", "transfer-encoding", "via"},
	ViewerResponse: {"via", "warning"},
}

// Disallowed reports whether functions neither see nor set the header, whose name is lower case. The edge leaves such
// headers out of the event.
func Disallowed(name string) bool {
	return disallowedHeaders[name] || strings.HasPrefix(name, "x-amz-cf-") || strings.HasPrefix(name, "x-edge-")
}

// headerNameProblem says what is wrong with the name of a header that a function returned, or "".
func headerNameProblem(name string) string {
	switch {
	case name == "":
		return "a header has an empty name"
	case strings.ToLower(name) != name:
		return fmt.Sprintf("header name %q must be lower case", name)
	case strings.IndexFunc(name, notToken) >= 0:
		return fmt.Sprintf("header name %q has a character that header names cannot have", name)
	case Disallowed(name):
		return fmt.Sprintf("functions cannot set the header %q", name)
	}
	return ""
}

// notToken is false for the characters of an HTTP token (RFC 9110, 5.6.2).
func notToken(r rune) bool {
	switch {
	case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
		return false
	}
	return !strings.ContainsRune("!#$%&'*+-.^_`|~", r)
}

// notFieldValue is true for characters that would end or break a header line.
func notFieldValue(r rune) bool { return (r < ' ' && r != '\t') || r == 0x7f }

// cookiesProblem checks the cookies that a function returned.
func cookiesProblem(cookies map[string]Value) string {
	for _, name := range sortedKeys(cookies) {
		v := cookies[name]
		for _, m := range append([]MultiValue{{Value: name}, {v.Value, v.Attributes}}, v.Multi...) {
			if strings.ContainsFunc(m.Value, notFieldValue) || strings.ContainsFunc(m.Attributes, notFieldValue) {
				return fmt.Sprintf("the cookie %q has a control character", clip(name))
			}
		}
	}
	return ""
}

// headersProblem checks the headers that a function returned, in the order of names. original holds the event's headers:
// those that are read-only must be as they were there.
func headersProblem(headers map[string]Value, original map[string]Value, event EventType) string {
	for _, name := range sortedKeys(headers) {
		if _, was := original[name]; !was {
			if problem := headerNameProblem(name); problem != "" {
				return problem
			}
		}
		v := headers[name]
		if strings.IndexFunc(v.Value, notFieldValue) >= 0 {
			return fmt.Sprintf("the value of header %q has a control character", name)
		}
		for _, m := range v.Multi {
			if strings.IndexFunc(m.Value, notFieldValue) >= 0 {
				return fmt.Sprintf("a value of header %q has a control character", name)
			}
		}
	}
	for _, name := range readOnlyHeaders[event] {
		was, had := original[name]
		is, has := headers[name]
		if had != has || !was.equal(is) {
			return fmt.Sprintf("the header %q is read-only", name)
		}
	}
	return ""
}
