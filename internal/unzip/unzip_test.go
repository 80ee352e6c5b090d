package unzip_test

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/unzip"
)

type file struct {
	name, body string
	mode       fs.FileMode
}

// archive makes a zip file of the entries; a name that ends in a slash is a folder.
func archive(t testing.TB, files ...file) string {
	t.Helper()
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	for _, f := range files {
		h := &zip.FileHeader{Name: f.name, Method: zip.Deflate}
		if f.mode != 0 {
			h.SetMode(f.mode)
		}
		e, err := w.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := e.Write([]byte(f.body)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return save(t, buf.Bytes())
}

func save(t testing.TB, data []byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "site.zip")
	if err := os.WriteFile(name, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

func read(t testing.TB, dir string) map[string]string {
	t.Helper()
	got := map[string]string{}
	err := filepath.WalkDir(dir, func(p string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := os.ReadFile(p)
		rel, _ := filepath.Rel(dir, p)
		got[filepath.ToSlash(rel)] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestExtract(t *testing.T) {
	tests := map[string]struct {
		files []file
		want  map[string]string
	}{
		"a site": {
			[]file{{name: "index.html", body: "hi"}, {name: "css/"}, {name: "css/a b.css", body: "x"}, {name: "grüße/日本.html", body: "y"}, {name: "empty"}},
			map[string]string{"index.html": "hi", "css/a b.css": "x", "grüße/日本.html": "y", "empty": ""},
		},
		"paths with a leading dot": {
			[]file{{name: "./"}, {name: "./index.html", body: "hi"}, {name: "./a/b", body: "b"}},
			map[string]string{"index.html": "hi", "a/b": "b"},
		},
		"one folder with the entry page": {
			[]file{{name: "dist/"}, {name: "dist/index.html", body: "hi"}, {name: "dist/a/b", body: "b"}, {name: "__MACOSX/dist/._index.html", body: "junk"}},
			map[string]string{"index.html": "hi", "a/b": "b"},
		},
		"one folder without an entry page": {
			[]file{{name: "dist/about.html", body: "hi"}},
			map[string]string{"dist/about.html": "hi"},
		},
		"an entry page deeper down": {
			[]file{{name: "a/b/index.html", body: "hi"}},
			map[string]string{"a/b/index.html": "hi"},
		},
		"two folders": {
			[]file{{name: "dist/index.html", body: "hi"}, {name: "other/x", body: "x"}},
			map[string]string{"dist/index.html": "hi", "other/x": "x"},
		},
		"a folder and a file of nearly its name": {
			[]file{{name: "dist/index.html", body: "hi"}, {name: "dist.txt", body: "x"}},
			map[string]string{"dist/index.html": "hi", "dist.txt": "x"},
		},
		"executable file": {
			[]file{{name: "index.html", body: "hi", mode: 0o755}},
			map[string]string{"index.html": "hi"},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "out")
			if err := unzip.Extract(t.Context(), archive(t, tc.files...), dir, unzip.Limits{}); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, read(t, dir)); diff != "" {
				t.Errorf("files (-want +got):\n%s", diff)
			}
		})
	}
}

func TestExtractRefuses(t *testing.T) {
	page := file{name: "index.html", body: "hi"}
	tests := map[string]struct {
		files  []file
		limits unzip.Limits
		entry  string
		says   string
	}{
		"absolute path":         {[]file{page, {name: "/etc/passwd"}}, unzip.Limits{}, "/etc/passwd", "absolute"},
		"drive":                 {[]file{page, {name: "C:/x"}}, unzip.Limits{}, "C:/x", "absolute"},
		"path out":              {[]file{page, {name: "a/../../x"}}, unzip.Limits{}, "a/../../x", `".."`},
		"path out at the start": {[]file{page, {name: "../x"}}, unzip.Limits{}, "../x", `".."`},
		"folder out":            {[]file{page, {name: "../x/"}}, unzip.Limits{}, "../x/", `".."`},
		"empty element":         {[]file{page, {name: "a//b"}}, unzip.Limits{}, "a//b", "plain"},
		"dot element":           {[]file{page, {name: "a/./b"}}, unzip.Limits{}, "a/./b", "plain"},
		"backslash":             {[]file{page, {name: `..\x`, mode: 0o644}}, unzip.Limits{}, `..\\x`, "backslash"},
		"backslash, on Windows": {[]file{page, {name: `a\..\..\x`}}, unzip.Limits{}, `a\\..\\..\\x`, `".."`},
		"control character":     {[]file{page, {name: "a\nb"}}, unzip.Limits{}, `a\nb`, "control"},
		"not UTF-8":             {[]file{page, {name: "a\xff"}}, unzip.Limits{}, `a\xff`, "UTF-8"},
		"symbolic link":         {[]file{page, {name: "link", body: "/etc", mode: fs.ModeSymlink | 0o777}}, unzip.Limits{}, "link", "symbolic link"},
		"device":                {[]file{page, {name: "dev", mode: fs.ModeDevice | 0o666}}, unzip.Limits{}, "dev", "neither"},
		"named pipe":            {[]file{page, {name: "pipe", mode: fs.ModeNamedPipe | 0o666}}, unzip.Limits{}, "pipe", "neither"},
		"twice":                 {[]file{page, page}, unzip.Limits{}, "index.html", "twice"},
		"twice, with a dot":     {[]file{page, {name: "./index.html"}}, unzip.Limits{}, "./index.html", "twice"},
		"other case":            {[]file{page, {name: "Index.html"}}, unzip.Limits{}, "Index.html", "upper and lower case"},
		"folder of other case":  {[]file{page, {name: "css/a"}, {name: "CSS/b"}}, unzip.Limits{}, "CSS/b", `"css"`},
		"file and folder":       {[]file{page, {name: "a"}, {name: "a/b"}}, unzip.Limits{}, "a/b", "file and a folder"},
		"folder and file":       {[]file{page, {name: "a/b"}, {name: "a"}}, unzip.Limits{}, "a", "file and a folder"},
		"too many":              {[]file{page, {name: "a"}, {name: "b"}}, unzip.Limits{Files: 2}, "", "3 entries"},
		"too large":             {[]file{page, {name: "a", body: strings.Repeat("0", 99)}}, unzip.Limits{Bytes: 100}, `"a"`, "larger than the 100 bytes"},
		"empty":                 {nil, unzip.Limits{}, "", "empty"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			base := t.TempDir()
			err := unzip.Extract(t.Context(), archive(t, tc.files...), filepath.Join(base, "out"), tc.limits)
			if fault.KindOf(err) != fault.Usage || !strings.Contains(err.Error(), tc.entry) || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("error %v, want entry %s and %q", err, tc.entry, tc.says)
			}
			if got := read(t, base); len(got) > 0 {
				t.Errorf("written nevertheless: %v", got)
			}
		})
	}
}

func TestExtractRefusesWhatIsNoZip(t *testing.T) {
	for name, zipFile := range map[string]string{
		"text": save(t, []byte("hello")), "nothing": save(t, nil), "missing": filepath.Join(t.TempDir(), "none.zip"),
	} {
		if err := unzip.Extract(t.Context(), zipFile, t.TempDir(), unzip.Limits{}); fault.KindOf(err) != fault.Usage {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A damaged or lying archive: the declared size is smaller than the content.
func TestExtractRefusesALyingSize(t *testing.T) {
	zipFile := archive(t, file{name: "index.html", body: strings.Repeat("0", 100_000)})
	data, err := os.ReadFile(zipFile)
	if err != nil {
		t.Fatal(err)
	}
	i := bytes.LastIndex(data, []byte("PK\x01\x02"))
	copy(data[i+24:], []byte{10, 0, 0, 0}) // uncompressed size in the central directory
	err = unzip.Extract(t.Context(), save(t, data), filepath.Join(t.TempDir(), "out"), unzip.Limits{Bytes: 100})
	if err == nil || !strings.Contains(err.Error(), "index.html") {
		t.Errorf("%v, want an error that names the entry", err)
	}
}

func TestExtractIntoAFullFolderAndCancelled(t *testing.T) {
	zipFile := archive(t, file{name: "index.html", body: "hi"})
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "mine"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := unzip.Extract(t.Context(), zipFile, dir, unzip.Limits{}); err == nil || !strings.Contains(err.Error(), "not empty") {
		t.Errorf("full folder: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := unzip.Extract(ctx, zipFile, t.TempDir(), unzip.Limits{}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// FuzzExtract: whatever the bytes, nothing is written beside the folder, and no more than allowed in it.
func FuzzExtract(f *testing.F) {
	for _, files := range [][]file{
		{{name: "index.html", body: "hi"}, {name: "a/b/c", body: "x"}},
		{{name: "dist/index.html", body: "hi"}, {name: "dist/"}},
		{{name: "../x", body: "out"}, {name: "/abs", body: "out"}, {name: "l", body: "..", mode: fs.ModeSymlink | 0o777}, {name: "l/x", body: "out"}},
	} {
		data, err := os.ReadFile(archive(f, files...))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	made, err := filepath.Glob("testdata/*.zip")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range made {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		base := t.TempDir()
		zipFile := filepath.Join(base, "site.zip")
		if err := os.WriteFile(zipFile, data, 0o644); err != nil {
			t.Fatal(err)
		}
		limits := unzip.Limits{Files: 50, Bytes: 10_000}
		extracted := unzip.Extract(t.Context(), zipFile, filepath.Join(base, "out"), limits)
		if verified := unzip.Verify(t.Context(), zipFile, limits); verified != nil && extracted == nil {
			t.Errorf("Extract takes it, Verify says %v", verified)
		}
		total := 0
		err := filepath.WalkDir(base, func(p string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() || p == zipFile {
				return err
			}
			rel, _ := filepath.Rel(base, p)
			if !strings.HasPrefix(filepath.ToSlash(rel), "out/") || !e.Type().IsRegular() {
				t.Errorf("made %s of type %v", rel, e.Type())
			}
			fi, err := e.Info()
			if err == nil {
				total += int(fi.Size())
			}
			return err
		})
		if err != nil || total > 10_050 {
			t.Errorf("%d bytes were written, %v", total, err)
		}
	})
}
