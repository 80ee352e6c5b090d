package drop

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/watch"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/unzip"
)

// glance is how often the folder is looked at even if the file system has reported nothing.
const glance = 500 * time.Millisecond

// Watch calls release for each upload that was not taken up yet, when it is whole; of several that are whole at the same time
// for the youngest only. An upload of content that was released before counts like any other. release returns false if it
// cannot be taken up now: then it is asked again. again is the digest of an upload that is to be released although it was
// taken up; empty for none. Watch returns when ctx ends.
func (f *Folder) Watch(ctx context.Context, again string, release func(Upload) bool) {
	w := &watcher{folder: f, again: again, release: release, seen: map[string]os.FileInfo{}, held: map[string]held{}}
	changes := watch.New(nil)
	defer changes.Close()
	changes.Add(f.Dir)
	glances := time.NewTicker(glance)
	defer glances.Stop()
	for {
		w.pass()
		w.look(ctx)
		select {
		case <-ctx.Done():
			return
		case <-glances.C:
		case <-changes.C:
		}
	}
}

type watcher struct {
	folder  *Folder
	again   string
	release func(Upload) bool
	// seen are the files that were taken up: another one of the same name, size and time is another upload.
	seen map[string]os.FileInfo
	// held are the files that are not whole.
	held map[string]held
	// passed are the strays that were told.
	passed []Stray
}

// pass tells of the strays that are new.
func (w *watcher) pass() {
	strays, err := w.folder.Strays()
	if err != nil || w.folder.Passed == nil {
		return // asked again at the next glance
	}
	for _, s := range strays {
		if !slices.Contains(w.passed, s) {
			w.folder.Passed(s)
		}
	}
	w.passed = strays
}

// held is a file that was not whole, or could not be read, when it looked like this for the first time.
type held struct {
	version
	since      time.Time
	unreadable bool
}

// look takes up the youngest of the files that are new and whole.
func (w *watcher) look(ctx context.Context) {
	names, err := w.folder.names()
	if err != nil {
		return // asked again at the next glance
	}
	w.folder.mu.Lock()
	ledger := w.folder.read()
	w.folder.mu.Unlock()
	var fresh []string
	var newest string
	var youngest time.Time
	for _, name := range names {
		v, err := look(filepath.Join(w.folder.Dir, name))
		if err != nil || !w.isNew(ctx, ledger[name], name, v) || !w.whole(ctx, name, v) {
			continue
		}
		fresh = append(fresh, name)
		if newest == "" || v.Modified.After(youngest) {
			newest, youngest = name, v.Modified
		}
	}
	if newest == "" || ctx.Err() != nil {
		return
	}
	u, err := w.folder.identify(ctx, newest)
	if unreadable(err) {
		u, err = w.unread(newest)
	}
	if err != nil || !w.release(u) {
		return
	}
	w.again = ""
	for _, name := range fresh {
		if name != newest {
			// It came before the one that is released, or at the same time: it is not released, and not asked for again.
			if v, err := look(filepath.Join(w.folder.Dir, name)); err == nil {
				_ = w.folder.Take(Upload{Name: name, file: v})
			}
		}
		delete(w.held, name)
	}
	w.seen[newest] = u.info
	_ = w.folder.Take(u) // what cannot be written down is released once more after a restart
}

// isNew reports whether a file is to be taken up, since it was not, or was copied anew.
func (w *watcher) isNew(ctx context.Context, old taken, name string, now version) bool {
	if w.again != "" && old.Digest == w.again {
		return true
	}
	info, err := os.Stat(filepath.Join(w.folder.Dir, name))
	if before := w.seen[name]; err == nil && before != nil && !os.SameFile(before, info) {
		return true
	}
	if old.same(now) {
		return old.Digest == Unreadable && w.readable(ctx, name)
	}
	return old.Size != now.Size || !now.Modified.Before(old.Modified) || !w.onlyDated(ctx, old, name)
}

// onlyDated reports whether a file has the content with which it was taken up. "cp -p" gives the time of the original, an
// earlier one, when all of the content is there. It is written down.
func (w *watcher) onlyDated(ctx context.Context, old taken, name string) bool {
	u, err := w.folder.identify(ctx, name)
	return err == nil && u.Digest == old.Digest && w.folder.Take(u) == nil
}

// whole reports whether a file is all there. One that is not, or cannot be read, and has not changed for long, is passed on,
// so that its release can say what is wrong with it.
func (w *watcher) whole(ctx context.Context, name string, v version) bool {
	before, waiting := w.held[name]
	if !waiting || !before.same(v) || before.unreadable && w.readable(ctx, name) {
		err := unzip.Verify(ctx, filepath.Join(w.folder.Dir, name), unzip.DefaultLimits)
		if !errors.Is(err, unzip.ErrIncomplete) && !unreadable(err) {
			delete(w.held, name)
			return ctx.Err() == nil
		}
		w.held[name] = held{v, time.Now(), unreadable(err)}
		return false
	}
	patience := w.folder.Patience
	if patience == 0 {
		patience = DefaultPatience
	}
	return time.Since(before.since) >= patience
}

// unread is the upload of a file that cannot be read.
func (w *watcher) unread(name string) (Upload, error) {
	info, err := os.Stat(filepath.Join(w.folder.Dir, name))
	if err != nil {
		return Upload{}, err
	}
	return Upload{Name: name, Digest: Unreadable, file: version{info.Size(), info.ModTime()}, info: info}, nil
}

// readable reports whether a file that could not be read can be read by now, all of it.
func (w *watcher) readable(ctx context.Context, name string) bool {
	_, err := w.folder.identify(ctx, name)
	return err == nil
}

// unreadable reports whether an error is of a file that is there and cannot be read, by permission or otherwise.
func unreadable(err error) bool {
	var at *fs.PathError
	return errors.As(err, &at) && !errors.Is(err, fs.ErrNotExist)
}
