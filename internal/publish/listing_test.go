package publish_test

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/publish"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/publish/publishtest"
)

// TestLargeReleaseIsListedInRanges publishes enough files for several ranges, and strays before, between and after them.
func TestLargeReleaseIsListedInRanges(t *testing.T) {
	dir := t.TempDir()
	for i := range 2500 {
		name := filepath.Join(dir, fmt.Sprintf("d%d", i%7), fmt.Sprintf("f%d.txt", i))
		if i == 0 {
			name = filepath.Join(dir, "index.html")
		}
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, fmt.Appendf(nil, "%d", i), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	store := publishtest.NewStore()
	p := &publish.Publisher{Store: store, Pointer: publishtest.NewPointer()}
	for i, stray := range []string{"a", "d1/f1.txt.gz", "d3/f999.txt0", "index.html~", "zz"} {
		store.Set(fmt.Sprintf("v%d/%s", i, stray), "stray")
	}
	var mu sync.Mutex
	lists := 0
	store.Faults.Before(func(op, key string) error {
		mu.Lock()
		defer mu.Unlock()
		if op == "List" && key == "v9/" {
			lists++
		}
		return nil
	})
	for i := range 5 {
		id := fmt.Sprintf("v%d", i)
		res, err := p.Publish(t.Context(), publish.Request{Dir: dir, ID: id})
		if err != nil || res.Release != id+"-2" {
			t.Fatalf("publish %s beside a stray: release %q, %v", id, res.Release, err)
		}
	}
	res, err := p.Publish(t.Context(), publish.Request{Dir: dir, ID: "v9"})
	if err != nil || res.Release != "v9" || res.Files != 2500 {
		t.Fatalf("publish: %+v, %v", res, err)
	}
	if lists != 6 {
		t.Errorf("the release was listed by %d calls, want 3 ranges before the upload and 3 after it", lists)
	}
	store.Drop("v9/d6/f1000.txt")
	if _, err := p.Rollback(t.Context(), "v9"); err == nil {
		t.Error("a release that is not whole went live")
	}
}
