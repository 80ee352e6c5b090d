package front

import (
	"context"
	"crypto/tls"
	"errors"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
)

// errBusy is what a QUIC connection is refused with.
var errBusy = errors.New("too many connections")

// startQUIC makes the HTTP/3 server and returns what serves.
func (f *Front) startQUIC() func() error {
	f.quic = &quic.Transport{Conn: f.opts.QUIC, ConnContext: f.followQUIC, VerifySourceAddress: f.underLoad}
	f.h3 = &http3.Server{
		Handler:        httpHandler(f.serveHTTP),
		Port:           portOf(f.opts.QUIC.LocalAddr()),
		MaxHeaderBytes: f.limits.HeaderBytes,
		IdleTimeout:    f.limits.IdleTimeout,
	}
	config := &quic.Config{
		HandshakeIdleTimeout: f.limits.HeaderTimeout,
		MaxIdleTimeout:       f.limits.IdleTimeout,
		MaxIncomingStreams:   int64(f.limits.Streams),
		// Viewers send headers and little else.
		InitialStreamReceiveWindow:     64 << 10,
		MaxStreamReceiveWindow:         512 << 10,
		InitialConnectionReceiveWindow: 128 << 10,
		MaxConnectionReceiveWindow:     1 << 20,
		// Early data can be replayed by others; behaviours with custom origins may not stand that.
		Allow0RTT: false,
	}
	return func() error {
		l, err := f.quic.Listen(http3.ConfigureTLSConfig(tlsForQUIC(f.opts.TLS)), config)
		if err != nil {
			return explain("HTTP/3", err)
		}
		return explain("HTTP/3", f.h3.ServeListener(l))
	}
}

// tlsForQUIC is the configuration without what is said over TCP only.
func tlsForQUIC(c *tls.Config) *tls.Config {
	c = c.Clone()
	c.NextProtos = nil
	return c
}

// followQUIC counts a connection, or refuses it.
func (f *Front) followQUIC(ctx context.Context, _ *quic.ClientInfo) (context.Context, error) {
	if f.draining.Load() || f.quicConns.Add(1) > int64(f.limits.Connections) {
		if !f.draining.Load() {
			f.quicConns.Add(-1)
		}
		f.pool.refused.Add(1)
		return nil, errBusy
	}
	context.AfterFunc(ctx, func() { f.quicConns.Add(-1) })
	return ctx, nil
}
