package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// server is one that is measured.
type server struct {
	name, url string
	process   *exec.Cmd
}

// bed is all servers, and a folder of their own.
type bed struct {
	root    string
	servers []*server
}

// function is one whose result can't be remembered: it asks for the time.
const function = `import cf from 'cloudfront';
async function handler(event) {
  const request = event.request;
  const release = await cf.kvs().get('path');
  if (Date.now() < 0) {
    return { statusCode: 503 };
  }
  request.uri = '/' + release + (request.uri.endsWith('/') ? request.uri + 'index.html' : request.uri);
  return request;
}
`

// newBed makes the files that all servers serve.
func newBed() (*bed, error) {
	root, err := os.MkdirTemp("", "bench-edge-")
	if err != nil {
		return nil, err
	}
	b := &bed{root: root}
	if err := errors.Join(os.Chmod(root, 0o755), b.write()); err != nil { // nginx's workers are another user
		b.close()
		return nil, err
	}
	return b, nil
}

// files is the folder with the files.
func (b *bed) files() string { return filepath.Join(b.root, "html", "r0") }

func (b *bed) write() error {
	page := "<!doctype html><title>bench</title>" + noise(7600)
	for name, text := range map[string]string{"index.html": page, "assets/app.js": "/*" + noise(150_000) + "*/"} {
		if err := write(filepath.Join(b.files(), name), text); err != nil {
			return err
		}
	}
	return nil
}

// open starts the servers that are compared.
func (b *bed) open(ctx context.Context, binary, caddy string) error {
	if caddy == "" {
		caddy = filepath.Join(b.root, "caddy")
		install := exec.CommandContext(ctx, "go", "install", "github.com/caddyserver/caddy/v2/cmd/caddy@"+caddyVersion)
		install.Env = append(os.Environ(), "GOBIN="+b.root, "GOFLAGS=-mod=mod")
		if out, err := install.CombinedOutput(); err != nil {
			return fmt.Errorf("build caddy: %w\n%s", err, out)
		}
	}
	for _, open := range []func() error{
		func() error { return b.edge(ctx, binary, "edge", "static", "", b.files()) },
		func() error { return b.edge(ctx, binary, "edge, custom function", "custom", function, b.files()) },
		func() error { return b.nginx(ctx) },
		func() error { return b.caddy(ctx, caddy, b.files()) },
	} {
		if err := open(); err != nil {
			return err
		}
	}
	for _, s := range b.servers {
		if err := s.await(); err != nil {
			return err
		}
	}
	return nil
}

// noise is text of about 4/3 n bytes that does not compress.
func noise(n int) string {
	data := make([]byte, n)
	_, _ = rand.Read(data) // it never fails
	return base64.StdEncoding.EncodeToString(data)
}

func write(name, text string) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return os.WriteFile(name, []byte(text), 0o644)
}

// start starts a program; b.close ends it.
func (b *bed) start(ctx context.Context, s *server, program string, args ...string) error {
	s.process = exec.CommandContext(ctx, program, args...)
	s.process.Cancel = func() error { return s.process.Process.Signal(syscall.SIGTERM) }
	s.process.Stderr = os.Stderr
	if s.name != "nginx" && s.name != "nginx + njs" {
		s.process.Stderr = nil
	}
	if err := s.process.Start(); err != nil {
		return fmt.Errorf("start %s: %w", s.name, err)
	}
	b.servers = append(b.servers, s)
	return nil
}

// publish makes a site of the files; the flags name its project and its state folder.
func (b *bed) publish(ctx context.Context, binary, name, routing, code, files string) (flags []string, err error) {
	dir := filepath.Join(b.root, strings.NewReplacer(" ", "-", "/", "-").Replace(name))
	config := filepath.Join(dir, "project", "cloudfront-hosting-toolkit")
	if err := write(filepath.Join(config, "cloudfront-hosting-toolkit-config.json"),
		`{"repoUrl":"https://example.com/bench.git","branchName":"main","routing":"`+routing+`"}`); err != nil {
		return nil, err
	}
	if code != "" {
		if err := write(filepath.Join(config, "cloudfront-hosting-toolkit-cff.js"), code); err != nil {
			return nil, err
		}
	}
	flags = []string{"--dir", filepath.Join(dir, "project"), "--state-dir", filepath.Join(dir, "state")}
	out, err := exec.CommandContext(ctx, binary, append(flags, "publish", files, "--release", "r0")...).CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("publish: %w\n%s", err, out)
	}
	return flags, nil
}

// edge publishes the files and serves them by the tool, as it does by default.
func (b *bed) edge(ctx context.Context, binary, name, routing, code, files string) error {
	flags, err := b.publish(ctx, binary, name, routing, code, files)
	if err != nil {
		return err
	}
	address, err := freeAddress()
	if err != nil {
		return err
	}
	return b.start(ctx, &server{name: name, url: "http://" + address}, binary, append(flags, "serve", "--listen", address)...)
}

