package disk

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gofrs/flock"
	"golang.org/x/sync/errgroup"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/publish"
)

var _ publish.Pointer = (*KV)(nil)

// KV is the key-value store of a site: a JSON object of strings in a file. It is a publish.Pointer, and View is what
// the edge's functions read. It holds nothing open between calls.
//
// When the file is damaged (by hand: Swap itself replaces it atomically), View serves the last good content, Read
// returns publish.ErrDamaged, and the next Swap mends the file and keeps the damaged one beside it.
type KV struct {
	// OnDamage, if set, is called by View once for each damaged content of the file that it meets.
	OnDamage func(error)

	dir, name string
	// writing is held while a Swap of this process is under way; reading while the file is read into current.
	writing chan struct{}
	reading sync.Mutex
	current atomic.Pointer[view]
	watched atomic.Pointer[watched]
	// mapped is used under reading only.
	mapped *generation
}

// OpenKV returns the key-value store in file, which need not exist: then it has no keys.
func OpenKV(file string) *KV {
	return &KV{dir: filepath.Dir(file), name: filepath.Base(file), writing: make(chan struct{}, 1)}
}

func (k *KV) file() string { return filepath.Join(k.dir, k.name) }

// sibling returns the name of a file beside kv.json: "kv" + suffix.
func (k *KV) sibling(suffix string) string { return strings.TrimSuffix(k.name, ".json") + suffix }

// content is what the file holds at one moment.
type content struct {
	// info is nil if there is no file.
	info   fs.FileInfo
	raw    []byte
	values map[string]string
	live   publish.Live
	// damage says why values are the last good ones (nil if there are none) and not the file's; it wraps ErrDamaged.
	damage error
}

func (c *content) version() publish.Version {
	if c.info == nil {
		return "absent"
	}
	sum := sha256.Sum256(c.raw)
	return publish.Version(fmt.Sprintf("%s-%d", hex.EncodeToString(sum[:8]), c.info.ModTime().UnixNano()))
}

// Read implements publish.Pointer.
func (k *KV) Read(ctx context.Context) (publish.Live, publish.Version, error) {
	if err := ctx.Err(); err != nil {
		return publish.Live{}, "", err
	}
	c, err := k.load()
	if err != nil {
		return publish.Live{}, "", err
	}
	return c.live, c.version(), c.damage
}

// Swap implements publish.Pointer. The new content is durable when it returns.
func (k *KV) Swap(ctx context.Context, old publish.Version, next publish.Live) error {
	select {
	case k.writing <- struct{}{}:
		defer func() { <-k.writing }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := os.MkdirAll(k.dir, 0o755); err != nil {
		return fmt.Errorf("write %s: %w", k.file(), err)
	}
	lock := flock.New(filepath.Join(k.dir, k.sibling(".lock")))
	if _, err := lock.TryLockContext(ctx, lockRetry); err != nil {
		return fmt.Errorf("lock %s: %w", lock.Path(), err)
	}
	defer lock.Close()
	c, err := k.load()
	if err != nil {
		return err
	}
	if c.version() != old {
		return publish.ErrConflict
	}
	values := map[string]string{}
	for key, value := range c.values {
		values[key] = value
	}
	put, remove := next.Keys()
	for key, value := range put {
		values[key] = value
	}
	for _, key := range remove {
		delete(values, key)
	}
	if c.live.Release != next.Release {
		if err := k.retired(c.live.Release); err != nil {
			return fmt.Errorf("write %s: %w", k.file(), err)
		}
	}
	if err := k.write(c, values); err != nil {
		return fmt.Errorf("write %s: %w", k.file(), err)
	}
	return nil
}

// write replaces the content c. The last good copy is written out beforehand and named afterwards, so that a full disk
// keeps either from changing, and a crash between the two leaves a copy that was live.
func (k *KV) write(c *content, values map[string]string) error {
	data, err := json.MarshalIndent(values, "", "  ")
	if err != nil {
		return err
	}
	data = append(data, '\n')
	root, err := os.OpenRoot(k.dir)
	if err != nil {
		return err
	}
	defer root.Close()
	generation, err := openGeneration(root, filepath.Base(k.generationFile()))
	if err != nil {
		return err
	}
	defer generation.Close()
	if c.damage != nil && c.info != nil {
		if err := writeFile(root, k.sibling(time.Now().UTC().Format(".damaged-20060102T150405.000000.json")), c.raw); err != nil {
			return err
		}
	}
	fresh, good := k.sibling(".tmp"), k.sibling(".last-good.tmp")
	defer remove(root, fresh)
	defer remove(root, good)
	g := new(errgroup.Group)
	for _, name := range []string{fresh, good} {
		g.Go(func() error { return writeFile(root, name, data) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	// View tells contents apart by the file's time, whose own clock may tick more slowly than swaps follow each other.
	at := time.Now()
	if c.info != nil && !at.After(c.info.ModTime().Add(time.Microsecond)) {
		at = c.info.ModTime().Add(time.Microsecond)
	}
	if err := root.Chtimes(fresh, at, at); err != nil {
		return err
	}
	if err := root.Rename(fresh, k.name); err != nil {
		return err
	}
	if err := renew(generation); err != nil {
		return err
	}
	if err := root.Rename(good, k.sibling(".last-good.json")); err != nil {
		return err
	}
	return syncFolder(root, ".")
}

// load reads the file, and the last good copy if the file is damaged. An error means that neither says anything about
// the store, as when the folder cannot be read.
func (k *KV) load() (*content, error) {
	root, err := os.OpenRoot(k.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return &content{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", k.file(), err)
	}
	defer root.Close()
	c := &content{}
	c.raw, c.info, err = readFile(root, k.name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read %s: %w", k.file(), err)
	}
	if err == nil {
		if c.values, c.live, err = parse(k.file(), c.raw); err == nil {
			return c, nil
		}
		c.damage = damaged(err)
	}
	raw, _, err := readFile(root, k.sibling(".last-good.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", filepath.Join(k.dir, k.sibling(".last-good.json")), err)
	}
	if c.damage == nil {
		c.damage = damaged(fmt.Errorf("read %s: the file is gone", k.file()))
	}
	if c.values, c.live, err = parse(k.sibling(".last-good.json"), raw); err != nil {
		c.values, c.live = nil, publish.Live{}
	}
	return c, nil
}

func readFile(root *os.Root, name string) ([]byte, fs.FileInfo, error) {
	f, err := root.Open(name)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	data, err := io.ReadAll(f)
	return data, fi, err
}
