package localtarget

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/server"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/state"
)

const (
	// startPatience is how long a server may take to start.
	startPatience = 20 * time.Second
	glance        = 10 * time.Millisecond
	// maxServeLog is where serve.log begins anew, as a server starts.
	maxServeLog = 4 << 20
)

// ensureServer returns the server of the state folder, after starting it in the background if none runs.
func (h *Hosting) ensureServer(ctx context.Context, report hosting.Reporter) (state.Holder, error) {
	lock, holder, err := h.lockOrServer(ctx, report)
	if err != nil {
		return state.Holder{}, err
	}
	if lock == nil {
		h.adviseOnServer(holder, report)
		return holder, nil
	}
	// The lock was only taken to see that it is free; the server takes it itself.
	if err := lock.Unlock(); err != nil {
		return state.Holder{}, err
	}
	listen, fixed := h.listen(holder)
	report.Detail("starting the server")
	if fixed || free(ctx, listen) {
		return h.startServer(ctx, listen, holder)
	}
	started, err := h.startServer(ctx, "127.0.0.1:0", holder)
	if err == nil {
		report.Warn("%s is in use by another program; the server listens on %s", listen, started.Listen)
	}
	return started, err
}

// lockOrServer returns the lock of the state folder if it is free, else the server that holds it. Another process that
// runs a deployment is waited for. With a lock, the holder is the last one.
func (h *Hosting) lockOrServer(ctx context.Context, report hosting.Reporter) (*state.Lock, state.Holder, error) {
	for {
		holder, running, err := h.dir.Holder()
		if err != nil {
			return nil, holder, err
		}
		if !running {
			lock, err := h.dir.Lock(ctx, 10*glance)
			if !errors.Is(err, state.ErrLocked) {
				return lock, holder, err
			}
			continue // someone was faster
		}
		// What serve.json says may be of the holder before, for the moment until the new one has written its own.
		if holder.Serves() && answers(ctx, holder.Listen) {
			return nil, holder, nil
		}
		if holder.Command != "" {
			report.Detail("waiting for process %d (%s), which works on the state folder", holder.PID, holder.Command)
		}
		select {
		case <-time.After(5 * glance):
		case <-ctx.Done():
			return nil, holder, context.Cause(ctx)
		}
	}
}

func (h *Hosting) adviseOnServer(holder state.Holder, report hosting.Reporter) {
	if holder.Version != h.opts.Version {
		report.Warn("the server that runs is version %s, this is %s; restart it with serve --stop and deploy", cmp.Or(holder.Version, "unknown"), cmp.Or(h.opts.Version, "unknown"))
	}
	if want, fixed := h.listen(holder); fixed && want != holder.Listen && !strings.HasSuffix(want, ":0") {
		report.Warn("the server that runs listens on %s, not on %s", holder.Listen, want)
	}
}

// listen returns the address for a new server, and whether it must be that one.
func (h *Hosting) listen(last state.Holder) (address string, fixed bool) {
	if h.opts.Listen != "" && h.opts.Listen != server.DefaultListen {
		return h.opts.Listen, true
	}
	return cmp.Or(last.Listen, server.DefaultListen), false
}

// free reports whether an address can be listened on.
func free(ctx context.Context, address string) bool {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return false
	}
	return l.Close() == nil
}

func answers(ctx context.Context, address string) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return false
	}
	return conn.Close() == nil
}

// startServer starts a server that outlives this process, and returns when it answers. The last holder is what
// serve.json said while nobody held the state folder.
func (h *Hosting) startServer(ctx context.Context, listen string, last state.Holder) (state.Holder, error) {
	log, from, err := h.openServeLog()
	if err != nil {
		return state.Holder{}, err
	}
	defer log.Close()
	args := []string{"--state-dir", string(h.dir), "serve", "--listen", listen}
	if last.HTTPS != "" {
		args = append(args, "--listen-https", last.HTTPS) // as the last server did
	}
	cmd := exec.Command(h.opts.Executable, args...)
	cmd.Dir = string(h.dir) // a folder that the user may want to move or delete must not be in use
	cmd.Stdout, cmd.Stderr = log, log
	detach(cmd)
	if err := cmd.Start(); err != nil {
		return state.Holder{}, fmt.Errorf("start server: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	return h.awaitServer(ctx, ended, last, from)
}

// awaitServer waits for the first of: the server answers, or it has ended.
func (h *Hosting) awaitServer(ctx context.Context, ended <-chan error, last state.Holder, logFrom int64) (state.Holder, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, startPatience, errors.New("it does not answer"))
	defer cancel()
	for {
		// Whose server it is does not matter: another deployment may have started one at the same time.
		holder, running, err := h.dir.Holder()
		if err != nil {
			return holder, err
		}
		if running && holder.Serves() && !holder.StartedAt.Equal(last.StartedAt) && answers(ctx, holder.Listen) {
			return holder, nil
		}
		select {
		case <-time.After(glance):
		case <-ctx.Done():
			return holder, fault.New(fault.Other, "see "+h.dir.ServeLog(), "start server: %w", context.Cause(ctx))
		case err := <-ended:
			ended = nil
			if _, running, _ := h.dir.Holder(); running {
				continue
			}
			if err == nil {
				err = errors.New("it ended at once")
			}
			return holder, fault.New(fault.Other, "see "+h.dir.ServeLog()+", or run serve in another terminal", "start server: %w\n%s", err, h.lastLines(logFrom))
		}
	}
}

func (h *Hosting) openServeLog() (f *os.File, size int64, err error) {
	name := h.dir.ServeLog()
	if info, err := os.Stat(name); err == nil && info.Size() > maxServeLog {
		_ = os.Rename(name, name+".1") // else it grows on
	}
	f, err = os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, 0, fmt.Errorf("open log of server: %w", err)
	}
	if size, err = f.Seek(0, io.SeekEnd); err != nil {
		return nil, 0, errors.Join(fmt.Errorf("open log of server: %w", err), f.Close())
	}
	return f, size, nil
}

// lastLines returns the end of what a server has written since the log had the given size.
func (h *Hosting) lastLines(from int64) string {
	data, err := os.ReadFile(h.dir.ServeLog())
	if err != nil || int64(len(data)) < from {
		return ""
	}
	lines := strings.Split(string(bytes.TrimSpace(data[from:])), "\n")
	return strings.Join(lines[max(0, len(lines)-10):], "\n")
}
