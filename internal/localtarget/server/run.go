package server

import (
	"cmp"
	"context"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/cfjs"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/edge"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/server/certs"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/server/front"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/server/handover"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/server/metrics"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/server/systemd"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/state"
)

// server is one run of the server: what it has opened, until close.
type server struct {
	opts    Options
	dir     state.Dir
	lock    *state.Lock
	before  *handover.Predecessor // nil if this process takes nobody's place
	holder  state.Holder
	sockets sockets
	metrics net.Listener

	access *logFile
	fleet  *fleet
	keeper *certs.Keeper // nil without https
	front  *front.Front
}

// run serves until ctx ends or someone asks it to stop.
func (s *server) run(ctx context.Context) (err error) {
	if s.access, err = openLog(s.dir.AccessLog(), maxAccessLog); err != nil {
		return err
	}
	calibrated := make(chan struct{}) // beside all else that a start has to do
	go func() { defer close(calibrated); cfjs.Calibrate() }()
	s.opts.CacheBytes = cmp.Or(s.opts.CacheBytes, edge.DefaultCacheBytes)
	tuneCollector(ctx, s.opts.CacheBytes)
	s.openFleet()
	if err := s.openKeeper(); err != nil {
		return err
	}
	s.fleet.scan()
	s.openFront()
	failed := make(chan error, 2)
	go func() { failed <- s.front.Serve() }()
	if s.metrics != nil {
		go func() { failed <- s.serveMetrics() }()
	}
	asked, ignore := handover.Asked()
	defer ignore()
	<-calibrated
	if err := s.announce(); err != nil {
		return err
	}
	return s.follow(ctx, failed, asked)
}

// follow takes up what changes in the state folder, until ctx ends, something fails, or another process takes over.
func (s *server) follow(ctx context.Context, failed <-chan error, asked <-chan os.Signal) error {
	told := ctx
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	watching := make(chan struct{})
	go func() {
		defer close(watching)
		defer stop()
		s.fleet.watch(ctx)
	}()
	for ctx.Err() == nil {
		select {
		case err := <-failed:
			return err
		case <-ctx.Done():
		case <-asked:
			if next := s.successor(ctx); next != nil {
				stop()
				<-watching
				return s.handOver(told, next)
			}
		}
	}
	s.opts.Log.Info("stopping")
	systemd.Notify("STOPPING=1")
	s.drain()
	return nil
}

// drain finishes what has been begun here, and waits for the process before, if that is not done yet.
func (s *server) drain() {
	s.front.Drain()
	ctx, stop := context.WithTimeout(context.Background(), cmp.Or(s.opts.Limits.DrainTimeout, DefaultLimits().DrainTimeout))
	defer stop()
	s.before.Gone(ctx)
}

func (s *server) openFleet() {
	s.fleet = newFleet(s.dir, s.opts.Version, s.opts.CacheBytes, s.opts.Log, s.access)
	s.fleet.urls = state.Holder{Listen: s.sockets.HTTP.Addr().String()}
	if s.sockets.HTTPS != nil {
		s.fleet.httpsPort = portOf(s.sockets.HTTPS.Addr())
		s.fleet.urls.HTTPS = s.sockets.HTTPS.Addr().String()
	}
}

// openKeeper makes what finds certificates, if there is https.
func (s *server) openKeeper() (err error) {
	if s.sockets.HTTPS == nil {
		return nil
	}
	acme := certs.ACME{Directory: s.opts.ACME.Directory, Email: s.opts.ACME.Email, RenewCheck: s.opts.ACME.RenewCheck}
	acme.Off = acme.Directory == "" && onlyHere(s.sockets.HTTPS.Addr())
	if file := s.opts.ACME.Roots; file != "" {
		pem, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("read --acme-root: %w", err)
		}
		acme.Roots = x509.NewCertPool()
		if !acme.Roots.AppendCertsFromPEM(pem) {
			return fault.New(fault.Usage, "give a file with certificates in PEM", "read --acme-root %s: it holds no certificate", file)
		}
	}
	s.keeper, err = certs.Open(certs.Options{
		Dir: s.dir.Certificates(), ACME: acme, HTTP: s.sockets.HTTP.Addr(), HTTPS: s.sockets.HTTPS.Addr(),
		Known: s.fleet.known, Log: s.opts.Log,
	})
	if err == nil {
		s.fleet.domains = s.keeper.Manage
	}
	return err
}

