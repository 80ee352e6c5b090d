// Package front takes viewers' connections and requests, over HTTP/1.1, HTTP/2 and HTTP/3, and bounds what they may cost in
// memory and in time. What is answered is its handler's business.
package front

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/server/front/h1"
)

// lastRequests is how long connections may be used again once the server drains: an answer in that time tells the viewer to
// connect anew, which it does without harm, where a connection that is cut while a request is on its way is an error.
const lastRequests = 250 * time.Millisecond

// Options are what a Front is made of.
type Options struct {
	// HTTP take connections without TLS; HTTPS those with TLS; QUIC take HTTP/3, all on one port. There may be none of each; nil
	// ones do not count. The Front closes them.
	HTTP, HTTPS []net.Listener
	QUIC        []net.PacketConn
	// TLS is needed with HTTPS or QUIC. Its NextProtos name what is spoken over TCP.
	TLS *tls.Config
	// ResetKey, if it is the same after a restart, lets the server tell viewers that their QUIC connections are gone.
	ResetKey *[32]byte
	Handler  http.Handler
	// Quick says that the handler calls the Writer's TakesLong before it does anything that takes longer than a few microseconds.
	Quick  bool
	Limits Limits
	// Log gets what viewers do wrong, at the level of debugging; nil for nothing.
	Log *slog.Logger
}

// Front serves until it is drained.
type Front struct {
	opts   Options
	limits Limits
	altSvc []string

	pool          *pool
	simple        *h1.Server
	handed        *handed // without TLS
	handedTLS     *handed
	plain, secure *http.Server
	quic          []*quic.Transport
	h3            *http3.Server

	requests, turnedAway    atomic.Int64
	quicConns, quicRequests atomic.Int64
	draining, quicEnded     atomic.Bool
	handshakes              atomic.Int64
}

// Stats says what a Front is busy with.
type Stats struct {
	// Connections are open over TCP, QUICConnections over QUIC; Requests are being worked on.
	Connections, QUICConnections, Requests int
	// Refused counts connections of clients that had too many, Evicted idle ones that had to make room, TurnedAway
	// requests that were answered 503 because too many were being worked on.
	Refused, Evicted, TurnedAway int64
}

// New returns a Front that does not serve yet.
func New(opts Options) *Front {
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	none := func(l net.Listener) bool { return l == nil }
	opts.HTTP, opts.HTTPS = slices.DeleteFunc(slices.Clone(opts.HTTP), none), slices.DeleteFunc(slices.Clone(opts.HTTPS), none)
	opts.QUIC = slices.DeleteFunc(slices.Clone(opts.QUIC), func(c net.PacketConn) bool { return c == nil })
	f := &Front{opts: opts, limits: opts.Limits.orDefaults()}
	f.pool = newPool(f.limits)
	f.plain, f.secure = f.newServer(), f.newServer()
	f.simple = f.newSimple()
	if len(opts.HTTP) > 0 {
		f.handed = newHanded(opts.HTTP[0].Addr())
	}
	if len(opts.HTTPS) > 0 {
		f.handedTLS = newHanded(opts.HTTPS[0].Addr())
	}
	if len(opts.QUIC) > 0 {
		f.altSvc = []string{`h3=":` + strconv.Itoa(portOf(opts.QUIC[0].LocalAddr())) + `"; ma=86400`}
		f.newQUIC()
	}
	return f
}

// Serve serves until Drain has been called, which is no error, or until a listener fails.
func (f *Front) Serve() error {
	var running sync.WaitGroup
	failed := make(chan error, 2+len(f.opts.HTTP)+len(f.opts.HTTPS)+len(f.opts.QUIC))
	run := func(serve func() error) {
		running.Go(func() {
			if err := serve(); err != nil && !f.draining.Load() && !errors.Is(err, http.ErrServerClosed) {
				failed <- err
			}
		})
	}
	for _, l := range f.opts.HTTP {
		run(func() error { return f.simple.Serve(f.listen(l)) })
	}
	for _, l := range f.opts.HTTPS {
		run(func() error { return f.serveTLS(f.listen(l)) })
	}
	if f.handed != nil {
		run(func() error { return f.plain.Serve(f.handed) })
	}
	if f.handedTLS != nil {
		run(func() error { return f.secure.Serve(f.handedTLS) })
	}
	for _, t := range f.quic {
		run(func() error { return f.serveUDP(t) })
	}
	ended := make(chan struct{})
	go func() { running.Wait(); close(ended) }()
	select {
	case err := <-failed:
		return err
	case <-ended:
		select {
		case err := <-failed:
			return err
		default:
			return nil
		}
	}
}

