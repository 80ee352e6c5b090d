package front

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Simple requests over TLS and all others take turns on one connection: the first of the others hands it to net/http.
func TestOneOverTLS(t *testing.T) {
	t.Parallel()
	large := bytes.Repeat([]byte("0123456789abcdef"), 20_000)
	b := start(t, quick, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.URL.Path == "/large" {
			_, _ = w.Write(large)
			return
		}
		fmt.Fprintf(w, "%s %s over TLS: %t, with %q", r.Method, r.URL.Path, r.TLS != nil && r.TLS.ServerName == "", body)
	})
	tests := map[string]struct {
		send string
		want []string
	}{
		"one":                 {"GET /a HTTP/1.1\r\nHost: x\r\n\r\n", []string{`GET /a over TLS: true, with ""`}},
		"two at once":         {"GET /a HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n", []string{`GET /a over TLS: true, with ""`, `GET /b over TLS: true, with ""`}},
		"one that has a body": {"POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", []string{`POST /p over TLS: true, with "abc"`}},
		"a body after one without": {"GET /a HTTP/1.1\r\nHost: x\r\n\r\nPOST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabcGET /c HTTP/1.1\r\nHost: x\r\n\r\n",
			[]string{`GET /a over TLS: true, with ""`, `POST /p over TLS: true, with "abc"`, `GET /c over TLS: true, with ""`}},
		"a large answer between two": {"GET /a HTTP/1.1\r\nHost: x\r\n\r\nGET /large HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n",
			[]string{`GET /a over TLS: true, with ""`, string(large), `GET /b over TLS: true, with ""`}},
	}
	for name, tc := range tests {
		for _, pieces := range []int{1, 7} {
			t.Run(fmt.Sprintf("%s, in %d pieces", name, pieces), func(t *testing.T) {
				c := b.dial(t, "http/1.1")
				for rest, size := tc.send, len(tc.send)/pieces; rest != ""; {
					n := min(size, len(rest))
					if _, err := io.WriteString(c, rest[:n]); err != nil {
						t.Fatal(err)
					}
					rest = rest[n:]
				}
				answers := bufio.NewReader(c)
				for _, want := range tc.want {
					res, err := http.ReadResponse(answers, nil)
					if err != nil {
						t.Fatal(err)
					}
					if got, err := io.ReadAll(res.Body); err != nil || string(got) != want {
						t.Errorf("%v, %.80q, want %.80q", err, got, want)
					}
				}
			})
		}
	}
}

func TestPlainRequestToTLS(t *testing.T) {
	t.Parallel()
	b := start(t, quick, func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/well" {
			t.Error("it was handled")
		}
	})
	c, err := net.Dial("tcp", b.https)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	if answer, _ := io.ReadAll(c); !strings.Contains(string(answer), "400") || !strings.Contains(string(answer), "HTTPS server") {
		t.Errorf("%q", answer)
	}
}

// A viewer that connects and says nothing does not keep the server from ending, nor do others wait for it.
func TestSilentHandshake(t *testing.T) {
	t.Parallel()
	limits := quick
	limits.HeaderTimeout = time.Minute
	b := start(t, limits, func(http.ResponseWriter, *http.Request) {})
	c, err := net.Dial("tcp", b.https)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	await(t, func() bool { return b.handshakes.Load() == 1 })
	if other := b.dial(t, "http/1.1"); other == nil {
		t.Error("another is kept out")
	}
	limit := time.AfterFunc(40*time.Second, func() { panic("Drain waits for who says nothing") })
	defer limit.Stop()
	b.Drain()
}
