package state

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

// ErrLocked is what Lock returns while another process holds the state folder.
var ErrLocked = errors.New("the state folder is in use")

// lockRetry is how often a lock that is held is tried again.
const lockRetry = 20 * time.Millisecond

// Holder is the process that works on the state folder, as it is in serve.json. The file outlives the process, so that
// the next one can use the same address; whether the process still runs is told by the lock alone.
type Holder struct {
	PID int `json:"pid"`
	// Command is "serve", or "deploy" for a deployment that runs the pipeline in its own process.
	Command string `json:"command"`
	// Listen is the address that the server listens on, with the real port; of a "deploy", that of the last server.
	Listen string `json:"listen"`
	// HTTPS is the address that the server listens on for https; empty if it does not.
	HTTPS string `json:"https,omitempty"`
	// Listen6 and HTTPS6 are the addresses of [::1] that it listens on beside those of 127.0.0.1; empty if it does not.
	Listen6 string `json:"listen6,omitempty"`
	HTTPS6  string `json:"https6,omitempty"`
	// Metrics is the address that the server's metrics are read at; empty if there are none.
	Metrics string `json:"metrics,omitempty"`
	// URL is the server's own address, with a trailing slash; empty if Command is "deploy".
	URL       string    `json:"url,omitempty"`
	StartedAt time.Time `json:"startedAt"`
	Version   string    `json:"version,omitempty"`
	// Refusals counts the processes that were to take this one's place and did not; Refusal is why the last one did not.
	Refusals int    `json:"refusals,omitempty"`
	Refusal  string `json:"refusal,omitempty"`
}

// Serves reports whether the holder answers requests.
func (h Holder) Serves() bool { return h.Command == "serve" && h.URL != "" }

// Addresses are all addresses that the server listens on for viewers.
func (h Holder) Addresses() []string {
	return slices.DeleteFunc([]string{h.Listen, h.HTTPS, h.Listen6, h.HTTPS6}, func(a string) bool { return a == "" })
}

// URLs are the URL and, where the server listens on [::1] as well, that one.
func (h Holder) URLs() []string {
	six := h.Listen6
	if h.HTTPS != "" {
		six = h.HTTPS6
	}
	own, err := url.Parse(h.URL)
	if err != nil || six == "" {
		return []string{h.URL}
	}
	beside := *own
	if beside.Host = six; own.Port() == "" { // the scheme's usual one
		beside.Host = strings.TrimSuffix(six, six[strings.LastIndexByte(six, ':'):])
	}
	return []string{h.URL, beside.String()}
}

// HolderFile returns serve.json.
func (d Dir) HolderFile() string { return filepath.Join(string(d), "serve.json") }

// RunFile returns the file that a server makes when it starts, and whose removal asks it to stop: that works on every
// platform and on a full disk, and cannot hit a process that got the number of one that is gone.
func (d Dir) RunFile() string { return filepath.Join(string(d), "serve.run") }

func (d Dir) lockFile() string { return filepath.Join(string(d), "serve.lock") }

// Lock is a held lock on the state folder. The operating system frees it when the process ends, however it ends.
type Lock struct{ file *flock.Flock }

// Lock takes the state folder, which must exist, for this process. It waits up to patience, because asking whether
// the lock is held takes it for a moment, and returns ErrLocked if another process has it.
func (d Dir) Lock(ctx context.Context, patience time.Duration) (*Lock, error) {
	return lock(ctx, d.lockFile(), patience)
}

// Lock takes the site's work: its pipeline runs in this process until Unlock. It is what a deletion waits for.
func (s Site) Lock(ctx context.Context, patience time.Duration) (*Lock, error) {
	return lock(ctx, filepath.Join(string(s), "runner.lock"), patience)
}

func lock(ctx context.Context, name string, patience time.Duration) (*Lock, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, ErrLocked)
	defer cancel()
	f := flock.New(name, flock.SetPermissions(0o600))
	ok, err := f.TryLock()
	if err == nil && !ok {
		ok, err = f.TryLockContext(ctx, lockRetry)
	}
	if err != nil && ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", name, err)
	}
	if !ok {
		return nil, ErrLocked
	}
	return &Lock{f}, nil
}

// Unlock frees the lock. The file stays: removing it would let two processes hold locks on two files of one name.
func (l *Lock) Unlock() error { return l.file.Unlock() }

// Holder returns what serve.json says of the last process that held the state folder, and whether it still does. The
// zero Holder means that none ever did, or that the file is damaged.
func (d Dir) Holder() (h Holder, running bool, err error) {
	if data, err := os.ReadFile(d.HolderFile()); err == nil && json.Unmarshal(data, &h) != nil {
		h = Holder{}
	}
	if _, err := os.Stat(d.lockFile()); errors.Is(err, os.ErrNotExist) {
		return h, false, nil
	}
	f := flock.New(d.lockFile(), flock.SetPermissions(0o600))
	free, err := f.TryRLock()
	if err != nil {
		return h, false, fmt.Errorf("ask for lock of state folder: %w", err)
	}
	if free {
		return h, false, f.Unlock()
	}
	return h, true, nil
}

// SaveRun makes the file of RunFile, with the number of the process in it. A server has to start on a full disk too: there the file is
// empty, which takes no space.
func (d Dir) SaveRun(pid int) error {
	err := WriteFile(d.RunFile(), []byte(strconv.Itoa(pid)))
	if diskFull(err) && os.WriteFile(d.RunFile(), nil, 0o600) == nil {
		return nil
	}
	return err
}

// SaveHolder writes serve.json; only the holder of the lock calls it. On a full disk that of the last holder is written over, which
// takes no space; if that is cut off, the file is damaged, and so one of no holder.
func (d Dir) SaveHolder(h Holder) error {
	data, err := json.MarshalIndent(h, "", "  ")
	if err != nil {
		return fmt.Errorf("write %s: %w", d.HolderFile(), err)
	}
	data = append(data, '\n')
	err = WriteFile(d.HolderFile(), data)
	if diskFull(err) && overwrite(d.HolderFile(), data) == nil {
		return nil
	}
	return err
}

// overwrite puts data into a file that exists, in the space that the file has.
func overwrite(name string, data []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(data, 0)
	if err == nil {
		err = f.Truncate(int64(len(data)))
	}
	return errors.Join(err, f.Sync(), f.Close())
}

// URL returns the address of a site of the server that listens on listen.
func URL(name, listen string) string { return address("http", name+".localhost", listen, "80") }

// SiteURL returns the address of a site of the holder, which serves or has served: over https if it does that. Domain is the
// site's own name; it may be empty. A domain counts only where it leads to this machine, that is if the server listens to
// others than this machine itself.
func (h Holder) SiteURL(name, domain string) string {
	scheme, listen, usual := "http", h.Listen, "80"
	if h.HTTPS != "" {
		scheme, listen, usual = "https", h.HTTPS, "443"
	}
	host := name + ".localhost"
	if domain != "" && h.HTTPS != "" && !OnlyHere(h.HTTPS) {
		host = domain
	}
	return address(scheme, host, listen, usual)
}

// OnlyHere reports whether an address to listen on is reached from this machine alone.
func OnlyHere(listen string) bool {
	host, _, err := net.SplitHostPort(listen)
	ip := net.ParseIP(host)
	return err == nil && (host == "localhost" || ip != nil && ip.IsLoopback())
}

func address(scheme, host, listen, usual string) string {
	if _, port, err := net.SplitHostPort(listen); err == nil && port != usual && port != "" {
		host = net.JoinHostPort(host, port)
	}
	return scheme + "://" + host + "/"
}
