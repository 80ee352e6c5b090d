// Package functiontest runs a CloudFront Function on single events, as AWS's TestFunction does, and on files of cases
// that say what is expected.
package functiontest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/cfjs"
)

// Function is the code to test.
type Function struct {
	// Name stands in errors, before the line.
	Name, Code string
	// Runtime is cloudfront-js-1.0 or cloudfront-js-2.0, which is the default.
	Runtime string
}

// Outcome is what one run did: either Result or Failure is set.
type Outcome struct {
	Result  *cfjs.Result
	Failure *cfjs.Error
	// Warnings are the places of the code that CloudFront may take differently.
	Warnings []cfjs.Warning
}

// Run calls the function with an event. A zero now is the time of the call, any other one is what the function's clock
// stands at. The error is a fault.Usage if the function could not be published; a function that fails has an outcome.
func Run(ctx context.Context, f Function, event *cfjs.Event, kv cfjs.KV, now time.Time) (Outcome, error) {
	opts := cfjs.Options{Runtime: f.Runtime, Measured: true}
	if !now.IsZero() {
		opts.Now = func() time.Time { return now }
	}
	compiled, err := cfjs.Compile(f.Name, f.Code, opts)
	if err != nil {
		return Outcome{}, err
	}
	o := Outcome{Warnings: compiled.Warnings()}
	o.Result, err = compiled.Run(ctx, event, kv)
	if err != nil && !errors.As(err, &o.Failure) {
		return Outcome{}, fmt.Errorf("run %s: %w", f.Name, err)
	}
	return o, nil
}

// Logs are the lines that the function logged.
func (o Outcome) Logs() []string {
	if o.Failure != nil {
		return o.Failure.Logs
	}
	return o.Result.Logs
}

// Reads are the keys that the function read, in order.
func (o Outcome) Reads() []cfjs.Read {
	if o.Failure != nil {
		return o.Failure.Reads
	}
	return o.Result.Reads
}

// Utilization is the share of the time limit that was used, 0 to 100.
func (o Outcome) Utilization() int {
	if o.Failure != nil {
		return o.Failure.Utilization
	}
	return o.Result.Utilization
}

// Output is what the function returned, as JSON: an object with request or response; "" if it failed.
func (o Outcome) Output() string {
	var document any
	switch {
	case o.Failure != nil:
		return ""
	case o.Result.Response != nil:
		document = map[string]any{"response": withMaps(*o.Result.Response)}
	default:
		r := *o.Result.Request
		for _, m := range []*map[string]cfjs.Value{&r.Querystring, &r.Headers, &r.Cookies} {
			if *m == nil {
				*m = map[string]cfjs.Value{}
			}
		}
		document = map[string]any{"request": r}
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(document); err != nil {
		return "" // text and numbers always encode
	}
	return strings.TrimSpace(b.String())
}

// response is a response with its maps, empty ones included.
type response struct {
	StatusCode        int                   `json:"statusCode"`
	StatusDescription string                `json:"statusDescription,omitempty"`
	Headers           map[string]cfjs.Value `json:"headers"`
	Cookies           map[string]cfjs.Value `json:"cookies"`
	Body              *cfjs.Body            `json:"body,omitempty"`
}

func withMaps(r cfjs.Response) response {
	out := response(r)
	if out.Headers == nil {
		out.Headers = map[string]cfjs.Value{}
	}
	if out.Cookies == nil {
		out.Cookies = map[string]cfjs.Value{}
	}
	return out
}

// Summary is the outcome in a few words: the new URI, the status of a response, or the error.
func (o Outcome) Summary() string {
	switch {
	case o.Failure != nil:
		return fmt.Sprintf("%d: %v", o.Failure.Status, o.Failure)
	case o.Result.Response != nil:
		r := o.Result.Response
		text := r.StatusDescription
		if text == "" {
			text = http.StatusText(r.StatusCode)
		}
		return strings.TrimSpace("response " + strconv.Itoa(r.StatusCode) + " " + text)
	default:
		return "request for " + o.Result.Request.URI
	}
}

// Answer is the answer of AWS's TestFunction (CloudFront API Reference, "TestFunction"), and beside it the keys that were
// read, which AWS does not tell.
type Answer struct {
	TestResult TestResult
	Reads      []Read `json:"reads"`
}

// TestResult is the part of the answer that AWS gives.
type TestResult struct {
	FunctionOutput        string
	FunctionExecutionLogs []string
	FunctionErrorMessage  string
	// ComputeUtilization is a number of percent, as text.
	ComputeUtilization string
}

// Read is one key that was read.
type Read struct {
	Key   string `json:"key"`
	Value string `json:"value"`
	Found bool   `json:"found"`
}

// Answer returns the outcome as TestFunction tells it.
func (o Outcome) Answer() Answer {
	a := Answer{Reads: []Read{}, TestResult: TestResult{
		FunctionOutput: o.Output(), FunctionExecutionLogs: append([]string{}, o.Logs()...),
		ComputeUtilization: strconv.Itoa(o.Utilization()),
	}}
	if o.Failure != nil {
		a.TestResult.FunctionErrorMessage = o.Failure.Error()
	}
	for _, r := range o.Reads() {
		a.Reads = append(a.Reads, Read{r.Key, r.Value, r.OK})
	}
	return a
}

// Store is a key-value store that does not change.
type Store map[string]string

var _ cfjs.KV = Store(nil)

// Get implements cfjs.KV.
func (s Store) Get(key string) (string, bool) { v, ok := s[key]; return v, ok }

// Meta implements cfjs.KV.
func (s Store) Meta() cfjs.KVMeta {
	created := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	return cfjs.KVMeta{Created: created, Updated: created, Keys: len(s)}
}
