package awstarget_test

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/golden"
)

// intercepted answers for one host instead of the double.
type intercepted struct {
	host   string
	next   http.RoundTripper
	answer func(*http.Request) (*http.Response, error)
}

func (i intercepted) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host == i.host {
		return i.answer(r)
	}
	return i.next.RoundTrip(r)
}

// A name that does not answer is explained, and the site is live all the same.
func TestNamesThatDoNotAnswer(t *testing.T) {
	failing := func(err error) func(*http.Request) (*http.Response, error) {
		return func(*http.Request) (*http.Response, error) { return nil, err }
	}
	answering := func(status int, header http.Header) func(*http.Request) (*http.Response, error) {
		return func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: status, Header: header, Body: http.NoBody, Request: r}, nil
		}
	}
	tests := []struct {
		name   string
		answer func(*http.Request) (*http.Response, error)
	}{
		{"another certificate", failing(&tls.CertificateVerificationError{Err: errors.New("x509: certificate is valid for other.example.net, not beta.example.com")})},
		{"nobody listens", failing(errors.New("connect: connection refused"))},
		{"not CloudFront", answering(http.StatusOK, http.Header{"Server": {"nginx"}})},
		{"a name that no distribution has", answering(http.StatusForbidden, http.Header{"X-Amz-Cf-Id": {"1"}, "X-Cache": {"Error from cloudfront"}})},
		{"no record any more", nil},
		{"refused by the site's own function", answering(http.StatusForbidden, http.Header{"X-Amz-Cf-Id": {"1"}, "X-Cache": {"FunctionGeneratedResponse from cloudfront"}})},
	}
	b := newBed(t, false)
	b.account.CompleteNew(1)
	b.opts.DNS = b.account.Resolver()
	exampleZone(b)
	b.play(act{names: beta})
	b.opts.Patience = time.Nanosecond
	client := b.account.Client()
	var text strings.Builder
	for _, tc := range tests {
		r := &recorder{}
		b.opts.HTTP = &http.Client{Transport: intercepted{"beta.example.com", client.Transport, tc.answer}}
		if tc.answer == nil {
			b.opts.HTTP = client
			b.account.Do(func() { b.account.DNS.Undelegated["example.com"] = true })
		}
		_, err := b.deploy(r)
		fmt.Fprintf(&text, "%s\n", tc.name)
		for _, w := range r.warnings {
			fmt.Fprintf(&text, "  %s\n", w)
		}
		if err != nil {
			t.Errorf("%s: %v", tc.name, err)
		}
		b.account.Do(func() { clear(b.account.DNS.Undelegated) })
	}
	golden.Check(t, "names-that-do-not-answer.txt", text.String())
}
