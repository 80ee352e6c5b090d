package h1

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// serve serves simple requests until the test ends, and net/http the others.
func serve(t *testing.T, handler http.HandlerFunc) (address string, s *Server) {
	return serveOn(t, handler, false, func(l net.Listener) net.Listener { return l })
}

// bare is a listener whose connections have goroutines of their own, as all have where the system has no loops.
type bare struct{ net.Listener }

// Accept implements net.Listener.
func (l bare) Accept() (net.Conn, error) {
	nc, err := l.Listener.Accept()
	return struct{ net.Conn }{nc}, err
}

func serveOn(t *testing.T, handler http.HandlerFunc, quick bool, on func(net.Listener) net.Listener) (address string, s *Server) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l = on(l)
	s = &Server{Handler: handler, Quick: quick, HeaderTimeout: 5 * time.Second, IdleTimeout: 5 * time.Second, StallTimeout: 5 * time.Second,
		HandOn: func(nc net.Conn, read []byte) {
			fmt.Fprintf(nc, "handed on: %q", read)
			nc.Close()
		}}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(l) }()
	t.Cleanup(func() {
		l.Close()
		<-ended
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Errorf("Shutdown = %v", err)
		}
	})
	return l.Addr().String(), s
}

func dial(t *testing.T, address string) (net.Conn, *bufio.Reader) {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	return c, bufio.NewReader(c)
}

// answers are handlers with all the ways to answer.
func answers(t *testing.T) map[string]http.HandlerFunc {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte(strings.Repeat("file ", 40000)), 0o600); err != nil {
		t.Fatal(err)
	}
	return map[string]http.HandlerFunc{
		"nothing": func(http.ResponseWriter, *http.Request) {},
		"small": func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, "<html>%s %s %v", r.Host, r.URL, r.Header)
		},
		"two writes": func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "a"); io.WriteString(w, "b") },
		"large":      func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, strings.Repeat("large ", 50000)) },
		"large declared": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "300000")
			io.WriteString(w, strings.Repeat("large ", 50000))
		},
		"flushed": func(w http.ResponseWriter, _ *http.Request) {
			for range 5 {
				io.WriteString(w, "piece ")
				w.(http.Flusher).Flush()
			}
		},
		"no type": func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Content-Type"] = nil
			w.WriteHeader(404)
			io.WriteString(w, "<html>")
		},
		"not modified": func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Etag", `"a"`); w.WriteHeader(304) },
		"no content":   func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204); io.WriteString(w, "x") },
		"two lines":    func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X-A", "a\r\nX-B: b") },
		"odd status":   func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(299) },
		"file": func(w http.ResponseWriter, _ *http.Request) {
			f, err := os.Open(file)
			if err != nil {
				panic(err)
			}
			defer f.Close()
			w.Header().Set("Content-Length", "199990")
			io.CopyN(w, f, 199990)
		},
		"file of unknown length": func(w http.ResponseWriter, _ *http.Request) {
			f, err := os.Open(file)
			if err != nil {
				panic(err)
			}
			defer f.Close()
			io.Copy(w, f)
		},
		"close": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Connection", "close")
			io.WriteString(w, "x")
		},
		"too little": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "10")
			io.WriteString(w, "x")
		},
		"too much": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1")
			io.WriteString(w, "xyz")
		},
		"abort": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"abort in the middle": func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, strings.Repeat("large ", 50000))
			panic(http.ErrAbortHandler)
		},
	}
}

// What viewers get is what net/http would have sent.
func TestAnswersAreThoseOfNetHTTP(t *testing.T) {
	for name, handler := range answers(t) {
		for _, method := range []string{"GET", "HEAD"} {
			if method == "HEAD" && strings.HasPrefix(name, "abort") {
				continue // whether the header is out by then is anyone's choice
			}
			t.Run(name+"/"+method, func(t *testing.T) {
				looped, _ := serve(t, handler)
				own, _ := serveOn(t, handler, false, func(l net.Listener) net.Listener { return bare{l} })
				theirs := httptest.NewUnstartedServer(handler)
				theirs.Config.ErrorLog = nil
				theirs.Start()
				defer theirs.Close()
				want := exchange(t, theirs.Listener.Addr().String(), method)
				for name, address := range map[string]string{"by a loop": looped, "by a goroutine": own} {
					if got := exchange(t, address, method); got != want {
						t.Errorf("%s: got\n%.300s\nwant\n%.300s", name, got, want)
					}
				}
			})
		}
	}
}

// exchange asks twice on one connection, and returns what came.
func exchange(t *testing.T, address, method string) string {
	t.Helper()
	c, in := dial(t, address)
	var b strings.Builder
	for range 2 {
		fmt.Fprintf(c, "%s /path?q HTTP/1.1\r\nHost: site.example\r\nX-A: 1\r\n\r\n", method)
		res, err := http.ReadResponse(in, &http.Request{Method: method})
		if err != nil {
			b.WriteString("no answer\n")
			break
		}
		body, err := io.ReadAll(res.Body)
		res.Header.Del("Date")
		if res.StatusCode == 204 && len(body) > 0 {
			t.Error("a body with 204")
		}
		if err != nil {
			body = body[:1] // it was cut off somewhere
		}
		fmt.Fprintln(&b, res.Status, res.Header, res.ContentLength, res.TransferEncoding, res.Close, len(body), err != nil)
		b.Write(body[:min(len(body), 100)])
	}
	return b.String()
}

func TestRequestsInPieces(t *testing.T) {
	for name, on := range listeners {
		t.Run(name, func(t *testing.T) { testPieces(t, on) })
	}
}

