// Package server is the one long-lived process of the local target: it serves every site of the state folder, watches
// their sources, and runs their pipelines. It has no commands of its own: what others write into the state folder is what
// it does, within milliseconds.
package server

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/server/front"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/server/handover"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/server/systemd"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/state"
)

// DefaultListen and DefaultListenHTTPS are the addresses that the server listens on if no others are asked for.
const (
	DefaultListen      = "127.0.0.1:8080"
	DefaultListenHTTPS = "127.0.0.1:8443"
)

const (
	// lockPatience is how long Run waits for the state folder: asking who holds it takes it for a moment.
	lockPatience = 500 * time.Millisecond
	// stopPatience is how long Stop waits beyond what requests may take. A build is given time to end.
	stopPatience = 30 * time.Second
	// handoverPatience is how long a successor waits for the state folder: builds are given time to end.
	handoverPatience = time.Minute
)

// Options are what a server depends on.
type Options struct {
	// StateDir is the state folder, an absolute path.
	StateDir string
	// Listen is the address to listen on: DefaultListen if it is empty; port 0 means any free port.
	Listen string
	// ListenHTTPS is the address for https; none if it is empty. HTTP/3 takes the same one, over UDP, unless NoHTTP3.
	ListenHTTPS string
	NoHTTP3     bool
	ACME        ACME
	// Metrics is the address for /metrics and /healthz; none if it is empty.
	Metrics string
	Limits  Limits
	// CacheBytes bounds the memory in which objects of all sites are kept: edge.DefaultCacheBytes if it is 0.
	CacheBytes int64
	// Sockets, if there are any, are listened on in the place of Listen and ListenHTTPS.
	Sockets Sockets
	Version string
	// Log gets what the server has to say; nil for nothing. Access logs and logs of functions are files of their own.
	Log *slog.Logger
	// Ready is called once, when the server answers; it may be nil.
	Ready func(state.Holder)
}

// Limits bound what viewers may cost; see package front.
type Limits = front.Limits

// DefaultLimits returns the limits that hold where none are given.
func DefaultLimits() Limits { return front.DefaultLimits() }

// Sockets are sockets that were handed down by a service manager.
type Sockets = systemd.Sockets

// InheritSockets takes the sockets that a service manager has handed down to this process; there need not be any.
func InheritSockets() (Sockets, error) { return systemd.Inherit() }

// ACME says where certificates for domains on the Internet come from.
type ACME struct {
	// Directory is the authority's URL. If it is empty, it is Let's Encrypt's if others can reach the server, and none if
	// only this machine can.
	Directory string
	// Email is told of trouble with certificates; it may be empty.
	Email string
	// Roots is a file with the certificates that the authority's own one may be from; the system's if it is empty.
	Roots string
	// RenewCheck is how often it is looked whether a certificate is to be renewed; 10 minutes if it is 0.
	RenewCheck time.Duration
}

// Run serves until ctx ends, the process is interrupted or terminated, or Stop is called; these are no errors. It fails
// at once if another process works on the state folder or if the address cannot be listened on.
func Run(ctx context.Context, opts Options) error {
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	before, inherited, err := handover.Inherit()
	if err != nil {
		return err
	}
	patience := lockPatience
	if before != nil {
		opts.Sockets, patience = inherited, handoverPatience
	}
	dir := state.Dir(opts.StateDir)
	if err := dir.Create(); err != nil {
		return err
	}
	before.Waiting()
	lock, err := dir.Lock(ctx, patience)
	if errors.Is(err, state.ErrLocked) {
		return inUse(dir)
	}
	if err != nil {
		return err
	}
	defer func() { _ = lock.Unlock() }() // the end of the process frees it in any case
	// From here on serve.json is this process's; its address is known later.
	last, _, err := dir.Holder()
	if err != nil {
		return err
	}
	h := state.Holder{PID: os.Getpid(), Command: "serve", Listen: last.Listen, HTTPS: last.HTTPS, StartedAt: time.Now().UTC(), Version: opts.Version}
	if err := dir.SaveHolder(h); err != nil {
		return err
	}
	if err := dir.SaveRun(h.PID); err != nil {
		return err
	}
	defer removeRunFile(dir, h.PID)
	ctx, cancel := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer cancel()
	s := &server{opts: opts, dir: dir, lock: lock, before: before, holder: h}
	defer s.close()
	if err := s.listen(ctx); err != nil {
		return err
	}
	s.holder.Listen6, s.holder.HTTPS6 = addressOf(s.sockets.HTTP6), addressOf(s.sockets.HTTPS6)
	return s.run(ctx)
}

// removeRunFile removes the run file, unless it is another process's by now.
func removeRunFile(dir state.Dir, pid int) {
	if text, err := os.ReadFile(dir.RunFile()); err == nil && string(text) == strconv.Itoa(pid) {
		_ = os.Remove(dir.RunFile())
	}
}

// inUse says who holds the state folder.
func inUse(dir state.Dir) error {
	h, _, err := dir.Holder()
	if err != nil {
		return err
	}
	if h.Serves() {
		return fault.New(fault.Other, "stop it with serve --stop, or give another folder with --state-dir",
			"a server already runs for %s: process %d at %s", dir, h.PID, h.URL)
	}
	return fault.New(fault.Other, "try again when it is done, or give another folder with --state-dir",
		"another process (%s, process %d) works on %s", cmp.Or(h.Command, "unknown"), h.PID, dir)
}

// Stop asks the server of the state folder to stop, and returns when it has. It is no error if none runs; stopped is false
// then.
func Stop(ctx context.Context, stateDir string) (stopped bool, err error) {
	dir := state.Dir(stateDir)
	h, running, err := dir.Holder()
	if err != nil || !running {
		return false, err
	}
	if !h.Serves() {
		return false, inUse(dir)
	}
	if err := os.Remove(dir.RunFile()); err != nil && !errors.Is(err, os.ErrNotExist) {
		return false, fmt.Errorf("stop server: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, stopPatience+DefaultLimits().DrainTimeout)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return false, fault.New(fault.Other, fmt.Sprintf("end process %d by hand", h.PID), "stop server: process %d has not ended: %w", h.PID, ctx.Err())
		case <-tick.C:
		}
		if _, running, err := dir.Holder(); err != nil || !running {
			return err == nil, err
		}
	}
}
