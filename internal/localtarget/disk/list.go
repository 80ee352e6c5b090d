package disk

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/publish"
)

// deleteBatch is how many keys are deleted under one lock, so that others get their turn.
const deleteBatch = 256

// List implements publish.ObjectStore. It tells digests. Objects that come and go meanwhile may or may not be listed.
func (s *Store) List(ctx context.Context, prefix string) iter.Seq2[publish.Object, error] {
	return func(yield func(publish.Object, error) bool) {
		root, err := os.OpenRoot(s.parent)
		if errors.Is(err, fs.ErrNotExist) {
			return
		}
		if err != nil {
			yield(publish.Object{}, fmt.Errorf("list %q: %w", prefix, err))
			return
		}
		defer root.Close()
		l := lister{Store: s, ctx: ctx, root: root, yield: yield}
		dir, name := path.Split(prefix)
		dir = strings.TrimSuffix(dir, "/")
		if dir != "" && checkKey(dir) != nil {
			return
		}
		l.folder(dir, name)
	}
}

type lister struct {
	*Store
	ctx   context.Context
	root  *os.Root
	yield func(publish.Object, error) bool
}

// folder lists what is below dir and begins with prefix; it returns false when the iteration is over.
func (l *lister) folder(dir, prefix string) bool {
	if err := l.ctx.Err(); err != nil {
		l.yield(publish.Object{}, err)
		return false
	}
	entries, err := fs.ReadDir(l.root.FS(), path.Join(l.bucket, dir))
	if errors.Is(err, fs.ErrNotExist) || notAFolder(err) {
		return true
	}
	if err != nil {
		l.yield(publish.Object{}, fmt.Errorf("list %s: %w", dir, err))
		return false
	}
	// In key order "a-b" comes before "a/b" and that before "a0", so a folder is sorted with its slash.
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(sortName(a), sortName(b)) })
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), prefix) {
			continue
		}
		key := path.Join(dir, e.Name())
		if e.IsDir() {
			if !l.folder(key, "") {
				return false
			}
		} else if !l.object(key) {
			return false
		}
	}
	return true
}

func sortName(e fs.DirEntry) string {
	if e.IsDir() {
		return e.Name() + "/"
	}
	return e.Name()
}

func (l *lister) object(key string) bool {
	f, o, err := l.openBody(l.root, key, false)
	if err == nil {
		_ = f.Close()
		return l.yield(publish.Object{Key: key, Size: o.Size, Modified: o.Modified, SHA256: o.SHA256}, nil)
	}
	if errors.Is(notFound(key, err), publish.ErrNotFound) {
		return true
	}
	l.yield(publish.Object{}, fmt.Errorf("list %s: %w", key, err))
	return false
}

// Delete implements publish.ObjectStore. Folders that become empty go as well.
func (s *Store) Delete(ctx context.Context, keys []string) error {
	root, err := os.OpenRoot(s.parent)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("delete: %w", err)
	}
	defer root.Close()
	if _, err := root.Lstat(s.meta + "/locks"); err != nil {
		return ctx.Err() // nothing was ever stored
	}
	var byShard [shards][]string
	for _, key := range keys {
		if checkKey(key) == nil {
			byShard[shard(key)] = append(byShard[shard(key)], key)
		}
	}
	changed := map[string]bool{}
	for n, keys := range byShard {
		for batch := range slices.Chunk(keys, deleteBatch) {
			err := s.locked(ctx, n, func() error {
				for _, key := range batch {
					if err := s.delete(root, key, changed); err != nil {
						return fmt.Errorf("delete %s: %w", key, err)
					}
				}
				return nil
			})
			if err != nil {
				return err
			}
		}
	}
	s.removeEmpty(root, changed)
	if err := syncFolders(root, changed); err != nil {
		return err
	}
	return ctx.Err()
}

// delete removes the body first: without it there is no object.
func (s *Store) delete(root *os.Root, key string, changed map[string]bool) error {
	for _, name := range []string{s.body(key), s.sidecar(key)} {
		fi, err := root.Lstat(name)
		if err != nil || fi.IsDir() {
			continue
		}
		if err := root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		changed[path.Dir(name)] = true
	}
	s.known.Remove(key)
	return nil
}

// removeEmpty removes the folders that have become empty, the deepest first, and replaces them in changed by the ones
// they were in.
func (s *Store) removeEmpty(root *os.Root, changed map[string]bool) {
	var dirs []string
	for dir := range changed {
		dirs = append(dirs, dir)
	}
	slices.SortFunc(dirs, func(a, b string) int { return len(b) - len(a) })
	for _, dir := range dirs {
		for dir != s.bucket && dir != s.meta+"/objects" && dir != "." && root.Remove(dir) == nil {
			delete(changed, dir)
			dir = path.Dir(dir)
			changed[dir] = true
		}
	}
}
