package publishtest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/publish"
)

// Blob is content for Put.
func Blob(body string) publish.Blob {
	sum := sha256.Sum256([]byte(body))
	return publish.Blob{Size: int64(len(body)), SHA256: hex.EncodeToString(sum[:]),
		Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(body)), nil }}
}

// TestObjectStore runs the contract of publish.ObjectStore. Each case gets a store of its own from open, empty at least
// of what earlier cases made. It uses only what S3 can do as well: it never needs a key that is both an object and a
// folder, and allows the store's clock to be five minutes off.
func TestObjectStore(t *testing.T, open func(t *testing.T) publish.ObjectStore) {
	cases := map[string]func(*testing.T, publish.ObjectStore){
		"put and get":                      putAndGet,
		"put replaces content and meta":    putReplaces,
		"put if absent":                    putIfAbsent,
		"put refuses other content":        putRefuses,
		"put that fails leaves nothing":    putFails,
		"put is seen whole or not at all":  putWhole,
		"one of many puts if absent wins":  putRace,
		"keys of any kind":                 anyKeys,
		"large body":                       largeBody,
		"copy":                             copies,
		"copy outlives its source":         copyOutlives,
		"get of a missing key":             getMissing,
		"list is a plain prefix, in order": listPrefix,
		"list of many pages":               listMany,
		"list of a range":                  listRange,
		"list ends when told":              listEnds,
		"delete":                           deletes,
		"cancelled context":                cancelled,
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

var plain = publish.Meta{ContentType: "text/plain; charset=utf-8", CacheControl: "no-store"}

func put(t *testing.T, s publish.ObjectStore, key, body string) {
	t.Helper()
	if err := s.Put(t.Context(), key, Blob(body), plain); err != nil {
		t.Fatalf("put %q: %v", key, err)
	}
}

func wantBody(t *testing.T, s publish.ObjectStore, key, want string) publish.Object {
	t.Helper()
	r, o, err := s.Get(t.Context(), key)
	if err != nil {
		t.Fatalf("get %q: %v", key, err)
	}
	defer r.Close()
	got, err := io.ReadAll(r)
	if err != nil {
		t.Fatalf("read %q: %v", key, err)
	}
	if string(got) != want {
		t.Fatalf("%q has %d bytes %.40q, want %d bytes %.40q", key, len(got), got, len(want), want)
	}
	return o
}

func wantKeys(t *testing.T, s publish.ObjectStore, prefix string, want ...string) {
	t.Helper()
	got := []string{}
	for o, err := range s.List(t.Context(), prefix) {
		if err != nil {
			t.Fatalf("list %q: %v", prefix, err)
		}
		got = append(got, o.Key)
	}
	if diff := cmp.Diff(append([]string{}, want...), got); diff != "" {
		t.Errorf("list %q (-want +got):\n%s", prefix, diff)
	}
}

func putAndGet(t *testing.T, s publish.ObjectStore) {
	for _, body := range []string{"hello", ""} {
		key := fmt.Sprintf("v1/%d.html", len(body))
		meta := publish.Meta{ContentType: "text/html; charset=utf-8", CacheControl: "public, max-age=0"}
		if err := s.Put(t.Context(), key, Blob(body), meta); err != nil {
			t.Fatal(err)
		}
		o := wantBody(t, s, key, body)
		if skew := time.Since(o.Modified).Abs(); skew > 5*time.Minute {
			t.Errorf("modified %v, which is %v off", o.Modified, skew)
		}
		o.Modified = time.Time{}
		want := publish.Object{Key: key, Size: int64(len(body)), SHA256: Blob(body).SHA256, ContentType: meta.ContentType, CacheControl: meta.CacheControl}
		if diff := cmp.Diff(want, o); diff != "" {
			t.Errorf("object (-want +got):\n%s", diff)
		}
	}
}

func putReplaces(t *testing.T, s publish.ObjectStore) {
	put(t, s, "_errors/404.html", "one")
	meta := publish.Meta{ContentType: "text/html; charset=utf-8", CacheControl: "max-age=10"}
	for _, body := range []string{"two", "three", "two"} {
		if err := s.Put(t.Context(), "_errors/404.html", Blob(body), meta); err != nil {
			t.Fatal(err)
		}
		o := wantBody(t, s, "_errors/404.html", body)
		if o.SHA256 != Blob(body).SHA256 || o.ContentType != meta.ContentType || o.CacheControl != meta.CacheControl {
			t.Errorf("after putting %q: %+v", body, o)
		}
	}
	wantKeys(t, s, "", "_errors/404.html")
}

func putIfAbsent(t *testing.T, s publish.ObjectStore) {
	meta := plain
	meta.IfAbsent = true
	if err := s.Put(t.Context(), "v1/a", Blob("first"), meta); err != nil {
		t.Fatal(err)
	}
	for _, body := range []string{"second", "first"} {
		if err := s.Put(t.Context(), "v1/a", Blob(body), meta); !errors.Is(err, publish.ErrExists) {
			t.Fatalf("second put of %q: %v, want ErrExists", body, err)
		}
	}
	wantBody(t, s, "v1/a", "first")
	put(t, s, "v1/b", "b")
	if err := s.Copy(t.Context(), "v1/b", "v1/a", Blob("b").SHA256, meta); !errors.Is(err, publish.ErrExists) {
		t.Fatalf("copy: %v, want ErrExists", err)
	}
	wantBody(t, s, "v1/a", "first")
	if err := s.Delete(t.Context(), []string{"v1/a"}); err != nil {
		t.Fatal(err)
	}
	if err := s.Put(t.Context(), "v1/a", Blob("third"), meta); err != nil {
		t.Fatalf("put after delete: %v", err)
	}
	wantBody(t, s, "v1/a", "third")
}

func putRefuses(t *testing.T, s publish.ObjectStore) {
	tests := map[string]publish.Blob{
		"other digest": {Size: 5, SHA256: Blob("other").SHA256, Open: Blob("hello").Open},
		"too short":    {Size: 6, SHA256: Blob("hello").SHA256, Open: Blob("hello").Open},
		"too long":     {Size: 4, SHA256: Blob("hell").SHA256, Open: Blob("hello").Open},
	}
	for name, b := range tests {
		if err := s.Put(t.Context(), "v1/a", b, plain); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	wantKeys(t, s, "")
}

// brokenReader fails after its content.
type brokenReader struct{ io.Reader }

var errBroken = errors.New("broken reader")

func (b brokenReader) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if err == io.EOF {
		err = errBroken
	}
	return n, err
}

func putFails(t *testing.T, s publish.ObjectStore) {
	put(t, s, "v1/old", "old")
	b := Blob(strings.Repeat("x", 300_000))
	b.Open = func() (io.ReadCloser, error) {
		return io.NopCloser(brokenReader{strings.NewReader(strings.Repeat("x", 200_000))}), nil
	}
	for _, key := range []string{"v1/new", "v1/old"} {
		if err := s.Put(t.Context(), key, b, plain); !errors.Is(err, errBroken) {
			t.Errorf("put: %v, want the reader's error", err)
		}
	}
	b.Open = func() (io.ReadCloser, error) { return nil, errBroken }
	if err := s.Put(t.Context(), "v1/new", b, plain); !errors.Is(err, errBroken) {
		t.Errorf("put: %v, want the error of Open", err)
	}
	wantKeys(t, s, "", "v1/old")
	wantBody(t, s, "v1/old", "old")
}

func putWhole(t *testing.T, s publish.ObjectStore) {
	bodies := []string{strings.Repeat("a", 100_000), strings.Repeat("b", 200_000), strings.Repeat("c", 50_000)}
	var done atomic.Bool
	var wg sync.WaitGroup
	wg.Go(func() {
		defer done.Store(true)
		for i := range 12 {
			if err := s.Put(t.Context(), "_errors/404.html", Blob(bodies[i%3]), plain); err != nil {
				t.Error(err)
			}
		}
	})
	for range 2 {
		wg.Go(func() {
			for !done.Load() {
				r, o, err := s.Get(t.Context(), "_errors/404.html")
				if errors.Is(err, publish.ErrNotFound) {
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				got, err := io.ReadAll(r)
				_ = r.Close()
				if err != nil || !slices.Contains(bodies, string(got)) || o.Size != int64(len(got)) || o.SHA256 != Blob(string(got)).SHA256 {
					t.Errorf("read %d bytes with %v, described as %+v", len(got), err, o)
					return
				}
			}
		})
	}
	wg.Wait()
}

func putRace(t *testing.T, s publish.ObjectStore) {
	meta := plain
	meta.IfAbsent = true
	var wins atomic.Int32
	var winner atomic.Value
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			body := strings.Repeat(string(rune('a'+i)), 1000+i)
			switch err := s.Put(t.Context(), "_releases/v1.json", Blob(body), meta); {
			case err == nil:
				wins.Add(1)
				winner.Store(body)
			case !errors.Is(err, publish.ErrExists):
				t.Errorf("put: %v", err)
			}
		})
	}
	wg.Wait()
	if wins.Load() != 1 {
		t.Fatalf("%d puts won, want 1", wins.Load())
	}
	body := winner.Load().(string)
	if o := wantBody(t, s, "_releases/v1.json", body); o.SHA256 != Blob(body).SHA256 {
		t.Errorf("digest %s is not that of the body", o.SHA256)
	}
}

