package front

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// echoes answers with what it was asked, in several ways.
func echoes(w http.ResponseWriter, r *http.Request) {
	text := fmt.Sprintf("%s %s %s %v", r.Method, r.RequestURI, r.Host, r.Header)
	switch {
	case strings.HasPrefix(r.RequestURI, "/long"):
		text = strings.Repeat(text, 4000)
	case strings.HasPrefix(r.RequestURI, "/flushed"):
		_, _ = io.WriteString(w, text)
		_ = http.NewResponseController(w).Flush()
	case strings.HasPrefix(r.RequestURI, "/none"):
		w.WriteHeader(http.StatusNoContent)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	_, _ = io.WriteString(w, text)
	_, _ = w.Write(body)
}

// servers are a Front and net/http, both with the same handler.
type servers struct{ ours, secure, theirs string }

var startServers = sync.OnceValue(func() servers {
	listen := func() net.Listener {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			panic(err)
		}
		return l
	}
	config, _, err := newCertificate()
	if err != nil {
		panic(err)
	}
	ours, secure, theirs := listen(), listen(), listen()
	f := New(Options{HTTP: []net.Listener{ours}, HTTPS: []net.Listener{secure}, TLS: config, Handler: http.HandlerFunc(echoes), Quick: true})
	go f.Serve()
	std := f.newServer()
	std.ConnState = nil
	go std.Serve(theirs)
	return servers{ours.Addr().String(), secure.Addr().String(), theirs.Addr().String()}
})

// conversation is what came back. It is cut if it ended in the middle of an answer, or by a reset; closing if the last answer said
// that the connection ends.
type conversation struct {
	answers      []string
	cut, closing bool
}

// converse sends data in pieces whose sizes seed tells, and ends its side.
func converse(c net.Conn, data []byte, seed uint64) (got conversation) {
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	go func() {
		chance := rand.New(rand.NewPCG(seed, 0))
		for rest := data; len(rest) > 0; {
			n := 1 + chance.IntN(len(rest))
			if chance.IntN(2) == 0 {
				n = min(n, 1+chance.IntN(20))
			}
			if _, err := c.Write(rest[:n]); err != nil {
				return
			}
			rest = rest[n:]
		}
		_ = c.(interface{ CloseWrite() error }).CloseWrite()
	}()
	in := bufio.NewReader(c)
	for {
		if _, err := in.Peek(1); err != nil {
			got.cut = err != io.EOF
			return got
		}
		res, err := http.ReadResponse(in, nil)
		if err != nil {
			got.cut = true
			return got
		}
		body, err := io.ReadAll(res.Body)
		if err != nil {
			got.cut = true
			return got
		}
		res.Header.Del("Date")
		got.closing = res.Close
		got.answers = append(got.answers, fmt.Sprint(res.Status, res.Header, res.ContentLength, res.TransferEncoding, res.Close, " ", string(body)))
	}
}

// same reports whether two conversations are the same. Where a server closes a connection on which more has come, that is reset,
// and the viewer may lose what it has not read yet.
func same(a, b conversation) bool {
	if len(a.answers) > len(b.answers) {
		a, b = b, a
	}
	return slices.Equal(a.answers, b.answers) || a.cut && (b.cut || b.closing) && slices.Equal(a.answers, b.answers[:len(a.answers)])
}

// FuzzPieces compares what comes back for any bytes, in pieces of any size, with what net/http sends.
func FuzzPieces(f *testing.F) {
	get := "GET /a?b HTTP/1.1\r\nHost: site.example\r\nX-A: 1\r\n\r\n"
	for i, seed := range []string{
		get, get + get, strings.Repeat(get, 70), get[:20], "", "\r\n" + get, get + "\r\n" + get,
		strings.Replace(get, "/a", "/long", 1) + get, strings.Replace(get, "/a", "/flushed", 1) + get, strings.Replace(get, "/a", "/none", 1) + get,
		get + "POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc" + get,
		"POST /p HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n" + get,
		"GET / HTTP/1.0\r\nHost: a\r\n\r\n" + get, "GET / HTTP/1.1\r\n\r\n", "GET /  HTTP/1.1\r\nHost: a\r\n\r\n", "GET / HTTP/1.1\nHost: a\n\n",
		"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" + get,
		"GET / HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("x", 5000) + "\r\n\r\n" + get, "GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nX : 1\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\n X: 1\r\n\r\n", "HEAD", "GET http://a/b HTTP/1.1\r\nHost: c\r\n\r\n",
	} {
		f.Add([]byte(seed), uint64(i))
	}
	f.Fuzz(func(t *testing.T, data []byte, seed uint64) {
		if bytes.Contains(data, []byte("HEAD")) && len(data) > 4 || bytes.Contains(data, []byte("PRI ")) {
			t.Skip("the answers to HEAD cannot be told apart without the requests")
		}
		s := startServers()
		for _, address := range []string{s.ours, s.secure} {
			plain, err := net.Dial("tcp", s.theirs)
			if err != nil {
				t.Skip(err)
			}
			want := converse(plain, data, seed)
			c, err := net.Dial("tcp", address)
			if err != nil {
				t.Skip(err)
			}
			if address == s.secure {
				over := tls.Client(c, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}})
				if err := over.Handshake(); err != nil {
					t.Skip(err)
				}
				c = over
			}
			got := converse(c, data, seed)
			if last := len(got.answers) - 1; last > 0 && len(want.answers) == last && strings.HasPrefix(got.answers[last], "400 ") {
				got.answers = got.answers[:last] // net/http does not answer less than 4 bytes after another request
			}
			if !same(got, want) {
				t.Errorf("%s, %.300q: got\n%.600v\nwant\n%.600v", address, data, got, want)
			}
		}
	})
}
