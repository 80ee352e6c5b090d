package localtarget_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/golden"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/state"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
)

// dns is what names lead to.
type dns map[string][]string

func (d dns) resolve(_ context.Context, host string) ([]string, error) {
	if found := d[host]; found != nil {
		return found, nil
	}
	return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
}

const configFile = "cloudfront-hosting-toolkit/cloudfront-hosting-toolkit-config.json"

// What doctor says of this machine in each situation: one golden file each.
func TestDoctor(t *testing.T) {
	tests := map[string]struct {
		// deploy says how the site is deployed before arrange: not at all, in this process, or with a server.
		deploy  string
		arrange func(b *bed)
		dns     dns
		// listen is the address that is asked for.
		listen func(b *bed) string
	}{
		"fresh":     {arrange: func(*bed) {}},
		"healthy":   {deploy: "server", arrange: func(*bed) {}},
		"no server": {deploy: "here", arrange: func(*bed) {}},
		"another version": {deploy: "server", arrange: func(b *bed) {
			b.holder(func(h *state.Holder) { h.Version = "0.1" })
		}},
		"server does not answer": {arrange: func(b *bed) { b.hang() }},
		"port taken":             {arrange: func(*bed) {}, listen: func(b *bed) string { return b.take() }},
		"state folder is a file": {arrange: func(b *bed) { b.stateIsFile() }},
		"state folder read-only": {arrange: func(b *bed) { b.stateIsReadOnly() }},
		"configuration damaged":  {deploy: "here", arrange: func(b *bed) { b.damage("site.json", "{") }},
		"pointer damaged":        {deploy: "here", arrange: func(b *bed) { b.damage("kv.json", "{"); b.damage("kv.json.last", "{") }},
		"release not whole":      {deploy: "here", arrange: func(b *bed) { b.loseFile() }},
		"repository gone": {deploy: "here", arrange: func(b *bed) {
			b.write(configFile, `{"repoUrl":"/nowhere/hello","branchName":"main","routing":"static"}`)
		}},
		"no such branch":      {arrange: func(b *bed) { b.write(configFile, `{"repoUrl":".","branchName":"next","routing":"static"}`) }},
		"commit not released": {deploy: "here", arrange: func(b *bed) { b.commit("second") }},
		"execution failed": {deploy: "here", arrange: func(b *bed) {
			b.write(buildFile, build("false"))
			b.commit("broken")
			if _, _, err := b.deploy(here); err == nil {
				b.t.Fatal("it was built")
			}
		}},
		"everything changed": {deploy: "here", arrange: func(b *bed) {
			b.write(configFile, `{"repoUrl":".","branchName":"main","routing":"spa","keepReleases":3}`)
			b.write(buildFile, build("mkdir out && cp index.html out"))
		}},
		"tools missing": {arrange: func(b *bed) { b.write(buildFile, build("no-such-program --fast")) }},
		"upstream's file": {arrange: func(b *bed) {
			b.write(buildFile, "version: 0.2\nphases:\n  build:\n    commands:\n      - aws s3 cp . s3://$DEST_BUCKET_NAME/$CODEBUILD_RESOLVED_SOURCE_VERSION/ --recursive\n")
		}},
		"domain elsewhere":            {arrange: withDomain, dns: dns{"www.example.com": {"192.0.2.7"}, "example.com": {"192.0.2.7"}}},
		"domain unknown":              {arrange: withDomain, dns: dns{}},
		"domain leads here":           {arrange: withDomain, dns: dns{"www.example.com": {"127.0.0.1"}, "example.com": {"127.0.0.1"}}},
		"certificate ended":           {deploy: "here", arrange: func(b *bed) { b.https(90*day, -time.Hour) }},
		"certificate ending":          {deploy: "here", arrange: func(b *bed) { b.https(90*day, 2*day) }},
		"certificate fine":            {deploy: "here", arrange: func(b *bed) { b.https(90*day, 60*day) }},
		"certificate of this machine": {deploy: "here", arrange: func(b *bed) { b.https(7*day, 3*day) }},
	}
	t.Setenv("PATH", withoutSystemctl(t))
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBed(t)
			switch tc.deploy {
			case "here":
				b.mustDeploy(here)
			case "server":
				b.mustDeploy(hosting.DeployOptions{})
			}
			tc.arrange(b)
			listen := "127.0.0.1:0"
			if tc.listen != nil {
				listen = tc.listen(b)
			}
			s, err := site.Load(b.repo)
			if err != nil {
				t.Fatal(err)
			}
			h := localtarget.New(b.state, s, localtarget.Options{Executable: os.Args[0], Version: "test", Listen: listen, Resolve: tc.dns.resolve})
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			checks, err := h.Doctor(ctx, &report{})
			if err != nil {
				t.Fatal(err)
			}
			golden.Check(t, "doctor/"+strings.ReplaceAll(name, " ", "-")+".txt", b.checked(checks))
		})
	}
}

func withDomain(b *bed) {
	b.write(configFile, `{"repoUrl":".","branchName":"main","routing":"static","domainName":"www.example.com"}`)
}

// withoutSystemctl is a search path with the few programs that the tests need, so that the machine's services do not show.
func withoutSystemctl(t *testing.T) string {
	t.Helper()
	bin := t.TempDir()
	for _, name := range []string{"git", "sh", "bash", "env", "false", "cp", "mkdir"} {
		if program, err := exec.LookPath(name); err == nil {
			if err := os.Symlink(program, filepath.Join(bin, name)); err != nil {
				t.Skip(err)
			}
		}
	}
	return bin
}

