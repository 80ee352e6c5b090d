package watch_test

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/watch"
)

// soon is far more than any file system needs.
const soon = time.Minute

func await(t *testing.T, w *watch.Watcher) {
	t.Helper()
	select {
	case <-w.C:
	case <-time.After(soon):
		t.Fatal("nothing was told")
	}
}

func write(t *testing.T, name string) {
	t.Helper()
	if err := os.WriteFile(name, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestTellsOfWhatConcerns(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	asked := make(chan string, 100)
	w := watch.New(func(name string) bool {
		asked <- filepath.Base(name)
		return filepath.Base(name) == "this"
	})
	defer w.Close()
	w.Add(filepath.Join(dir, "missing"))
	w.Add(dir)
	w.Add(dir)
	write(t, filepath.Join(dir, "that"))
	if got := <-asked; got != "that" {
		t.Errorf("asked about %q", got)
	}
	select {
	case <-w.C:
		t.Error("told of what does not concern")
	default:
	}
	write(t, filepath.Join(dir, "this"))
	await(t, w)
}

func TestSeveralChangesAreOne(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w := watch.New(nil)
	w.Add(dir)
	for i := range 1000 { // nobody takes anything meanwhile
		write(t, filepath.Join(dir, strconv.Itoa(i)))
	}
	await(t, w)
	w.Close()
	w.Close()
	w.Add(dir)
}

// A folder that is moved and then removed is an error for fsnotify, which it tells with its lock held: whoever added a folder at that
// moment, and was the one to take the error, waited for ever.
func TestFoldersThatAreMovedAndRemoved(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	done := make(chan struct{})
	go func() {
		defer close(done)
		w := watch.New(nil)
		for i := range 500 {
			dir, moved := filepath.Join(root, strconv.Itoa(i)), filepath.Join(root, "moved")
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Error(err)
				return
			}
			w.Add(dir)
			if err := os.Rename(dir, moved); err != nil {
				t.Error(err)
			}
			if err := os.Remove(moved); err != nil {
				t.Error(err)
			}
			w.Add(root)
		}
		w.Close()
	}()
	select {
	case <-done:
	case <-time.After(soon):
		t.Fatal("the watcher waits for its own taker")
	}
}
