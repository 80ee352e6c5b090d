package source

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
)

// Checkout writes the files of a commit, all of them, into dir, which must not exist or be empty, without a .git folder.
// Symbolic links are kept. The notes tell what a reader of the build's log should know, such as submodules that are
// left out. Attributes for archives (export-ignore) have no effect: a build sees what a clone would show.
func (m *Mirror) Checkout(ctx context.Context, commit, dir string) (notes []string, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("check out %s: %w", commit, err)
	}
	index := dir + ".index"
	defer os.Remove(index)
	_, err = m.git(ctx, call{
		workDir: dir,
		url:     m.Address, // git-lfs asks it for the files that it keeps elsewhere
		env:     []string{"GIT_WORK_TREE=" + dir, "GIT_INDEX_FILE=" + index},
		args:    []string{"-c", "core.bare=false", "-c", "checkout.workers=0", "read-tree", "--reset", "-u", commit},
	})
	var said *gitError
	if errors.As(err, &said) && (strings.Contains(said.text, "unable to write file") || strings.Contains(said.text, "No space left")) {
		// git does not say why it cannot write a file.
		return nil, fault.New(fault.Other, "free some space: the disk is full, most likely; then run deploy", "check out %s: %w", commit, err)
	}
	if err != nil {
		return nil, fmt.Errorf("check out %s: %w", commit, err)
	}
	switch _, err := os.Lstat(filepath.Join(dir, ".gitmodules")); {
	case err == nil:
		notes = append(notes, "the repository has submodules; they are not fetched, and their folders are empty")
	case !errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("check out %s: %w", commit, err)
	}
	return notes, nil
}
