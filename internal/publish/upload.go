package publish

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"
)

const (
	// concurrency is how many requests to the store are under way at once.
	concurrency = 64
	// maxInFlight bounds the bytes of the files that are being sent at once; a larger file is sent alone.
	maxInFlight = 64 << 20
	// maxRepairs is how often an upload is completed after the check found something missing.
	maxRepairs = 3
)

// upload brings every file of the folder into the release's folder, create-only, and then checks by listing that they
// are all there. A complete release has a manifest that names these very files: what is there is one of them if it has the
// size. In an incomplete one, every file that is there is looked at, and files that are not of this release make it errTaken.
func (r *publication) upload(ctx context.Context, id string, shelf *shelf, complete bool) error {
	for attempt := 0; ; attempt++ {
		have, err := r.listRelease(ctx, id, r.folder.files)
		if err != nil {
			return err
		}
		if !complete && len(strays(have, r.folder.files)) > 0 {
			return errTaken
		}
		sent, err := r.sendAll(ctx, id, have, shelf, complete)
		if err != nil {
			return err
		}
		r.prog.begin(StepVerify, len(r.folder.files), sizeOf(r.folder.files))
		if sent > 0 {
			if have, err = r.listRelease(ctx, id, r.folder.files); err != nil {
				return err
			}
		}
		if !complete && len(strays(have, r.folder.files)) > 0 {
			return errTaken
		}
		lost := missing(have, r.folder.files)
		if len(lost) == 0 {
			r.prog.add(len(r.folder.files), sizeOf(r.folder.files))
			return nil
		}
		if attempt == maxRepairs {
			return fmt.Errorf("verify release %s: the store lost %s", id, some(lost))
		}
	}
}

// missing returns the files that the store does not hold with the right size and, where the listing tells it, digest.
func missing(have map[string]Object, files []File) (lost []string) {
	for _, f := range files {
		o, ok := have[f.Path]
		if !ok || o.Size != f.Size || o.SHA256 != "" && o.SHA256 != f.SHA256 {
			lost = append(lost, f.Path)
		}
	}
	return lost
}

// strays returns the paths that the store holds beside the files.
func strays(have map[string]Object, files []File) (extra []string) {
	known := make(map[string]bool, len(files))
	for _, f := range files {
		known[f.Path] = true
	}
	for p := range have {
		if !known[p] {
			extra = append(extra, p)
		}
	}
	return extra
}

// some names a few of many paths.
func some(paths []string) string {
	const few = 3
	if len(paths) <= few {
		return strings.Join(paths, ", ")
	}
	return fmt.Sprintf("%s and %d more files", strings.Join(paths[:few], ", "), len(paths)-few)
}

// sendAll puts the files in place that are not yet there, and then the aliases, which are copies of files that are. It
// returns how many it put there.
func (r *publication) sendAll(ctx context.Context, id string, have map[string]Object, shelf *shelf, complete bool) (sent int, err error) {
	own, aliases := partition(r.folder.files)
	r.prog.begin(StepUpload, len(r.folder.files), sizeOf(r.folder.files))
	sources := copySources(id, shelf)
	look := func(f File) (Object, bool) {
		o, ok := have[f.Path]
		if ok && complete && o.SHA256 == "" {
			o.SHA256 = f.SHA256
		}
		return o, ok
	}
	before := r.res
	if err := r.send(ctx, id, own, look, func(f File) string { return sources[f.SHA256] }); err != nil {
		return 0, err
	}
	counted := r.res
	err = r.send(ctx, id, aliases, look, func(f File) string { return id + "/" + f.AliasOf })
	sent = r.res.Uploaded - before.Uploaded + r.res.Copied - before.Copied
	r.res.Uploaded, r.res.Copied = counted.Uploaded, counted.Copied // aliases are not counted as files
	return sent, err
}