// holder changes serve.json.
func (b *bed) holder(change func(h *state.Holder)) {
	b.t.Helper()
	dir := state.Dir(b.state)
	h, _, err := dir.Holder()
	if err == nil {
		change(&h)
		err = dir.SaveHolder(h)
	}
	if err != nil {
		b.t.Fatal(err)
	}
}

// hold takes the state folder, as a server does.
func (b *bed) hold(h state.Holder) {
	b.t.Helper()
	dir := state.Dir(b.state)
	if err := dir.Create(); err != nil {
		b.t.Fatal(err)
	}
	lock, err := dir.Lock(b.t.Context(), time.Second)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = lock.Unlock() })
	h.PID, h.Command, h.Version, h.StartedAt = os.Getpid(), "serve", "test", time.Now()
	h.URL = "http://" + h.Listen + "/"
	if err := dir.SaveHolder(h); err != nil {
		b.t.Fatal(err)
	}
}

// take listens on an address, and returns it.
func (b *bed) take() string {
	b.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = l.Close() })
	return l.Addr().String()
}

// hang is a server that holds the state folder and does not listen any more.
func (b *bed) hang() {
	b.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.t.Fatal(err)
	}
	address := l.Addr().String()
	_ = l.Close()
	b.hold(state.Holder{Listen: address})
}

// aside lets the test use another state folder; the end of the bed is about its own.
func (b *bed) aside() {
	own := b.state
	b.t.Cleanup(func() { b.state = own })
}

func (b *bed) stateIsFile() {
	b.aside()
	b.state = filepath.Join(b.t.TempDir(), "file")
	if err := os.WriteFile(b.state, nil, 0o644); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bed) stateIsReadOnly() {
	if os.Getuid() == 0 {
		b.t.Skip("root may write anywhere")
	}
	b.aside()
	dir := b.t.TempDir()
	if err := os.Chmod(dir, 0o500); err != nil {
		b.t.Fatal(err)
	}
	b.state = filepath.Join(dir, "state")
}

// damage writes nonsense into a file of the site's folder.
func (b *bed) damage(file, text string) {
	b.t.Helper()
	all, err := filepath.Glob(filepath.Join(b.state, "sites", "*", file))
	if err != nil {
		b.t.Fatal(err)
	}
	for _, f := range all {
		if err := os.WriteFile(f, []byte(text), 0o644); err != nil {
			b.t.Fatal(err)
		}
	}
}

func (b *bed) loseFile() {
	b.t.Helper()
	all, err := filepath.Glob(filepath.Join(b.state, "sites", "*", "bucket", b.git("rev-parse", "HEAD"), "index.html"))
	if err != nil || len(all) != 1 {
		b.t.Fatal(all, err)
	}
	if err := errors.Join(os.Chmod(filepath.Dir(all[0]), 0o755), os.Remove(all[0])); err != nil {
		b.t.Fatal(err)
	}
}

const day = 24 * time.Hour

// https is a server that shows a certificate of this life for every name, which still has left of it.
func (b *bed) https(life, left time.Duration) {
	b.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		b.t.Fatal(err)
	}
	s, err := site.Load(b.repo)
	if err != nil {
		b.t.Fatal(err)
	}
	form := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, DNSNames: []string{s.Name() + ".localhost"},
		NotBefore: time.Now().Add(left - life), NotAfter: time.Now().Add(left)}
	der, err := x509.CreateCertificate(rand.Reader, form, form, &key.PublicKey, key)
	if err != nil {
		b.t.Fatal(err)
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}})
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() { _ = conn.(*tls.Conn).Handshake(); _ = conn.Close() }()
		}
	}()
	b.hold(state.Holder{Listen: b.take(), HTTPS: l.Addr().String()})
}

// checked is what was found, one line each, without what differs from run to run and from machine to machine.
func (b *bed) checked(checks []hosting.Check) string {
	var text strings.Builder
	for _, c := range checks {
		fmt.Fprintf(&text, "%-8s %s: %s\n", c.Status, c.Name, c.Detail)
		if c.Hint != "" {
			fmt.Fprintf(&text, "         -> %s\n", c.Hint)
		}
	}
	out := strings.NewReplacer(b.state, "<state>", filepath.Dir(b.state), "<parent>", b.repo, "<project>").Replace(text.String())
	for i, id := range strings.Fields(b.git("rev-list", "--reverse", "--all")) {
		out = strings.ReplaceAll(strings.ReplaceAll(out, id, fmt.Sprintf("<commit %d>", i+1)), id[:7], fmt.Sprintf("<commit %d>", i+1))
	}
	for _, r := range []struct{ pattern, with string }{
		{`Git: version [0-9.]+`, "Git: version <git>"}, {`\d+ [MG]B`, "<space>"}, {`127\.0\.0\.1:\d+`, "<address>"}, {`\[::1\]:\d+`, "<other address>"}, {`process \d+`, "process <pid>"},
		{`[0-9]{3}-[0-9a-f]{8}`, "<site>"}, {`\d{8}T\d{6}\.\d+-[0-9a-f]+`, "<execution>"}, {`\d{4}-\d\d-\d\d`, "<day>"}, {`taken by (another program|\S+ \(process <pid>\))`, "taken by <program>"},
	} {
		out = regexp.MustCompile(r.pattern).ReplaceAllString(out, r.with)
	}
	if l, err := net.Listen("tcp6", "[::1]:0"); err == nil {
		_ = l.Close()
	} else { // the goldens are of a machine that has it
		out = regexp.MustCompile(`answers at (https?)://<address>/`).ReplaceAllString(out, "answers at $1://<address>/ and $1://<other address>/")
	}
	return out
}
