package h1

import (
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"testing"
	"time"
)

// A viewer has all of HeaderTimeout for a header that began to come while the request before it was answered, which may have taken
// longer than any deadline.
func TestHeaderThatBeganDuringAnAnswer(t *testing.T) {
	for name, on := range listeners {
		t.Run(name, func(t *testing.T) { testHeaderDuringAnswer(t, on) })
	}
}

func testHeaderDuringAnswer(t *testing.T, on func(net.Listener) net.Listener) {
	t.Parallel()
	address, _ := serveOn(t, func(w http.ResponseWriter, r *http.Request) {
		if r.RequestURI == "/long" {
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(-time.Second))
		}
		io.WriteString(w, r.RequestURI)
	}, false, on)
	c, in := dial(t, address)
	read := func(want string) {
		t.Helper()
		res, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := io.ReadAll(res.Body); string(got) != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	io.WriteString(c, "GET /long HTTP/1.1\r\nHost: a\r\n\r\nGET /next HT")
	read("/long")
	// Longer than it takes to find out that a deadline has passed.
	_ = c.SetReadDeadline(time.Now().Add(600 * time.Millisecond))
	if _, err := in.ReadByte(); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("the connection is at its end: %v", err)
	}
	_ = c.SetReadDeadline(time.Now().Add(time.Minute))
	io.WriteString(c, "TP/1.1\r\nHost: a\r\n\r\n")
	read("/next")
}
