package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cgi"
	"net/http/httputil"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

const (
	github = "github.com"
	acme   = "acme-v02.api.letsencrypt.org"
	// Pebble's own addresses; who asks for acme is led to the first.
	pebbleAddress    = "127.0.0.1:14000"
	pebbleManagement = "127.0.0.1:15000"
)

// world is what there is outside the machine.
type world struct {
	address, machine, dir string
	pebble, names         string
	ca                    *authority
	programs              []*exec.Cmd
}

// serve answers for the Internet until ctx ends. In the folder dir it finds git/OWNER/REPO and releases/FILE, and leaves there
// ca.crt, the authority of every https server but the machine's, and acme.crt, that of the certificates which Let's Encrypt issues.
func serve(ctx context.Context, args []string) error {
	w := &world{}
	f := flag.NewFlagSet("serve", flag.ExitOnError)
	f.StringVar(&w.address, "address", "", "address of everything but the machine")
	f.StringVar(&w.machine, "machine", "", "address of the machine, to which all other names lead")
	f.StringVar(&w.dir, "dir", "", "folder with git/ and releases/")
	f.StringVar(&w.pebble, "pebble", "", "program")
	f.StringVar(&w.names, "names", "", "program: pebble-challtestsrv")
	if err := f.Parse(args); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer w.end()
	defer stop()
	var err error
	if w.ca, err = newAuthority(); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(w.dir, "ca.crt"), w.ca.pem(), 0o644); err != nil {
		return err
	}
	if err := w.startNames(ctx); err != nil {
		return err
	}
	if err := w.startPebble(ctx); err != nil {
		return err
	}
	l, err := tls.Listen("tcp", net.JoinHostPort(w.address, "443"), w.ca.config(github, acme))
	if err != nil {
		return err
	}
	server := &http.Server{Handler: w.handler(), ReadHeaderTimeout: time.Minute}
	go func() { <-ctx.Done(); server.Close() }()
	fmt.Println("ready")
	_ = server.Serve(l) // until it is closed
	return nil
}

// start runs a program until ctx ends, and keeps what it says.
func (w *world) start(ctx context.Context, env []string, program string, args ...string) error {
	log, err := os.Create(filepath.Join(w.dir, filepath.Base(program)+".log"))
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = append(os.Environ(), env...), log, log
	w.programs = append(w.programs, cmd)
	return cmd.Start()
}

// end waits until the programs have ended, which they do when their ctx does.
func (w *world) end() {
	for _, cmd := range w.programs {
		_ = cmd.Wait() // they were killed
	}
}

// startNames starts the name server: two names are here, and every other is the machine's.
func (w *world) startNames(ctx context.Context) error {
	const manage = "127.0.0.1:8055"
	err := w.start(ctx, nil, w.names, "-dnsserver", net.JoinHostPort(w.address, "53"), "-defaultIPv4", w.machine, "-defaultIPv6", "",
		"-http01", "", "-https01", "", "-tlsalpn01", "", "-doh", "", "-management", manage)
	if err != nil {
		return err
	}
	for _, name := range []string{github, acme} {
		body, err := json.Marshal(map[string]any{"host": name + ".", "addresses": []string{w.address}})
		if err != nil {
			return err
		}
		if _, err := await(ctx, http.DefaultClient, "http://"+manage+"/add-a", string(body)); err != nil {
			return err
		}
	}
	return nil
}

// startPebble starts the ACME authority that stands for Let's Encrypt: it looks for the challenges on ports 80 and 443, as that does.
func (w *world) startPebble(ctx context.Context) error {
	cert, key := filepath.Join(w.dir, "pebble.crt"), filepath.Join(w.dir, "pebble.key")
	if err := w.ca.write(cert, key, "127.0.0.1"); err != nil {
		return err
	}
	config, err := json.Marshal(map[string]any{"pebble": map[string]any{
		"listenAddress": pebbleAddress, "managementListenAddress": pebbleManagement, "certificate": cert, "privateKey": key,
		"httpPort": 80, "tlsPort": 443, "profiles": map[string]any{"default": map[string]any{"validityPeriod": 90 * 24 * 3600}},
	}})
	if err != nil {
		return err
	}
	file := filepath.Join(w.dir, "pebble.json")
	if err := os.WriteFile(file, config, 0o600); err != nil {
		return err
	}
	err = w.start(ctx, []string{"PEBBLE_VA_NOSLEEP=1"}, w.pebble, "-config", file, "-dnsserver", net.JoinHostPort(w.address, "53"))
	if err != nil {
		return err
	}
	root, err := await(ctx, w.ca.client(), "https://"+pebbleManagement+"/roots/0", "")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(w.dir, "acme.crt"), root, 0o644)
}

// await asks until there is an answer, and returns it; for at most a minute.
func await(ctx context.Context, c *http.Client, url, body string) ([]byte, error) {
	ctx, stop := context.WithTimeout(ctx, time.Minute)
	defer stop()
	for {
		method := http.MethodGet
		if body != "" {
			method = http.MethodPost
		}
		req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
		if err != nil {
			return nil, err
		}
		res, err := c.Do(req)
		if err == nil {
			defer res.Body.Close()
			return io.ReadAll(res.Body)
		}
		if ctx.Err() != nil {
			return nil, err
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func (w *world) handler() http.Handler {
	git, err := exec.LookPath("git")
	if err != nil {
		git = "/usr/bin/git"
	}
	repositories := &cgi.Handler{Path: git, Args: []string{"http-backend"}, Env: []string{"GIT_PROJECT_ROOT=" + filepath.Join(w.dir, "git"), "GIT_HTTP_EXPORT_ALL=1"}}
	releases := http.StripPrefix("/cloudfront-hosting-toolkit/toolkit/releases/latest/download/", http.FileServer(http.Dir(filepath.Join(w.dir, "releases"))))
	letsEncrypt := &httputil.ReverseProxy{
		// The URLs that Pebble names are those of the host that it is asked for, so the host stays.
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host, r.Out.Host = "https", pebbleAddress, r.In.Host
			if r.In.URL.Path == "/directory" {
				r.Out.URL.Path = "/dir"
			}
		},
		Transport: w.ca.client().Transport,
	}
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		switch {
		case r.Host == acme:
			letsEncrypt.ServeHTTP(rw, r)
		case strings.Contains(r.URL.Path, "/releases/"):
			releases.ServeHTTP(rw, r)
		default:
			repositories.ServeHTTP(rw, r)
		}
	})
}

func roots(file string) (*x509.CertPool, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(data) {
		return nil, fmt.Errorf("%s holds no certificate", file)
	}
	return pool, nil
}
