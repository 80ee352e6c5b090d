package disk_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/disk"
)

func TestUse(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	want := int64(0)
	for name, size := range map[string]int{"bucket/r1/a": 1000, "executions/e1/build.log": 200, "cache/entry/files/x": 30, "empty": 0} {
		write(t, filepath.Join(dir, name), string(make([]byte, size)))
		want += int64(size)
	}
	if got := disk.Use(dir); got != want {
		t.Errorf("%d, want %d", got, want)
	}
	if err := os.Link(filepath.Join(dir, "bucket/r1/a"), filepath.Join(dir, "bucket/a")); err != nil {
		t.Skipf("no hard links here: %v", err)
	}
	if got := disk.Use(dir); got != want && os.PathSeparator == '/' {
		t.Errorf("with a second name: %d, want %d", got, want)
	}
	if got := disk.Use(filepath.Join(dir, "none")); got != 0 {
		t.Errorf("of nothing: %d", got)
	}
}
