package server

import (
	"cmp"
	"context"
	"errors"
	"net"
	"strconv"
	"strings"
	"syscall"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/server/systemd"
)

// sockets are what the server listens on. HTTPS and QUIC are nil without https.
type sockets = systemd.Sockets

// listen opens the sockets, or takes those that were handed down.
func (s *server) listen(ctx context.Context) (err error) {
	if s.opts.Metrics != "" {
		if s.metrics, err = listenTCP(ctx, "metrics", s.opts.Metrics, "127.0.0.1:9180"); err != nil {
			return err
		}
	}
	if s.opts.Sockets.Any() {
		s.sockets = s.opts.Sockets
		for _, c := range []*net.PacketConn{&s.sockets.QUIC, &s.sockets.QUIC6} {
			if s.opts.NoHTTP3 && *c != nil {
				_ = (*c).Close()
				*c = nil
			}
		}
		if s.sockets.HTTP == nil {
			return fault.New(fault.Usage, "name one with ListenStream= in the socket unit", "the service manager handed down no socket for http")
		}
		return nil
	}
	if s.sockets.HTTP, err = listenTCP(ctx, "listen", cmp.Or(s.opts.Listen, DefaultListen), DefaultListen); err != nil {
		return err
	}
	defer s.listenIPv6(ctx)
	if s.opts.ListenHTTPS == "" {
		return nil
	}
	if s.sockets.HTTPS, err = listenTCP(ctx, "listen-https", s.opts.ListenHTTPS, DefaultListenHTTPS); err != nil {
		return err
	}
	if !s.opts.NoHTTP3 {
		address := s.sockets.HTTPS.Addr().String() // the same port, if any was free
		if s.sockets.QUIC, err = new(net.ListenConfig).ListenPacket(ctx, "udp", address); err != nil {
			return fault.New(fault.Other, "choose another port with --listen-https, or do without with --http3=false", "listen on %s for HTTP/3: %w", address, err)
		}
	}
	return nil
}

// listenIPv6 opens the same ports of [::1] where those of 127.0.0.1 are open: browsers look for *.localhost there first, and for
// HTTP/3 there only. A machine that has no IPv6, or another program that has the port, does not keep the server from working.
func (s *server) listenIPv6(ctx context.Context) {
	config := new(net.ListenConfig)
	six := func(a net.Addr) string {
		if host, port, err := net.SplitHostPort(a.String()); err == nil && host == "127.0.0.1" {
			return net.JoinHostPort("::1", port)
		}
		return ""
	}
	for four, to := range map[net.Listener]*net.Listener{s.sockets.HTTP: &s.sockets.HTTP6, s.sockets.HTTPS: &s.sockets.HTTPS6} {
		if four == nil || six(four.Addr()) == "" {
			continue
		}
		l, err := config.Listen(ctx, "tcp6", six(four.Addr()))
		if err == nil {
			*to = l
		} else if errors.Is(err, syscall.EADDRINUSE) {
			s.opts.Log.Warn("another program listens at an address that browsers may ask for *.localhost", "address", six(four.Addr()))
		}
	}
	if s.sockets.QUIC != nil && s.sockets.HTTPS6 != nil {
		if c, err := config.ListenPacket(ctx, "udp6", six(s.sockets.QUIC.LocalAddr())); err == nil {
			s.sockets.QUIC6 = c
		}
	}
}

func listenTCP(ctx context.Context, flag, address, usual string) (net.Listener, error) {
	if !strings.Contains(address, ":") {
		address += usual[strings.LastIndexByte(usual, ':'):]
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err == nil {
		return l, nil
	}
	var where *net.AddrError
	var dns *net.DNSError
	if errors.As(err, &where) || errors.As(err, &dns) {
		return nil, fault.New(fault.Usage, "give an address such as "+usual+" with --"+flag, "listen on %s: %w", address, err)
	}
	hint := "choose another port with --" + flag + "; port 0 takes any that is free"
	if notPermitted(err) {
		hint = "ports below 1024 are for root: let systemd open them (serve --systemd), or run setcap cap_net_bind_service=+ep on the program"
	}
	return nil, fault.New(fault.Other, hint, "listen on %s: %w", address, err)
}

// origin returns the server's own URL.
func origin(scheme string, a net.Addr) string {
	host, port, err := net.SplitHostPort(a.String())
	if err != nil {
		return scheme + "://" + a.String() + "/"
	}
	if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() {
		host = "localhost"
	}
	if usual := map[string]string{"http": "80", "https": "443"}; port == usual[scheme] {
		if strings.Contains(host, ":") {
			host = "[" + host + "]"
		}
		return scheme + "://" + host + "/"
	}
	return scheme + "://" + net.JoinHostPort(host, port) + "/"
}

// addressOf returns the address of a socket; "" of none.
func addressOf(l net.Listener) string {
	if l == nil {
		return ""
	}
	return l.Addr().String()
}

// portOf returns the port of an address; 0 if it has none.
func portOf(a net.Addr) int {
	_, port, err := net.SplitHostPort(a.String())
	if err != nil {
		return 0
	}
	n, _ := strconv.Atoi(port) // 0 for none
	return n
}

// onlyHere reports whether an address is reached from this machine alone.
func onlyHere(a net.Addr) bool {
	host, _, err := net.SplitHostPort(a.String())
	ip := net.ParseIP(host)
	return err == nil && ip != nil && ip.IsLoopback()
}
