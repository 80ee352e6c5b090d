//go:build unix

package server_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/server"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/state"
)

func TestReload(t *testing.T) {
	t.Parallel()
	dir := state.Dir(t.TempDir())
	if _, err := server.Reload(t.Context(), string(dir)); err == nil || !strings.Contains(err.Error(), "none runs") {
		t.Errorf("without a server: %v", err)
	}
	m := newManager(t, string(dir))
	m.start()
	first := holder(t, dir, 0)

	// A program that does not start changes nothing, and whoever asked is told why, each time.
	for range 2 {
		if err := os.WriteFile(filepath.Join(string(dir), "refuse"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		pid, err := server.Reload(t.Context(), string(dir))
		if err == nil || !strings.Contains(err.Error(), "goes on") || !strings.Contains(err.Error(), "it has ended") {
			t.Errorf("a program that does not start: process %d, %v", pid, err)
		}
		if h := holder(t, dir, 0); h.PID != first.PID {
			t.Errorf("process %d holds the state folder, not %d", h.PID, first.PID)
		}
	}

	pid, err := server.Reload(t.Context(), string(dir))
	if err != nil || pid == first.PID {
		t.Fatalf("process %d after process %d: %v", pid, first.PID, err)
	}
	if h := holder(t, dir, first.PID); h.PID != pid || h.Refusals != 0 {
		t.Errorf("serve.json says %+v, and Reload process %d", h, pid)
	}
	m.forget()
	if stopped, err := server.Stop(t.Context(), string(dir)); err != nil || !stopped {
		t.Error(stopped, err)
	}
}

// A server that is to stop while the one before it still sends a download ends after that: a service manager kills what is left
// when the main process has ended.
func TestStopWaitsForTheOneBefore(t *testing.T) {
	t.Parallel()
	b := newBusy(t, 32, 1) // more than the kernel holds of the download
	body := b.download()
	if _, err := server.Reload(t.Context(), string(b.dir)); err != nil {
		t.Fatal(err)
	}
	b.rest()
	stopped := make(chan error, 1)
	go func() {
		_, err := server.Stop(context.Background(), string(b.dir))
		stopped <- err
		close(stopped)
	}()
	select {
	case err := <-stopped:
		t.Errorf("the server was gone while the download went on: %v", err)
	case <-time.After(1500 * time.Millisecond): // a server that does not wait is gone by then
	}
	b.whole(body)
	b.forget()
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}