// nginx serves the files as they are at one address, and by a rewrite in njs at another.
func (b *bed) nginx(ctx context.Context) error {
	plain, err := freeAddress()
	if err != nil {
		return err
	}
	rewriting, err := freeAddress()
	if err != nil {
		return err
	}
	dir := filepath.Join(b.root, "nginx")
	if err := write(filepath.Join(dir, "rewrite.js"), rewrite); err != nil {
		return err
	}
	html := filepath.Join(b.root, "html")
	config := strings.NewReplacer("DIR", dir, "HTML", html, "PLAIN", plain, "REWRITING", rewriting).Replace(nginxConfig)
	if err := write(filepath.Join(dir, "nginx.conf"), config); err != nil {
		return err
	}
	s := &server{name: "nginx + njs", url: "http://" + rewriting}
	if err := b.start(ctx, s, "nginx", "-p", dir, "-c", "nginx.conf", "-g", "daemon off;"); err != nil {
		return err
	}
	b.servers = append(b.servers, &server{name: "nginx", url: "http://" + plain, process: s.process})
	return nil
}

const rewrite = `function route(r) {
  const release = 'r0';
  const uri = r.uri;
  const name = uri.slice(uri.lastIndexOf('/') + 1);
  if (name.lastIndexOf('.') >= 0) { return '/' + release + uri; }
  return '/' + release + (uri.endsWith('/') ? uri + 'index.html' : uri + '/index.html');
}
export default { route };
`

const nginxConfig = `load_module /usr/lib/nginx/modules/ngx_http_js_module.so;
worker_processes auto;
pid nginx.pid;
error_log stderr error;
events { worker_connections 20000; }
http {
  types { text/html html; application/javascript js; }
  js_path DIR; js_import rewrite.js; js_set $target rewrite.route;
  log_format json escape=json '{"time":"$time_iso8601","method":"$request_method","host":"$host","uri":"$request_uri",'
    '"status":$status,"bytes":$body_bytes_sent,"duration":$request_time,"ip":"$remote_addr","referer":"$http_referer",'
    '"user_agent":"$http_user_agent","id":"$request_id"}';
  access_log DIR/access.log json buffer=64k flush=1s;
  client_body_temp_path DIR; proxy_temp_path DIR; fastcgi_temp_path DIR; uwsgi_temp_path DIR; scgi_temp_path DIR;
  sendfile on; tcp_nopush on; keepalive_requests 1000000000; open_file_cache max=1000 inactive=60s;
  server { listen REWRITING; root HTML; location / { rewrite ^ $target break; } }
  server { listen PLAIN; root HTML/r0; location / { index index.html; } }
}
`

// caddy serves the files by a rewrite, with its access log in a file.
func (b *bed) caddy(ctx context.Context, program, files string) error {
	address, err := freeAddress()
	if err != nil {
		return err
	}
	_, port, _ := net.SplitHostPort(address)
	name := filepath.Join(b.root, "Caddyfile")
	config := fmt.Sprintf("{\n\tadmin off\n\tauto_https off\n}\nhttp://:%s {\n\tbind 127.0.0.1\n\troot * %s\n\tlog {\n\t\toutput file %s\n\t}\n\trewrite * /r0{uri}\n\tfile_server\n}\n",
		port, filepath.Dir(files), filepath.Join(b.root, "caddy.log"))
	if err := write(name, config); err != nil {
		return err
	}
	return b.start(ctx, &server{name: "Caddy", url: "http://" + address}, program, "run", "--adapter", "caddyfile", "--config", name)
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// await waits until the server answers with the page.
func (s *server) await() error {
	var last error
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		res, err := http.Get(s.url + "/")
		if last = err; err != nil {
			continue
		}
		page, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err == nil && res.StatusCode == http.StatusOK && bytes.HasPrefix(page, []byte("<!doctype html><title>bench")) {
			return nil
		}
		last = fmt.Errorf("status %d, %.60q", res.StatusCode, page)
	}
	return fmt.Errorf("%s does not answer: %w", s.name, last)
}

// processes are the server's own and its children's.
func (s *server) processes() []string {
	pid := strconv.Itoa(s.process.Process.Pid)
	children, _ := os.ReadFile("/proc/" + pid + "/task/" + pid + "/children") // none where there is no such file
	return append(strings.Fields(string(children)), pid)
}

// cpu is the processor time that the server has used, 0 where the system does not tell.
func (s *server) cpu() (used time.Duration) {
	for _, pid := range s.processes() {
		stat, _ := os.ReadFile("/proc/" + pid + "/stat")
		fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
		if len(fields) < 13 {
			continue
		}
		for _, f := range fields[11:13] {
			ticks, _ := strconv.Atoi(f)
			used += time.Duration(ticks) * 10 * time.Millisecond
		}
	}
	return used
}

func (b *bed) close() {
	for _, s := range b.servers {
		if s.name != "nginx" { // it is the same process as with njs
			_ = s.process.Process.Signal(syscall.SIGTERM)
			_ = s.process.Wait()
		}
	}
	_ = os.RemoveAll(b.root)
}
