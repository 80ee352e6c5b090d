package disk_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/disk"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/publish"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/publish/publishtest"
)

// BenchmarkPut100 stores the files of a basic site, as many at once as the publisher does.
func BenchmarkPut100(b *testing.B) {
	s := disk.OpenStore(filepath.Join(b.TempDir(), "bucket"))
	body := string(bytes.Repeat([]byte("x"), 10_000))
	release := 0
	for b.Loop() {
		release++
		var wg sync.WaitGroup
		work := make(chan int)
		for range 16 {
			wg.Go(func() {
				for i := range work {
					key := fmt.Sprintf("r%d/d%d/%d.html", release, i%5, i)
					if err := s.Put(b.Context(), key, publishtest.Blob(body), publish.Meta{IfAbsent: true}); err != nil {
						b.Error(err)
					}
				}
			})
		}
		for i := range 100 {
			work <- i
		}
		close(work)
		wg.Wait()
	}
}

// BenchmarkOpen opens one object again and again, as the edge does.
func BenchmarkOpen(b *testing.B) {
	s := disk.OpenStore(filepath.Join(b.TempDir(), "bucket"))
	if err := s.Put(b.Context(), "r1/assets/index.html", publishtest.Blob("hello"), publish.Meta{}); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		f, _, err := s.Open("r1/assets/index.html")
		if err != nil {
			b.Fatal(err)
		}
		_ = f.Close()
	}
}

// BenchmarkPublish100 publishes a site of 100 files of which 10 have changed, with retention at work.
func BenchmarkPublish100(b *testing.B) {
	state, dir := b.TempDir(), b.TempDir()
	p := &publish.Publisher{Store: disk.OpenStore(filepath.Join(state, "bucket")), Pointer: disk.OpenKV(filepath.Join(state, "kv.json")),
		Keep: 10, PropagationGrace: -1}
	n := 0
	for b.Loop() {
		n++
		for i := range 100 {
			if n > 1 && i >= 10 {
				break
			}
			name := filepath.Join(dir, fmt.Sprintf("%d.html", i))
			if i == 0 {
				name = filepath.Join(dir, "index.html")
			}
			if err := os.WriteFile(name, fmt.Appendf(nil, "file %d of release %d", i, n), 0o644); err != nil {
				b.Fatal(err)
			}
		}
		if _, err := p.Publish(b.Context(), publish.Request{Dir: dir, ID: fmt.Sprintf("r%d", n)}); err != nil {
			b.Fatal(err)
		}
	}
}
