//go:build unix

package drop_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/drop"
)

// Links that lead nowhere, and pipes, which nobody could read to their end, are told and never opened.
func TestStraysThatAreNoFiles(t *testing.T) {
	t.Parallel()
	f := folder(t)
	in := func(name string) string { return filepath.Join(f.Dir, name) }
	elsewhere := t.TempDir()
	write(t, filepath.Join(elsewhere, "real.zip"), site(t, "one"))
	err := errors.Join(
		os.Symlink("gone.zip", in("dangling.zip")),
		os.Symlink("loop.zip", in("loop.zip")),
		os.Symlink(elsewhere, in("linked.zip")),
		os.Symlink(filepath.Join(elsewhere, "real.zip"), in("real.zip")),
		syscall.Mkfifo(in("pipe.zip"), 0o600))
	if err != nil {
		t.Fatal(err)
	}
	got := strays(t, f)
	want := []drop.Stray{
		{Name: "dangling.zip", Why: "a link to gone.zip, which is not there"},
		{Name: "linked.zip", Why: "a link to " + elsewhere + ", which is a folder"},
		{Name: "loop.zip", Why: "a link to loop.zip, which is not to be reached: too many levels of symbolic links"},
		{Name: "pipe.zip", Why: "a pipe"},
	}
	if len(got) == len(want) && strings.HasPrefix(got[2].Why, "a link to loop.zip, which is not to be reached: ") {
		got[2].Why = want[2].Why // each system has its own words for it
	}
	if !slices.Equal(got, want) {
		t.Errorf("%+v\nwant %+v", got, want)
	}
	uploads, stop := watched(t, f, "")
	next(t, uploads, "real.zip") // a link to a file is as good as one
	none(t, uploads, stop)
}
