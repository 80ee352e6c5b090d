package publish

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
)

// Releases returns the stored releases, newest first. One whose manifest cannot be read is listed with its Problem. If the
// pointer is damaged, the current release has that as its Problem, or the newest one if the current one is not known.
func (p *Publisher) Releases(ctx context.Context) ([]Release, error) {
	live, _, damage := p.Pointer.Read(ctx)
	if damage != nil && !errors.Is(damage, ErrDamaged) {
		return nil, fmt.Errorf("read the pointer: %w", damage)
	}
	shelf, err := p.readShelf(ctx)
	if err != nil {
		return nil, err
	}
	list := []Release{}
	for _, m := range shelf.manifests {
		own, _ := partition(m.Files)
		list = append(list, Release{ID: m.Release, CreatedAt: m.CreatedAt, Files: len(own), Bytes: sizeOf(own), Commit: m.Commit, Message: m.Message})
	}
	for id, d := range shelf.damaged {
		list = append(list, Release{ID: id, CreatedAt: d.modified, Problem: d.err.Error()})
	}
	slices.SortStableFunc(list, func(a, b Release) int { return b.CreatedAt.Compare(a.CreatedAt) })
	p.addMessages(ctx, list)
	current := 0
	for i := range list {
		r := &list[i]
		r.Current, r.Previous = r.ID == live.Release, r.ID == live.Previous
		if r.Current {
			current = i
		}
	}
	if damage == nil {
		return list, nil
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("read the pointer: %w", damage)
	}
	list[current].Problem = damage.Error()
	if hint := fault.HintOf(damage); hint != "" {
		list[current].Problem += " (" + hint + ")"
	}
	return list, nil
}

// addMessages fills in the messages that the manifests do not have.
func (p *Publisher) addMessages(ctx context.Context, list []Release) {
	var unknown []string
	for _, r := range list {
		if r.Commit != "" && r.Message == "" {
			unknown = append(unknown, r.Commit)
		}
	}
	if p.Messages == nil || len(unknown) == 0 {
		return
	}
	found := p.Messages(ctx, unknown)
	for i := range list {
		if r := &list[i]; r.Commit != "" && r.Message == "" {
			r.Message = found[r.Commit]
		}
	}
}
