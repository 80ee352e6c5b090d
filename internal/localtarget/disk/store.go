// Package disk keeps a site of the local target on disk: the hosting bucket as plain files, and the key-value store as
// a JSON file. Both may be used by several processes at once, and what they have acknowledged survives a power cut.
//
// Layout, beside each other in the site's folder, which must be one file system:
//
//	bucket/<key>                the body of an object, as it was published
//	bucket.meta/objects/<key>   its metadata (JSON)
//	bucket.meta/tmp/            bodies and metadata that are being written
//	bucket.meta/locks/          held for the microseconds in which the names of an object change
//	kv.json, kv.lock            the key-value store and its lock
//	kv.last-good.json           what to serve when kv.json is damaged by hand
//	kv.recent/<release>         an empty file whose time is when the release was last live
//
// An object exists if both its files do. The metadata comes first, so whoever sees a body can describe it.
//
// A file system that does not distinguish upper and lower case (macOS, Windows) cannot hold two keys that differ in
// nothing else: the second Put of the two finds the first.
package disk

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/gofrs/flock"
	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/publish"
)

var _ publish.ObjectStore = (*Store)(nil)

const (
	// cachedObjects is how many descriptions Open remembers: about 300 bytes each.
	cachedObjects = 16384
	// staleAfter is the age at which a temporary file can only be the rest of a process that died.
	staleAfter = time.Hour
	// shards is how many locks there are. A rename waits for the file system's journal, so one lock for all would make
	// everybody wait.
	shards = 16
	// lockRetry is how often the lock is tried that another process holds.
	lockRetry = time.Millisecond
)

// Store is the hosting bucket of a site: a publish.ObjectStore in a folder. It holds nothing open between calls, so the
// folder may be deleted and made again. It cannot hold an object "a" beside an object "a/b".
type Store struct {
	// Now is the clock of Object.Modified; time.Now if it is nil.
	Now func() time.Time

	parent, bucket, meta string
	sweep                sync.Once
	// shards are this process's part of the locks.
	shards [shards]chan struct{}
	known  *lru.Cache[string, described]
}

// OpenStore returns the store whose bodies are in dir. Nothing is created before the first Put.
func OpenStore(dir string) *Store {
	dir = filepath.Clean(dir)
	known, err := lru.New[string, described](cachedObjects)
	if err != nil {
		panic(err) // the size is not positive
	}
	s := &Store{parent: filepath.Dir(dir), bucket: filepath.Base(dir), meta: filepath.Base(dir) + ".meta", known: known}
	for i := range s.shards {
		s.shards[i] = make(chan struct{}, 1)
	}
	return s
}

func (s *Store) body(key string) string    { return s.bucket + "/" + key }
func (s *Store) sidecar(key string) string { return s.meta + "/objects/" + key }

// Put implements publish.ObjectStore.
func (s *Store) Put(ctx context.Context, key string, content publish.Blob, meta publish.Meta) error {
	root, err := s.forWriting(ctx, key)
	if err != nil {
		return fmt.Errorf("put %s: %w", key, err)
	}
	defer root.Close()
	if meta.IfAbsent && s.exists(root, key) {
		return fmt.Errorf("put %s: %w", key, publish.ErrExists)
	}
	tmp := s.tempName()
	body, fileTime, err := s.writeBody(ctx, root, tmp, content)
	if err != nil {
		return fmt.Errorf("put %s: %w", key, err)
	}
	v := version{Size: content.Size, FileTime: fileTime, SHA256: content.SHA256}
	if err := s.place(ctx, root, key, tmp, body, v, meta); err != nil {
		return fmt.Errorf("put %s: %w", key, err)
	}
	return nil
}

