package front

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
)

// errBusy is what a QUIC connection is refused with.
var errBusy = errors.New("too many connections")

// newQUIC makes the HTTP/3 server.
func (f *Front) newQUIC() {
	for _, c := range f.opts.QUIC {
		t := &quic.Transport{Conn: c, ConnContext: f.followQUIC, VerifySourceAddress: f.underLoad}
		if f.opts.ResetKey != nil {
			t.StatelessResetKey = (*quic.StatelessResetKey)(f.opts.ResetKey)
		}
		f.quic = append(f.quic, t)
	}
	f.h3 = &http3.Server{
		Handler:        http.HandlerFunc(f.serveQUIC),
		Port:           portOf(f.opts.QUIC[0].LocalAddr()),
		MaxHeaderBytes: f.limits.HeaderBytes,
		IdleTimeout:    f.limits.IdleTimeout,
	}
}

// serveUDP serves HTTP/3 on one socket.
func (f *Front) serveUDP(t *quic.Transport) error {
	l, err := t.Listen(http3.ConfigureTLSConfig(tlsForQUIC(f.opts.TLS)), &quic.Config{
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
	})
	if err != nil {
		return fmt.Errorf("serve HTTP/3: %w", err)
	}
	if err := f.h3.ServeListener(l); err != nil && !f.quicEnded.Load() {
		return fmt.Errorf("serve HTTP/3: %w", err)
	}
	return nil
}

// serveQUIC gives the request the deadlines that the servers of the other protocols set themselves.
func (f *Front) serveQUIC(rw http.ResponseWriter, r *http.Request) {
	f.quicRequests.Add(1)
	defer f.quicRequests.Add(-1)
	control := http.NewResponseController(rw)
	_ = control.SetWriteDeadline(time.Now().Add(f.limits.StallTimeout)) // a closed stream says so when it is written to
	_ = control.SetReadDeadline(time.Now().Add(f.limits.StallTimeout))
	if r.ContentLength < 0 && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
		// Whether a body follows is not known before the stream's end has come. One that was not announced is not read.
		r.Body, r.ContentLength = http.NoBody, 0
	}
	f.serveHTTP(rw, r)
}

// tlsForQUIC is the configuration without what is said over TCP only.
func tlsForQUIC(c *tls.Config) *tls.Config {
	c = c.Clone()
	c.NextProtos = nil
	return c
}

// followQUIC counts a connection, or refuses it. The address of a viewer that has not answered yet may be somebody else's, so
// it does not count against that.
func (f *Front) followQUIC(ctx context.Context, info *quic.ClientInfo) (context.Context, error) {
	client := netip.Prefix{}
	if info.AddrVerified {
		client = clientOf(info.RemoteAddr)
	}
	leave, ok := f.pool.enter(client)
	if !ok || f.draining.Load() || f.quicConns.Load() >= int64(f.limits.Connections) {
		f.pool.refused.Add(1)
		if ok {
			leave()
		}
		return nil, errBusy
	}
	f.quicConns.Add(1)
	context.AfterFunc(ctx, func() {
		f.quicConns.Add(-1)
		leave()
	})
	return ctx, nil
}

// underLoad says when a viewer has to answer before a connection costs anything.
func (f *Front) underLoad(net.Addr) bool {
	return f.quicConns.Load() > int64(f.limits.Connections/20)
}

// EndQUIC ends HTTP/3 at once, and tells viewers so: two processes cannot share its socket, each would get some of the other's
// packets. What comes from then on waits in the kernel for whoever else has the socket.
func (f *Front) EndQUIC() {
	if f.h3 == nil || f.quicEnded.Swap(true) {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	f.drainQUIC(ctx)
}

// drainQUIC tells viewers to go, waits for the answers on their way and lastRequests longer, and closes: viewers keep a connection
// open after their last answer, and it is not worth waiting for.
func (f *Front) drainQUIC(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for quiet := time.Now(); ctx.Err() == nil; {
			select {
			case <-ctx.Done():
			case <-tick.C:
			}
			if f.quicRequests.Load() > 0 {
				quiet = time.Now()
			}
			if time.Since(quiet) >= lastRequests { // an answer that has been written may still be on its way
				cancel()
			}
		}
	}()
	_ = f.h3.Shutdown(ctx) // it closes what is left when ctx ends
	for _, t := range f.quic {
		_ = t.Close()
		_ = t.Conn.Close()
	}
}
