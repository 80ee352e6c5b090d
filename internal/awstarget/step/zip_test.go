package step_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/step"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
)

func TestFolder(t *testing.T) {
	const zip, commit = "zip-v1", "0123456789012345678901234567890123456789"
	tests := map[string]struct {
		release string
		files   []string
		want    string
	}{
		"one folder":              {zip, []string{"my site/index.html", "my site/a/b", "__MACOSX/my site/._index.html", ".DS_Store"}, "my site"},
		"the site itself":         {zip, []string{"index.html", "a/b"}, "."},
		"two folders":             {zip, []string{"a/index.html", "b/index.html"}, "."},
		"a folder and a file":     {zip, []string{"a/index.html", "b"}, "."},
		"without an entry page":   {zip, []string{"a/b.html"}, "."},
		"an entry page deeper":    {zip, []string{"a/b/index.html"}, "."},
		"of a commit":             {commit, []string{"my site/index.html"}, "."},
		"nothing":                 {zip, nil, "."},
		"beside the tool's files": {zip, []string{"a/index.html", site.Folder + "/x"}, "a"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for _, f := range tc.files {
				file := filepath.Join(dir, filepath.FromSlash(f))
				if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, nil, 0o600)); err != nil {
					t.Fatal(err)
				}
			}
			if got, err := step.Folder(dir, tc.release); err != nil || got != filepath.Join(dir, tc.want) {
				t.Errorf("%s, %v", got, err)
			}
		})
	}
	if _, err := step.Folder(filepath.Join(t.TempDir(), "none"), zip); err == nil {
		t.Error("a folder that is not there")
	}
	for given, want := range map[string]string{commit: commit, "zip-abc": "zip-abc", "zip-a/b": site.ZipRelease("a/b")} {
		if got := step.ReleaseID(given); got != want {
			t.Errorf("%s: %s", given, got)
		}
	}
}
