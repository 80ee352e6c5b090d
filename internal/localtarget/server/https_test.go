package server_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/server"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/state"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
)

// startWith runs a server with the options until the test ends, or until stop is called.
func startWith(t *testing.T, opts server.Options) (h state.Holder, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ready, done := make(chan state.Holder, 1), make(chan error, 1)
	opts.Version, opts.Ready = "test", func(h state.Holder) { ready <- h }
	if opts.Listen == "" {
		opts.Listen = "127.0.0.1:0"
	}
	go func() { done <- server.Run(ctx, opts) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run = %v", err)
		}
	}
	t.Cleanup(stop)
	select {
	case h = <-ready:
	case err := <-done:
		t.Fatalf("Run = %v", err)
	}
	return h, stop
}

// roots are the certificates that the local authority's are verified by.
func roots(t *testing.T, dir string) *x509.CertPool {
	t.Helper()
	pem, err := os.ReadFile(server.RootCertificate(dir))
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		t.Fatal("the root is no certificate")
	}
	return pool
}

// clients speak one version of HTTP each with the server at an address, whatever host the URL names.
func clients(t *testing.T, address string, config *tls.Config) map[string]*http.Client {
	t.Helper()
	dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, address)
	}
	noFollow := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	one := &http.Transport{DialContext: dial, TLSClientConfig: config.Clone(), TLSNextProto: map[string]func(string, *tls.Conn) http.RoundTripper{}}
	two := &http.Transport{DialContext: dial, TLSClientConfig: config.Clone(), ForceAttemptHTTP2: true}
	three := &http3.Transport{TLSClientConfig: config.Clone(), Dial: func(ctx context.Context, _ string, c *tls.Config, q *quic.Config) (*quic.Conn, error) {
		return quic.DialAddr(ctx, address, c, q)
	}}
	t.Cleanup(func() {
		one.CloseIdleConnections()
		two.CloseIdleConnections()
		_ = three.Close()
	})
	return map[string]*http.Client{
		"HTTP/1.1": {Transport: one, CheckRedirect: noFollow},
		"HTTP/2.0": {Transport: two, CheckRedirect: noFollow},
		"HTTP/3.0": {Transport: three, CheckRedirect: noFollow},
	}
}

func fetch(t *testing.T, c *http.Client, url string) (*http.Response, string) {
	t.Helper()
	res, err := c.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(body)
}

func TestHTTPS(t *testing.T) {
	t.Parallel()
	dir := state.Dir(t.TempDir())
	one, two := deploy(t, dir, site.Config{}, "one"), deploy(t, dir, site.Config{DomainName: "shop.example.com"}, "two")
	release(t, one, "r1", "this is one")
	release(t, two, "r1", "this is two")
	h, _ := startWith(t, server.Options{StateDir: string(dir), ListenHTTPS: "127.0.0.1:0"})
	url := h.SiteURL(one.Name(), "")
	for proto, c := range clients(t, h.HTTPS, &tls.Config{RootCAs: roots(t, string(dir))}) {
		t.Run(proto, func(t *testing.T) {
			res, body := fetch(t, c, url)
			if res.StatusCode != 200 || body != "this is one" || res.Proto != proto {
				t.Errorf("%s %d %q", res.Proto, res.StatusCode, body)
			}
			// The template's response headers policy sets HSTS, without includeSubDomains.
			if hsts := res.Header.Get("Strict-Transport-Security"); !strings.HasPrefix(hsts, "max-age=") || strings.Contains(hsts, "includeSubDomains") {
				t.Errorf("Strict-Transport-Security: %q", hsts)
			}
			if alt := res.Header.Get("Alt-Svc"); strings.HasPrefix(alt, `h3=":`) == (proto == "HTTP/3.0") {
				t.Errorf("Alt-Svc: %q", alt)
			}
			if res, body := fetch(t, c, strings.Replace(url, one.Name()+".", "", 1)); res.StatusCode != 200 || !strings.Contains(body, "https://"+two.Name()+".localhost:") {
				t.Errorf("the index of all sites: %d %q", res.StatusCode, body)
			}
			if _, err := c.Get("https://unknown.localhost/"); err == nil || !strings.Contains(err.Error(), "unrecognized name") {
				t.Errorf("a name of no site: %v", err)
			}
			// Nobody is asked for certificates as long as only this machine reaches the server.
			// A domain can be tried all the same, by who asks for no proof.
			if _, err := c.Get("https://shop.example.com/"); err == nil || !strings.Contains(err.Error(), "not permitted") {
				t.Errorf("a domain that this machine cannot vouch for: %v", err)
			}
		})
	}
	for proto, c := range clients(t, h.HTTPS, &tls.Config{InsecureSkipVerify: true}) {
		t.Run("domain without proof, "+proto, func(t *testing.T) {
			if res, body := fetch(t, c, "https://shop.example.com/"); res.StatusCode != 200 || body != "this is two" {
				t.Errorf("%d %q", res.StatusCode, body)
			}
			if _, err := c.Get("https://other.example.com/"); err == nil || !strings.Contains(err.Error(), "unrecognized name") {
				t.Errorf("a name of no site: %v", err)
			}
		})
	}
	t.Run("redirect", func(t *testing.T) {
		c := clients(t, h.Listen, &tls.Config{})["HTTP/1.1"]
		res, _ := fetch(t, c, state.URL(one.Name(), h.Listen)+"a%20b?c=d")
		if want := url + "a%20b?c=d"; res.StatusCode != 301 || res.Header.Get("Location") != want {
			t.Errorf("%d to %q, want %q", res.StatusCode, res.Header.Get("Location"), want)
		}
	})
	t.Run("address without a name", func(t *testing.T) {
		c := clients(t, h.HTTPS, &tls.Config{RootCAs: roots(t, string(dir))})["HTTP/2.0"]
		if res, body := fetch(t, c, h.URL); res.StatusCode != 200 || !strings.Contains(body, one.Name()) {
			t.Errorf("%d %q", res.StatusCode, body)
		}
	})
}

