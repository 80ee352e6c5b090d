// Package cfjs runs CloudFront Functions: the JavaScript of a viewer request or a viewer response, with the event, the
// modules and the limits that CloudFront documents.
package cfjs

import (
	"time"
)

// KV is the key-value store as one invocation sees it: a view that does not change while the function runs.
type KV interface {
	// Get returns the value of key, and whether the key exists.
	Get(key string) (value string, ok bool)
	// Meta describes the store.
	Meta() KVMeta
}

// KVMeta is what kvs().meta() answers.
type KVMeta struct {
	Created, Updated time.Time
	Keys             int
}

// Value is one entry of a headers, querystring or cookies object.
type Value struct {
	Value string `json:"value"`
	// Attributes are those of a response cookie.
	Attributes string `json:"attributes,omitempty"`
	// Multi holds every value of an entry that occurs more than once, the first included.
	Multi []MultiValue `json:"multiValue,omitempty"`
}

// MultiValue is one of several values of an entry.
type MultiValue struct {
	Value      string `json:"value"`
	Attributes string `json:"attributes,omitempty"`
}

// Request is the request of an event. URI stays percent-encoded, as the viewer sent it.
type Request struct {
	Method      string           `json:"method"`
	URI         string           `json:"uri"`
	Querystring map[string]Value `json:"querystring"`
	Headers     map[string]Value `json:"headers"`
	Cookies     map[string]Value `json:"cookies"`
	// RawQuery is what rawQueryString() answers; nil stands for undefined (no "?").
	RawQuery *string `json:"-"`
}

// Body is the body of a function's response.
type Body struct {
	// Encoding is "text" or "base64".
	Encoding string `json:"encoding"`
	Data     string `json:"data"`
}

// Response is the response of an event, or the one that a viewer-request function returns.
type Response struct {
	StatusCode        int              `json:"statusCode"`
	StatusDescription string           `json:"statusDescription,omitempty"`
	Headers           map[string]Value `json:"headers,omitempty"`
	Cookies           map[string]Value `json:"cookies,omitempty"`
	Body              *Body            `json:"body,omitempty"`
}

// EventType is "viewer-request" or "viewer-response".
type EventType string

// The event types of CloudFront Functions.
const (
	ViewerRequest  EventType = "viewer-request"
	ViewerResponse EventType = "viewer-response"
)

// Event is what the handler is called with.
type Event struct {
	Type                   EventType
	DistributionID         string
	DistributionDomainName string
	RequestID              string
	ViewerIP               string
	Request                Request
	// Response is set for viewer-response events only.
	Response *Response
}

// Read is one key that the function asked the key-value store for.
type Read struct {
	Key   string
	Value string
	OK    bool
}
