// Package server is the one long-lived process of the local target: it serves every site of the state folder, watches
// their sources, and runs their pipelines. It has no commands of its own: what others write into the state folder is what
// it does, within milliseconds.
package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/state"
)

// DefaultListen is the address that the server listens on if no other is asked for.
const DefaultListen = "127.0.0.1:8080"

const (
	// lockPatience is how long Run waits for the state folder: asking who holds it takes it for a moment.
	lockPatience = 500 * time.Millisecond
	// shutdownPatience is how long requests may take to end when the server stops.
	shutdownPatience = 5 * time.Second
	// stopPatience is how long Stop waits. A build is given time to end, so it is longer.
	stopPatience = 30 * time.Second
)

// Options are what a server depends on.
type Options struct {
	// StateDir is the state folder, an absolute path.
	StateDir string
	// Listen is the address to listen on: DefaultListen if it is empty; port 0 means any free port.
	Listen  string
	Version string
	// Log gets what the server has to say; nil for nothing. Access logs and logs of functions are files of their own.
	Log *slog.Logger
	// Ready is called once, when the server answers; it may be nil.
	Ready func(state.Holder)
}

// Run serves until ctx ends, the process is interrupted or terminated, or Stop is called; these are no errors. It fails
// at once if another process works on the state folder or if the address cannot be listened on.
func Run(ctx context.Context, opts Options) error {
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	dir := state.Dir(opts.StateDir)
	if err := dir.Create(); err != nil {
		return err
	}
	lock, err := dir.Lock(ctx, lockPatience)
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
	h := state.Holder{PID: os.Getpid(), Command: "serve", Listen: last.Listen, StartedAt: time.Now().UTC(), Version: opts.Version}
	if err := dir.SaveHolder(h); err != nil {
		return err
	}
	if err := state.WriteFile(dir.RunFile(), []byte(strconv.Itoa(h.PID))); err != nil {
		return err
	}
	defer os.Remove(dir.RunFile())
	ctx, cancel := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer cancel()
	listener, err := listen(ctx, opts.Listen)
	if err != nil {
		return err
	}
	defer listener.Close()
	return serve(ctx, dir, listener, h, opts)
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
		"another process (%s, process %d) works on %s", orElse(h.Command, "unknown"), h.PID, dir)
}

func orElse(text, other string) string {
	if text == "" {
		return other
	}
	return text
}

func listen(ctx context.Context, address string) (net.Listener, error) {
	address = orElse(address, DefaultListen)
	if !strings.Contains(address, ":") {
		address += ":8080"
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err == nil {
		return l, nil
	}
	var where *net.AddrError
	var dns *net.DNSError
	if errors.As(err, &where) || errors.As(err, &dns) {
		return nil, fault.New(fault.Usage, "give an address such as "+DefaultListen+" with --listen", "listen on %s: %w", address, err)
	}
	return nil, fault.New(fault.Other, "choose another port with --listen; port 0 takes any that is free", "listen on %s: %w", address, err)
}

// origin returns the server's own URL.
func origin(a net.Addr) string {
	host, port, err := net.SplitHostPort(a.String())
	if err != nil {
		return "http://" + a.String() + "/"
	}
	if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, port) + "/"
}

func serve(ctx context.Context, dir state.Dir, listener net.Listener, h state.Holder, opts Options) error {
	access, err := openLog(dir.AccessLog(), maxAccessLog)
	if err != nil {
		return err
	}
	defer access.Close()
	fleet := newFleet(dir, listener.Addr().String(), opts.Version, opts.Log, access)
	defer fleet.close()
	fleet.scan()

	server := &http.Server{
		Handler: fleet,
		// A request's header is read within a blink; bodies are not accepted, and answers may take as long as they are read.
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(opts.Log.Handler(), slog.LevelDebug),
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()

	h.Listen, h.URL = listener.Addr().String(), origin(listener.Addr())
	if err := dir.SaveHolder(h); err != nil {
		return err
	}
	opts.Log.Info("serving", "url", h.URL, "state", string(dir))
	if opts.Ready != nil {
		opts.Ready(h)
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		defer stop()
		fleet.watch(ctx)
	}()
	select {
	case err := <-served:
		return fmt.Errorf("serve %s: %w", h.URL, err)
	case <-ctx.Done():
	}
	opts.Log.Info("stopping")
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownPatience)
	defer cancel()
	if server.Shutdown(grace) != nil {
		_ = server.Close() // who still reads after the patience is cut off
	}
	return nil
}

// Stop asks the server of the state folder to stop, and returns when it has. It is no error if none runs.
func Stop(ctx context.Context, stateDir string) error {
	dir := state.Dir(stateDir)
	h, running, err := dir.Holder()
	if err != nil || !running {
		return err
	}
	if !h.Serves() {
		return inUse(dir)
	}
	if err := os.Remove(dir.RunFile()); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("stop server: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, stopPatience)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return fault.New(fault.Other, fmt.Sprintf("end process %d by hand", h.PID), "stop server: process %d has not ended: %w", h.PID, ctx.Err())
		case <-tick.C:
		}
		if _, running, err := dir.Holder(); err != nil || !running {
			return err
		}
	}
}
