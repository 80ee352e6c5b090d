package disk_test

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/disk"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/publish"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/publish/publishtest"
)

func TestStore(t *testing.T) {
	t.Parallel()
	publishtest.TestObjectStore(t, func(t *testing.T) publish.ObjectStore {
		return disk.OpenStore(filepath.Join(t.TempDir(), "site", "bucket"))
	})
}

// site is a store and its folder.
type site struct {
	*disk.Store
	dir string
}

func newSite(t *testing.T) site {
	dir := t.TempDir()
	return site{disk.OpenStore(filepath.Join(dir, "bucket")), dir}
}

func (s site) path(parts ...string) string {
	return filepath.Join(append([]string{s.dir}, parts...)...)
}

func (s site) put(t *testing.T, key, body string) {
	t.Helper()
	if err := s.Put(t.Context(), key, publishtest.Blob(body), publish.Meta{ContentType: "text/plain"}); err != nil {
		t.Fatal(err)
	}
}

func (s site) keys(t *testing.T, prefix string) (keys []string) {
	t.Helper()
	for o, err := range s.List(t.Context(), prefix) {
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, o.Key)
	}
	return keys
}

func (s site) read(key string) (string, publish.Object, error) {
	f, o, err := s.Open(key)
	if err != nil {
		return "", o, err
	}
	defer f.Close()
	data, err := io.ReadAll(f)
	return string(data), o, err
}

func TestBodiesArePlainFiles(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.put(t, "v1/a/b c.html", "hello")
	if data, err := os.ReadFile(s.path("bucket", "v1", "a", "b c.html")); err != nil || string(data) != "hello" {
		t.Errorf("%q, %v", data, err)
	}
}

func TestOpenSeeks(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.put(t, "v1/a", "0123456789")
	f, o, err := s.Open("v1/a")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Seek(4, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	rest, err := io.ReadAll(f)
	if string(rest) != "456789" || err != nil || o.Size != 10 || o.ContentType != "text/plain" {
		t.Errorf("%q, %v, %+v", rest, err, o)
	}
}

func TestNothingOutsideTheBucketCanBeReached(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.put(t, "v1/a", "inside")
	if err := os.WriteFile(s.path("kv.json"), []byte("{}"), 0o644); err != nil {
		t.Fatal(err)
	}
	links := map[string]string{"v1/kv": "../../kv.json", "v1/out": os.TempDir(), "v1/self": ".", "v1/twin": "a"}
	for name, target := range links {
		if err := os.Symlink(target, s.path("bucket", filepath.FromSlash(name))); err != nil {
			t.Skipf("SKIPPED: no symbolic links here: %v", err)
		}
	}
	keys := []string{"", ".", "..", "../kv.json", "v1/../../kv.json", "/etc/passwd", "v1/", "v1//a", "v1/./a", "v1/a/", "v1/a\x00", "v1/\xff",
		"v1/kv", "v1/twin", "v1/out/x", "v1/self/a", "v1", "../bucket/v1/a"}
	for _, key := range keys {
		_, _, err := s.read(key)
		if !errors.Is(err, publish.ErrNotFound) || !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("open %q: %v, want not found", key, err)
		}
	}
	for _, key := range []string{"", ".", "../kv.json", "v1/../../kv.json", "/etc/x", "v1/", "v1/out/new", "v1/\x00", "v1/\xff"} {
		if err := s.Put(t.Context(), key, publishtest.Blob("x"), publish.Meta{}); err == nil {
			t.Errorf("put %q: no error", key)
		}
	}
	if err := s.Delete(t.Context(), []string{"../kv.json", "v1/../../kv.json", "v1/kv", ""}); err != nil {
		t.Errorf("delete: %v", err)
	}
	if data, err := os.ReadFile(s.path("kv.json")); err != nil || string(data) != "{}" {
		t.Errorf("kv.json is %q, %v", data, err)
	}
	if diff := cmp.Diff([]string{"v1/a"}, s.keys(t, "")); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
}

func TestObjectAndFolderOfOneName(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.put(t, "v1/a", "x")
	s.put(t, "v1/b/c", "x")
	for key, says := range map[string]string{"v1/a/b": "is an object", "v1/a/b/c": "is an object", "v1/b": "is a folder"} {
		for _, ifAbsent := range []bool{true, false} {
			err := s.Put(t.Context(), key, publishtest.Blob("y"), publish.Meta{IfAbsent: ifAbsent})
			if err == nil || !strings.Contains(err.Error(), says) || errors.Is(err, publish.ErrExists) {
				t.Errorf("put %s: %v, want it to say %q", key, err, says)
			}
		}
	}
	if diff := cmp.Diff([]string{"v1/a", "v1/b/c"}, s.keys(t, "")); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
}

