package buildspec

import (
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

// copyWorkers bounds how many files are copied at a time.
const copyWorkers = 8

// copyFiles copies files into dir and returns their size. files maps a path below dir, with slashes, to a source.
//
// They are copied, by reference where the file system can do that, and never hard-linked: a package manager's store and the
// build cache may share the inode, and a later build that writes into it would change a release.
func copyFiles(ctx context.Context, files map[string]string, dir string) (int64, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return 0, fmt.Errorf("open the artifacts folder: %w", err)
	}
	defer root.Close()
	folders := map[string]bool{".": true}
	for rel := range files {
		for p := path.Dir(rel); !folders[p]; p = path.Dir(p) {
			folders[p] = true
		}
	}
	for _, f := range slices.Sorted(maps.Keys(folders)) {
		if f == "." {
			continue
		}
		if err := root.Mkdir(filepath.FromSlash(f), 0o755); err != nil {
			return 0, fmt.Errorf("create the artifacts folder %s: %w", f, err)
		}
	}
	group, inner := errgroup.WithContext(ctx)
	group.SetLimit(copyWorkers)
	var total atomic.Int64
	for rel, source := range files {
		if inner.Err() != nil {
			break
		}
		group.Go(func() error {
			n, err := copyFile(root, source, filepath.FromSlash(rel))
			if err != nil {
				return fmt.Errorf("copy %s to the artifacts: %w", rel, err)
			}
			total.Add(n)
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return total.Load(), err
	}
	return total.Load(), context.Cause(ctx)
}

// copyFile copies one file below root, where it must not exist.
func copyFile(root *os.Root, source, rel string) (n int64, err error) {
	in, err := os.Open(source)
	if err != nil {
		return 0, err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return 0, err
	}
	out, err := root.OpenFile(rel, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return 0, err
	}
	defer func() {
		if closeErr := out.Close(); err == nil {
			err = closeErr
		}
	}()
	if clone(out, in) {
		return info.Size(), nil
	}
	return io.Copy(out, in)
}