func (f *Front) listen(l net.Listener) net.Listener {
	return &listener{Listener: l, pool: f.pool, stop: make(chan struct{})}
}

func (f *Front) newServer() *http.Server {
	return &http.Server{
		Handler:           http.HandlerFunc(f.serveHTTP),
		ReadHeaderTimeout: f.limits.HeaderTimeout,
		ReadTimeout:       f.limits.StallTimeout, // of the first stallBytes; see body
		WriteTimeout:      f.limits.StallTimeout, // as well; see Writer
		IdleTimeout:       f.limits.IdleTimeout,
		MaxHeaderBytes:    f.limits.HeaderBytes,
		ConnState:         f.pool.follow,
		ErrorLog:          slog.NewLogLogger(f.opts.Log.Handler(), slog.LevelDebug),
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams: f.limits.Streams,
			MaxReadFrameSize:     16 << 10, // the least that the protocol allows: a frame is held in memory as a whole
			// A connection on which nothing can be written is closed; so is one whose viewer does not answer a ping.
			WriteByteTimeout: f.limits.StallTimeout,
			SendPingTimeout:  f.limits.IdleTimeout,
			PingTimeout:      f.limits.HeaderTimeout,
		},
	}
}

// serveHTTP gives a request to the handler, within the limits.
func (f *Front) serveHTTP(rw http.ResponseWriter, r *http.Request) {
	h := rw.Header()
	if f.altSvc != nil && r.TLS != nil && r.ProtoMajor < 3 {
		h["Alt-Svc"] = f.altSvc
	}
	if r.ProtoMajor == 1 && f.draining.Load() {
		h["Connection"] = []string{"close"}
	}
	if f.requests.Add(1) > int64(f.limits.Requests) {
		f.requests.Add(-1)
		f.turnedAway.Add(1)
		h.Set("Retry-After", "1")
		rw.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	defer f.requests.Add(-1)
	if r.Body != nil && r.Body != http.NoBody {
		r.Body = &body{ReadCloser: r.Body, w: rw, stall: f.limits.StallTimeout}
	}
	f.opts.Handler.ServeHTTP(&Writer{ResponseWriter: rw, stall: f.limits.StallTimeout}, r)
}

// Stats returns what the Front is busy with now.
func (f *Front) Stats() Stats {
	return Stats{
		Connections: f.pool.len(), QUICConnections: int(f.quicConns.Load()), Requests: int(f.requests.Load()),
		Refused: f.pool.refused.Load(), Evicted: f.pool.evicted.Load(), TurnedAway: f.turnedAway.Load(),
	}
}

// stopper is a server that can be stopped.
type stopper interface {
	Shutdown(ctx context.Context) error
	Close() error
}

// Drain takes no more connections, tells viewers to go elsewhere, and returns when all requests have been answered, or after
// DrainTimeout, when it cuts off who still reads. Connections that wait in the kernel are not touched: whoever else has the
// listening socket takes them.
func (f *Front) Drain() {
	f.draining.Store(true)
	for _, l := range slices.Concat(f.opts.HTTP, f.opts.HTTPS) {
		_ = l.Close()
	}
	ctx, cancel := context.WithTimeout(context.Background(), f.limits.DrainTimeout)
	defer cancel()
	last := time.Now().Add(min(lastRequests, f.limits.DrainTimeout))
	for f.pool.len() > 0 && time.Now().Before(last) {
		time.Sleep(5 * time.Millisecond)
	}
	last = time.Now().Add(min(lastHandshakes, f.limits.DrainTimeout))
	for f.handshakes.Load() > 0 && time.Now().Before(last) {
		time.Sleep(5 * time.Millisecond)
	}
	var closing sync.WaitGroup
	for _, s := range []stopper{f.plain, f.secure, f.simple} {
		closing.Go(func() {
			if s.Shutdown(ctx) != nil {
				_ = s.Close()
			}
		})
	}
	if f.h3 != nil && !f.quicEnded.Load() {
		closing.Go(func() { f.drainQUIC(ctx) })
	}
	closing.Wait()
}

func portOf(a net.Addr) int {
	_, port, err := net.SplitHostPort(a.String())
	if err != nil {
		return 0
	}
	n, _ := strconv.Atoi(port) // 0 for none
	return n
}