func TestDeleteLeavesNoEmptyFolders(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.put(t, "v1/a/b/c/d", "x")
	s.put(t, "v1/a/e", "x")
	s.put(t, "v2/f", "x")
	if err := s.Delete(t.Context(), []string{"v1/a/b/c/d", "v2/f"}); err != nil {
		t.Fatal(err)
	}
	for _, gone := range []string{"bucket/v1/a/b", "bucket/v2", "bucket.meta/objects/v1/a/b", "bucket.meta/objects/v2"} {
		if _, err := os.Stat(s.path(filepath.FromSlash(gone))); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is still there", gone)
		}
	}
	if diff := cmp.Diff([]string{"v1/a/e"}, s.keys(t, "")); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
}

func TestCopyIsAHardLinkWithATimeOfItsOwn(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	s.Now = func() time.Time { return at }
	s.put(t, "v1/a", "x")
	at = at.Add(48 * time.Hour)
	if err := s.Copy(t.Context(), "v1/a", "v2/a", publishtest.Blob("x").SHA256, publish.Meta{}); err != nil {
		t.Fatal(err)
	}
	for o, err := range s.List(t.Context(), "v2/") {
		if err != nil || !o.Modified.Equal(at) {
			t.Errorf("the copy was modified at %v, %v; want %v: an upload of nothing but copies must not look old", o.Modified, err, at)
		}
	}
	a, err := os.Stat(s.path("bucket", "v1", "a"))
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.Stat(s.path("bucket", "v2", "a"))
	if err != nil || !os.SameFile(a, b) {
		t.Errorf("the copy is no hard link (%v)", err)
	}
	// Copying onto the same file leaves no temporary file behind.
	for range 2 {
		if err := s.Copy(t.Context(), "v1/a", "v2/a", publishtest.Blob("x").SHA256, publish.Meta{}); err != nil {
			t.Fatal(err)
		}
	}
	if left := s.temporary(t); len(left) > 0 {
		t.Errorf("left %v", left)
	}
}

func (s site) temporary(t *testing.T) (files []string) {
	t.Helper()
	_ = filepath.WalkDir(s.path("bucket.meta", "tmp"), func(p string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			files = append(files, p)
		}
		return nil
	})
	return files
}