func anyKeys(t *testing.T, s publish.ObjectStore) {
	keys := []string{
		"v1/with space.html", "v1/plus+plus.html", "v1/per%cent.html", "v1/100%25.html", "v1/grüße/日本語.html", "v1/emoji-🚀.png",
		"v1/a&b=c;d,e.txt", "v1/quote'().txt", "v1/at@tilde~.txt", "v1/#hash.txt", "v1/.well-known/x", "v1/[id].html", "v1/$dollar!.js",
		"v1/deep/" + strings.Repeat("d/", 30) + "file", "v1/" + strings.Repeat("n", 200), "v1/...three", "v1/-dash", "v1/_under",
	}
	for _, key := range keys {
		put(t, s, key, "body of "+key)
	}
	for _, key := range keys {
		wantBody(t, s, key, "body of "+key)
	}
	slices.Sort(keys)
	wantKeys(t, s, "v1/", keys...)
	meta := plain
	for _, key := range keys {
		if err := s.Copy(t.Context(), key, "v2"+key[2:], Blob("body of "+key).SHA256, meta); err != nil {
			t.Errorf("copy %q: %v", key, err)
		}
		wantBody(t, s, "v2"+key[2:], "body of "+key)
	}
	if err := s.Delete(t.Context(), keys); err != nil {
		t.Fatal(err)
	}
	wantKeys(t, s, "v1/")
}

