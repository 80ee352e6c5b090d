// Package certs finds the certificate for each name that is served: from an ACME authority for names on the Internet, from
// an authority of this machine for those that exist on it alone. Where nobody is asked for certificates, names on the Internet
// get one of that authority too, which it cannot vouch for. A name that no site has gets none, whoever asks.
package certs

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/caddyserver/certmagic"
	"go.uber.org/zap"
)

// acmeProtocol is what an ACME authority speaks when it checks a name over TLS (RFC 8737).
const acmeProtocol = "acme-tls/1"

// ACME says where certificates for names on the Internet come from.
type ACME struct {
	// Off asks nobody for certificates.
	Off bool
	// Directory is the authority's URL; Let's Encrypt's if it is empty.
	Directory string
	// Email is told of trouble with certificates; it may be empty.
	Email string
	// Roots are who the authority's own certificate may be from; the system's if it is nil.
	Roots *x509.CertPool
	// RenewCheck is how often it is looked whether a certificate is to be renewed, which it is in the last third of its time, or
	// when the authority says; 10 minutes if it is 0.
	RenewCheck time.Duration
}

// Options are what a Keeper is made of.
type Options struct {
	// Dir keeps certificates and keys.
	Dir  string
	ACME ACME
	// HTTP and HTTPS are the addresses that are listened on, on which the ACME authority is answered. HTTP may be nil.
	HTTP, HTTPS net.Addr
	// Known reports whether a site answers to a name, which is lower-case and has no dot at its end.
	Known func(name string) bool
	Log   *slog.Logger
}

// Keeper finds certificates.
type Keeper struct {
	opts  Options
	local *authority
	// cache, acme and issuer are nil if ACME is off.
	cache  *certmagic.Cache
	acme   *certmagic.Config
	issuer *certmagic.ACMEIssuer
	ctx    context.Context // ends when the Keeper is closed
	end    context.CancelFunc
	// loading are the names whose certificates are being read.
	loading loading
	// replacing is those that see to damaged certificates.
	replacing sync.WaitGroup

	mu      sync.Mutex
	managed []string
}

// RootFile returns the certificate of the authority of this machine, which is to be trusted by browsers.
func RootFile(dir string) string { return rootFile(filepath.Join(dir, "local")) }

// Open returns a Keeper. It makes the local authority, if there is none yet, and asks nobody for anything.
func Open(opts Options) (*Keeper, error) {
	local, err := openAuthority(filepath.Join(opts.Dir, "local"), time.Now)
	if err != nil {
		return nil, err
	}
	if local.damage != nil {
		opts.Log.Error("the local certificate authority is damaged: its files are kept with .damaged behind their names, and there is a new one, which has to be trusted anew",
			"root", RootFile(opts.Dir), "error", local.damage)
	}
	k := &Keeper{opts: opts, local: local}
	k.ctx, k.end = context.WithCancel(context.Background())
	if !opts.ACME.Off {
		k.openACME()
	}
	return k, nil
}

func (k *Keeper) openACME() {
	k.cache = certmagic.NewCache(certmagic.CacheOptions{
		GetConfigForCert:   func(certmagic.Certificate) (*certmagic.Config, error) { return k.acme, nil },
		RenewCheckInterval: k.opts.ACME.RenewCheck,
		Logger:             zap.NewNop(),
	})
	k.acme = certmagic.New(k.cache, certmagic.Config{
		Storage: &certmagic.FileStorage{Path: filepath.Join(k.opts.Dir, "acme")},
		Logger:  zap.NewNop(), // what matters of it is told by events
		OnEvent: k.tell,
	})
	template := certmagic.ACMEIssuer{
		CA:           certmagic.LetsEncryptProductionCA,
		TestCA:       certmagic.LetsEncryptStagingCA,
		Email:        k.opts.ACME.Email,
		Agreed:       true,
		TrustedRoots: k.opts.ACME.Roots,
		Logger:       zap.NewNop(),
	}
	if k.opts.ACME.Directory != "" {
		template.CA, template.TestCA = k.opts.ACME.Directory, k.opts.ACME.Directory
	}
	// The addresses are ours already; knowing that, the issuer does not listen itself.
	template.ListenHost, template.AltTLSALPNPort = hostAndPort(k.opts.HTTPS)
	if k.opts.HTTP == nil {
		template.DisableHTTPChallenge = true
	} else {
		template.ListenHost, template.AltHTTPPort = hostAndPort(k.opts.HTTP)
	}
	k.issuer = certmagic.NewACMEIssuer(k.acme, template)
	k.acme.Issuers = []certmagic.Issuer{k.issuer}
}

func hostAndPort(a net.Addr) (host string, port int) {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return "", 0
	}
	if !tcp.IP.IsUnspecified() {
		host = tcp.IP.String()
	}
	return host, tcp.Port
}

// tell logs what became of a certificate.
func (k *Keeper) tell(_ context.Context, event string, data map[string]any) error {
	switch event {
	case "cached_managed_cert":
		if names, ok := data["sans"].([]string); ok {
			for _, name := range names {
				k.loading.end(name)
			}
		}
	case "cert_obtaining":
		k.opts.Log.Info("asking for a certificate", "domain", data["identifier"])
	case "cert_obtained":
		k.opts.Log.Info("certificate obtained", "domain", data["identifier"], "issuer", data["issuer"])
	case "cert_failed":
		k.opts.Log.Error("no certificate for a domain; it is asked for again later. Its DNS records must lead to this server, whose ports 80 and 443 must be reachable",
			"domain", data["identifier"], "error", data["error"])
	}
	return nil
}

