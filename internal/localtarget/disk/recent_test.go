package disk_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/disk"
)

func TestLiveSince(t *testing.T) {
	t.Parallel()
	file := kvFile(t)
	kv := disk.OpenKV(file)
	since := func(then time.Time) []string {
		t.Helper()
		releases, err := kv.LiveSince(then)
		if err != nil {
			t.Fatal(err)
		}
		return releases
	}
	long := time.Now().Add(-time.Hour)
	if got := since(long); got != nil {
		t.Errorf("before anything was live: %v", got)
	}
	for _, release := range []string{"r1", "r2", "r3", "r1", "r4"} { // r1 is live again after a rollback
		swapTo(t, kv, release)
	}
	if got, want := since(long), []string{"r1", "r2", "r3"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	ago := time.Now().Add(-2 * time.Hour)
	for _, release := range []string{"r2", "r3"} {
		if err := os.Chtimes(filepath.Join(filepath.Dir(file), "kv.recent", release), ago, ago); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := since(long), []string{"r1"}; !slices.Equal(got, want) {
		t.Errorf("two hours later: %v, want %v", got, want)
	}
	if entries, err := os.ReadDir(filepath.Join(filepath.Dir(file), "kv.recent")); err != nil || len(entries) != 1 {
		t.Errorf("%v %v; what is over is forgotten", entries, err)
	}
	swapTo(t, kv, "r2")
	if got, want := since(long), []string{"r1", "r4"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// A store that was written by hand may name anything as the live release.
func TestLiveSinceOfANameThatIsNone(t *testing.T) {
	t.Parallel()
	for name, release := range map[string]string{"a path": "../../x", "a folder": "a/b", "a dot": "."} {
		t.Run(name, func(t *testing.T) {
			file := kvFile(t)
			write(t, file, `{"path":"`+release+`"}`)
			kv := disk.OpenKV(file)
			swapTo(t, kv, "r1")
			if got, err := kv.LiveSince(time.Time{}); err != nil || len(got) > 0 {
				t.Errorf("%v %v", got, err)
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(file), "..", "x")); err == nil {
				t.Error("a file was made outside")
			}
		})
	}
}
