//go:build !windows

package server_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/server"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/state"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
)

// Nobody but the user that serves can read what is in the state folder, whoever made the folder: there are keys of certificates,
// logs and the output of builds in it.
func TestStateIsPrivate(t *testing.T) {
	t.Parallel()
	dir := state.Dir(t.TempDir())
	if err := os.Chmod(string(dir), 0o755); err != nil {
		t.Fatal(err)
	}
	release(t, deploy(t, dir, site.Config{}, "one"), "r1", "one")
	_, stop := startWith(t, server.Options{StateDir: string(dir), ListenHTTPS: "127.0.0.1:0"})
	stop()
	entries, err := os.ReadDir(string(dir))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, e := range entries {
		seen[e.Name()] = true
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: others may do %v with it", e.Name(), info.Mode())
		}
	}
	for _, name := range []string{filepath.Base(dir.AccessLog()), filepath.Base(dir.Sites()), "certificates"} {
		if !seen[name] {
			t.Errorf("there is no %s", name)
		}
	}
}
