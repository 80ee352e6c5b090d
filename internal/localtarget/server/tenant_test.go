package server_test

import (
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/server"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/state"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
)

// A pipeline that cannot run is tried again; the site is served all the while by one edge, and the log says it once.
func TestAPipelineThatCannotRun(t *testing.T) {
	t.Parallel()
	dir := state.Dir(t.TempDir())
	one := deploy(t, dir, site.Config{}, "one")
	release(t, one, "r1", "this is one")
	d, err := one.Load()
	if err != nil {
		t.Fatal(err)
	}
	d.Pipeline, d.Repository = true, filepath.Join(t.TempDir(), "none.git")
	if err := one.Save(d); err != nil {
		t.Fatal(err)
	}
	lock, err := one.Lock(t.Context(), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	said := &output{}
	h, _ := startWith(t, server.Options{StateDir: string(dir), Log: slog.New(slog.NewTextHandler(said, nil))})
	await(t, h, "", "/", 200, "this is one")
	if !strings.Contains(said.String(), "the pipeline cannot run") {
		t.Errorf("log:\n%s", said)
	}
	if err := lock.Unlock(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); !strings.Contains(said.String(), "the pipeline runs again"); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it never runs again:\n%s", said)
		}
	}
	for _, text := range []string{"the pipeline cannot run", `msg="site is served"`} {
		if n := strings.Count(said.String(), text); n != 1 {
			t.Errorf("%q is said %d times:\n%s", text, n, said)
		}
	}
}
