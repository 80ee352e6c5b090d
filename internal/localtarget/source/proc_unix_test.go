//go:build unix

package source_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/source"
)

// fakeGit puts a shell script in git's place.
func fakeGit(t *testing.T, script string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "git"), []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
}

// On a full disk git says that it cannot write a file, and not why.
func TestCheckoutOnAFullDisk(t *testing.T) {
	m := mirror(t, repository(t))
	c := newest(t, m, true)
	fakeGit(t, "echo \"error: unable to write file big.bin\" >&2; exit 128\n")
	_, err := m.Checkout(t.Context(), c.ID, filepath.Join(t.TempDir(), "out"))
	if err == nil || !strings.Contains(err.Error(), "git read-tree: unable to write file big.bin") || !strings.Contains(fault.HintOf(err), "free some space") {
		t.Errorf("Checkout = %v (hint %q)", err, fault.HintOf(err))
	}
}

// A git that is no longer wanted, because the server ends or is replaced, is asked to end, so that it removes its lock files: a
// lock that it left would keep the next server from reading the repository.
func TestGitIsAskedToEnd(t *testing.T) {
	dir := t.TempDir()
	started, ended := filepath.Join(dir, "started"), filepath.Join(dir, "ended")
	fakeGit(t, "trap 'touch "+ended+"; exit 1' TERM\ntouch "+started+"\nwhile :; do sleep 0.01; done\n")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() {
		_, err := source.Check(ctx, "/nowhere", "main")
		done <- err
	}()
	deadline := time.Now().Add(30 * time.Second)
	for _, err := os.Stat(started); err != nil; _, err = os.Stat(started) {
		if time.Now().After(deadline) {
			t.Fatal("git was not started")
		}
		time.Sleep(time.Millisecond)
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("Check = %v", err)
	}
	if _, err := os.Stat(ended); err != nil {
		t.Errorf("git was not given the time to end: %v", err)
	}
}
