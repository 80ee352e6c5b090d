package publish

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
)

const (
	// maxSwaps is how often a swap is tried against others that move the pointer at the same time.
	maxSwaps = 50
	// maxClockSkew: a live release whose run started further in the future was published with a wrong clock, and does
	// not keep later runs from going live.
	maxClockSkew = time.Hour
)

// goLive moves the pointer to the release, and records in the result what was live before.
func (r *publication) goLive(ctx context.Context, id string) error {
	r.prog.begin(StepSwap, 0, 0)
	moved, err := r.point(ctx, id, r.req.StartedAt, false)
	if err != nil {
		return err
	}
	r.res.Release, r.res.Previous, r.res.Superseded = id, moved.previous, moved.superseded
	if moved.damaged != nil {
		r.warn("mended: %v", moved.damaged)
	}
	return nil
}

// move is what point found and did.
type move struct {
	previous   string
	superseded bool
	// damaged is what was wrong with the pointer before.
	damaged error
}

// point makes release id live: read, compare, conditional write, again on conflict, read back. A run that started
// earlier than that of the live release leaves the pointer alone, unless the release was asked for by name.
//
// Between reading the pointer and moving it, point looks for the manifest. Retention takes the manifest away first and
// then moves the pointer's version, so either the swap fails or the manifest is seen to be gone: errGone.
func (p *Publisher) point(ctx context.Context, id string, startedAt time.Time, byName bool) (move, error) {
	for attempt := range maxSwaps {
		if err := pause(ctx, attempt); err != nil {
			return move{}, err
		}
		live, version, err := p.Pointer.Read(ctx)
		damaged := errors.Is(err, ErrDamaged)
		if err != nil && !damaged {
			return move{}, fmt.Errorf("read the pointer: %w", err)
		}
		if _, err := p.Manifest(ctx, id); errors.Is(err, ErrNotFound) {
			return move{}, fmt.Errorf("release %s: %w", id, errGone)
		} else if err != nil {
			return move{}, err
		}
		done := move{previous: live.Release}
		if damaged {
			done.damaged = err
		}
		next := Live{Release: id, Previous: live.Release, StartedAt: startedAt, SwappedAt: p.now()}
		switch {
		case live.Release == id:
			done.previous = live.Previous
			if !damaged && !byName && !startedAt.After(live.StartedAt) {
				return done, nil
			}
			next.Previous, next.SwappedAt = live.Previous, live.SwappedAt
		case !byName && live.StartedAt.After(startedAt) && live.StartedAt.Before(p.now().Add(maxClockSkew)):
			done.superseded = true
			return done, nil
		}
		err = p.Pointer.Swap(ctx, version, next)
		if errors.Is(err, ErrConflict) {
			continue
		}
		if err != nil {
			return move{}, fmt.Errorf("make release %s live: %w", id, err)
		}
		after, _, err := p.Pointer.Read(ctx)
		if err != nil {
			return move{}, fmt.Errorf("read the pointer back: %w", err)
		}
		// Another run may have moved on already; it was allowed to.
		done.superseded = after.Release != id
		return done, nil
	}
	return move{}, fault.New(fault.Other, "run the same command again", "make release %s live: the pointer was moved by others %d times in a row", id, maxSwaps)
}

// pause waits a little, and at random, before another attempt.
func pause(ctx context.Context, attempt int) error {
	if attempt == 0 {
		return ctx.Err()
	}
	t := time.NewTimer(time.Duration(1+rand.IntN(5*min(attempt, 10))) * time.Millisecond)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// Rollback makes a stored release live, whichever run started when; an empty id means the one that was live before. The
// release is checked to be whole first. Rolling back twice without a name returns to where it was.
func (p *Publisher) Rollback(ctx context.Context, id string) (Result, error) {
	startedAt := p.now()
	id, err := p.rollbackID(ctx, id)
	if err != nil {
		return Result{}, err
	}
	prog := &progress{tell: p.Progress}
	m, err := p.whole(ctx, id, prog)
	if err != nil {
		return Result{}, explain(err)
	}
	prog.begin(StepSwap, 0, 0)
	moved, err := p.point(ctx, id, startedAt, true)
	if errors.Is(err, errGone) {
		return Result{}, unknownRelease(id)
	}
	if err != nil {
		return Result{}, explain(err)
	}
	own, _ := partition(m.Files)
	res := Result{Release: id, Previous: moved.previous, Superseded: moved.superseded, Files: len(own), Unchanged: len(own)}
	if moved.damaged != nil {
		res.Warnings = append(res.Warnings, fmt.Sprintf("mended: %v", moved.damaged))
	}
	if err := p.errorPage(ctx, m); err != nil {
		return res, explain(fmt.Errorf("release %s is live, but its error page is not: %w", id, err))
	}
	return res, nil
}

// rollbackID resolves and checks the id of a rollback.
func (p *Publisher) rollbackID(ctx context.Context, id string) (string, error) {
	live, _, err := p.Pointer.Read(ctx)
	if err != nil && !errors.Is(err, ErrDamaged) {
		return "", fmt.Errorf("read the pointer: %w", err)
	}
	switch {
	case id != "":
		return id, site.ValidRelease(id)
	case err != nil && live.Previous == "":
		return "", fault.New(fault.Other, releasesHint, "roll back: which release was live before is lost: %w", err)
	case live.Release == "":
		return "", nothingPublished()
	case live.Previous == "":
		return "", fault.New(fault.Other, releasesHint, "roll back: release %s is live, and there was none before it", live.Release)
	}
	return live.Previous, nil
}

const releasesHint = `run "cloudfront-hosting-toolkit releases" to see them all, then "cloudfront-hosting-toolkit rollback RELEASE"`

func nothingPublished() error {
	return fault.New(fault.NotDeployed, `run "cloudfront-hosting-toolkit deploy" or "cloudfront-hosting-toolkit publish DIR" first`, "nothing has been published yet")
}

func unknownRelease(id string) error {
	return fault.New(fault.Other, releasesHint, "release %s does not exist", id)
}

// whole returns the manifest of a release after checking that the store holds every file of it.
func (p *Publisher) whole(ctx context.Context, id string, prog *progress) (Manifest, error) {
	m, err := p.Manifest(ctx, id)
	if errors.Is(err, ErrNotFound) {
		shelf, err := p.readShelf(ctx)
		if err != nil {
			return Manifest{}, err
		}
		if len(shelf.manifests)+len(shelf.damaged) == 0 {
			return Manifest{}, nothingPublished()
		}
		return Manifest{}, unknownRelease(id)
	}
	if errors.Is(err, errDamaged) {
		return Manifest{}, fault.New(fault.Other, "choose another release: "+releasesHint+"; or publish its files again", "%w", err)
	}
	if err != nil {
		return Manifest{}, err
	}
	prog.begin(StepVerify, len(m.Files), sizeOf(m.Files))
	have, err := p.listRelease(ctx, id, m.Files)
	if err != nil {
		return Manifest{}, err
	}
	if lost := missing(have, m.Files); len(lost) > 0 {
		return Manifest{}, fault.New(fault.Other, "choose another release: "+releasesHint+"; or publish its files again",
			"release %s is not whole: %s missing or changed in the store", id, some(lost))
	}
	prog.add(len(m.Files), sizeOf(m.Files))
	return m, nil
}