// Copy implements publish.ObjectStore. The copy is a hard link where the file system has them.
func (s *Store) Copy(ctx context.Context, from, key, sha256 string, meta publish.Meta) error {
	root, err := s.forWriting(ctx, key)
	if err != nil {
		return fmt.Errorf("copy %s to %s: %w", from, key, err)
	}
	defer root.Close()
	source, o, err := s.open(root, from)
	if err != nil {
		return err
	}
	defer source.Close()
	if o.SHA256 != sha256 {
		return fmt.Errorf("copy %s to %s: %w with digest %s", from, key, publish.ErrNotFound, sha256)
	}
	tmp := s.tempName()
	// Renaming a hard link onto the same file does nothing, so tmp may stay even then.
	defer remove(root, tmp)
	v := version{Size: o.Size, SHA256: sha256}
	var body *os.File
	v.FileTime, err = s.link(root, source, from, tmp)
	if err != nil {
		// No hard links here, or too many to this file: the content is copied instead.
		again := publish.Blob{Size: o.Size, SHA256: sha256, Open: func() (io.ReadCloser, error) {
			return io.NopCloser(io.NewSectionReader(source, 0, o.Size)), nil
		}}
		if body, v.FileTime, err = s.writeBody(ctx, root, tmp, again); err != nil {
			return fmt.Errorf("copy %s to %s: %w", from, key, err)
		}
	}
	if err := s.place(ctx, root, key, tmp, body, v, meta); err != nil {
		return fmt.Errorf("copy %s to %s: %w", from, key, err)
	}
	return nil
}

// link makes tmp another name of the file that source has open, and returns the time of that file.
func (s *Store) link(root *os.Root, source *os.File, from, tmp string) (int64, error) {
	if err := root.Link(s.body(from), tmp); err != nil {
		return 0, err
	}
	was, err := source.Stat()
	if err == nil {
		var is fs.FileInfo
		if is, err = root.Lstat(tmp); err == nil && !os.SameFile(was, is) {
			err = errors.New("replaced meanwhile")
		}
	}
	if err != nil {
		remove(root, tmp)
		return 0, err
	}
	return was.ModTime().UnixNano(), nil
}

// Get implements publish.ObjectStore.
func (s *Store) Get(ctx context.Context, key string) (io.ReadCloser, publish.Object, error) {
	if err := ctx.Err(); err != nil {
		return nil, publish.Object{}, err
	}
	f, o, err := s.Open(key)
	if err != nil {
		return nil, publish.Object{}, err
	}
	return f, o, nil
}

// Open opens an object for an origin. If there is none, or the key is none, the error is both publish.ErrNotFound and
// fs.ErrNotExist. Nothing outside the bucket can be reached. The caller closes the file; it keeps its content when the
// object is replaced or deleted meanwhile.
func (s *Store) Open(key string) (io.ReadSeekCloser, publish.Object, error) {
	root, err := os.OpenRoot(s.parent)
	if err != nil {
		return nil, publish.Object{}, notFound(key, err)
	}
	defer root.Close()
	f, o, err := s.open(root, key)
	if err != nil {
		return nil, publish.Object{}, err
	}
	return f, o, nil
}

func (s *Store) open(root *os.Root, key string) (*os.File, publish.Object, error) {
	if checkKey(key) != nil {
		return nil, publish.Object{}, notFound(key, fs.ErrNotExist)
	}
	f, o, err := s.openBody(root, key, true)
	if err != nil {
		return nil, publish.Object{}, notFound(key, err)
	}
	return f, o, nil
}

// openBody opens and describes a body. What cannot be opened and has no metadata, such as a symbolic link that leads out
// of the bucket, is no object.
func (s *Store) openBody(root *os.Root, key string, remember bool) (*os.File, publish.Object, error) {
	f, err := root.Open(s.body(key))
	if err != nil {
		m, e := root.Lstat(s.sidecar(key))
		if errors.Is(e, fs.ErrNotExist) || notAFolder(e) || e == nil && !m.Mode().IsRegular() {
			err = errNoObject
		}
		return nil, publish.Object{}, err
	}
	o, err := s.describe(root, key, f, remember)
	if err != nil {
		_ = f.Close()
		return nil, publish.Object{}, err
	}
	return f, o, nil
}

