package server_test

import (
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/server"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/state"
)

// systemd listens to the main process alone, and waits for the end of a main process only if that is its own child; else it kills
// it at once when it is told to stop it (systemd 252, seen; scripts/e2e-systemd.sh has the real one).
func TestReloadUnderAServiceManager(t *testing.T) {
	dir := state.Dir(t.TempDir())
	notify, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(t.TempDir(), "n"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer notify.Close()
	t.Setenv("NOTIFY_SOCKET", notify.LocalAddr().String())
	said := func() string {
		t.Helper()
		if err := notify.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		p := make([]byte, 1000)
		n, err := notify.Read(p)
		if err != nil {
			t.Fatal(err)
		}
		return string(p[:n])
	}
	m := newManager(t, string(dir))
	m.start()
	if got := said(); !strings.HasPrefix(got, "READY=1\nSTATUS=Serving http") {
		t.Errorf("the manager was told %q", got)
	}
	first := m.process.Process.Pid
	for range 2 {
		pid, err := server.Reload(t.Context(), string(dir))
		if err != nil {
			t.Fatal(err)
		}
		if got, want := said(), fmt.Sprintf("MAINPID=%d", pid); got != want {
			t.Errorf("the manager was told %q, want %q", got, want)
		}
		if m.process != nil {
			m.forget()
		} else {
			reap(t, first)
		}
		first = pid
	}
	if err := syscall.Kill(first, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if got := said(); got != "STOPPING=1" {
		t.Errorf("the manager was told %q", got)
	}
	reap(t, first)
}

// A manager that stops the service while one process takes over from another tells the one that it knows: both end.
func TestStopDuringAReload(t *testing.T) {
	notify, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(t.TempDir(), "n"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer notify.Close()
	t.Setenv("NOTIFY_SOCKET", notify.LocalAddr().String())
	b := newBusy(t, 32, 1)
	body := b.download() // keeps the old process
	pid, err := server.Reload(t.Context(), string(b.dir))
	if err != nil {
		t.Fatal(err)
	}
	b.rest()
	b.terminate()
	b.whole(body)
	b.forget()
	reap(t, pid)
}

// reap waits for the end of a process, which only the parent of that can.
func reap(t *testing.T, pid int) {
	t.Helper()
	var status syscall.WaitStatus
	for {
		_, err := syscall.Wait4(pid, &status, 0, nil)
		if err == syscall.EINTR { //nolint:errorlint // as syscall returns it
			continue
		}
		if err != nil || !status.Exited() || status.ExitStatus() != 0 {
			t.Errorf("process %d: %v, %#x", pid, err, status)
		}
		return
	}
}
