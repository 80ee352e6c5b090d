//go:build unix

package source_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/source"
)

// A git that is no longer wanted, because the server ends or is replaced, is asked to end, so that it removes its lock files: a
// lock that it left would keep the next server from reading the repository.
func TestGitIsAskedToEnd(t *testing.T) {
	dir := t.TempDir()
	started, ended := filepath.Join(dir, "started"), filepath.Join(dir, "ended")
	program := "#!/bin/sh\ntrap 'touch " + ended + "; exit 1' TERM\ntouch " + started + "\nwhile :; do sleep 0.01; done\n"
	if err := os.WriteFile(filepath.Join(dir, "git"), []byte(program), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
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