// notFound turns what a file system says of a name that is no object into ErrNotFound, and keeps other errors.
func notFound(key string, err error) error {
	if errors.Is(err, fs.ErrNotExist) || notAFolder(err) || errors.Is(err, errNoObject) {
		return fmt.Errorf("open %s: %w: %w", key, publish.ErrNotFound, fs.ErrNotExist)
	}
	return fmt.Errorf("open %s: %w", key, err)
}

// forWriting opens the site's folder, creating it if need be, after checking the key.
func (s *Store) forWriting(ctx context.Context, key string) (*os.Root, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := checkKey(key); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(s.parent)
	if err == nil {
		_, err = root.Lstat(s.meta + "/locks")
	}
	if errors.Is(err, fs.ErrNotExist) {
		if root != nil {
			_ = root.Close()
		}
		root, err = s.create()
	}
	if err != nil {
		return nil, err
	}
	s.sweep.Do(func() { s.removeStale(root) })
	return root, nil
}

// create makes the folders that writing needs; "locks", the last one, says that the others are there.
func (s *Store) create() (*os.Root, error) {
	dirs := []string{s.bucket, s.meta}
	for n := range shards {
		dirs = append(dirs, fmt.Sprintf("%s/tmp/%02d", s.meta, n))
	}
	for _, dir := range append(dirs, s.meta+"/locks") {
		if err := os.MkdirAll(filepath.Join(s.parent, filepath.FromSlash(dir)), 0o755); err != nil {
			return nil, err
		}
	}
	root, err := os.OpenRoot(s.parent)
	if err != nil {
		return nil, err
	}
	return root, syncFolders(root, map[string]bool{".": true, s.meta: true})
}

// checkKey refuses what is no key, or none that this system's file names can hold.
func checkKey(key string) error {
	if key == "." || !fs.ValidPath(key) || !utf8.ValidString(key) {
		return fmt.Errorf("invalid key %q", key)
	}
	for i := range len(key) {
		if key[i] == 0 {
			return fmt.Errorf("invalid key %q", key)
		}
	}
	if !filepath.IsLocal(filepath.FromSlash(key)) {
		return fmt.Errorf("key %q cannot be a file name on this system", key)
	}
	return checkSystemKey(key)
}

// shard tells which lock a key is under.
func shard(key string) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(key))
	return int(h.Sum32() % shards)
}

// locked runs f while no other process or goroutine changes the names of objects of the shard. Folders may vanish
// meanwhile: they are removed, when they are empty, without a lock.
func (s *Store) locked(ctx context.Context, shard int, f func() error) error {
	select {
	case s.shards[shard] <- struct{}{}:
		defer func() { <-s.shards[shard] }()
	case <-ctx.Done():
		return ctx.Err()
	}
	lock := flock.New(filepath.Join(s.parent, s.meta, "locks", fmt.Sprintf("%02d", shard)))
	if _, err := lock.TryLockContext(ctx, lockRetry); err != nil {
		return fmt.Errorf("lock %s: %w", lock.Path(), err)
	}
	err := f()
	return errors.Join(err, lock.Close())
}

// exists reports whether there is an object of this key. Without the lock it is a hint. A body whose metadata is damaged is none, so
// that it is put again.
func (s *Store) exists(root *os.Root, key string) bool {
	b, err := root.Lstat(s.body(key))
	if err != nil || !b.Mode().IsRegular() {
		return false
	}
	return len(s.versions(root, key)) > 0
}

func (s *Store) now() time.Time {
	if s.Now != nil {
		return s.Now()
	}
	return time.Now()
}

// removeStale removes temporary files of processes that died.
func (s *Store) removeStale(root *os.Root) {
	_ = fs.WalkDir(root.FS(), s.meta+"/tmp", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return nil // whatever cannot be read stays
		}
		if fi, err := e.Info(); err == nil && time.Since(fi.ModTime()) > staleAfter {
			remove(root, name)
		}
		return nil
	})
}

// remove deletes a file that may be gone already.
func remove(root *os.Root, name string) { _ = root.Remove(name) }
