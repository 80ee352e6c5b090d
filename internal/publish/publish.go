package publish

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
)

// maxNumber is how many releases of one commit there can be.
const maxNumber = 999

// maxRestarts is how often a publication begins again because another process removed the release under it.
const maxRestarts = 5

var (
	// errTaken says that a release id belongs to other files.
	errTaken = errors.New("release id is taken")
	// errGone says that a release was removed by another process's retention before it could go live.
	errGone = errors.New("release was removed meanwhile")
)

// publication is one run of Publish.
type publication struct {
	*Publisher
	req    Request
	folder *folder
	prog   *progress
	res    Result
	// shelf is what prune has left, for the first store.
	shelf *shelf
	// made is the manifest of the release that was stored.
	made Manifest
}

// Publish makes a release of a folder and makes it live, unless a run that started later has already made another one
// live (Result.Superseded). Whatever fails, and wherever the process dies, the site stays on a whole release, and the
// same call made again completes the work.
//
// The error page is stored after the swap, because only the run whose release is live may write it. If that fails,
// Publish returns an error together with a Result that names the live release.
func (p *Publisher) Publish(ctx context.Context, req Request) (Result, error) {
	if req.StartedAt.IsZero() {
		req.StartedAt = p.now()
	}
	if req.ID != "" {
		if err := site.ValidRelease(req.ID); err != nil {
			return Result{}, err
		}
	}
	r := &publication{Publisher: p, req: req, prog: &progress{tell: p.Progress}}
	var err error
	if r.folder, err = scan(ctx, req.Dir, p.PageAliases, r.prog); err != nil {
		return Result{}, explain(err)
	}
	defer r.folder.close()
	if r.req.ID == "" {
		if err := r.folder.digest(ctx); err != nil {
			return Result{}, explain(err)
		}
		r.req.ID = contentID(r.folder.files)
	}
	return r.run(ctx)
}

func (r *publication) run(ctx context.Context) (Result, error) {
	r.res.LeftOut = r.folder.leftOut
	own, _ := partition(r.folder.files)
	r.res.Files = len(own)
	r.prog.begin(StepPrune, 0, 0)
	var err error
	if r.res.Pruned, r.shelf, err = r.prune(ctx, r.req.ID); err != nil {
		if ctx.Err() != nil {
			return Result{}, err
		}
		// Old releases that stay are no reason to keep a new one from the viewers.
		r.warn("old releases were not removed: %v", err)
	}
	for restart := 0; ; restart++ {
		id, err := r.store(ctx)
		if err != nil {
			return Result{}, explain(err)
		}
		err = r.goLive(ctx, id)
		if errors.Is(err, errGone) && restart < maxRestarts {
			continue
		}
		if err != nil {
			return Result{}, explain(err)
		}
		if err := r.errorPage(ctx, r.made); err != nil {
			return r.res, explain(fmt.Errorf("release %s is live, but its error page is not: %w", r.res.Release, err))
		}
		return r.res, nil
	}
}

func (r *publication) warn(format string, args ...any) {
	r.res.Warnings = append(r.res.Warnings, fmt.Sprintf(format, args...))
}

// store makes sure that the files are a release, and returns its id: the wanted one, or the first numbered one that is
// free or has the same files.
func (r *publication) store(ctx context.Context) (string, error) {
	shelf := r.shelf
	r.shelf = nil // once more, and it is old
	if shelf == nil {
		var err error
		if shelf, err = r.readShelf(ctx); err != nil {
			return "", err
		}
	}
	for n := 1; n <= maxNumber; n++ {
		id := numbered(r.req.ID, n)
		if d, ok := shelf.damaged[id]; ok {
			r.warn("%v; the release is stored under another id", d.err)
			continue
		}
		err := r.storeAs(ctx, id, shelf)
		if errors.Is(err, errTaken) {
			continue
		}
		r.res.Unchanged = r.res.Files - r.res.Uploaded - r.res.Copied
		return id, err
	}
	return "", fault.New(fault.Other, "give another release id", "publish %s: %d releases of this id exist", r.req.ID, maxNumber)
}

// storeAs uploads what is missing of release id, checks it and writes the manifest. It returns errTaken if the id
// belongs to other files.
func (r *publication) storeAs(ctx context.Context, id string, shelf *shelf) error {
	r.res.Uploaded, r.res.Copied, r.res.BytesSent = 0, 0, 0
	m, err := r.Manifest(ctx, id)
	if err == nil {
		// Otherwise each file is read just before it is sent: the one goes on while the other waits.
		if err := r.folder.digest(ctx); err != nil {
			return err
		}
	}
	switch {
	case err == nil && !sameFiles(m.Files, r.folder.files), errors.Is(err, errDamaged):
		return errTaken
	case err == nil:
		// The same files again: the same release. Anything that was lost from it is put back.
		r.made = m
		if err := r.upload(ctx, id, shelf, true); err != nil {
			return err
		}
		if _, marked := shelf.unfinished[id]; marked {
			return r.unmark(ctx, id)
		}
		return nil
	case !errors.Is(err, ErrNotFound):
		return err
	}
	if err := r.mark(ctx, id, workUpload); err != nil {
		return err
	}
	if err := r.upload(ctx, id, shelf, false); err != nil {
		return err
	}
	if err := r.folder.digest(ctx); err != nil {
		return err
	}
	m = Manifest{Format: manifestFormat, Release: id, CreatedAt: r.now().UTC(), Commit: r.req.Commit, Message: r.req.Message,
		ToolVersion: r.ToolVersion, Files: r.folder.files}
	if err := r.putJSON(ctx, manifestKey(id), m, true); errors.Is(err, ErrExists) {
		// Another run of the same commit was faster.
		if m, err = r.Manifest(ctx, id); err != nil || !sameFiles(m.Files, r.folder.files) {
			return errors.Join(errTaken, err)
		}
	} else if err != nil {
		return err
	}
	r.made = m
	return r.unmark(ctx, id)
}

// numbered returns the n-th id of a commit: "abc", "abc-2", "abc-3".
func numbered(id string, n int) string {
	if n == 1 {
		return id
	}
	suffix := fmt.Sprintf("-%d", n)
	return id[:min(len(id), 128-len(suffix))] + suffix
}

// contentID names a release by what is in it.
func contentID(files []File) string {
	h := sha256.New()
	for _, f := range files {
		fmt.Fprintf(h, "%q %s\n", f.Path, f.SHA256)
	}
	return hex.EncodeToString(h.Sum(nil))[:12]
}

func (p *Publisher) now() time.Time {
	if p.Now != nil {
		return p.Now()
	}
	return time.Now()
}

// explain adds the way out to errors of the store that a user can do something about.
func explain(err error) error {
	if err == nil || fault.HintOf(err) != "" {
		return err
	}
	if diskFull(err) {
		return fault.New(fault.Other, "free some space, then run the same command again; the live site is as it was", "%w", err)
	}
	if errors.Is(err, fs.ErrPermission) {
		return fault.New(fault.Other, "make the path readable and writable for this user, then run the same command again; the live site is as it was", "%w", err)
	}
	return err
}
