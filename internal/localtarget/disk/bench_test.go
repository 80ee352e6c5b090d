package disk_test

import (
	"bytes"
	"fmt"
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