// send puts files in place that look does not find there, by copying the object that source names where there is one, and
// counts what it did.
func (r *publication) send(ctx context.Context, id string, files []File, look func(File) (Object, bool), source func(File) string) error {
	var mu sync.Mutex
	memory := semaphore.NewWeighted(maxInFlight)
	outer := ctx
	g, ctx := errgroup.WithContext(outer) // its context ends with Wait, however that went
	one := func(f File) error {
		weight := min(f.Size, maxInFlight)
		if err := memory.Acquire(ctx, weight); err != nil {
			return err
		}
		defer memory.Release(weight)
		buffer := digestBuffers.Get().(*[]byte)
		defer digestBuffers.Put(buffer)
		f, content, err := r.folder.loaded(f, *buffer)
		if err != nil {
			return err
		}
		blob := r.folder.blob(f)
		if content != nil {
			blob.Open = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil }
		}
		o, exists := look(f)
		how, err := r.place(ctx, id, f, blob, o, exists, source(f))
		if err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		switch how {
		case placed:
			r.res.Uploaded++
			r.res.BytesSent += f.Size
		case copied:
			r.res.Copied++
		}
		return nil
	}
	// The same few goroutines for all files: the stack that a store's client needs is grown once for each.
	var next atomic.Int64
	for range min(concurrency, len(files)) {
		g.Go(func() error {
			for ctx.Err() == nil {
				i := next.Add(1) - 1
				if i >= int64(len(files)) {
					return nil
				}
				if err := one(files[i]); err != nil {
					return err
				}
			}
			return ctx.Err()
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return outer.Err()
}

// outcome is how a file came into the release.
type outcome int

const (
	placed outcome = iota
	copied
	unchanged
)

// place brings one file into the release: nothing to do, copied inside the store, or sent.
func (r *publication) place(ctx context.Context, id string, f File, blob Blob, o Object, exists bool, source string) (outcome, error) {
	key := id + "/" + f.Path
	meta := Meta{ContentType: f.ContentType, CacheControl: f.CacheControl, IfAbsent: true}
	if exists {
		return unchanged, r.accept(ctx, key, f, o)
	}
	if source != "" {
		err := r.Store.Copy(ctx, source, key, f.SHA256, meta)
		switch {
		case err == nil:
			r.prog.add(1, f.Size)
			return copied, nil
		case errors.Is(err, ErrExists):
			return unchanged, r.accept(ctx, key, f, Object{Size: f.Size})
		case !errors.Is(err, ErrNotFound):
			return 0, fmt.Errorf("copy %s to %s: %w", source, key, err)
		}
	}
	err := r.Store.Put(ctx, key, r.prog.watch(blob), meta)
	if errors.Is(err, ErrExists) {
		return unchanged, r.accept(ctx, key, f, Object{Size: f.Size})
	}
	if err != nil {
		return 0, fmt.Errorf("upload %s: %w", f.Path, err)
	}
	r.prog.add(1, 0)
	return placed, nil
}

// accept checks that an object that is already there is the file; if not, the id is taken.
func (r *publication) accept(ctx context.Context, key string, f File, o Object) error {
	if o.Size != f.Size {
		return errTaken
	}
	if o.SHA256 == "" {
		body, got, err := r.Store.Get(ctx, key)
		if err != nil {
			return fmt.Errorf("read %s: %w", key, err)
		}
		defer body.Close()
		if o = got; o.SHA256 == "" {
			h := sha256.New()
			if _, err := io.Copy(h, body); err != nil {
				return fmt.Errorf("read %s: %w", key, err)
			}
			o.SHA256 = hex.EncodeToString(h.Sum(nil))
		}
	}
	if o.SHA256 != f.SHA256 {
		return errTaken
	}
	r.prog.add(1, f.Size)
	return nil
}

// copySources maps digests to the keys of objects of other releases that have them.
func copySources(id string, shelf *shelf) map[string]string {
	sources := map[string]string{}
	for _, m := range shelf.manifests {
		if m.Release == id {
			continue
		}
		for _, f := range m.Files {
			if _, known := sources[f.SHA256]; !known {
				sources[f.SHA256] = m.Release + "/" + f.Path
			}
		}
	}
	return sources
}
