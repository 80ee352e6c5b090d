package front

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"net/http"
	"testing"
	"time"
)

// quick are limits that a test need not wait for.
var quick = Limits{HeaderTimeout: time.Second, StallTimeout: 300 * time.Millisecond, IdleTimeout: 20 * time.Second, DrainTimeout: 5 * time.Second}

// bed is a Front that serves on this machine.
type bed struct {
	*Front
	http, https string
	pool        *x509.CertPool
	served      chan error
}

func start(t *testing.T, limits Limits, handler http.HandlerFunc) *bed {
	t.Helper()
	listen := func() net.Listener {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	plain, secure := listen(), listen()
	packets, err := net.ListenPacket("udp", secure.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	config, pool := certificate(t)
	b := &bed{http: plain.Addr().String(), https: secure.Addr().String(), pool: pool, served: make(chan error, 1)}
	b.Front = New(Options{HTTP: []net.Listener{plain}, HTTPS: []net.Listener{secure}, QUIC: []net.PacketConn{packets}, TLS: config, Handler: handler, Limits: limits})
	go func() { b.served <- b.Serve() }()
	t.Cleanup(func() {
		b.Drain()
		if err := <-b.served; err != nil {
			t.Errorf("Serve = %v", err)
		}
	})
	await(t, func() bool { return b.get() == nil }) // Serve has begun
	return b
}

// get asks once, as a viewer does that behaves.
func (b *bed) get() error {
	c := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 5 * time.Second}
	res, err := c.Get("http://" + b.http + "/well")
	if err != nil {
		return err
	}
	return res.Body.Close()
}

func certificate(t *testing.T) (*tls.Config, *x509.CertPool) {
	t.Helper()
	config, pool, err := newCertificate()
	if err != nil {
		t.Fatal(err)
	}
	return config, pool
}

func newCertificate() (*tls.Config, *x509.CertPool, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, nil, err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, nil, err
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, NextProtos: []string{"h2", "http/1.1"}}, pool, nil
}

// await waits until something is so.
func await(t *testing.T, so func() bool) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for !so() {
		if time.Now().After(deadline) {
			t.Fatal("it has not come to be")
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// dial connects over TCP, or over TLS with the protocol.
func (b *bed) dial(t *testing.T, protocol string) net.Conn {
	t.Helper()
	if protocol == "" {
		c, err := net.Dial("tcp", b.http)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c
	}
	c, err := tls.Dial("tcp", b.https, &tls.Config{RootCAs: b.pool, NextProtos: []string{protocol}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}
