package unzip_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/unzip"
)

// TestArchivesAsPeopleMakeThem unpacks what the programs of three systems make of one site (testdata/README.md). The zip file
// that is part of the site is there in each (defect 19: the site's own zips are deleted).
func TestArchivesAsPeopleMakeThem(t *testing.T) {
	want := map[string]string{
		"index.html": "<!doctype html><title>hello</title>\n", "css/site.css": strings.Repeat("body { color: #333 }\n", 20),
		"downloads/source.zip": "PK\x05\x06" + strings.Repeat("\x00", 18), "grüße/café.html": "<p>grüße</p>\n",
	}
	refused := map[string]string{
		"encrypted.zip":              `entry "downloads/source.zip": it is encrypted`,
		"7z-lzma.zip":                `entry "css/site.css": it is compressed in a way that is not supported`,
		"windows-explorer-cp932.zip": `entry "\x93\xfa\x96{.html": its name is not UTF-8`,
		"bomb.zip":                   `entry "zeros-2": with it, the files are larger than the 100000000 bytes`,
	}
	files, err := filepath.Glob("testdata/*.zip")
	if err != nil || len(files) != 17 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "out")
			limits := unzip.Limits{Bytes: 100_000_000}
			err := unzip.Extract(t.Context(), file, dir, limits)
			if also := unzip.Verify(t.Context(), file, limits); (err == nil) != (also == nil) {
				t.Errorf("Extract says %v, Verify %v", err, also)
			}
			if says, bad := refused[filepath.Base(file)]; bad {
				if err == nil || !strings.Contains(err.Error(), says) || errors.Is(err, unzip.ErrIncomplete) {
					t.Errorf("got %v, want %s", err, says)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, read(t, dir)); diff != "" {
				t.Errorf("files (-want +got):\n%s", diff)
			}
		})
	}
}

// A file that is still being copied is told from one that is whole, wherever the copy has got to, and also if the place for
// the rest is there already (Windows' Explorer asks for it first).
func TestVerifyTellsWhatIsStillBeingCopied(t *testing.T) {
	page := func(body string) string { return archive(t, file{name: "index.html", body: body}) }
	zipFile := filepath.Join(t.TempDir(), "site.zip")
	verify := func(data []byte) error {
		if err := os.WriteFile(zipFile, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return unzip.Verify(t.Context(), zipFile, unzip.Limits{})
	}
	for _, name := range []string{"zip.zip", "zip-piped.zip", "zip64.zip", "macos-archive-utility.zip"} {
		whole, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := verify(whole); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for n := 0; n < len(whole); n += 5 {
			padded := append(append([]byte(nil), whole[:n]...), make([]byte, len(whole)-n)...)
			for how, data := range map[string][]byte{"cut off": whole[:n], "in its place": padded} {
				if string(data) == string(whole) {
					continue // what is missing are zeros
				}
				if err := verify(data); !errors.Is(err, unzip.ErrIncomplete) {
					t.Fatalf("%s %s after %d of %d bytes: %v", name, how, n, len(whole), err)
				}
			}
		}
	}
	// A new file written over an old one of the same size, so that the directory of the old one is still there.
	old, next := page("0123456789"), page("9876543210")
	was, _ := os.ReadFile(old)
	is, _ := os.ReadFile(next)
	if err := verify(append(is[:50:50], was[50:]...)); !errors.Is(err, unzip.ErrIncomplete) {
		t.Errorf("written over: %v", err)
	}
}

// What of an archive is not of the site is left away, and a script stays one.
func TestExtractWhatIsNotTheSite(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "out")
	zipFile := archive(t, file{name: "project/.DS_Store", body: "x"}, file{name: "project/build.sh", body: "#!/bin/sh", mode: 0o755}, file{name: ".DS_Store", body: "x"},
		file{name: "__MACOSX/project/._build.sh", body: "x"}, file{name: "project/cloudfront-hosting-toolkit/cloudfront-hosting-toolkit-build.yml", body: "version: 0.2"})
	if err := unzip.Extract(t.Context(), zipFile, dir, unzip.Limits{}); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"build.sh": "#!/bin/sh", "cloudfront-hosting-toolkit/cloudfront-hosting-toolkit-build.yml": "version: 0.2"}
	if diff := cmp.Diff(want, read(t, dir)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	if info, err := os.Stat(filepath.Join(dir, "build.sh")); err != nil || info.Mode().Perm()&0o100 == 0 && os.PathSeparator == '/' {
		t.Errorf("build.sh: %v, %v", info.Mode(), err)
	}
}
