package buildspec

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
)

// The build cache keeps the paths of cache.paths between the builds of a site (build-spec-ref, "cache"; caching-s3).
//
//	<cache>/<entry>/entry.json   key, paths, and what is in the entry
//	<cache>/<entry>/files/…      the files, at their paths in the source folder
//	<cache>/new-*                an entry that is being written or taken
//
// Paths are moved, not copied: a node_modules of 50,000 files costs one rename each way. While a build runs, its entry is
// in the source folder and not in the cache; if the build is killed, the entry is gone and the next build starts without
// one. An entry appears under its name in one rename, complete.
//
// A failed build gives its cache back, since most failures (a test, a typo) have nothing to do with it; but an entry with
// which two builds in a row have failed is dropped, so that a broken cache mends itself.

// maxEntries is how many entries, of different keys, are kept. What is used is saved anew, so the oldest are those that were
// not used for the longest.
const maxEntries = 4

// DefaultCacheBytes is what all entries of a cache may have, if Build.CacheBytes is 0.
const DefaultCacheBytes = 5 << 30

// buildCache is the cache of one build. With no Cache folder or no cache section it does nothing.
type buildCache struct {
	dir    string
	limit  int64
	source string
	log    *buildLog
	now    func() time.Time
	spec   *Cache
	globs  []string // of cache.paths, relative to the source folder
	key    string
	// fallbacks are the keys that an entry's key may start with.
	fallbacks []string
	// failures is how many builds in a row have failed with what was restored.
	failures int
}

// cacheEntry is entry.json.
type cacheEntry struct {
	Key      string    `json:"key"`
	Paths    []string  `json:"paths"` // cache.paths: the version of the cache
	Units    []string  `json:"units"` // what was moved: files and whole folders, relative to the source folder
	SavedAt  time.Time `json:"savedAt"`
	Failures int       `json:"failures,omitempty"`
	// Bytes is the size of what was moved.
	Bytes int64 `json:"bytes"`
}

func (r *run) openCache(ctx context.Context) *buildCache {
	c := &buildCache{dir: r.Cache, limit: cmp.Or(r.CacheBytes, DefaultCacheBytes), source: r.source, log: r.log, now: r.now, spec: r.Spec.Cache}
	if c.dir == "" || c.spec == nil {
		c.spec = nil
		return c
	}
	c.sweep()
	home, _ := os.UserHomeDir()
	for _, p := range c.spec.Paths {
		glob, notice := cachePath(p.Glob, r.source, home)
		if notice != "" {
			r.log.line("note: %s:%d: the cache path %s %s", r.Spec.File, p.Line, p.Glob, notice)
			continue
		}
		c.globs = append(c.globs, glob)
	}
	key, err := r.cacheKey(ctx, c.spec.Key)
	for _, f := range c.spec.Fallbacks {
		if c.spec.Key == "" || err != nil {
			break // without a key they are ignored (build-spec-ref, "cache/fallback-keys")
		}
		var fallback string
		fallback, err = r.cacheKey(ctx, f)
		c.fallbacks = append(c.fallbacks, fallback)
	}
	if err != nil {
		r.log.line("note: the cache is not used, its key can't be evaluated: %v", err)
		c.spec = nil
	}
	c.key = key
	if len(c.globs) == 0 {
		c.spec = nil
	}
	return c
}

// cachePath makes a path of cache.paths relative to the source folder, or says why it is not cached.
func cachePath(glob, source, home string) (rel, notice string) {
	const kept = "is kept between builds by itself: builds use this user's home folder"
	for _, prefix := range []string{"~/", "$HOME/", "${HOME}/", "/root/"} {
		if strings.HasPrefix(glob, prefix) {
			return "", kept
		}
	}
	rel = strings.Replace(strings.Replace(glob, "${CODEBUILD_SRC_DIR}", source, 1), "$CODEBUILD_SRC_DIR", source, 1)
	rel = cleanGlob(rel)
	if filepath.IsAbs(filepath.FromSlash(rel)) || strings.HasPrefix(rel, "/") {
		if home != "" && strings.HasPrefix(rel, filepath.ToSlash(home)+"/") {
			return "", kept
		}
		inside, err := filepath.Rel(source, filepath.FromSlash(rel))
		if err != nil {
			inside = ".."
		}
		rel = filepath.ToSlash(inside)
	}
	if slices.Contains(strings.Split(rel, "/"), "..") {
		return "", "is outside of the source folder, it is not cached here"
	}
	return rel, ""
}

