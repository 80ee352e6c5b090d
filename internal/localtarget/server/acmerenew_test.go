package server_test

import (
	"crypto/tls"
	"testing"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/server"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/state"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
)

// A certificate of six seconds is replaced while the server runs, and new viewers get the new one.
func TestACMERenewal(t *testing.T) {
	if testing.Short() {
		t.Skip("it waits for a certificate to become old")
	}
	t.Parallel()
	httpPort, tlsPort := freePort(t), freePort(t)
	const validity = 6 * time.Second
	ca := startPebble(t, httpPort, tlsPort, validity)
	dir := state.Dir(t.TempDir())
	shop := deploy(t, dir, site.Config{DomainName: "shop3.example.com"}, "shop")
	release(t, shop, "r1", "the shop")
	h, _ := startWith(t, server.Options{StateDir: string(dir), Listen: loopback(httpPort), ListenHTTPS: loopback(tlsPort),
		ACME: server.ACME{Directory: ca.url, Roots: ca.roots, RenewCheck: 500 * time.Millisecond}, NoHTTP3: true})
	roots := ca.issuers(t)
	awaitHTTPS(t, clients(t, h.HTTPS, &tls.Config{RootCAs: roots})["HTTP/1.1"], "https://shop3.example.com/", "the shop")

	// At least twice: the renewed one is renewed as well.
	serials := map[string]bool{}
	for deadline := time.Now().Add(5 * time.Minute); len(serials) < 3; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d certificates after many times their validity", len(serials))
		}
		c, err := tls.Dial("tcp", h.HTTPS, &tls.Config{RootCAs: roots, ServerName: "shop3.example.com"})
		if err != nil {
			continue // a busy machine may be late
		}
		leaf := c.ConnectionState().PeerCertificates[0]
		c.Close()
		serials[leaf.SerialNumber.String()] = true
	}
}
