package publish

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
)

const (
	// abandonedAfter is how old everything of an interrupted upload must be before retention removes it.
	abandonedAfter = 24 * time.Hour
	// deleteBatch is how many keys are handed to the store at once.
	deleteBatch = 10_000
)

// work is what an unfinished mark stands for.
type work string

const (
	workUpload  work = "upload"
	workRemoval work = "removal"
)

type mark struct {
	Work work `json:"work"`
}

// mark writes down that work on a release's folder begins. It returns errTaken for an upload into a folder that is being
// removed.
func (p *Publisher) mark(ctx context.Context, id string, w work) error {
	if w == workUpload {
		m, err := p.readMark(ctx, id)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
		if m.Work == workRemoval {
			return errTaken
		}
	}
	return p.putJSON(ctx, unfinishedKey(id), mark{Work: w}, false)
}

func (p *Publisher) unmark(ctx context.Context, id string) error {
	if err := p.Store.Delete(ctx, []string{unfinishedKey(id)}); err != nil {
		return fmt.Errorf("remove mark of release %s: %w", id, err)
	}
	return nil
}

// readMark returns the mark of a release; one that cannot be understood counts as that of an upload.
func (p *Publisher) readMark(ctx context.Context, id string) (mark, error) {
	r, _, err := p.Store.Get(ctx, unfinishedKey(id))
	if err != nil {
		return mark{}, fmt.Errorf("read %s: %w", unfinishedKey(id), err)
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil {
		return mark{}, fmt.Errorf("read %s: %w", unfinishedKey(id), err)
	}
	m := mark{Work: workUpload}
	if json.Unmarshal(data, &m) != nil || m.Work != workRemoval {
		m.Work = workUpload
	}
	return m, nil
}

// Prune removes releases older than the newest Keep, never the live and the previous one, and nothing while the pointer
// moved less than PropagationGrace ago, and none that is Spared. It also clears away what interrupted uploads (after a day) and interrupted
// removals left. A release whose manifest is damaged stays. Prune returns the ids of the releases that are gone, also
// when it returns an error.
func (p *Publisher) Prune(ctx context.Context) ([]string, error) {
	gone, _, err := p.prune(ctx, "")
	return gone, err
}

// condemned is a folder that retention removes.
type condemned struct {
	id string
	// manifest is nil for what is no release: the rest of an interrupted upload or removal.
	manifest *Manifest
}

// prune spares the release that is about to be uploaded. Before anything is live it does nothing: there is no need yet. It
// returns what is left, where it has looked at it.
func (p *Publisher) prune(ctx context.Context, uploading string) (gone []string, left *shelf, err error) {
	live, version, err := p.Pointer.Read(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("read the pointer: %w", err)
	}
	if live.Release == "" {
		return nil, nil, nil
	}
	shelf, err := p.readShelf(ctx)
	if err != nil {
		return nil, nil, err
	}
	doomed, err := p.leftovers(ctx, shelf, uploading)
	if err != nil {
		return nil, nil, err
	}
	old, err := p.old(shelf, live, uploading)
	if err != nil {
		return nil, nil, err
	}
	doomed = append(doomed, old...)
	doomed = slices.DeleteFunc(doomed, func(c condemned) bool { return c.id == live.Release || c.id == live.Previous })
	if len(doomed) == 0 {
		return nil, shelf, nil
	}
	if doomed, err = p.retire(ctx, doomed, live, version); err != nil {
		return nil, nil, err
	}
	for _, c := range doomed {
		if err := p.removeFolder(ctx, c.id); err != nil {
			return gone, nil, err
		}
		shelf.drop(c.id)
		if c.manifest != nil {
			gone = append(gone, c.id)
		}
	}
	return gone, shelf, nil
}

// old returns the releases that are too old, if retention may remove any now.
func (p *Publisher) old(shelf *shelf, live Live, uploading string) (doomed []condemned, err error) {
	grace := p.PropagationGrace
	if grace == 0 {
		grace = DefaultPropagationGrace
	}
	keep := p.Keep
	if keep <= 0 {
		keep = site.DefaultKeepReleases
	}
	if p.now().Sub(live.SwappedAt) < grace || len(shelf.manifests) <= keep {
		return nil, nil
	}
	var spared []string
	if p.Spared != nil {
		if spared, err = p.Spared(); err != nil {
			return nil, err
		}
	}
	for _, m := range shelf.manifests[keep:] {
		if m.Release != uploading && !slices.Contains(spared, m.Release) {
			doomed = append(doomed, condemned{m.Release, &m})
		}
	}
	return doomed, nil
}

// leftovers returns what was interrupted: a removal, or an upload of which nothing is newer than a day. It takes away
// the marks of releases that are finished.
func (p *Publisher) leftovers(ctx context.Context, shelf *shelf, uploading string) (doomed []condemned, err error) {
	for id, marked := range shelf.unfinished {
		_, damaged := shelf.damaged[id]
		aged := p.now().Sub(marked) > abandonedAfter
		if damaged || slices.ContainsFunc(shelf.manifests, func(m Manifest) bool { return m.Release == id }) {
			if !aged {
				continue // its run may be about to do so
			}
			if err := p.unmark(ctx, id); err != nil {
				return nil, err
			}
			continue
		}
		m, err := p.readMark(ctx, id)
		if errors.Is(err, ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if m.Work == workUpload {
			if id == uploading || !aged {
				continue
			}
			if fresh, err := p.fresh(ctx, id); err != nil {
				return nil, err
			} else if fresh {
				continue
			}
		}
		doomed = append(doomed, condemned{id, nil})
	}
	return doomed, nil
}

// retire takes the manifests away, so that from then on the folders are no releases, and then moves the pointer's
// version without moving the pointer. A rollback to one of them at the same moment either has moved the pointer before,
// which is seen here, and the manifest is put back; or its swap fails, and it finds no manifest when it tries again.
func (p *Publisher) retire(ctx context.Context, doomed []condemned, live Live, version Version) ([]condemned, error) {
	var keys []string
	for _, c := range doomed {
		if err := p.mark(ctx, c.id, workRemoval); err != nil {
			return nil, err
		}
		if c.manifest != nil {
			keys = append(keys, manifestKey(c.id))
		}
	}
	if err := p.Store.Delete(ctx, keys); err != nil {
		return nil, fmt.Errorf("remove manifests of old releases: %w", err)
	}
	for attempt := 0; ; attempt++ {
		err := p.Pointer.Swap(ctx, version, live)
		if err == nil {
			return doomed, nil
		}
		if !errors.Is(err, ErrConflict) {
			return nil, fmt.Errorf("touch the pointer: %w", err)
		}
		if err := pause(ctx, min(attempt, 10)); err != nil {
			return nil, err
		}
		if live, version, err = p.Pointer.Read(ctx); err != nil {
			return nil, fmt.Errorf("read the pointer: %w", err)
		}
		if doomed, err = p.reprieve(ctx, doomed, live); err != nil {
			return nil, err
		}
	}
}

// reprieve puts the manifest of a release back that has gone live meanwhile.
func (p *Publisher) reprieve(ctx context.Context, doomed []condemned, live Live) ([]condemned, error) {
	var still []condemned
	for _, c := range doomed {
		if c.id != live.Release && c.id != live.Previous {
			still = append(still, c)
			continue
		}
		if c.manifest == nil {
			continue // another run condemned it, and puts it back
		}
		if err := p.putJSON(ctx, manifestKey(c.id), c.manifest, true); err != nil && !errors.Is(err, ErrExists) {
			return nil, err
		}
		if err := p.unmark(ctx, c.id); err != nil {
			return nil, err
		}
	}
	return still, nil
}

// fresh reports whether anything of an upload is newer than a day.
func (p *Publisher) fresh(ctx context.Context, id string) (bool, error) {
	for o, err := range p.Store.List(ctx, id+"/") {
		if err != nil {
			return false, fmt.Errorf("list release %s: %w", id, err)
		}
		if p.now().Sub(o.Modified) <= abandonedAfter {
			return true, nil
		}
	}
	return false, nil
}

// removeFolder deletes the files of what is no release any more, and last the mark that would find them again. Only
// keys with the id as their whole first element are touched: "v1" is not "v10".
func (p *Publisher) removeFolder(ctx context.Context, id string) error {
	var keys []string
	for o, err := range p.Store.List(ctx, id+"/") {
		if err != nil {
			return fmt.Errorf("list release %s: %w", id, err)
		}
		keys = append(keys, o.Key)
	}
	for batch := range slices.Chunk(keys, deleteBatch) {
		if err := p.Store.Delete(ctx, batch); err != nil {
			return fmt.Errorf("remove release %s: %w", id, err)
		}
	}
	return p.unmark(ctx, id)
}