var hashFiles = regexp.MustCompile(`\$\(\s*codebuild-hash-files\s+([^()]*)\)`)

// cacheKey evaluates a key: codebuild-hash-files, variables and commands (caching-s3, "Generate dynamic keys").
func (r *run) cacheKey(ctx context.Context, key string) (string, error) {
	if !strings.Contains(key, "$") && !strings.Contains(key, "`") {
		return key, nil
	}
	var hashErr error
	key = hashFiles.ReplaceAllStringFunc(key, func(call string) string {
		var globs []string
		for rest := hashFiles.FindStringSubmatch(call)[1]; strings.TrimSpace(rest) != ""; {
			word, after, ok := shellWord(strings.TrimLeft(rest, " \t\n"))
			if !ok {
				hashErr = fmt.Errorf("unbalanced quotes in %s", call)
				break
			}
			globs, rest = append(globs, word), after
		}
		sum, err := hashGlobs(r.source, globs)
		hashErr = errors.Join(hashErr, err)
		return sum
	})
	if hashErr != nil {
		return "", hashErr
	}
	out, err := r.shell.evaluate(ctx, "printf %s \""+key+"\"")
	return string(out), err
}

// hashGlobs is the SHA-256 of the files that globs match, their names included.
func hashGlobs(dir string, globs []string) (string, error) {
	h := sha256.New()
	for _, glob := range globs {
		names, err := doublestar.Glob(os.DirFS(dir), cleanGlob(glob), doublestar.WithFilesOnly(), doublestar.WithNoFollow())
		if err != nil {
			return "", fmt.Errorf("hash the files %s: %w", glob, err)
		}
		slices.Sort(names)
		for _, name := range names {
			data, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
			if err != nil {
				return "", fmt.Errorf("hash the files %s: %w", glob, err)
			}
			sum := sha256.Sum256(data)
			fmt.Fprintf(h, "%s\x00%x\n", name, sum)
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// name is the folder of the entry for a key; caches of different paths are different caches (caching-s3, "Cache version").
func (c *buildCache) name(key string) string {
	sum := sha256.Sum256([]byte(key + "\x00" + strings.Join(c.globs, "\x00")))
	return hex.EncodeToString(sum[:16])
}

// restore moves the best entry into the source folder: the one of the key, else the newest of the first fallback key that
// matches. A problem costs the cache and never the build.
func (c *buildCache) restore() {
	if c.spec == nil || c.spec.NoRestore {
		return
	}
	name, ok := c.find()
	if !ok {
		c.log.line("cache: nothing to restore")
		return
	}
	if err := c.take(name); err != nil {
		c.log.line("cache: restored in part: %v", err)
		return
	}
	c.log.line("cache: restored %s", strings.Join(c.globs, ", "))
}

// take moves an entry into the source folder. It first loses its name, so that a build that is killed meanwhile leaves no
// half of an entry behind. A build that does not save gets a copy.
func (c *buildCache) take(name string) error {
	from, dir := filepath.Join(c.dir, name), filepath.Join(c.dir, "new-taken")
	if c.spec.NoSave {
		info, err := os.Lstat(from)
		if err == nil {
			err = copyTree(from, dir, info)
		}
		if err != nil {
			return errors.Join(err, os.RemoveAll(dir))
		}
	} else if err := os.Rename(from, dir); err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	entry, err := readEntry(dir)
	if err != nil {
		return err
	}
	c.failures = entry.Failures
	return moveUnits(entry.Units, filepath.Join(dir, "files"), c.source)
}

// find returns the name of the entry to restore.
func (c *buildCache) find() (string, bool) {
	if _, err := readEntry(filepath.Join(c.dir, c.name(c.key))); err == nil {
		return c.name(c.key), true
	}
	entries := c.entries()
	for _, prefix := range c.fallbacks {
		for _, e := range entries {
			if prefix != "" && strings.HasPrefix(e.Key, prefix) && slices.Equal(e.Paths, c.globs) {
				return c.name(e.Key), true
			}
		}
	}
	return "", false
}

// save moves the cached paths out of the source folder into a new entry. failed is the build's failure, or nil.
func (c *buildCache) save(failed error) {
	if c.spec == nil || c.spec.NoSave {
		return
	}
	if failed != nil {
		c.failures++
		if c.failures > 1 {
			c.log.line("cache: dropped, two builds in a row have failed with it")
			return
		}
	} else {
		c.failures = 0
	}
	if err := c.write(); err != nil {
		c.log.line("cache: not saved: %v", err)
		return
	}
	c.log.line("cache: saved %s", strings.Join(c.globs, ", "))
}

func (c *buildCache) write() error {
	if err := os.MkdirAll(c.dir, 0o755); err != nil {
		return err
	}
	dir, err := os.MkdirTemp(c.dir, "new-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	units, err := cacheUnits(c.source, c.globs)
	if err != nil {
		return err
	}
	if err := moveUnits(units, c.source, filepath.Join(dir, "files")); err != nil {
		return err
	}
	size := sizeOf(filepath.Join(dir, "files"))
	final := filepath.Join(c.dir, c.name(c.key))
	if err := os.RemoveAll(final); err != nil {
		return err
	}
	if size > c.limit {
		return fmt.Errorf("its %s are more than the %s that the cache of a site may have", hosting.Size(size), hosting.Size(c.limit))
	}
	entry := cacheEntry{c.key, c.globs, units, c.now(), c.failures, size}
	data, err := json.MarshalIndent(entry, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "entry.json"), data, 0o644); err != nil {
		return err
	}
	if err := os.Rename(dir, final); err != nil {
		return err
	}
	c.evict()
	return nil
}

// evict removes the entries that are too many or too much, the oldest first.
func (c *buildCache) evict() {
	var bytes int64
	for i, e := range c.entries() {
		if bytes += e.Bytes; i < maxEntries && bytes <= c.limit {
			continue
		}
		os.RemoveAll(filepath.Join(c.dir, nameOf(e)))
		c.log.line("cache: removed the one with the key %q, of %s, which was not used for the longest", e.Key, hosting.Size(e.Bytes))
	}
}

// sizeOf returns the bytes of the files below a folder. What cannot be looked at does not count.
func sizeOf(dir string) (bytes int64) {
	_ = filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() {
			if info, err := e.Info(); err == nil {
				bytes += info.Size()
			}
		}
		return nil
	})
	return bytes
}

// sweep removes what an interrupted save left behind.
func (c *buildCache) sweep() {
	left, _ := filepath.Glob(filepath.Join(c.dir, "new-*"))
	for _, dir := range left {
		os.RemoveAll(dir)
	}
}

// entries returns the complete entries, newest first.
func (c *buildCache) entries() []cacheEntry {
	var out []cacheEntry
	dirs, _ := os.ReadDir(c.dir)
	for _, d := range dirs {
		if e, err := readEntry(filepath.Join(c.dir, d.Name())); err == nil && nameOf(e) == d.Name() {
			out = append(out, e)
		}
	}
	slices.SortFunc(out, func(a, b cacheEntry) int { return b.SavedAt.Compare(a.SavedAt) })
	return out
}

func nameOf(e cacheEntry) string { return (&buildCache{globs: e.Paths}).name(e.Key) }

func readEntry(dir string) (cacheEntry, error) {
	var e cacheEntry
	data, err := os.ReadFile(filepath.Join(dir, "entry.json"))
	if err == nil {
		err = json.Unmarshal(data, &e)
	}
	if err == nil && slices.ContainsFunc(e.Units, func(u string) bool { return !fs.ValidPath(u) || u == "." }) {
		err = errors.New("the entry has an invalid path")
	}
	return e, err
}
