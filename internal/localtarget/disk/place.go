package disk

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/publish"
)

// tempName returns a new name for a file that is being written. There are several folders, because a folder is locked
// while a name in it waits for the file system's journal.
func (s *Store) tempName() string {
	name := rand.Text()
	return fmt.Sprintf("%s/tmp/%02d/%s", s.meta, shard(name), name)
}

// writeBody writes content to a new file, which is not yet durable. It returns the file and its time, which tells this
// body from any other that the key ever has: it is set to the nanosecond, because file systems' own clocks tick in
// milliseconds. The caller closes the file.
func (s *Store) writeBody(ctx context.Context, root *os.Root, name string, content publish.Blob) (f *os.File, fileTime int64, err error) {
	r, err := content.Open()
	if err != nil {
		return nil, 0, err
	}
	defer r.Close()
	if f, err = root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644); err != nil {
		return nil, 0, err
	}
	defer func() {
		if err != nil {
			_ = f.Close()
			remove(root, name)
		}
	}()
	h := sha256.New()
	n, err := io.Copy(io.MultiWriter(f, h), &reader{ctx: ctx, r: io.LimitReader(r, content.Size+1)})
	if err != nil {
		return nil, 0, err
	}
	if got := hex.EncodeToString(h.Sum(nil)); n != content.Size || got != content.SHA256 {
		return nil, 0, fmt.Errorf("the content changed while it was read: want %d bytes with digest %s, got %d with %s", content.Size, content.SHA256, n, got)
	}
	now := time.Now()
	if err := root.Chtimes(name, now, now); err != nil {
		return nil, 0, err
	}
	fi, err := f.Stat()
	if err != nil {
		return nil, 0, err
	}
	return f, fi.ModTime().UnixNano(), nil
}

// reader ends when its context does.
type reader struct {
	ctx context.Context
	r   io.Reader
}

func (r *reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}

// place makes the file tmp the body of key, described by v and meta. Content and names are durable when it returns. body
// is tmp as it was written, and is closed; nil if the content of tmp is durable already. place removes tmp if it fails.
func (s *Store) place(ctx context.Context, root *os.Root, key, tmp string, body *os.File, v version, meta publish.Meta) error {
	v.Modified, v.ContentType, v.CacheControl = s.now().UTC(), meta.ContentType, meta.CacheControl
	sidecar := s.tempName()
	moved := false
	defer func() {
		if !moved {
			remove(root, sidecar)
			remove(root, tmp)
		}
	}()
	// The disk is waited for once, and outside the lock unless there is an older version to describe as well.
	g := new(errgroup.Group)
	if body != nil {
		g.Go(func() error { return errors.Join(body.Sync(), body.Close()) })
	}
	if meta.IfAbsent {
		g.Go(func() error { return writeSidecar(root, sidecar, []version{v}) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	changed := map[string]bool{path.Dir(s.sidecar(key)): true, path.Dir(s.body(key)): true}
	err := s.locked(ctx, shard(key), func() error {
		exists := s.exists(root, key)
		if exists && meta.IfAbsent {
			return publish.ErrExists
		}
		if !meta.IfAbsent {
			versions := []version{v}
			if exists {
				versions = append(versions, s.versions(root, key)...)
			}
			if err := writeSidecar(root, sidecar, versions[:min(len(versions), maxVersions)]); err != nil {
				return err
			}
		}
		if err := moveInto(root, sidecar, s.sidecar(key), changed); err != nil {
			return err
		}
		s.known.Remove(key)
		err := moveInto(root, tmp, s.body(key), changed)
		if err != nil && !exists {
			remove(root, s.sidecar(key))
		}
		moved = err == nil
		return err
	})
	if err != nil {
		return err
	}
	return syncFolders(root, changed)
}

func writeSidecar(root *os.Root, name string, versions []version) error {
	data, err := json.Marshal(versions)
	if err != nil {
		return err
	}
	return writeFile(root, name, data)
}

// moveInto renames a file to a name whose folder need not exist, and may be removed by a deletion while it is empty.
func moveInto(root *os.Root, from, to string, changed map[string]bool) error {
	const attempts = 100
	err := root.Rename(from, to)
	for range attempts {
		if err == nil {
			return nil
		}
		if err := makeFolder(root, path.Dir(to), changed); err != nil {
			return err
		}
		if err := makeWay(root, to); err != nil {
			return err
		}
		if err = root.Rename(from, to); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return err
}

// writeFile writes a file and makes its content, not yet its name, durable.
func writeFile(root *os.Root, name string, data []byte) error {
	f, err := root.OpenFile(name, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Write(data); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	return f.Close()
}

// makeFolder creates a folder and those above it, and notes the folders in which a name appeared.
func makeFolder(root *os.Root, dir string, changed map[string]bool) error {
	err := root.Mkdir(dir, 0o755)
	if errors.Is(err, fs.ErrNotExist) && dir != "." {
		if err := makeFolder(root, path.Dir(dir), changed); err != nil {
			return err
		}
		err = root.Mkdir(dir, 0o755)
	}
	switch {
	case err == nil:
		changed[path.Dir(dir)] = true
		return nil
	case errors.Is(err, fs.ErrExist):
		if fi, err := root.Lstat(dir); err == nil && !fi.IsDir() {
			return fmt.Errorf("%s is an object, so nothing can be stored below it", dir)
		}
		return nil
	case notAFolder(err):
		return fmt.Errorf("a part of %s is an object, so nothing can be stored below it", dir)
	}
	return err
}

// makeWay removes an empty folder that stands where a file shall be, and refuses to go on if it is not empty.
func makeWay(root *os.Root, name string) error {
	fi, err := root.Lstat(name)
	if err != nil || !fi.IsDir() {
		return nil
	}
	if err := root.Remove(name); err != nil {
		return fmt.Errorf("%s is a folder with other objects in it: %w", name, err)
	}
	return nil
}

// syncFolders makes the names in all folders durable, at once, since each waits for the same journal.
func syncFolders(root *os.Root, dirs map[string]bool) error {
	g := new(errgroup.Group)
	for dir := range dirs {
		g.Go(func() error {
			if err := syncFolder(root, dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("sync folder %s: %w", dir, err)
			}
			return nil
		})
	}
	return g.Wait()
}
