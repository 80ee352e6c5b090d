package publish_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/publish"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/publish/publishtest"
)

// bucket is a site's store and pointer in memory with a publisher and a clock.
type bucket struct {
	*publish.Publisher
	store   *publishtest.Store
	pointer *publishtest.Pointer
	clock   time.Time
}

func newBucket(t *testing.T) *bucket {
	t.Helper()
	b := &bucket{store: publishtest.NewStore(), pointer: publishtest.NewPointer(), clock: time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)}
	b.pointer.Faults = b.store.Faults
	b.store.Now = func() time.Time { return b.clock }
	b.Publisher = &publish.Publisher{Store: b.store, Pointer: b.pointer, Keep: 3, Now: b.store.Now, ToolVersion: "test"}
	return b
}

// pass lets time go by.
func (b *bucket) pass(d time.Duration) { b.clock = b.clock.Add(d) }

// folder makes a folder of files; "a=b" stands for a file a with content b.
func folder(t *testing.T, files ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, f := range files {
		name, body, _ := strings.Cut(f, "=")
		name = filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(body), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// page returns a folder whose every file tells its release.
func page(t *testing.T, version string) string {
	return folder(t, "index.html="+version, "about/index.html=about "+version, "shared.css=same", "404.html=none in "+version)
}

func (b *bucket) publish(t *testing.T, id, dir string) publish.Result {
	t.Helper()
	b.pass(time.Hour)
	res, err := b.Publish(t.Context(), publish.Request{Dir: dir, ID: id})
	if err != nil {
		t.Fatalf("publish %s: %v", id, err)
	}
	return res
}

// wantLive checks what is live, and that it is whole.
func (b *bucket) wantLive(t *testing.T, want string) {
	t.Helper()
	if got := b.pointer.Live().Release; got != want {
		t.Fatalf("release %q is live, want %q", got, want)
	}
	if err := b.whole(want); err != nil {
		t.Fatal(err)
	}
}

// whole checks that the store holds a release as its manifest says, without using the store's operations.
func (b *bucket) whole(id string) error {
	text, ok := b.store.Body("_releases/" + id + ".json")
	if !ok {
		return fmt.Errorf("release %s has no manifest", id)
	}
	var m publish.Manifest
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		return err
	}
	for _, f := range m.Files {
		body, ok := b.store.Body(id + "/" + f.Path)
		if !ok || publishtest.Blob(body).SHA256 != f.SHA256 {
			return fmt.Errorf("release %s: file %s is missing or wrong", id, f.Path)
		}
	}
	return nil
}

func (b *bucket) keys(prefix string) []string {
	return slices.DeleteFunc(b.store.Keys(), func(k string) bool { return !strings.HasPrefix(k, prefix) })
}

func (b *bucket) ids(t *testing.T) []string {
	t.Helper()
	list, err := b.Releases(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, r := range list {
		ids = append(ids, r.ID)
	}
	return ids
}

func equal(t *testing.T, what string, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

var errFull = errors.New("no space left")
