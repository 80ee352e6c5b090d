package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/double/kvs"
)

const (
	accessKey  = "bench-access-key"
	secretKey  = "bench-secret-key"
	region     = "us-east-1"
	bucketName = "bench"
	storeARN   = "arn:aws:cloudfront::123456789012:key-value-store/1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed"
)

// server is a running S3 server with one empty bucket, and the double of a key-value store.
type server struct {
	endpoint, pointer string
	cmd               *exec.Cmd
	root              string
	pointers          *httptest.Server
	front             net.Listener
}

func startServer(program, root string) (*server, error) {
	if err := os.MkdirAll(root, 0o755); err != nil {
		return nil, err
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	port := strconv.Itoa(free.Addr().(*net.TCPAddr).Port)
	_ = free.Close()
	s := &server{endpoint: "http://127.0.0.1:" + port, root: root}
	s.cmd = exec.Command(program, "--port", "127.0.0.1:"+port, "--access", accessKey, "--secret", secretKey, "--region", region,
		"--quiet", "--keep-alive", "posix", root)
	s.cmd.Stderr = os.Stderr
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", program, err)
	}
	service := kvs.New(log.Printf)
	service.AddStore(storeARN)
	s.pointers = httptest.NewServer(service)
	s.pointer = s.pointers.URL
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if response, err := http.Get(s.endpoint); err == nil {
			_ = response.Body.Close()
			break
		} else if time.Now().After(end) {
			s.stop()
			return nil, fmt.Errorf("start %s: %w", program, err)
		}
	}
	client := s3.NewFromConfig(configFor(s.endpoint), func(o *s3.Options) { o.UsePathStyle = true })
	if _, err := client.CreateBucket(context.Background(), &s3.CreateBucketInput{Bucket: aws.String(bucketName)}); err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}

func configFor(endpoint string) aws.Config {
	return aws.Config{Region: region, BaseEndpoint: &endpoint, Credentials: credentials.NewStaticCredentialsProvider(accessKey, secretKey, "")}
}

func (s *server) stop() {
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
	s.pointers.Close()
	if s.front != nil {
		_ = s.front.Close()
	}
	_ = os.RemoveAll(s.root)
}

// count returns an endpoint that passes everything on to the server, and what has been sent to it.
func (s *server) count() (endpoint string, sent func() int64, err error) {
	if s.front, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return "", nil, err
	}
	var n atomic.Int64
	go func() {
		for {
			from, err := s.front.Accept()
			if err != nil {
				return
			}
			go func() {
				defer from.Close()
				to, err := net.Dial("tcp", strings.TrimPrefix(s.endpoint, "http://"))
				if err != nil {
					return
				}
				defer to.Close()
				go func() {
					_, _ = io.Copy(io.MultiWriter(to, counter{&n}), from)
					_ = to.(*net.TCPConn).CloseWrite()
				}()
				_, _ = io.Copy(from, to)
			}()
		}
	}()
	return "http://" + s.front.Addr().String(), n.Load, nil
}

type counter struct{ n *atomic.Int64 }

func (c counter) Write(p []byte) (int, error) {
	c.n.Add(int64(len(p)))
	return len(p), nil
}
