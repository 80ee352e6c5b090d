package account_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strings"
	"sync"
	"testing"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/account"
)

// late is a connection whose writes return when the answer to them is being read already, as it may be with a service that is
// near and a machine that is busy.
type late struct {
	net.Conn
	mu     sync.Mutex
	wrote  int
	reads  int
	answer chan struct{}
}

// Read implements net.Conn. The first one is net/http's and gets the answer's header with the beginning of its body; the second
// one is the SDK's, for the rest of the body.
func (l *late) Read(p []byte) (int, error) {
	l.mu.Lock()
	if l.reads++; l.reads == 2 {
		close(l.answer)
	}
	l.mu.Unlock()
	return l.Conn.Read(p)
}

// Write implements net.Conn. The second one is of the body, which the SDK sends apart from the header.
func (l *late) Write(p []byte) (int, error) {
	n, err := l.Conn.Write(p)
	l.mu.Lock()
	l.wrote++
	body := l.wrote == 2
	l.mu.Unlock()
	if body {
		<-l.answer
	}
	return n, err
}

// An answer that comes before the request's end has been looked at leaves the connection whole.
func TestAnswerBeforeTheRequestsEnd(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>`,
			strings.Repeat(" ", 64<<10), `<Arn>arn:aws:iam::123456789012:user/alice</Arn></GetCallerIdentityResult></GetCallerIdentityResponse>`)
	}))
	t.Cleanup(server.Close)
	world(t, profiles, keys)
	t.Setenv("AWS_ENDPOINT_URL_STS", server.URL)
	a, err := account.Load(t.Context(), account.Options{})
	if err != nil {
		t.Fatal(err)
	}
	a.Config.HTTPClient = awshttp.NewBuildableClient().WithTransportOptions(func(transport *http.Transport) {
		transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			c, err := (&net.Dialer{}).DialContext(ctx, network, address)
			return &late{Conn: c, answer: make(chan struct{})}, err
		}
	})
	sent := make(chan error, 1)
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
		WroteRequest: func(info httptrace.WroteRequestInfo) { sent <- info.Err },
	})
	if err := a.Identify(ctx); err != nil {
		t.Fatal(err)
	}
	if err := <-sent; err != nil {
		t.Errorf("the request's end: %v", err)
	}
}
