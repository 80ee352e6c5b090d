package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"
)

// bed is a site that is built from a repository, a server that serves it, and what has been seen of both.
type bed struct {
	binary, dir, state, repo string
	server                   *exec.Cmd
	holder                   holder
	site                     string
	tls                      *tls.Config
	client                   *http.Client

	good, flips, builds            atomic.Int64
	wandered, bad, refused, resets atomic.Int64
	wrong                          atomic.Pointer[string]
}

// holder is serve.json.
type holder struct{ Listen, HTTPS, Metrics string }

func newBed(ctx context.Context, binary string) (*bed, error) {
	binary, err := filepath.Abs(binary)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "soak-")
	if err != nil {
		return nil, err
	}
	b := &bed{binary: binary, dir: dir, state: filepath.Join(dir, "state"), repo: filepath.Join(dir, "repo")}
	if err := b.project(); err != nil {
		return b, err
	}
	if err := b.serve(ctx); err != nil {
		return b, err
	}
	if out, err := b.tool(ctx, "deploy", "--yes"); err != nil {
		return b, fmt.Errorf("deploy: %w\n%s", err, out)
	}
	return b, b.connect()
}

const (
	config = `{"repoUrl":".","branchName":"main","routing":"static","keepReleases":3}`
	// The build makes the pages say which commit they are of.
	build = `version: 0.2
phases:
  build:
    commands:
      - mkdir -p out/assets
      - for i in 1 2 3 4 5 6 7 8 9 10; do cp page.html out/page$i.html; done
      - cp page.html out/index.html
      - head -c 200000 /dev/zero | tr '\0' 'x' > out/assets/app.js
      - head -c 30000000 /dev/zero > out/big.bin
artifacts:
  base-directory: out
  files: ['**/*']
`
)

func (b *bed) project() error {
	folder := filepath.Join(b.repo, "cloudfront-hosting-toolkit")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	files := map[string]string{"cloudfront-hosting-toolkit-config.json": config, "cloudfront-hosting-toolkit-build.yml": build}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	if err := b.git("init", "-q", "-b", "main"); err != nil {
		return err
	}
	return b.commit("c0")
}

func (b *bed) git(args ...string) error {
	cmd := exec.Command("git", append([]string{"-C", b.repo, "-c", "user.name=soak", "-c", "user.email=soak@example.com"}, args...)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("git %s: %w\n%s", args[0], err, out)
	}
	return nil
}

func (b *bed) commit(text string) error {
	if err := os.WriteFile(filepath.Join(b.repo, "page.html"), page(text), 0o644); err != nil {
		return err
	}
	return errors.Join(b.git("add", "-A"), b.git("commit", "-q", "-m", text))
}

// page is a page of 10 KB that says its release on its first line.
func page(release string) []byte {
	return append([]byte("<!doctype html><!-- "+release+" -->\n"), bytes.Repeat([]byte("<p>words of a page</p>\n"), 450)...)
}

func (b *bed) tool(ctx context.Context, args ...string) ([]byte, error) {
	return exec.CommandContext(ctx, b.binary, append([]string{"--dir", b.repo, "--state-dir", b.state}, args...)...).CombinedOutput()
}

func (b *bed) serve(ctx context.Context) error {
	log, err := os.Create(filepath.Join(b.dir, "serve.log"))
	if err != nil {
		return err
	}
	defer log.Close()
	// A cache that is full within the first minute: what is looked for is what grows besides it.
	b.server = exec.Command(b.binary, "--state-dir", b.state, "serve", "--listen", "127.0.0.1:0", "--listen-https", "127.0.0.1:0",
		"--cache-size", "32", "--metrics", "127.0.0.1:0", "--stall-timeout", "5s", "--header-timeout", "3s", "--idle-timeout", "20s")
	b.server.Stdout, b.server.Stderr = log, log
	if err := b.server.Start(); err != nil {
		return err
	}
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		data, err := os.ReadFile(filepath.Join(b.state, "serve.json"))
		if err == nil && json.Unmarshal(data, &b.holder) == nil && b.holder.Metrics != "" {
			return nil
		}
		if time.Now().After(deadline) || ctx.Err() != nil {
			return errors.New("the server does not start")
		}
	}
}

// connect makes what a viewer needs who behaves.
func (b *bed) connect() error {
	sites, err := os.ReadDir(filepath.Join(b.state, "sites"))
	if err != nil || len(sites) != 1 {
		return fmt.Errorf("want one site, not %d: %w", len(sites), err)
	}
	b.site = sites[0].Name() + ".localhost"
	pem, err := os.ReadFile(filepath.Join(b.state, "certificates", "local", "root.crt"))
	if err != nil {
		return err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	b.tls = &tls.Config{RootCAs: pool, ServerName: b.site}
	b.client = &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{TLSClientConfig: b.tls.Clone(), ForceAttemptHTTP2: true}}
	return nil
}

// get asks for a path of the site.
func (b *bed) get(ctx context.Context, path string, header ...string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+b.holder.HTTPS+path, nil)
	if err != nil {
		return nil, err
	}
	req.Host = b.site
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	return b.client.Do(req)
}

// complain keeps the first thing that is wrong.
func (b *bed) complain(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if b.wrong.CompareAndSwap(nil, &text) {
		fmt.Println("WRONG:", strings.TrimSpace(text))
	}
}

func (b *bed) close() {
	if b.server != nil && b.server.Process != nil {
		_ = b.server.Process.Signal(os.Interrupt)
		_ = b.server.Wait()
	}
	_ = os.RemoveAll(b.dir)
}
