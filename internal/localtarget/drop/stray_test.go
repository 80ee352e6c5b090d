package drop_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/drop"
)

func strays(t *testing.T, f *drop.Folder) []drop.Stray {
	t.Helper()
	found, err := f.Strays()
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// A folder that has the name of a zip file, as unpacking one can leave it, is told once, and again when it comes back.
func TestAFolderIsToldOnce(t *testing.T) {
	t.Parallel()
	f := folder(t)
	told := make(chan drop.Stray, 100)
	f.Passed = func(s drop.Stray) { told <- s }
	name := filepath.Join(f.Dir, "site.zip")
	want := drop.Stray{Name: "site.zip", Why: "a folder"}
	uploads, stop := watched(t, f, "")
	for round := range 2 {
		if err := os.Mkdir(name, 0o700); err != nil {
			t.Fatal(err)
		}
		if got := <-told; got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
		// Strays are looked for between two uploads, so the folder has been seen to be gone after the second one.
		for _, other := range []string{fmt.Sprint(round, "a.zip"), fmt.Sprint(round, "b.zip")} {
			write(t, filepath.Join(f.Dir, other), site(t, other))
			next(t, uploads, other)
		}
	}
	none(t, uploads, stop)
	if len(told) > 0 {
		t.Errorf("told once more: %+v", <-told)
	}
}

func TestStrays(t *testing.T) {
	t.Parallel()
	f := folder(t)
	if got := strays(t, f); len(got) > 0 {
		t.Errorf("an empty folder: %+v", got)
	}
	write(t, filepath.Join(f.Dir, "site.zip"), site(t, "one"))
	write(t, filepath.Join(f.Dir, "notes.txt"), nil)
	for _, name := range []string{"folder.zip", ".hidden.zip", "folder"} {
		if err := os.Mkdir(filepath.Join(f.Dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if got := strays(t, f); !slices.Equal(got, []drop.Stray{{Name: "folder.zip", Why: "a folder"}}) {
		t.Errorf("%+v", got)
	}
	if got := strays(t, &drop.Folder{Dir: filepath.Join(t.TempDir(), "none")}); len(got) > 0 {
		t.Errorf("no folder: %+v", got)
	}
	if u, ok, err := f.Newest(t.Context()); err != nil || !ok || u.Name != "site.zip" {
		t.Errorf("Newest = %+v, %t, %v", u, ok, err)
	}
}