func (s *server) openFront() {
	opts := front.Options{
		HTTP: []net.Listener{s.sockets.HTTP, s.sockets.HTTP6}, HTTPS: []net.Listener{s.sockets.HTTPS, s.sockets.HTTPS6},
		QUIC:    []net.PacketConn{s.sockets.QUIC, s.sockets.QUIC6},
		Handler: s.fleet, Quick: true, Limits: s.opts.Limits, Log: s.opts.Log,
	}
	if s.keeper != nil {
		opts.TLS, opts.ResetKey, opts.Handler = s.keeper.TLS(), s.keeper.ResetKey(), s.keeper.Challenges(s.fleet)
	}
	s.front = front.New(opts)
}

// announce says that the server answers.
func (s *server) announce() error {
	h := &s.holder
	h.Listen, h.URL, h.HTTPS = s.sockets.HTTP.Addr().String(), origin("http", s.sockets.HTTP.Addr()), ""
	if s.sockets.HTTPS != nil {
		h.HTTPS, h.URL = s.sockets.HTTPS.Addr().String(), origin("https", s.sockets.HTTPS.Addr())
	}
	if s.metrics != nil {
		h.Metrics = s.metrics.Addr().String()
	}
	// The one before tells the service manager who the main process is by now, and whoever waits for the holder finds that done.
	s.before.Ready()
	if err := s.dir.SaveHolder(*h); err != nil {
		return err
	}
	s.opts.Log.Info("serving", "url", h.URL, "state", string(s.dir))
	if s.metrics != nil {
		s.opts.Log.Info("metrics and health", "url", origin("http", s.metrics.Addr())+"metrics")
		if !onlyHere(s.metrics.Addr()) {
			s.opts.Log.Warn("others than this machine can read the metrics, which name the sites", "address", s.metrics.Addr().String())
		}
	}
	if s.before == nil {
		systemd.Notify("READY=1", "STATUS=Serving "+h.URL)
	}
	if s.opts.Ready != nil {
		s.opts.Ready(*h)
	}
	return nil
}

// serveMetrics answers on the address for metrics.
func (s *server) serveMetrics() error {
	server := &http.Server{
		Handler:           s.fleet.metrics.Handler(s.fleet.health, s.samples),
		ReadHeaderTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
		ErrorLog: slog.NewLogLogger(s.opts.Log.Handler(), slog.LevelDebug),
	}
	if err := server.Serve(s.metrics); err != nil {
		return fmt.Errorf("serve metrics: %w", err)
	}
	return nil
}

// samples are the metrics that are not of one site.
func (s *server) samples() []metrics.Sample {
	st := s.front.Stats()
	list := []metrics.Sample{
		{Name: "cht_build_info", Help: "The version that runs.", Labels: []string{"version", s.opts.Version}, Value: 1},
		{Name: "cht_sites", Help: "Sites that are served.", Value: float64(s.fleet.count())},
		{Name: "cht_connections", Help: "Open connections.", Labels: []string{"transport", "tcp"}, Value: float64(st.Connections)},
		{Name: "cht_connections", Labels: []string{"transport", "quic"}, Value: float64(st.QUICConnections)},
		{Name: "cht_requests_in_progress", Help: "Requests that are being answered.", Value: float64(st.Requests)},
		{Name: "cht_connections_refused_total", Help: "Connections of clients that had too many.", Value: float64(st.Refused)},
		{Name: "cht_connections_evicted_total", Help: "Idle connections that had to make room.", Value: float64(st.Evicted)},
		{Name: "cht_requests_turned_away_total", Help: "Requests answered 503 because too many were in progress.", Value: float64(st.TurnedAway)},
	}
	if s.keeper == nil {
		return list
	}
	for _, d := range s.keeper.Expiries() {
		list = append(list, metrics.Sample{Name: "cht_certificate_expiry_timestamp_seconds", Help: "When the certificate of a domain ends; 0 if there is none.",
			Labels: []string{"domain", d.Domain}, Value: d.Seconds()})
	}
	return list
}

// close frees what the server has opened. The front closes its sockets when it is drained; closing them twice does no harm.
func (s *server) close() {
	if s.fleet != nil {
		s.fleet.close()
	}
	if s.keeper != nil {
		s.keeper.Close()
	}
	if s.access != nil {
		s.access.Close()
	}
	for _, l := range []net.Listener{s.sockets.HTTP, s.sockets.HTTPS, s.sockets.HTTP6, s.sockets.HTTPS6, s.metrics} {
		if l != nil {
			_ = l.Close()
		}
	}
	for _, c := range []net.PacketConn{s.sockets.QUIC, s.sockets.QUIC6} {
		if c != nil {
			_ = c.Close()
		}
	}
}
