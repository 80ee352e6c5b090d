package certs

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/certmagic"
)

// A server that starts again answers over TLS from its first connection on, though certmagic reads certificates in the background.
func TestCertificatesOfBeforeAreThereAtOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	opts := Options{
		Dir: dir, ACME: ACME{Directory: "https://127.0.0.1:1/dir"}, HTTPS: &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 443},
		Known: func(string) bool { return true }, Log: slog.New(slog.DiscardHandler),
	}
	names := make([]string, 50)
	for i := range names {
		names[i] = fmt.Sprintf("shop%d.example.com", i)
	}
	first, err := Open(opts)
	if err != nil {
		t.Fatal(err)
	}
	store(t, first, names)
	first.Close()

	k, err := Open(opts)
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	k.Manage(names)
	for _, name := range names {
		if got, err := handshake(t.Context(), k, name); err != nil || got != name {
			t.Errorf("%s: a certificate for %q, %v", name, got, err)
		}
	}
	for _, e := range k.Expiries() {
		if e.At.IsZero() {
			t.Errorf("%s: no certificate", e.Domain)
		}
	}
}

// A certificate that cannot be read keeps nobody waiting for good: it is told, kept, and another one is asked for.
func TestDamagedCertificate(t *testing.T) {
	t.Parallel()
	const name = "shop.example.com"
	keys := certmagic.StorageKeys
	for what, tc := range map[string]struct {
		file    func(issuer, name string) string
		content string
	}{
		"the certificate is no certificate": {keys.SiteCert, "damaged"},
		"the certificate is empty":          {keys.SiteCert, ""},
		"the key is cut off":                {keys.SitePrivateKey, "-----BEGIN EC PRIVATE KEY-----\nMHcCAQ"},
		"what is known of it is no JSON":    {keys.SiteMeta, `{"sans":`},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			said := make(lines, 100)
			opts := Options{
				Dir: folder(t), ACME: ACME{Directory: "https://127.0.0.1:1/dir"}, HTTPS: &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 443},
				Known: func(string) bool { return true }, Log: slog.New(slog.NewTextHandler(said, nil)),
			}
			k, err := Open(opts)
			if err != nil {
				t.Fatal(err)
			}
			defer k.Close()
			store(t, k, []string{name})
			file := filepath.Join(opts.Dir, "acme", tc.file(k.issuer.IssuerKey(), name))
			if err := os.WriteFile(file, []byte(tc.content), 0o600); err != nil {
				t.Fatal(err)
			}
			k.Manage([]string{name})
			if _, err := handshake(t.Context(), k, name); err == nil {
				t.Error("a damaged certificate is served")
			}
			said.await(t, "a certificate is damaged")
			said.await(t, "asking for a certificate")
			if kept, err := os.ReadFile(file + ".damaged"); err != nil || string(kept) != tc.content {
				t.Errorf("kept: %q, %v", kept, err)
			}
		})
	}
}

// folder returns an empty folder, which is removed after the test. certmagic, asking for a certificate, ends some time after the Keeper:
// it takes its lock away then.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "certs")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for end := time.Now().Add(time.Minute); os.RemoveAll(dir) != nil; time.Sleep(10 * time.Millisecond) {
			if time.Now().After(end) {
				t.Error("the folder cannot be removed")
				return
			}
		}
	})
	return dir
}

// lines are what a log has been told.
type lines chan string

// Write implements io.Writer.
func (l lines) Write(p []byte) (int, error) {
	select {
	case l <- string(p):
	default: // nobody reads any more
	}
	return len(p), nil
}

// await reads until a line has the text.
func (l lines) await(t *testing.T, text string) {
	t.Helper()
	for {
		select {
		case line := <-l:
			if strings.Contains(line, text) {
				return
			}
		case <-time.After(time.Minute):
			t.Fatalf("%q was not said", text)
		}
	}
}

// store puts a certificate for each name where certmagic looks for them.
func store(t *testing.T, k *Keeper, names []string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(2000 * time.Hour)}
		der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
		if err != nil {
			t.Fatal(err)
		}
		issuer := k.issuer.IssuerKey()
		for file, data := range map[string][]byte{
			certmagic.StorageKeys.SiteCert(issuer, name):       pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
			certmagic.StorageKeys.SitePrivateKey(issuer, name): pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: secret}),
			certmagic.StorageKeys.SiteMeta(issuer, name):       fmt.Appendf(nil, `{"sans":[%q],"issuer_data":{}}`, name),
		} {
			if err := k.acme.Storage.Store(t.Context(), file, data); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// handshake connects as a viewer, and returns the name in the certificate.
func handshake(ctx context.Context, k *Keeper, name string) (string, error) {
	here, there := net.Pipe()
	server := tls.Server(there, k.TLS())
	go func() { _ = server.HandshakeContext(ctx); there.Close() }() // the viewer sees the error
	defer here.Close()
	viewer := tls.Client(here, &tls.Config{ServerName: name, InsecureSkipVerify: true}) //nolint:gosec // nobody vouches for it
	if err := viewer.HandshakeContext(ctx); err != nil {
		return "", err
	}
	return viewer.ConnectionState().PeerCertificates[0].DNSNames[0], nil
}
