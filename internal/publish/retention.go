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
	deleteBatch = 1000
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
// moved less than PropagationGrace ago. It also clears away what interrupted uploads (after a day) and interrupted
// removals left. A release whose manifest is damaged stays. Prune returns the ids of the releases that are gone, also
// when it returns an error.
func (p *Publisher) Prune(ctx context.Context) ([]string, error) { return p.prune(ctx, "") }

// prune spares the release that is about to be uploaded.
func (p *Publisher) prune(ctx context.Context, uploading string) ([]string, error) {
	live, version, err := p.Pointer.Read(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the pointer: %w", err)
	}
	shelf, err := p.readShelf(ctx)
	if err != nil {
		return nil, err
	}
	if err := p.clearLeftovers(ctx, shelf, live, uploading); err != nil {
		return nil, err
	}
	old := p.old(shelf, live, uploading)
	if len(old) == 0 {
		return nil, nil
	}
	old, err = p.retire(ctx, old, live, version)
	if err != nil {
		return nil, err
	}
	var gone []string
	for _, m := range old {
		if err := p.removeFolder(ctx, m.Release); err != nil {
			return gone, err
		}
		gone = append(gone, m.Release)
	}
	return gone, nil
}

// old returns the releases that retention may remove now.
func (p *Publisher) old(shelf *shelf, live Live, uploading string) []Manifest {
	grace := p.PropagationGrace
	if grace == 0 {
		grace = DefaultPropagationGrace
	}
	if live.Release == "" || p.now().Sub(live.SwappedAt) < grace {
		return nil
	}
	keep := p.Keep
	if keep <= 0 {
		keep = site.DefaultKeepReleases
	}
	if len(shelf.manifests) <= keep {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(shelf.manifests[keep:]), func(m Manifest) bool {
		return m.Release == live.Release || m.Release == live.Previous || m.Release == uploading
	})
}

// retire takes the manifests away, so that from then on the folders are no releases, and then moves the pointer's
// version without moving the pointer. A rollback to one of them at the same moment either has moved the pointer before,
// which is seen here, and the manifest is put back; or its swap fails, and it finds no manifest when it tries again.
func (p *Publisher) retire(ctx context.Context, old []Manifest, live Live, version Version) ([]Manifest, error) {
	var keys []string
	for _, m := range old {
		if err := p.mark(ctx, m.Release, workRemoval); err != nil {
			return nil, err
		}
		keys = append(keys, manifestKey(m.Release))
	}
	if err := p.Store.Delete(ctx, keys); err != nil {
		return nil, fmt.Errorf("remove manifests of old releases: %w", err)
	}
	for attempt := 0; ; attempt++ {
		err := p.Pointer.Swap(ctx, version, live)
		if err == nil {
			return old, nil
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
		if old, err = p.reprieve(ctx, old, live); err != nil {
			return nil, err
		}
	}
}

// reprieve puts the manifest of a release back that has gone live meanwhile.
func (p *Publisher) reprieve(ctx context.Context, old []Manifest, live Live) ([]Manifest, error) {
	var still []Manifest
	for _, m := range old {
		if m.Release != live.Release && m.Release != live.Previous {
			still = append(still, m)
			continue
		}
		if err := p.putJSON(ctx, manifestKey(m.Release), m, true); err != nil && !errors.Is(err, ErrExists) {
			return nil, err
		}
		if err := p.Store.Delete(ctx, []string{unfinishedKey(m.Release)}); err != nil {
			return nil, fmt.Errorf("remove mark of release %s: %w", m.Release, err)
		}
	}
	return still, nil
}

// clearLeftovers ends what was interrupted: a removal at once, an upload when nothing of it is newer than a day.
func (p *Publisher) clearLeftovers(ctx context.Context, shelf *shelf, live Live, uploading string) error {
	for id, marked := range shelf.unfinished {
		_, damaged := shelf.damaged[id]
		isRelease := damaged || slices.ContainsFunc(shelf.manifests, func(m Manifest) bool { return m.Release == id })
		aged := p.now().Sub(marked) > abandonedAfter
		switch {
		case id == live.Release || id == live.Previous:
			continue
		case isRelease:
			if !aged {
				continue
			}
			if err := p.Store.Delete(ctx, []string{unfinishedKey(id)}); err != nil {
				return fmt.Errorf("remove mark of release %s: %w", id, err)
			}
			continue
		}
		m, err := p.readMark(ctx, id)
		if errors.Is(err, ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		if m.Work == workUpload {
			if id == uploading || !aged {
				continue
			}
			if fresh, err := p.fresh(ctx, id); err != nil || fresh {
				if err != nil {
					return err
				}
				continue
			}
			if err := p.mark(ctx, id, workRemoval); err != nil {
				return err
			}
		}
		if err := p.removeFolder(ctx, id); err != nil {
			return err
		}
	}
	return nil
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
	if err := p.Store.Delete(ctx, []string{unfinishedKey(id)}); err != nil {
		return fmt.Errorf("remove mark of release %s: %w", id, err)
	}
	return nil
}
