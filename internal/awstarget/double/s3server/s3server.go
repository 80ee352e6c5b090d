// Package s3server starts S3 servers for tests: one in memory, which is always there, and two that others wrote, so that
// what the toolkit says to S3 is not only understood by its own authors: moto (Apache-2.0, a Python program) and versitygw
// (Apache-2.0, from the Go module proxy).
package s3server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/need"
)

// The credentials and region of every server.
const (
	AccessKey = "test-access-key"
	SecretKey = "test-secret-key"
	Region    = "us-east-1"
)

// startWithin is how long a server may take until it listens.
const startWithin = 60 * time.Second

// Server is a running server. It ends with the test.
type Server struct {
	// Endpoint is its address, as in AWS_ENDPOINT_URL_S3.
	Endpoint string
}

// StartMemory serves m, or a new Memory if m is nil.
func StartMemory(t testing.TB, m *Memory) *Server {
	t.Helper()
	if m == nil {
		m = NewMemory()
	}
	server := httptest.NewServer(m)
	t.Cleanup(server.Close)
	return &Server{server.URL}
}

// StartMoto starts moto's server, or skips the test where it is not installed: pip install 'moto[server]'.
func StartMoto(t testing.TB) *Server {
	t.Helper()
	program := need.Program(t, "moto_server", "pip install 'moto[server]'")
	port := freePort(t)
	start(t, exec.Command(program, "-H", "127.0.0.1", "-p", port))
	server := await(t, port)
	return standBefore(t, conditionalCopies(server, wholePuts(pass(t, server))))
}

// StartVersity starts versitygw on a folder of its own, or skips the test where there is none: see Versity.
func StartVersity(t testing.TB) *Server {
	t.Helper()
	program, err := Versity()
	if err != nil {
		need.Missing(t, "%v", err)
	}
	port, root := freePort(t), t.TempDir()
	start(t, exec.Command(program, "--port", "127.0.0.1:"+port, "--access", AccessKey, "--secret", SecretKey, "--region", Region,
		"--quiet", "--keep-alive", "posix", root))
	server := await(t, port)
	return standBefore(t, conditionalCopies(server, pass(t, server)))
}

// start runs a server until the test ends.
func start(t testing.TB, cmd *exec.Cmd) {
	t.Helper()
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", cmd.Path, err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		_ = log.Close()
		if data, err := os.ReadFile(log.Name()); err == nil && t.Failed() {
			t.Logf("%s:\n%.4000s", cmd.Path, data)
		}
	})
}

func freePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}

// await returns the server when it answers.
func await(t testing.TB, port string) *Server {
	t.Helper()
	endpoint := "http://127.0.0.1:" + port
	for deadline := time.Now().Add(startWithin); ; time.Sleep(20 * time.Millisecond) {
		response, err := http.Get(endpoint + "/")
		if err == nil {
			_, _ = io.Copy(io.Discard, response.Body)
			_ = response.Body.Close()
			return &Server{endpoint}
		}
		if time.Now().After(deadline) {
			t.Fatalf("the server does not answer: %v", err)
		}
	}
}

// standBefore serves the handler until the test ends.
func standBefore(t testing.TB, h http.Handler) *Server {
	front := httptest.NewServer(h)
	t.Cleanup(front.Close)
	return &Server{front.URL}
}

// pass passes requests on to the server.
func pass(t testing.TB, s *Server) http.Handler {
	t.Helper()
	to, err := url.Parse(s.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	return &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(to)
		r.Out.Host = r.In.Host // it is signed
	}}
}

// conditionalCopies stands before a server that ignores If-None-Match on CopyObject, which S3 does not (Amazon S3 User
// Guide, "How to prevent object overwrites with conditional writes"): it looks whether the key is taken.
func conditionalCopies(s *Server, next http.Handler) http.Handler {
	client := s3.NewFromConfig(s.Config(), func(o *s3.Options) { o.UsePathStyle = true })
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Amz-Copy-Source") != "" && r.Header.Get("If-None-Match") == "*" {
			bucket, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
			if _, err := client.HeadObject(r.Context(), &s3.HeadObjectInput{Bucket: &bucket, Key: &key}); err == nil {
				writeError(w, r, fail(http.StatusPreconditionFailed, "PreconditionFailed", "%s exists", key))
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// wholePuts stands before a server that shows an object before it has given it its metadata, as moto does; S3 does not (Amazon
// S3 User Guide, "Amazon S3 data consistency model": never partial data). Nothing is asked while an object is put.
func wholePuts(next http.Handler) http.Handler {
	var puts sync.RWMutex
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut {
			puts.Lock()
			defer puts.Unlock()
		} else {
			puts.RLock()
			defer puts.RUnlock()
		}
		next.ServeHTTP(w, r)
	})
}

// Config returns a configuration for clients of the server.
func (s *Server) Config() aws.Config {
	return aws.Config{Region: Region, BaseEndpoint: &s.Endpoint, Credentials: credentials.NewStaticCredentialsProvider(AccessKey, SecretKey, "")}
}

// NewBucket makes an empty bucket and returns its name.
func (s *Server) NewBucket(t testing.TB, name string) string {
	t.Helper()
	client := s3.NewFromConfig(s.Config(), func(o *s3.Options) { o.UsePathStyle = true })
	if _, err := client.CreateBucket(context.Background(), &s3.CreateBucketInput{Bucket: &name}); err != nil {
		t.Fatalf("create bucket %s: %v", name, err)
	}
	return name
}

// VersityVersion is the version of versitygw that the tests are made for.
const VersityVersion = "v1.8.0"

// Versity returns the program: $CHT_VERSITYGW, or one in PATH, or the one that an earlier call has built. In CI it builds
// one, from the Go module proxy, into the user's cache folder; that takes a minute or two.
func Versity() (string, error) {
	if program := os.Getenv("CHT_VERSITYGW"); program != "" {
		return program, nil
	}
	if program, err := exec.LookPath("versitygw"); err == nil {
		return program, nil
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("look for versitygw: %w", err)
	}
	dir := filepath.Join(cache, "cloudfront-hosting-toolkit", "tools", "versitygw-"+VersityVersion)
	program := filepath.Join(dir, "versitygw")
	if _, err := os.Stat(program); err == nil {
		return program, nil
	}
	install := "github.com/versity/versitygw/cmd/versitygw@" + VersityVersion
	if os.Getenv("CI") != "true" {
		return "", errors.New("versitygw is not installed: GOBIN=" + dir + " go install " + install)
	}
	cmd := exec.Command("go", "install", install)
	cmd.Env = append(os.Environ(), "GOBIN="+dir, "GOFLAGS=", "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build versitygw: %w\n%s", err, out)
	}
	return program, nil
}
