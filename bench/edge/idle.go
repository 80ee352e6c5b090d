package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
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

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// settle is how long after the last connection the server's memory is looked at again.
const settle = 20 * time.Second

// compareIdle prints the memory of a server that was just started, and of the same one with idle connections, for each protocol.
func (b *bed) compareIdle(ctx context.Context, binary string, n int) error {
	fmt.Printf("\n| %d idle connections | before | with the last of them | %v later | for each |\n|---|---|---|---|---|\n", n, settle)
	for _, protocol := range []string{"HTTP/1.1", "HTTP/1.1 over TLS", "HTTP/2 over TLS"} {
		before, last, later, err := b.holdIdle(ctx, binary, protocol, n)
		if err != nil {
			return fmt.Errorf("%s: %w", protocol, err)
		}
		fmt.Printf("| %s | %d MB | %d MB | %d MB | %d KB |\n", protocol, before>>10, last>>10, later>>10, (later-before)/n)
	}
	return nil
}

// holdIdle keeps connections open on which one request was made, and returns how many KB the edge has resident.
func (b *bed) holdIdle(ctx context.Context, binary, protocol string, n int) (before, last, later int, err error) {
	s, err := b.fresh(ctx, binary, protocol, "idle "+protocol)
	if err != nil {
		return 0, 0, 0, err
	}
	defer func() {
		_ = s.process.Process.Signal(syscall.SIGTERM)
		_ = s.process.Wait()
	}()
	before = s.resident()
	conns := make([]net.Conn, 0, n)
	defer func() {
		for _, c := range conns {
			c.Close()
		}
	}()
	for len(conns) < n && ctx.Err() == nil {
		c, err := open(strings.TrimPrefix(s.url, "http://"), protocol)
		if err != nil {
			return 0, 0, 0, fmt.Errorf("connection %d: %w", len(conns)+1, err)
		}
		conns = append(conns, c)
	}
	last = s.resident()
	select {
	case <-ctx.Done():
	case <-time.After(settle):
	}
	return before, last, s.resident(), ctx.Err()
}

// fresh starts an edge that nobody has asked for anything; its URL is the address of the protocol.
func (b *bed) fresh(ctx context.Context, binary, protocol, name string) (*server, error) {
	flags, err := b.publish(ctx, binary, name, "static", "", b.files())
	if err != nil {
		return nil, err
	}
	s := &server{name: "edge", process: exec.CommandContext(ctx, binary, append(flags, "serve", "--listen", "127.0.0.1:0", "--listen-https", "127.0.0.1:0", "--idle-timeout", "10m")...)}
	if err := s.process.Start(); err != nil {
		return nil, err
	}
	state := flags[len(flags)-1]
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		var holder struct{ Listen, HTTPS, URL string }
		data, err := os.ReadFile(filepath.Join(state, "serve.json"))
		if err != nil || json.Unmarshal(data, &holder) != nil || holder.URL == "" {
			continue
		}
		s.url = holder.HTTPS
		if protocol == "HTTP/1.1" {
			s.url = holder.Listen
		}
		return s, nil
	}
	return nil, fmt.Errorf("%s does not start", binary)
}

// open connects, makes one request and reads its answer.
func open(address, protocol string) (net.Conn, error) {
	if protocol == "HTTP/1.1" {
		c, err := net.Dial("tcp", address)
		if err != nil {
			return nil, err
		}
		return c, askOne(c)
	}
	config := &tls.Config{InsecureSkipVerify: true, ServerName: "localhost", NextProtos: []string{"http/1.1"}}
	if protocol == "HTTP/2 over TLS" {
		config.NextProtos = []string{"h2"}
	}
	c, err := tls.Dial("tcp", address, config)
	if err != nil {
		return nil, err
	}
	if c.ConnectionState().NegotiatedProtocol == "h2" {
		return c, askTwo(c)
	}
	return c, askOne(c)
}

// askOne makes a request over HTTP/1.1.
func askOne(c net.Conn) error {
	if _, err := io.WriteString(c, "HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
		return err
	}
	res, err := http.ReadResponse(bufio.NewReader(c), &http.Request{Method: http.MethodHead})
	if err != nil {
		return err
	}
	return res.Body.Close()
}

// askTwo makes a request over HTTP/2.
func askTwo(c net.Conn) error {
	var block bytes.Buffer
	e := hpack.NewEncoder(&block)
	for _, h := range [][2]string{{":method", "HEAD"}, {":scheme", "https"}, {":authority", "localhost"}, {":path", "/"}} {
		_ = e.WriteField(hpack.HeaderField{Name: h[0], Value: h[1]}) // into memory
	}
	if _, err := io.WriteString(c, http2.ClientPreface); err != nil {
		return err
	}
	f := http2.NewFramer(c, c)
	if err := f.WriteSettings(); err != nil {
		return err
	}
	if err := f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block.Bytes(), EndHeaders: true, EndStream: true}); err != nil {
		return err
	}
	for {
		frame, err := f.ReadFrame()
		if err != nil {
			return err
		}
		if s, ok := frame.(*http2.SettingsFrame); ok && !s.IsAck() {
			err = f.WriteSettingsAck()
		}
		if h, ok := frame.(*http2.HeadersFrame); ok && h.StreamEnded() || err != nil {
			return err
		}
	}
}

func (s *server) resident() int {
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.process.Process.Pid))
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		return 0
	}
	kb, _ := strconv.Atoi(fields[0])
	return kb
}
