package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// startAPI runs an API until the script is over, and puts its address in the place of $API in files:
//
//	api VAR FILE…
//
// It answers with the request line, the Host and the body that it got; 201 to a POST, 404 to /…/missing, and to /…/slow when
// the caller is gone.
func startAPI(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: api VAR FILE...")
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") == "websocket" {
			echo(w)
			return
		}
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("X-Api", "yes")
		switch {
		case strings.HasSuffix(r.URL.Path, "/slow"):
			<-r.Context().Done()
		case strings.HasSuffix(r.URL.Path, "/missing"):
			w.WriteHeader(http.StatusNotFound)
		case r.Method == http.MethodPost:
			w.WriteHeader(http.StatusCreated)
		}
		fmt.Fprintf(w, `{"request": "%s %s", "host": %q, "cookie": %q, "body": %q}`, r.Method, r.RequestURI, r.Host, r.Header.Get("Cookie"), body)
	}))
	ts.Defer(func() {
		server.CloseClientConnections()
		server.Close()
	})
	ts.Setenv(args[0], server.URL)
	for _, file := range args[1:] {
		text := strings.ReplaceAll(ts.ReadFile(file), "$API", server.URL)
		ts.Check(os.WriteFile(ts.MkAbs(file), []byte(text), 0o644))
	}
}

// ask sends a request, and matches its answer whole, the head included:
//
//	ask METHOD URL STATUS REGEXP [BODY [HEADER]]
func ask(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 4 {
		ts.Fatalf("usage: ask METHOD URL STATUS REGEXP [BODY [HEADER]]")
	}
	args = append(args, "", "")
	request, err := http.NewRequest(args[0], args[1], strings.NewReader(args[4]))
	ts.Check(err)
	if field, value, ok := strings.Cut(args[5], ": "); ok {
		request.Header.Set(field, value)
	}
	patient := *client
	patient.Timeout = time.Minute
	response, err := patient.Do(request)
	ts.Check(err)
	defer response.Body.Close()
	dump, err := httputil.DumpResponse(response, true)
	ts.Check(err)
	if strconv.Itoa(response.StatusCode) != args[2] || !regexp.MustCompile(args[3]).Match(dump) {
		ts.Fatalf("%s %s: want %s and %q, got:\n%s", args[0], args[1], args[2], args[3], dump)
	}
}

// echo answers a WebSocket's handshake, and sends back what it gets, line by line; it knows nothing of frames, and neither does
// what is between.
func echo(w http.ResponseWriter) {
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	fmt.Fprint(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	for {
		line, err := buffered.ReadString('\n')
		if err != nil {
			return
		}
		fmt.Fprint(conn, line)
	}
}

// socket opens a WebSocket, and expects back what it sends:
//
//	socket URL
func socket(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: socket URL")
	}
	u, err := url.Parse(args[0])
	ts.Check(err)
	conn, err := client.Transport.(*http.Transport).DialContext(context.Background(), "tcp", u.Host)
	ts.Check(err)
	defer conn.Close()
	ts.Check(conn.SetDeadline(time.Now().Add(time.Minute)))
	fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", u.RequestURI(), u.Host)
	from := bufio.NewReader(conn)
	response, err := http.ReadResponse(from, nil)
	ts.Check(err)
	if response.StatusCode != http.StatusSwitchingProtocols {
		ts.Fatalf("%s: %s", args[0], response.Status)
	}
	for _, line := range []string{"one\n", "two\n"} {
		fmt.Fprint(conn, line)
		if got, err := from.ReadString('\n'); err != nil || got != line {
			ts.Fatalf("%s: %q, %v, want %q", args[0], got, err, line)
		}
	}
}
