package source_test

import (
	"path/filepath"
	"testing"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/source"
)

func TestLookAtWorkTree(t *testing.T) {
	t.Parallel()
	repo := repository(t)
	head := git(t, repo, "rev-parse", "HEAD")
	sub := filepath.Join(repo, "app")
	write(t, filepath.Join(sub, "tool", "config.json"), "{}")
	look := func(dir string) source.WorkTree { return source.LookAtWorkTree(t.Context(), dir, "main", "tool") }
	if got := look(sub); got != (source.WorkTree{Head: head, Branch: "main"}) {
		t.Errorf("with changes in the folder that does not count: %+v", got)
	}
	write(t, filepath.Join(sub, "page.html"), "x")
	if got := look(sub); got.Changed != 1 {
		t.Errorf("with a new file: %+v", got)
	}
	if got := look(t.TempDir()); got != (source.WorkTree{}) {
		t.Errorf("outside of a repository: %+v", got)
	}
}
