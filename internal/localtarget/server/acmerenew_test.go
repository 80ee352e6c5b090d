package server_test

import (
	"crypto/tls"
	"strconv"
	"testing"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/server"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/state"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
)

// A certificate of half a minute is replaced while the server runs, and new viewers get the new one.
func TestACMERenewal(t *testing.T) {
	if testing.Short() {
		t.Skip("it waits for a certificate to become old")
	}
	program := goTool(t, "github.com/letsencrypt/pebble/v2/cmd/pebble")
	challenges := goTool(t, "github.com/letsencrypt/pebble/v2/cmd/pebble-challtestsrv")
	httpPort, tlsPort := freePort(t), freePort(t)
	const validity = 30 * time.Second
	ca := startPebble(t, program, challenges, httpPort, tlsPort, validity)
	dir := state.Dir(t.TempDir())
	shop := deploy(t, dir, site.Config{DomainName: "shop.example.com"}, "shop")
	release(t, shop, "r1", "the shop")
	h, _ := startWith(t, server.Options{StateDir: string(dir), Listen: "127.0.0.1:" + strconv.Itoa(httpPort), ListenHTTPS: "127.0.0.1:" + strconv.Itoa(tlsPort),
		ACME: server.ACME{Directory: ca.url, Roots: ca.roots, RenewCheck: time.Second}, NoHTTP3: true})
	roots := ca.issuers(t)
	awaitHTTPS(t, clients(t, h.HTTPS, &tls.Config{RootCAs: roots})["HTTP/1.1"], "https://shop.example.com/", "the shop")

	// At least twice: the renewed one is renewed as well.
	serials := map[string]bool{}
	for deadline := time.Now().Add(5 * time.Minute); len(serials) < 3; time.Sleep(200 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d certificates after many times their validity", len(serials))
		}
		c, err := tls.Dial("tcp", h.HTTPS, &tls.Config{RootCAs: roots, ServerName: "shop.example.com"})
		if err != nil {
			continue // a busy machine may be late
		}
		leaf := c.ConnectionState().PeerCertificates[0]
		c.Close()
		serials[leaf.SerialNumber.String()] = true
	}
}