func largeBody(t *testing.T, s publish.ObjectStore) {
	// More than S3's least part size of 5 MiB, and not a multiple of anything.
	body := string(bytes.Repeat([]byte("0123456789abcdef"), 6<<20/16)) + "the end"
	put(t, s, "v1/large.bin", body)
	if o := wantBody(t, s, "v1/large.bin", body); o.SHA256 != Blob(body).SHA256 {
		t.Errorf("digest %s, want %s", o.SHA256, Blob(body).SHA256)
	}
	if err := s.Copy(t.Context(), "v1/large.bin", "v2/large.bin", Blob(body).SHA256, plain); err != nil {
		t.Fatal(err)
	}
	if o := wantBody(t, s, "v2/large.bin", body); o.SHA256 != Blob(body).SHA256 {
		t.Errorf("digest of the copy %s, want %s", o.SHA256, Blob(body).SHA256)
	}
}

func copies(t *testing.T, s publish.ObjectStore) {
	put(t, s, "v1/a.txt", "content")
	meta := publish.Meta{ContentType: "text/html; charset=utf-8", CacheControl: "max-age=1"}
	if err := s.Copy(t.Context(), "v1/a.txt", "v2/b c.html", Blob("content").SHA256, meta); err != nil {
		t.Fatal(err)
	}
	o := wantBody(t, s, "v2/b c.html", "content")
	if o.ContentType != meta.ContentType || o.CacheControl != meta.CacheControl || o.SHA256 != Blob("content").SHA256 {
		t.Errorf("the copy is %+v, want the meta that was given", o)
	}
	if o := wantBody(t, s, "v1/a.txt", "content"); o.ContentType != plain.ContentType {
		t.Errorf("the source became %+v", o)
	}
	// A copy replaces, as a put does.
	put(t, s, "v1/other", "other")
	if err := s.Copy(t.Context(), "v1/other", "v2/b c.html", Blob("other").SHA256, meta); err != nil {
		t.Fatal(err)
	}
	wantBody(t, s, "v2/b c.html", "other")
	wantBody(t, s, "v1/a.txt", "content")
	for name, err := range map[string]error{
		"missing source": s.Copy(t.Context(), "v1/none", "v2/x", Blob("content").SHA256, meta),
		"other digest":   s.Copy(t.Context(), "v1/a.txt", "v2/x", Blob("else").SHA256, meta),
		// A store may find out after it has copied: then nothing stays of it.
		"missing source, new key": s.Copy(t.Context(), "v1/none", "v2/y", Blob("content").SHA256, publish.Meta{IfAbsent: true}),
		"other digest, new key":   s.Copy(t.Context(), "v1/a.txt", "v2/y", Blob("else").SHA256, publish.Meta{IfAbsent: true}),
	} {
		if !errors.Is(err, publish.ErrNotFound) {
			t.Errorf("%s: %v, want ErrNotFound", name, err)
		}
	}
	wantKeys(t, s, "v2/", "v2/b c.html")
}

func copyOutlives(t *testing.T, s publish.ObjectStore) {
	put(t, s, "v1/a", "content")
	if err := s.Copy(t.Context(), "v1/a", "v2/a", Blob("content").SHA256, plain); err != nil {
		t.Fatal(err)
	}
	put(t, s, "v1/a", "changed")
	wantBody(t, s, "v2/a", "content")
	if err := s.Delete(t.Context(), []string{"v1/a"}); err != nil {
		t.Fatal(err)
	}
	wantBody(t, s, "v2/a", "content")
}

func cancelled(t *testing.T, s publish.ObjectStore) {
	put(t, s, "v1/a", "x")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Put(ctx, "v1/b", Blob("x"), plain); !errors.Is(err, context.Canceled) {
		t.Errorf("put: %v", err)
	}
	if err := s.Copy(ctx, "v1/a", "v1/c", Blob("x").SHA256, plain); !errors.Is(err, context.Canceled) {
		t.Errorf("copy: %v", err)
	}
	if err := s.Delete(ctx, []string{"v1/a"}); !errors.Is(err, context.Canceled) {
		t.Errorf("delete: %v", err)
	}
	for _, err := range s.List(ctx, "") {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("list: %v", err)
		}
	}
	wantKeys(t, s, "", "v1/a")
}
