package publish

import (
	"context"
	"fmt"
	"iter"
	"strings"

	"golang.org/x/sync/errgroup"
)

const (
	// rangeFiles is the least number of files in a range, which is that of a page of S3's.
	rangeFiles = 1000
	// maxRanges is how many ranges are listed at once.
	maxRanges = 16
)

// listRelease returns the objects of a release's folder by path. The files that are expected there tell where to divide
// the listing; they are in path order.
func (p *Publisher) listRelease(ctx context.Context, id string, files []File) (map[string]Object, error) {
	ranges := p.ranges(ctx, id+"/", files)
	found := make([][]Object, len(ranges))
	g := new(errgroup.Group)
	for i, r := range ranges {
		g.Go(func() error {
			for o, err := range r {
				if err != nil {
					return fmt.Errorf("list release %s: %w", id, err)
				}
				found[i] = append(found[i], o)
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	have := make(map[string]Object, len(files))
	for _, part := range found {
		for _, o := range part {
			have[strings.TrimPrefix(o.Key, id+"/")] = o
		}
	}
	return have, nil
}

// ranges divides the listing of a prefix into parts that together are all of it.
func (p *Publisher) ranges(ctx context.Context, prefix string, files []File) []iter.Seq2[Object, error] {
	lister, ok := p.Store.(RangeLister)
	if !ok || len(files) <= rangeFiles {
		return []iter.Seq2[Object, error]{p.Store.List(ctx, prefix)}
	}
	// Whole pages: a range that ends with its page needs no other one to know that it does.
	pages := (len(files) + rangeFiles - 1) / rangeFiles
	size := (pages + maxRanges - 1) / maxRanges * rangeFiles
	var parts []iter.Seq2[Object, error]
	after := ""
	for end := size; end < len(files); end += size {
		until := prefix + files[end-1].Path
		parts = append(parts, lister.ListRange(ctx, prefix, after, until))
		after = until
	}
	return append(parts, lister.ListRange(ctx, prefix, after, ""))
}