// Manage says which names are served. Certificates for those on the Internet are obtained and renewed from now on, in the
// background and with growing pauses where it does not succeed; those for names that are not served any more are let go.
func (k *Keeper) Manage(names []string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	var public []string
	for _, name := range names {
		if !Local(name) && certmagic.SubjectQualifiesForPublicCert(name) {
			public = append(public, name)
		}
	}
	slices.Sort(public)
	public = slices.Compact(public)
	added := slices.DeleteFunc(slices.Clone(public), func(n string) bool { return slices.Contains(k.managed, n) })
	removed := slices.DeleteFunc(slices.Clone(k.managed), func(n string) bool { return slices.Contains(public, n) })
	k.managed = public
	if k.acme == nil {
		for _, name := range added {
			k.opts.Log.Warn("a domain has a certificate that nobody trusts: the server listens on this machine alone; give --acme-ca, or a public address with --listen-https", "domain", name)
		}
		return
	}
	for _, name := range removed {
		k.loading.end(name)
		k.cache.RemoveManaged([]certmagic.SubjectIssuer{{Subject: name}})
	}
	if len(added) == 0 {
		return
	}
	whole := added[:0]
	for _, name := range added {
		switch damage, err := k.damage(name); {
		case damage != nil || err != nil:
			k.replacing.Go(func() { k.replace(name) })
			continue
		case k.acme.Storage.Exists(k.ctx, certmagic.StorageKeys.SiteCert(k.issuer.IssuerKey(), name)):
			k.loading.begin(name)
		}
		whole = append(whole, name)
	}
	if err := k.acme.ManageAsync(k.ctx, whole); err != nil {
		k.opts.Log.Error("certificates cannot be managed", "error", err)
	}
}

// TLS returns the configuration of a TLS server: TLS 1.2 with forward secrecy, or 1.3.
func (k *Keeper) TLS() *tls.Config {
	c := &tls.Config{
		MinVersion:     tls.VersionTLS12,
		NextProtos:     []string{"h2", "http/1.1"},
		GetCertificate: k.certificate,
		// CloudFront's TLSv1.2_2021 and later security policies have the same ones (Developer Guide,
		// secure-connections-supported-viewer-protocols-ciphers). HTTP/2 forbids all others.
		CipherSuites: []uint16{
			tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
			tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
			tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
		},
	}
	if k.acme != nil {
		c.NextProtos = append(c.NextProtos, acmeProtocol)
	}
	return c
}

// certificate is tls.Config.GetCertificate. Without an error and without a certificate, the viewer is told that its name is
// not known here.
func (k *Keeper) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	name := strings.TrimSuffix(strings.ToLower(hello.ServerName), ".")
	switch {
	case name == "":
		// A viewer that asks for an address does not say which.
		tcp, _, err := net.SplitHostPort(hello.Conn.LocalAddr().String())
		ip := net.ParseIP(tcp)
		if err != nil || ip == nil || !localIP(ip) {
			return nil, nil
		}
		return k.local.leaf(ip.String())
	case !k.opts.Known(name):
		return nil, nil
	case Local(name):
		return k.local.leaf(name)
	case k.acme == nil:
		// So that a domain can be tried before it leads anywhere, by whoever asks for no proof: the root cannot vouch for it.
		return k.local.leaf(name)
	}
	k.loading.wait(hello.Context(), name)
	c, err := k.acme.GetCertificate(hello)
	if err != nil {
		return nil, fmt.Errorf("find certificate for %s: %w", name, err)
	}
	return c, nil
}

// Challenges answers the ACME authority when it checks a name over HTTP, and leaves all else to next.
func (k *Keeper) Challenges(next http.Handler) http.Handler {
	if k.issuer == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if certmagic.LooksLikeHTTPChallenge(r) {
			if p, ok := w.(interface{ TakesLong() }); ok {
				p.TakesLong() // the folder of certificates is asked, by any stranger
			}
			if k.issuer.HandleHTTPChallenge(w, r) {
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// ResetKey is a secret for HTTP/3 that stays the same when the server starts again.
func (k *Keeper) ResetKey() *[32]byte {
	key := k.local.secret("quic stateless reset")
	return &key
}

// Close ends the work in the background.
func (k *Keeper) Close() {
	k.end()
	k.replacing.Wait()
	if k.cache != nil {
		k.cache.Stop()
	}
}

// Expiry is when the certificate of a domain ends; the zero time if it has none.
type Expiry struct {
	Domain string
	At     time.Time
}

// Seconds returns the time since 1970, 0 for none.
func (e Expiry) Seconds() float64 {
	if e.At.IsZero() {
		return 0
	}
	return float64(e.At.Unix())
}

// Expiries returns the domains on the Internet that are served, and when their certificates end.
func (k *Keeper) Expiries() []Expiry {
	k.mu.Lock()
	defer k.mu.Unlock()
	var list []Expiry
	for _, name := range k.managed {
		e := Expiry{Domain: name}
		if k.cache != nil {
			for _, c := range k.cache.AllMatchingCertificates(name) {
				if c.Leaf != nil && c.Leaf.NotAfter.After(e.At) {
					e.At = c.Leaf.NotAfter
				}
			}
		}
		list = append(list, e)
	}
	return list
}
