package cfjs

import "fmt"

// Result is what one invocation did. Exactly one of Request and Response is set. The maps of a part that is not in
// Changed are those of the event: read them, never write to them.
type Result struct {
	Request  *Request
	Response *Response
	// Origin is what the function chose with cf.updateRequestOrigin, cf.selectRequestOriginById or
	// cf.createRequestOriginGroup; nil leaves the behaviour's origin.
	Origin *Origin
	// Logs are the lines of console.log, together at most 10 KB.
	Logs []string
	// Reads are the keys that were read, in order.
	Reads []Read
	// Utilization is the share of the time limit that was used, 0 to 100.
	Utilization int
	// Pure is true when the result depends on nothing but the event's parts in Used and on Reads: same input, same result.
	Pure bool
	// Used are the parts of the event that the result depends on.
	Used Used
	// Changed are the parts of the returned request (or of the viewer response) that are not the event's own.
	Changed Changed
}

// Used are the inputs of one invocation, as far as the function looked at them.
//
// A result with Pure set may be used again for another request of the same function that agrees in every part of Used and
// for which every key of Reads still has its value: the parts in Changed are taken from the result, the others from the
// other request.
type Used struct {
	Method, URI, RawQuery, ViewerIP bool
	// Response is true when a viewer-response function looked at the response.
	Response bool
	// Headers, Querystring and Cookies name the entries that were looked up, present or not.
	Headers, Querystring, Cookies []string
	// AllHeaders, AllQuerystring and AllCookies are true when the result depends on all entries: the function listed them,
	// or returned some of them changed.
	AllHeaders, AllQuerystring, AllCookies bool
	// Time, Random, RequestID and Meta are inputs that make a result impure: the clock, Math.random, the request id,
	// and the description of the key-value store.
	Time, Random, RequestID, Meta bool
}

// pure reports whether the result can be had again from the event and the key-value store.
func (u *Used) pure() bool { return !u.Time && !u.Random && !u.RequestID && !u.Meta }

// Changed says which parts of what the function returned are its own. A function-made response is all its own.
type Changed struct {
	URI, Querystring, Headers, Cookies bool
	// Status and Body are for viewer responses.
	Status, Body bool
}

// Error is a function that CloudFront would answer for: it threw, ran out of time or memory, or returned what CloudFront
// does not accept.
type Error struct {
	// Status is what the viewer gets: 503 when the function failed to run, 502 when it returned something invalid
	// (CloudFront Developer Guide, edge-function-restrictions-all and http-503-service-unavailable).
	Status int
	// Name is the function's name; Line and Column say where it failed, or are 0.
	Name         string
	Line, Column int
	// Message is what happened, without the place.
	Message string
	// Logs are the lines that were written before.
	Logs []string
	// Reads are the keys that were read before.
	Reads []Read
	// Utilization is the share of the time limit that was used, 0 to 100.
	Utilization int
}

// Type is the result type that CloudFront's access log has for the error.
func (e *Error) Type() string {
	if e.Status == statusInvalid {
		return "FunctionValidationError"
	}
	return "FunctionExecutionError"
}

// Error is the place, when it is known, and the message.
func (e *Error) Error() string {
	if e.Line > 0 {
		return fmt.Sprintf("%s:%d:%d: %s", e.Name, e.Line, e.Column, e.Message)
	}
	return e.Name + ": " + e.Message
}

const (
	statusFailed  = 503
	statusInvalid = 502
)
