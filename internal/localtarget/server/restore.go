package server

import (
	"context"
	"errors"
	"fmt"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/pipeline"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/state"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/publish"
)

// restore makes sure, before the site is served for the first time, that what is live is whole. It always is, but in a state
// folder that was copied while a release was being published: the copy of the pointer may be newer than the copy of the
// bucket. Then the newest release that is whole goes live.
func (t *tenant) restore(ctx context.Context, d *state.Deployed) {
	p := pipeline.Publisher(t.site, d, t.version)
	live, _, err := p.Pointer.Read(ctx)
	if err != nil && !errors.Is(err, publish.ErrDamaged) || live.Release == "" {
		return // the edge says what is to be said
	}
	broken := p.Check(ctx, live.Release)
	if broken == nil || ctx.Err() != nil {
		return
	}
	releases, err := p.Releases(ctx)
	if err != nil {
		t.log.Error("the live release is not whole, and there is no telling what else there is", "release", live.Release, "error", errors.Join(broken, err))
		return
	}
	for _, r := range releases {
		if r.ID == live.Release || r.Problem != "" {
			continue
		}
		if _, err := p.Rollback(ctx, r.ID); err == nil {
			t.log.Warn("the live release is not whole, as in a backup that was made during a publication; the newest whole one is live now",
				"was", live.Release, "now", r.ID, "why", fmt.Sprint(broken))
			return
		}
	}
	t.log.Error("the live release is not whole, and neither is any other; publish or deploy again", "release", live.Release, "error", broken)
}
