//go:build unix

package server_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/disk"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/pipeline"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/state"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/publish"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
)

const pages = 40

// publishOn publishes release after release, each of pages that say which one they are of, until ctx ends.
func publishOn(t *testing.T, ctx context.Context, s state.Site) (releases int) {
	d, err := s.Load()
	if err != nil {
		t.Error(err)
		return 0
	}
	dir := t.TempDir()
	for ctx.Err() == nil {
		releases++
		for i := range pages {
			name := filepath.Join(dir, fmt.Sprintf("page%d.html", i))
			if i == 0 {
				name = filepath.Join(dir, "index.html")
			}
			if err := os.WriteFile(name, fmt.Appendf(nil, "r%d\n%s", releases, strings.Repeat("x", i*100)), 0o600); err != nil {
				t.Error(err)
			}
		}
		id := fmt.Sprintf("r%d", releases)
		if _, err := pipeline.Publisher(s, d, "test").Publish(context.WithoutCancel(ctx), publish.Request{Dir: dir, ID: id}); err != nil {
			t.Errorf("publish %s: %v", id, err)
		}
	}
	return releases
}

// oneRelease returns the release that all pages are of.
func oneRelease(t *testing.T, h state.Holder, s state.Site) string {
	t.Helper()
	release := ""
	for i := range pages {
		path := fmt.Sprintf("/page%d", i)
		if i == 0 {
			path = "/"
		}
		status, body := get(t, h, s.Name()+".localhost", path)
		id, _, _ := strings.Cut(body, "\n")
		if status != 200 {
			t.Fatalf("%s: %d", path, status)
		}
		if release == "" {
			release = id
		}
		if id != release {
			t.Errorf("%s is of release %s, others are of %s", path, id, release)
		}
	}
	return release
}

// A backup is a copy of the state folder, made at any time with any program that copies files; a restore is the copy back.
// Retention spares the release that is live when the copy begins, however many follow while it is made.
func TestBackupWhilePublishing(t *testing.T) {
	t.Parallel()
	dir := state.Dir(t.TempDir())
	s := deploy(t, dir, site.Config{KeepReleases: 2}, "one")
	start(t, dir)
	ctx, stop := context.WithCancel(t.Context())
	var publishing sync.WaitGroup
	releases := 0
	publishing.Go(func() { releases = publishOn(t, ctx, s) })
	kv := disk.OpenKV(s.KV())
	for live := (publish.Live{}); live.Release == ""; {
		live, _, _ = kv.Read(t.Context())
		time.Sleep(time.Millisecond)
	}
	var copies []string
	for i := range 5 {
		copied := filepath.Join(t.TempDir(), fmt.Sprintf("copy%d", i))
		out, err := exec.Command("cp", "-a", string(dir), copied).CombinedOutput()
		if err != nil && !strings.Contains(string(out), "No such file") { // a temporary file that was there a moment ago
			t.Fatalf("cp: %v\n%s", err, out)
		}
		copies = append(copies, copied)
	}
	stop()
	publishing.Wait()
	for _, c := range copies {
		h, stop := start(t, state.Dir(c))
		t.Logf("release %s of %d", oneRelease(t, h, s), releases)
		stop()
	}
}

// The pointer was copied after a release had gone live, the bucket before: the worst that a copy can be.
func TestRestoreOfPointerWithoutRelease(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		damage func(s state.Site) error
		want   string
	}{
		"whole": {func(state.Site) error { return nil }, "r3"},
		"no manifest": {func(s state.Site) error {
			return os.Remove(filepath.Join(s.Bucket(), "_releases", "r3.json"))
		}, "r2"},
		"a file is missing": {func(s state.Site) error { return os.Remove(filepath.Join(s.Bucket(), "r3", "index.html")) }, "r2"},
		"half a file": {func(s state.Site) error {
			return os.WriteFile(filepath.Join(s.Bucket(), "r3", "index.html"), []byte("r"), 0o600)
		}, "r2"},
		"two releases": {func(s state.Site) error {
			if err := os.RemoveAll(filepath.Join(s.Bucket(), "r3")); err != nil {
				return err
			}
			return os.RemoveAll(filepath.Join(s.Bucket(), "r2"))
		}, "r1"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := state.Dir(t.TempDir())
			s := deploy(t, dir, site.Config{}, "one")
			for _, id := range []string{"r1", "r2", "r3"} {
				release(t, s, id, id)
			}
			if err := tc.damage(s); err != nil {
				t.Fatal(err)
			}
			h, _ := start(t, dir)
			if status, body := get(t, h, "", "/"); status != 200 || body != tc.want {
				t.Errorf("%d %q, want %q", status, body, tc.want)
			}
			release(t, s, "r4", "r4") // and on it goes
			if status, body := get(t, h, "", "/"); status != 200 || body != "r4" {
				t.Errorf("after another release: %d %q", status, body)
			}
		})
	}
}