func TestWhatHTTPSNeeds(t *testing.T) {
	t.Parallel()
	t.Run("the root outlives the server", func(t *testing.T) {
		dir := state.Dir(t.TempDir())
		_, stop := startWith(t, server.Options{StateDir: string(dir), ListenHTTPS: "127.0.0.1:0"})
		stop()
		before := roots(t, string(dir))
		h, _ := startWith(t, server.Options{StateDir: string(dir), ListenHTTPS: "127.0.0.1:0", NoHTTP3: true})
		fetch(t, clients(t, h.HTTPS, &tls.Config{RootCAs: before})["HTTP/2.0"], h.URL+"index")
	})
	t.Run("without HTTP/3", func(t *testing.T) {
		dir := state.Dir(t.TempDir())
		h, _ := startWith(t, server.Options{StateDir: string(dir), ListenHTTPS: "127.0.0.1:0", NoHTTP3: true})
		res, _ := fetch(t, clients(t, h.HTTPS, &tls.Config{RootCAs: roots(t, string(dir))})["HTTP/2.0"], h.URL)
		if alt := res.Header.Get("Alt-Svc"); alt != "" {
			t.Errorf("Alt-Svc: %q", alt)
		}
	})
	t.Run("a damaged root is said and replaced", func(t *testing.T) {
		dir := state.Dir(t.TempDir())
		_, stop := startWith(t, server.Options{StateDir: string(dir), ListenHTTPS: "127.0.0.1:0"})
		stop()
		if err := os.WriteFile(server.RootCertificate(string(dir)), []byte("?"), 0o600); err != nil {
			t.Fatal(err)
		}
		log := &output{}
		h, _ := startWith(t, server.Options{StateDir: string(dir), ListenHTTPS: "127.0.0.1:0", NoHTTP3: true, Log: slog.New(slog.NewTextHandler(log, nil))})
		fetch(t, clients(t, h.HTTPS, &tls.Config{RootCAs: roots(t, string(dir))})["HTTP/2.0"], h.URL)
		if !strings.Contains(log.String(), "the local certificate authority is damaged") {
			t.Errorf("log:\n%s", log)
		}
	})
}

// Browsers look for *.localhost at [::1] first.
func TestIPv6Loopback(t *testing.T) {
	t.Parallel()
	if l, err := net.Listen("tcp6", "[::1]:0"); err != nil {
		t.Skip("this machine has no [::1]:", err)
	} else {
		l.Close()
	}
	dir := state.Dir(t.TempDir())
	one := deploy(t, dir, site.Config{}, "one")
	release(t, one, "r1", "this is one")
	h, stop := startWith(t, server.Options{StateDir: string(dir), Listen: loopback(freePort(t)), ListenHTTPS: loopback(freePort(t))})
	if want := strings.Replace(h.URL, "127.0.0.1", "[::1]", 1); strings.Join(h.URLs(), " ") != h.URL+" "+want || len(h.Addresses()) != 4 {
		t.Errorf("it says that it is at %q, %q", h.URLs(), h.Addresses())
	}
	six := func(address string) string { return strings.Replace(address, "127.0.0.1", "[::1]", 1) }
	for proto, c := range clients(t, six(h.HTTPS), &tls.Config{RootCAs: roots(t, string(dir))}) {
		res, body := fetch(t, c, h.SiteURL(one.Name(), ""))
		if res.StatusCode != 200 || body != "this is one" || res.Proto != proto {
			t.Errorf("%s: %s %d %q", proto, res.Proto, res.StatusCode, body)
		}
		if res, body := fetch(t, c, six(h.URL)); res.StatusCode != 200 || body != "this is one" {
			t.Errorf("%s: the address without a name: %d %q", proto, res.StatusCode, body)
		}
	}
	if res, _ := fetch(t, clients(t, six(h.Listen), &tls.Config{})["HTTP/1.1"], state.URL(one.Name(), h.Listen)); res.StatusCode != 301 {
		t.Errorf("plain http: %d", res.StatusCode)
	}
	stop()
	if l, err := net.Listen("tcp6", six(h.HTTPS)); err != nil {
		t.Errorf("the socket is not closed: %v", err)
	} else {
		l.Close()
	}
}

// Who else has the port of [::1] does not keep the server from working.
func TestIPv6LoopbackTaken(t *testing.T) {
	t.Parallel()
	listen := loopback(freePort(t))
	other, err := net.Listen("tcp6", strings.Replace(listen, "127.0.0.1", "[::1]", 1))
	if err != nil {
		t.Skip("this machine has no [::1]:", err)
	}
	defer other.Close()
	h, _ := startWith(t, server.Options{StateDir: t.TempDir(), Listen: listen})
	if h.Listen != listen {
		t.Errorf("it listens on %s", h.Listen)
	}
}
