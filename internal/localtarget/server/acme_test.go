package server_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	cryptorand "crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/server"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/state"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/need"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
)

const tools = "../../../tools"

// authority builds the programs that stand in for Let's Encrypt, which lie in go's cache afterwards.
var authority = sync.OnceValue(func() (a struct {
	pebble, challenges string
	err                error
}) {
	build := func(name string) string {
		out, err := exec.Command("go", "-C", tools, "tool", "-n", name).CombinedOutput()
		if err != nil && a.err == nil {
			a.err = fmt.Errorf("%s cannot be built: %w\n%s", name, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	a.pebble, a.challenges = build("pebble"), build("pebble-challtestsrv")
	return a
})

// freePort returns a port that nobody listens on, over TCP and UDP. It is none of those that the system gives away by itself, so
// that it stays free until it is used.
func freePort(t *testing.T) int {
	t.Helper()
	for range 1000 {
		port := 20000 + rand.N(12000)
		address := loopback(port)
		if _, taken := given.LoadOrStore(port, true); taken {
			continue
		}
		l, err := net.Listen("tcp", address)
		if err != nil {
			continue
		}
		l.Close()
		if c, err := net.ListenPacket("udp", address); err == nil {
			c.Close()
			return port
		}
	}
	t.Fatal("no port is free")
	return 0
}

// loopback is the address of a port of this machine.
func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// given has the ports that freePort has returned.
var given sync.Map

// output is what a program has written so far.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// run starts a program until the test ends.
func run(t *testing.T, program string, env []string, args ...string) *output {
	t.Helper()
	out := &output{}
	cmd := exec.Command(program, args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = append(os.Environ(), env...), out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("%s:\n%s", filepath.Base(program), out)
		}
	})
	return out
}

// pebble is the ACME authority of Let's Encrypt's own tests, which finds all names on this machine.
type pebble struct {
	url, roots, management string
	client                 *http.Client
	out                    *output
}

// startPebble starts an authority that checks names at the ports. Where the module proxy cannot be reached, and so there is none,
// the test is skipped, but not in CI.
func startPebble(t *testing.T, httpPort, tlsPort int, validity time.Duration) *pebble {
	t.Helper()
	programs := authority()
	if programs.err != nil {
		need.Missing(t, "%v", programs.err)
	}
	dir := t.TempDir()
	cert, key := selfSigned(t, dir)
	listen, manage, dns := freePort(t), freePort(t), freePort(t)
	config, err := json.Marshal(map[string]any{"pebble": map[string]any{
		"listenAddress": loopback(listen), "managementListenAddress": loopback(manage), "certificate": cert, "privateKey": key,
		"httpPort": httpPort, "tlsPort": tlsPort, "keyAlgorithm": "ecdsa", "profiles": map[string]any{"default": map[string]any{"validityPeriod": int(validity.Seconds())}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "pebble.json")
	if err := os.WriteFile(file, config, 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, programs.challenges, nil, "-dnsserver", loopback(dns), "-defaultIPv6", "", "-http01", "", "-https01", "", "-tlsalpn01", "", "-doh", "", "-management", loopback(freePort(t)))
	out := run(t, programs.pebble, []string{"PEBBLE_VA_NOSLEEP=1", "PEBBLE_WFE_NONCEREJECT=0"}, "-config", file, "-dnsserver", loopback(dns))
	pool := x509.NewCertPool()
	data, err := os.ReadFile(cert)
	if err != nil || !pool.AppendCertsFromPEM(data) {
		t.Fatal("no certificate for pebble", err)
	}
	p := &pebble{url: "https://" + loopback(listen) + "/dir", management: "https://" + loopback(manage), roots: cert, out: out,
		client: &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}}
	deadline := time.Now().Add(time.Minute)
	for {
		res, err := p.client.Get(p.url)
		if err == nil {
			res.Body.Close()
			return p
		}
		if time.Now().After(deadline) {
			t.Fatal("pebble does not answer:", err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// selfSigned makes the certificate that the authority itself answers with.
func selfSigned(t *testing.T, dir string) (cert, key string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), cryptorand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(cryptorand.Reader, template, template, k.Public(), k)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for file, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: keyDER}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

// issuers are the certificates that those of the authority are verified by.
func (p *pebble) issuers(t *testing.T) *x509.CertPool {
	t.Helper()
	res, err := p.client.Get(p.management + "/roots/0")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	pool := x509.NewCertPool()
	if err != nil || !pool.AppendCertsFromPEM(data) {
		t.Fatal("no root of pebble's", err)
	}
	return pool
}

func TestACME(t *testing.T) {
	t.Parallel()
	// Each test has names of its own: certmagic keeps the challenges that it has been set in one map of the process, by name.
	tests := map[string]struct {
		http, tls  bool
		shop, blog string
	}{
		"checked over http": {http: true, shop: "shop1.example.com", blog: "blog1.example.com"},
		"checked over TLS":  {tls: true, shop: "shop2.example.com", blog: "blog2.example.com"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			httpPort, tlsPort, nowhere := freePort(t), freePort(t), freePort(t)
			checkHTTP, checkTLS := nowhere, nowhere
			if tc.http {
				checkHTTP = httpPort
			}
			if tc.tls {
				checkTLS = tlsPort
			}
			ca := startPebble(t, checkHTTP, checkTLS, 90*24*time.Hour)
			dir := state.Dir(t.TempDir())
			shop := deploy(t, dir, site.Config{DomainName: tc.shop}, "shop")
			release(t, shop, "r1", "the shop")
			opts := server.Options{StateDir: string(dir), Listen: loopback(httpPort), ListenHTTPS: loopback(tlsPort),
				ACME: server.ACME{Directory: ca.url, Roots: ca.roots, Email: "admin@example.com"}, NoHTTP3: true}
			h, stop := startWith(t, opts)
			clients := clients(t, h.HTTPS, &tls.Config{RootCAs: ca.issuers(t)})
			awaitHTTPS(t, clients["HTTP/2.0"], "https://"+tc.shop+"/", "the shop")

			// A site that comes later has its certificate without a restart; a stranger's name is never asked for.
			if _, err := clients["HTTP/1.1"].Get("https://stranger.example.net/"); err == nil {
				t.Error("a stranger's name is answered")
			}
			blog := deploy(t, dir, site.Config{DomainName: tc.blog}, "blog")
			release(t, blog, "r1", "the blog")
			awaitHTTPS(t, clients["HTTP/1.1"], "https://"+tc.blog+"/", "the blog")
			if strings.Contains(ca.out.String(), "stranger") {
				t.Error("the authority was asked for a stranger's name")
			}

			// After a restart the certificates are there at once, and are the same.
			clients["HTTP/2.0"].CloseIdleConnections() // the server would wait for it
			stop()
			orders := strings.Count(ca.out.String(), "Issued certificate serial")
			startWith(t, opts)
			awaitHTTPS(t, clients["HTTP/2.0"], "https://"+tc.shop+"/", "the shop")
			clients["HTTP/2.0"].CloseIdleConnections()
			if again := strings.Count(ca.out.String(), "Issued certificate serial"); again != orders || orders == 0 {
				t.Errorf("%d certificates before the restart, %d after it", orders, again)
			}
		})
	}
}

func awaitHTTPS(t *testing.T, c *http.Client, url, want string) {
	t.Helper()
	deadline := time.Now().Add(60 * time.Second)
	for {
		res, err := c.Get(url)
		if err == nil {
			body, _ := io.ReadAll(res.Body)
			res.Body.Close()
			if string(body) != want {
				t.Fatalf("%s: %d %q", url, res.StatusCode, body)
			}
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}