func testPieces(t *testing.T, on func(net.Listener) net.Listener) {
	address, _ := serveOn(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.RequestURI) }, true, on)
	text := "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\nPOST /3 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi"
	for _, size := range []int{1, 7, len(text)} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			c, in := dial(t, address)
			go func() {
				for rest := text; rest != ""; rest = rest[min(size, len(rest)):] {
					io.WriteString(c, rest[:min(size, len(rest))])
				}
			}()
			for _, want := range []string{"/1", "/2"} {
				res, err := http.ReadResponse(in, nil)
				if err != nil {
					t.Fatal(err)
				}
				if body, _ := io.ReadAll(res.Body); string(body) != want {
					t.Errorf("%q, want %q", body, want)
				}
			}
			if rest, _ := io.ReadAll(in); !strings.HasPrefix(string(rest), `handed on: "P`) {
				t.Errorf("then %q", rest)
			}
		})
	}
}

func TestHeaderThatIsTooLargeIsHandedOn(t *testing.T) {
	address, _ := serve(t, func(http.ResponseWriter, *http.Request) {})
	c, in := dial(t, address)
	io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\nX: "+strings.Repeat("x", readBuffer))
	if got, _ := io.ReadAll(in); !strings.HasPrefix(string(got), `handed on: "GET / HTTP/1.1\r\nHost: a\r\nX: xx`) {
		t.Errorf("%.100q", got)
	}
}

// A handler that waits learns that its viewer has gone; a request that comes while it waits is answered after.
func TestContextOfARequest(t *testing.T) {
	for name, on := range listeners {
		t.Run(name, func(t *testing.T) { testContext(t, on) })
	}
}

var listeners = map[string]func(net.Listener) net.Listener{
	"by a loop":      func(l net.Listener) net.Listener { return l },
	"by a goroutine": func(l net.Listener) net.Listener { return bare{l} },
}

func testContext(t *testing.T, on func(net.Listener) net.Listener) {
	waiting, ended := make(chan struct{}, 1), make(chan error, 1)
	address, _ := serveOn(t, func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), time.Minute)
		defer cancel()
		if r.RequestURI == "/wait" {
			waiting <- struct{}{}
			<-ctx.Done()
			ended <- r.Context().Err()
			return
		}
		ctx.Done()
		io.WriteString(w, r.RequestURI)
	}, false, on)
	c, in := dial(t, address)
	io.WriteString(c, "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n")
	for i := range 50 {
		res, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatalf("answer %d: %v", i, err)
		}
		io.Copy(io.Discard, res.Body)
		io.WriteString(c, "GET /3 HTTP/1.1\r\nHost: a\r\n\r\n")
	}
	io.WriteString(c, "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n")
	<-waiting
	c.Close()
	if err := <-ended; err != context.Canceled {
		t.Errorf("the context ended with %v", err)
	}
}

func TestShutdownAnswersWhatHasBegun(t *testing.T) {
	for name, on := range listeners {
		t.Run(name, func(t *testing.T) { testShutdown(t, on) })
	}
}

func testShutdown(t *testing.T, on func(net.Listener) net.Listener) {
	begun, release := make(chan struct{}), make(chan struct{})
	address, s := serveOn(t, func(w http.ResponseWriter, r *http.Request) {
		if r.RequestURI == "/slow" {
			close(begun)
			<-release
		}
		io.WriteString(w, "done")
	}, false, on)
	idle, idleIn := dial(t, address)
	io.WriteString(idle, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	if res, err := http.ReadResponse(idleIn, nil); err != nil || res.ContentLength != 4 {
		t.Fatal(err)
	}
	_, _ = io.CopyN(io.Discard, idleIn, 4)
	slow, slowIn := dial(t, address)
	io.WriteString(slow, "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
	<-begun
	stopped := make(chan error, 1)
	go func() { stopped <- s.Shutdown(context.Background()) }()
	if _, err := idleIn.ReadByte(); err != io.EOF {
		t.Errorf("the idle connection: %v", err)
	}
	close(release)
	if got, err := io.ReadAll(slowIn); err != nil || !strings.HasSuffix(string(got), "done") {
		t.Errorf("%q, %v", got, err)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

// A request that has come by the time that its idle connection is closed is answered, though nobody has looked at it yet.
func TestShutdownAnswersWhatHasCome(t *testing.T) {
	held, release := make(chan struct{}, 64), make(chan struct{})
	address, s := serveOn(t, func(w http.ResponseWriter, r *http.Request) {
		if r.RequestURI == "/hold" {
			held <- struct{}{}
			<-release // without leaving the loop
		}
		io.WriteString(w, r.RequestURI)
	}, true, func(l net.Listener) net.Listener { return l })
	ask := func(c net.Conn, path string) {
		fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", path)
	}
	answer := func(in *bufio.Reader) string {
		res, err := http.ReadResponse(in, nil)
		if err != nil {
			return err.Error()
		}
		body, _ := io.ReadAll(res.Body)
		return string(body)
	}
	c, in := dial(t, address)
	ask(c, "/1")
	if got := answer(in); got != "/1" {
		t.Fatal(got)
	}
	for range max(1, runtime.GOMAXPROCS(0)-1) { // each loop, once it waits for the connection
		holder, holderIn := dial(t, address)
		for range 3 {
			ask(holder, "/1")
			_ = answer(holderIn)
		}
		ask(holder, "/hold")
		<-held
	}
	ask(c, "/2")
	stopped := make(chan error, 1)
	go func() { stopped <- s.Shutdown(context.Background()) }()
	if got := answer(in); got != "/2" {
		t.Errorf("%q", got)
	}
	close(release)
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}