func TestABodyWithoutMetadataIsNoObject(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.put(t, "v1/a", "x")
	if err := os.WriteFile(s.path("bucket", "v1", "b"), []byte("half a crash"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.read("v1/b"); !errors.Is(err, publish.ErrNotFound) {
		t.Errorf("open: %v", err)
	}
	if diff := cmp.Diff([]string{"v1/a"}, s.keys(t, "")); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
	if err := s.Put(t.Context(), "v1/b", publishtest.Blob("whole"), publish.Meta{IfAbsent: true}); err != nil {
		t.Fatal(err)
	}
	if body, _, err := s.read("v1/b"); err != nil || body != "whole" {
		t.Errorf("%q, %v", body, err)
	}
}

// An object whose metadata is damaged is put again, also where objects are never replaced: the release would be lost for good.
func TestAnObjectWithDamagedMetadataIsPutAgain(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]string{"empty": "", "cut off": `[{"size":1,"file`, "no list": `{"version": 2}`, "null": "null"} {
		for put, meta := range map[string]publish.Meta{"if absent": {ContentType: "text/plain", IfAbsent: true}, "in any case": {ContentType: "text/plain"}} {
			t.Run(name+", "+put, func(t *testing.T) {
				s := newSite(t)
				s.put(t, "v1/a", "x")
				if err := os.WriteFile(s.path("bucket.meta", "objects", "v1", "a"), []byte(damage), 0o644); err != nil {
					t.Fatal(err)
				}
				s.Store = disk.OpenStore(s.path("bucket"))
				if _, _, err := s.read("v1/a"); !errors.Is(err, publish.ErrNotFound) {
					t.Errorf("read before: %v", err)
				}
				if err := s.Put(t.Context(), "v1/a", publishtest.Blob("x"), meta); err != nil {
					t.Fatal(err)
				}
				if body, o, err := s.read("v1/a"); err != nil || body != "x" || o.ContentType != "text/plain" {
					t.Errorf("%q, %+v, %v", body, o, err)
				}
			})
		}
	}
}

func TestABodyChangedByHandIsDescribedAsItIs(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.put(t, "v1/a", "before")
	if _, o, _ := s.read("v1/a"); o.SHA256 != publishtest.Blob("before").SHA256 {
		t.Fatalf("before: %+v", o)
	}
	for _, text := range []string{"after!", "much longer"} {
		if err := os.WriteFile(s.path("bucket", "v1", "a"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		body, o, err := s.read("v1/a")
		if err != nil || body != text || o.SHA256 != publishtest.Blob(text).SHA256 || o.Size != int64(len(text)) || o.ContentType != "text/plain" {
			t.Errorf("%q, %+v, %v", body, o, err)
		}
		for o, err := range s.List(t.Context(), "v1/a") {
			if err != nil || o.SHA256 != publishtest.Blob(text).SHA256 {
				t.Errorf("listed %+v, %v", o, err)
			}
		}
	}
}

func TestACopiedStateFolderWorks(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.put(t, "v1/a", "x")
	s.put(t, "_errors/404.html", "one")
	s.put(t, "_errors/404.html", "two")
	moved := site{disk.OpenStore(filepath.Join(t.TempDir(), "else", "bucket")), ""}
	moved.dir = t.TempDir()
	if err := os.CopyFS(moved.dir, os.DirFS(s.dir)); err != nil {
		t.Fatal(err)
	}
	moved.Store = disk.OpenStore(moved.path("bucket"))
	for key, want := range map[string]string{"v1/a": "x", "_errors/404.html": "two"} {
		if body, o, err := moved.read(key); err != nil || body != want || o.SHA256 != publishtest.Blob(want).SHA256 {
			t.Errorf("%s: %q, %+v, %v", key, body, o, err)
		}
	}
}

func TestTemporaryFilesOfDeadProcessesGo(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.put(t, "v1/a", "x")
	for name, age := range map[string]time.Duration{"old": 2 * time.Hour, "young": time.Minute} {
		file := s.path("bucket.meta", "tmp", "03", name)
		if err := os.WriteFile(file, []byte("half"), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(file, time.Now().Add(-age), time.Now().Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	s.Store = disk.OpenStore(s.path("bucket"))
	s.put(t, "v1/b", "x")
	if left := s.temporary(t); len(left) != 1 || filepath.Base(left[0]) != "young" {
		t.Errorf("left %v, want the young one", left)
	}
}

func TestStoreSurvivesItsFolder(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.put(t, "v1/a", "x")
	if err := os.RemoveAll(s.dir); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.read("v1/a"); !errors.Is(err, publish.ErrNotFound) {
		t.Errorf("open: %v", err)
	}
	if keys := s.keys(t, ""); keys != nil {
		t.Errorf("keys %v", keys)
	}
	if err := s.Delete(t.Context(), []string{"v1/a"}); err != nil {
		t.Errorf("delete: %v", err)
	}
	s.put(t, "v2/a", "y")
	if body, _, err := s.read("v2/a"); err != nil || body != "y" {
		t.Errorf("%q, %v", body, err)
	}
}

func TestPublisherOnDisk(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	kv := disk.OpenKV(s.path("kv.json"))
	p := &publish.Publisher{Store: s.Store, Pointer: kv, Keep: 2, PropagationGrace: -1}
	for i := range 5 {
		dir := t.TempDir()
		for _, name := range []string{"index.html", "about.html"} {
			if err := os.WriteFile(filepath.Join(dir, name), fmt.Appendf(nil, "%s %d", name, i), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		id := fmt.Sprintf("v%d", i)
		if _, err := p.Publish(t.Context(), publish.Request{Dir: dir, ID: id}); err != nil {
			t.Fatal(err)
		}
		wantView(t, kv, id)
		if body, _, err := s.read(id + "/index.html"); err != nil || body != fmt.Sprint("index.html ", i) {
			t.Errorf("%q, %v", body, err)
		}
	}
	if _, err := p.Rollback(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	wantView(t, kv, "v3")
	list, err := p.Releases(t.Context())
	if err != nil || len(list) != 3 || !list[1].Current {
		t.Errorf("releases %+v, %v", list, err)
	}
}
