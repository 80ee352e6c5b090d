package buildspec

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// cacheUnits finds what the globs of cache.paths match, as few units as possible: a whole folder for 'node_modules/**/*',
// single files for other patterns. Symbolic links are taken as they are.
func cacheUnits(source string, globs []string) ([]string, error) {
	var units []string
	for _, glob := range globs {
		folder, whole := strings.CutSuffix(glob, "/**/*")
		if !whole {
			folder, whole = strings.CutSuffix(glob, "/**")
		}
		opts := []doublestar.GlobOption{doublestar.WithNoFollow()}
		if !whole {
			folder, opts = glob, append(opts, doublestar.WithFilesOnly())
		}
		matches, err := doublestar.Glob(os.DirFS(source), folder, opts...)
		if err != nil {
			return nil, fmt.Errorf("find the cached paths %s: %w", glob, err)
		}
		units = append(units, matches...)
	}
	slices.Sort(units)
	out := units[:0]
	for _, u := range units {
		inside := len(out) > 0 && (u == out[len(out)-1] || strings.HasPrefix(u, out[len(out)-1]+"/"))
		if u != "." && !inside {
			out = append(out, u)
		}
	}
	return out, nil
}

// moveUnits moves files and folders from one folder to another. What exists at the destination stays: a checked-out file
// wins over a cached one. Units that are missing are passed over.
func moveUnits(units []string, from, to string) error {
	for _, u := range units {
		source, target := filepath.Join(from, filepath.FromSlash(u)), filepath.Join(to, filepath.FromSlash(u))
		if err := confinedParent(to, u); err != nil {
			return err
		}
		if err := move(source, target); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("move %s: %w", u, err)
		}
	}
	return nil
}

// confinedParent creates the folder that a unit goes into, and refuses one that a symbolic link leads elsewhere.
func confinedParent(to, unit string) error {
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	root, err := os.OpenRoot(to)
	if err != nil {
		return err
	}
	defer root.Close()
	return root.MkdirAll(filepath.Dir(filepath.FromSlash(unit)), 0o755)
}

// move renames, merges with a folder that exists, and copies between file systems.
func move(source, target string) error {
	info, err := os.Lstat(source)
	if err != nil {
		return err
	}
	existing, err := os.Lstat(target)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if err := os.Rename(source, target); err == nil {
			return nil
		}
		return copyTree(source, target, info)
	case err != nil:
		return err
	case !info.IsDir() || !existing.IsDir():
		return nil
	}
	entries, err := os.ReadDir(source)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := move(filepath.Join(source, e.Name()), filepath.Join(target, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// copyTree copies a file, a symbolic link or a folder to a path that does not exist.
func copyTree(source, target string, info fs.FileInfo) error {
	switch {
	case info.Mode()&fs.ModeSymlink != 0:
		link, err := os.Readlink(source)
		if err != nil {
			return err
		}
		return os.Symlink(link, target)
	case info.Mode().IsRegular():
		root, err := os.OpenRoot(filepath.Dir(target))
		if err != nil {
			return err
		}
		defer root.Close()
		if _, err := copyFile(root, source, filepath.Base(target)); err != nil {
			return err
		}
		return os.Chmod(target, info.Mode().Perm())
	case !info.IsDir():
		return nil // a socket, a pipe: nothing to keep
	}
	if err := os.Mkdir(target, 0o755); err != nil {
		return err
	}
	entries, err := os.ReadDir(source)
	if err != nil {
		return err
	}
	for _, e := range entries {
		child, err := e.Info()
		if err != nil {
			return err
		}
		if err := copyTree(filepath.Join(source, e.Name()), filepath.Join(target, e.Name()), child); err != nil {
			return err
		}
	}
	return os.Chmod(target, info.Mode().Perm())
}
