package certs

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/state"
)

const (
	rootLife = 10 * 365 * 24 * time.Hour
	leafLife = 7 * 24 * time.Hour
	// leafLeft is what must be left of a leaf's life for it to be used again.
	leafLeft = leafLife / 3
	// maxLeaves bounds the leaves that are remembered. Names are known ones, so this is only ever met by addresses.
	maxLeaves = 4096
)

// localDomains are the names that nobody can own on the Internet (RFC 6761, 6762, 8375, and ICANN's for internal). The
// root is good for these alone, so whoever trusts it has nothing to fear for other names.
var localDomains = []string{"localhost", "test", "internal", "local", "home.arpa"}

// localNetworks are the addresses that mean another machine everywhere.
var localNetworks = []string{"127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "::1/128", "fc00::/7", "fe80::/10"}

// Local reports whether a name is one that the authority answers for.
func Local(name string) bool {
	for _, d := range localDomains {
		if name == d || strings.HasSuffix(name, "."+d) {
			return true
		}
	}
	return false
}

func localIP(ip net.IP) bool { return ip.IsLoopback() || ip.IsPrivate() || ip.IsLinkLocalUnicast() }

// authority is a certificate authority of this machine, for development.
type authority struct {
	root    *x509.Certificate
	rootKey *ecdsa.PrivateKey
	key     *ecdsa.PrivateKey
	now     func() time.Time
	// damage says what was wrong with the files in whose place a new root was made; nil if nothing was.
	damage error

	mu     sync.Mutex
	leaves map[string]*tls.Certificate
}

// openAuthority reads the authority's root from a folder; an empty folder gets a new one, and so does one whose root is
// about to expire, or whose files make none: those are kept beside it, and the sites that have other certificates are served.
func openAuthority(dir string, now func() time.Time) (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make key: %w", err)
	}
	a := &authority{key: key, now: now, leaves: map[string]*tls.Certificate{}}
	err = a.load(dir)
	if errors.Is(err, errDamaged) {
		a.damage, err = err, putAside(keyFile(dir), rootFile(dir))
		if err == nil {
			err = a.create(dir)
		}
	} else if errors.Is(err, fs.ErrNotExist) || err == nil && a.root.NotAfter.Before(now().Add(leafLife)) {
		err = a.create(dir)
	}
	if err != nil {
		return nil, fault.New(fault.Other, "remove "+dir+" for a new one, which has to be trusted anew", "open the local certificate authority: %w", err)
	}
	return a, nil
}

func rootFile(dir string) string { return filepath.Join(dir, "root.crt") }
func keyFile(dir string) string  { return filepath.Join(dir, "root.key") }

// errDamaged is the error of files that can be read and make no root.
var errDamaged = errors.New("the files make no root")

func (a *authority) load(dir string) error {
	root, err := os.ReadFile(rootFile(dir))
	if err != nil {
		return err
	}
	secret, err := os.ReadFile(keyFile(dir))
	if err != nil {
		return err
	}
	pair, err := tls.X509KeyPair(root, secret)
	if err != nil {
		return fmt.Errorf("%w: %w", errDamaged, err)
	}
	key, ok := pair.PrivateKey.(*ecdsa.PrivateKey)
	if !ok {
		return fmt.Errorf("%w: %s is not an ECDSA key", errDamaged, keyFile(dir))
	}
	a.root, a.rootKey = pair.Leaf, key
	return nil
}

// create makes a root that is constrained to local names, and stores it.
func (a *authority) create(dir string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("make key: %w", err)
	}
	var networks []*net.IPNet
	for _, n := range localNetworks {
		_, network, err := net.ParseCIDR(n)
		if err != nil {
			return err
		}
		networks = append(networks, network)
	}
	template := &x509.Certificate{
		SerialNumber:                serial(),
		Subject:                     pkix.Name{CommonName: "cloudfront-hosting-toolkit on " + hostname()},
		NotBefore:                   a.now().Add(-time.Hour),
		NotAfter:                    a.now().Add(rootLife),
		KeyUsage:                    x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		BasicConstraintsValid:       true,
		IsCA:                        true,
		MaxPathLenZero:              true,
		PermittedDNSDomainsCritical: true,
		PermittedDNSDomains:         localDomains,
		PermittedIPRanges:           networks,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return fmt.Errorf("make root: %w", err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fmt.Errorf("make root: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	// The key first: a root without a key is read as damaged, a key without a root as none.
	err = state.WriteFile(keyFile(dir), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}))
	if err == nil {
		err = state.WriteFile(rootFile(dir), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	}
	if err != nil {
		return err
	}
	return a.load(dir)
}

func hostname() string {
	if name, err := os.Hostname(); err == nil {
		return name
	}
	return "this machine"
}

func serial() *big.Int {
	var b [16]byte
	_, _ = rand.Read(b[:]) // it never fails
	b[0] &= 0x7f
	return new(big.Int).SetBytes(b[:])
}

// leaf returns a certificate for a local name or address.
func (a *authority) leaf(name string) (*tls.Certificate, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if c := a.leaves[name]; c != nil && a.now().Before(c.Leaf.NotAfter.Add(-leafLeft)) {
		return c, nil
	}
	template := &x509.Certificate{
		SerialNumber: serial(),
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    a.now().Add(-time.Hour),
		NotAfter:     a.now().Add(leafLife),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if ip := net.ParseIP(name); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else {
		template.DNSNames = []string{name}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.root, a.key.Public(), a.rootKey)
	if err != nil {
		return nil, fmt.Errorf("make certificate for %s: %w", name, err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("make certificate for %s: %w", name, err)
	}
	if len(a.leaves) >= maxLeaves {
		clear(a.leaves)
	}
	c := &tls.Certificate{Certificate: [][]byte{der, a.root.Raw}, PrivateKey: a.key, Leaf: leaf}
	a.leaves[name] = c
	return c, nil
}

// secret returns 32 bytes that only the holder of the root's key knows, the same ones after a restart.
func (a *authority) secret(purpose string) [32]byte {
	key, err := a.rootKey.Bytes()
	if err != nil {
		panic(err) // the key is on a curve that has them
	}
	return sha256.Sum256(append([]byte(purpose+"\x00"), key...))
}
