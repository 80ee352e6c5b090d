package drop_test

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/drop"
)

// site is a zip file with one page.
func site(t *testing.T, page string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	f, err := w.CreateHeader(&zip.FileHeader{Name: "index.html", Method: zip.Store})
	if err == nil {
		_, err = f.Write([]byte(page))
	}
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func write(t *testing.T, name string, data []byte) {
	t.Helper()
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// later writes a file until its time is another one: that of file systems may go on in steps.
func later(t *testing.T, name string, data []byte) {
	t.Helper()
	before, err := os.Stat(name)
	for now := before; err == nil && !now.ModTime().After(before.ModTime()); now, err = os.Stat(name) {
		write(t, name, data)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func folder(t *testing.T) *drop.Folder {
	t.Helper()
	f := &drop.Folder{Dir: filepath.Join(t.TempDir(), "drop"), Ledger: filepath.Join(t.TempDir(), "drop.json"), Patience: time.Hour}
	if err := os.Mkdir(f.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
	return f
}

// watched watches a folder until the test ends or stop is called, and returns what is taken up.
func watched(t *testing.T, f *drop.Folder, again string) (uploads chan drop.Upload, stop func()) {
	t.Helper()
	uploads = make(chan drop.Upload, 100)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		f.Watch(ctx, again, func(u drop.Upload) bool { uploads <- u; return true })
	}()
	stop = func() { cancel(); <-done }
	t.Cleanup(stop)
	return uploads, stop
}

func next(t *testing.T, uploads chan drop.Upload, name string) drop.Upload {
	t.Helper()
	select {
	case u := <-uploads:
		if u.Name != name {
			t.Fatalf("%s was taken up, want %s", u.Name, name)
		}
		return u
	case <-time.After(30 * time.Second):
		t.Fatalf("%s was not taken up", name)
		return drop.Upload{}
	}
}

// none ends the watch and checks that nothing (else) was taken up.
func none(t *testing.T, uploads chan drop.Upload, stop func()) {
	t.Helper()
	stop()
	if len(uploads) > 0 {
		t.Fatalf("%+v was taken up", <-uploads)
	}
}

// A file counts when its last byte is there, however slowly it comes, and whatever else lies in the folder.
func TestASlowCopyCountsWhenItIsWhole(t *testing.T) {
	t.Parallel()
	f := folder(t)
	uploads, stop := watched(t, f, "")
	data := site(t, "one")
	for _, name := range []string{".site.zip.part", "._site.zip", "site.ZIP", "readme.txt"} {
		write(t, filepath.Join(f.Dir, name), data)
	}
	slow, err := os.Create(filepath.Join(f.Dir, "slow.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Close()
	for i := range data {
		if i == len(data)-1 {
			// Another one, copied meanwhile, is looked at after the half one, which is not taken up.
			write(t, filepath.Join(f.Dir, "whole.zip"), site(t, "two"))
			next(t, uploads, "whole.zip")
		}
		if _, err := slow.Write(data[i : i+1]); err != nil {
			t.Fatal(err)
		}
	}
	next(t, uploads, "slow.zip")
	none(t, uploads, stop)
}

// A file that is renamed into the folder counts, and so does one that is copied over another one, also with the same content;
// one that has only got another time does not.
func TestEachCopyIsAnUpload(t *testing.T) {
	t.Parallel()
	f := folder(t)
	uploads, stop := watched(t, f, "")
	file, aside := filepath.Join(f.Dir, "site.zip"), filepath.Join(f.Dir, ".site")
	write(t, aside, site(t, "one"))
	if err := os.Rename(aside, file); err != nil {
		t.Fatal(err)
	}
	one := next(t, uploads, "site.zip")
	write(t, file, site(t, "two"))
	if two := next(t, uploads, "site.zip"); two.Digest == one.Digest {
		t.Error("another file has the same digest")
	}
	later(t, file, site(t, "two"))
	next(t, uploads, "site.zip")
	write(t, aside, site(t, "two"))
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	// The very same content, size and time, under the same name: it is another file all the same.
	if err := errors.Join(os.Chtimes(aside, info.ModTime(), info.ModTime()), os.Rename(aside, file)); err != nil {
		t.Fatal(err)
	}
	next(t, uploads, "site.zip")
	if err := os.Chtimes(file, time.Time{}, time.Now().Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(f.Dir, "other.zip"), site(t, "one"))
	if again := next(t, uploads, "other.zip"); again.Digest != one.Digest {
		t.Error("the same content has another digest")
	}
	none(t, uploads, stop)
}

// What was released before a restart is not released again, what came meanwhile is: the youngest of it. What was cut off is.
func TestRestart(t *testing.T) {
	t.Parallel()
	f := folder(t)
	file := filepath.Join(f.Dir, "site.zip")
	write(t, file, site(t, "one"))
	uploads, stop := watched(t, f, "")
	one := next(t, uploads, "site.zip")
	none(t, uploads, stop)

	uploads, stop = watched(t, f, one.Digest)
	next(t, uploads, "site.zip")
	none(t, uploads, stop)

	for i, name := range []string{"older.zip", "younger.zip"} {
		write(t, filepath.Join(f.Dir, name), site(t, name))
		at := time.Now().Add(time.Duration(i-2) * time.Hour)
		if err := os.Chtimes(filepath.Join(f.Dir, name), at, at); err != nil {
			t.Fatal(err)
		}
	}
	if u, ok, err := f.Newest(t.Context()); !ok || u.Name != "younger.zip" || err != nil {
		t.Errorf("newest: %+v %v %v", u, ok, err)
	}
	uploads, stop = watched(t, f, "")
	next(t, uploads, "younger.zip")
	none(t, uploads, stop)
	// The youngest by its own time is the first one; the one that was taken up last counts.
	if u, ok, err := f.Newest(t.Context()); !ok || u.Name != "younger.zip" || err != nil {
		t.Errorf("newest: %+v %v %v", u, ok, err)
	}
}

// What never becomes a zip file is taken up in the end, so that somebody is told.
func TestWhatIsNoZipFileIsTakenUpInTheEnd(t *testing.T) {
	t.Parallel()
	f := folder(t)
	f.Patience = time.Millisecond
	uploads, stop := watched(t, f, "")
	write(t, filepath.Join(f.Dir, "page.zip"), []byte("<html>"))
	next(t, uploads, "page.zip")
	none(t, uploads, stop)
}

// writeOnly is a file that Linux lets nobody read, root neither.
const writeOnly = "/proc/sys/vm/compact_memory"

// A file that cannot be read is taken up in the end, so that somebody is told, once; it keeps no other from being released, and
// counts when it can be read.
func TestAFileThatCannotBeRead(t *testing.T) {
	t.Parallel()
	f := folder(t)
	f.Patience = 10 * time.Millisecond
	closed := filepath.Join(f.Dir, "closed.zip")
	write(t, closed, site(t, "one"))
	if err := os.Chmod(closed, 0); err != nil {
		t.Fatal(err)
	}
	admit := func() error { return os.Chmod(closed, 0o600) }
	if _, err := os.ReadFile(closed); err == nil {
		if _, err := os.ReadFile(writeOnly); !errors.Is(err, fs.ErrPermission) {
			t.Skip("whoever runs this test may read everything")
		}
		if err := errors.Join(os.Remove(closed), os.Symlink(writeOnly, closed)); err != nil {
			t.Fatal(err)
		}
		admit = func() error { return errors.Join(os.Remove(closed), os.WriteFile(closed, site(t, "one"), 0o600)) }
	}
	uploads, stop := watched(t, f, "")
	u := next(t, uploads, "closed.zip")
	if err := f.Copy(t.Context(), u.Name, u.Digest, filepath.Join(t.TempDir(), "copy")); !errors.Is(err, fs.ErrPermission) || fault.HintOf(err) == "" {
		t.Errorf("a copy of it: %v", err)
	}
	write(t, filepath.Join(f.Dir, "other.zip"), site(t, "two"))
	next(t, uploads, "other.zip")
	none(t, uploads, stop)

	uploads, stop = watched(t, f, "")
	if err := admit(); err != nil {
		t.Fatal(err)
	}
	if u := next(t, uploads, "closed.zip"); u.Digest == drop.Unreadable {
		t.Error("it was not read")
	}
	none(t, uploads, stop)
}

// A file that loses its readability between being taken up and being copied counts again when it has it back.
func TestAFileThatIsClosedMeanwhile(t *testing.T) {
	t.Parallel()
	f := folder(t)
	closed := filepath.Join(f.Dir, "closed.zip")
	write(t, closed, site(t, "one"))
	uploads, stop := watched(t, f, "")
	u := next(t, uploads, "closed.zip")
	none(t, uploads, stop)
	if err := os.Chmod(closed, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := os.ReadFile(closed); err == nil {
		t.Skip("whoever runs this test may read everything")
	}
	if err := f.Copy(t.Context(), u.Name, u.Digest, filepath.Join(t.TempDir(), "copy")); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("a copy of it: %v", err)
	}
	uploads, stop = watched(t, f, "")
	if err := os.Chmod(closed, 0o600); err != nil {
		t.Fatal(err)
	}
	next(t, uploads, "closed.zip")
	none(t, uploads, stop)
}

// An upload that cannot be taken up now is offered again.
func TestRefusedForNow(t *testing.T) {
	t.Parallel()
	f := folder(t)
	write(t, filepath.Join(f.Dir, "site.zip"), site(t, "one"))
	ctx, cancel := context.WithCancel(t.Context())
	times := 0
	f.Watch(ctx, "", func(drop.Upload) bool {
		if times++; times == 3 {
			cancel()
		}
		return times == 3
	})
	if times != 3 {
		t.Errorf("offered %d times", times)
	}
}

func TestCopy(t *testing.T) {
	t.Parallel()
	f := folder(t)
	file, to := filepath.Join(f.Dir, "site.zip"), filepath.Join(t.TempDir(), "copy")
	if _, ok, err := f.Newest(t.Context()); ok || err != nil {
		t.Errorf("an empty folder has a newest file: %v", err)
	}
	write(t, file, site(t, "one"))
	u, ok, err := f.Newest(t.Context())
	if !ok || err != nil {
		t.Fatal(err)
	}
	if err := f.Copy(t.Context(), u.Name, u.Digest, to); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(to); err != nil || !bytes.Equal(got, site(t, "one")) {
		t.Errorf("copied %q, %v", got, err)
	}
	write(t, file, site(t, "two"))
	if err := f.Copy(t.Context(), u.Name, u.Digest, to+"2"); !errors.Is(err, drop.ErrReplaced) {
		t.Errorf("replaced: %v", err)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if err := f.Copy(t.Context(), u.Name, u.Digest, to+"3"); err == nil || errors.Is(err, drop.ErrReplaced) {
		t.Errorf("removed: %v", err)
	}
}
