package publish

import "context"

// Check says whether a release can be served: its manifest is there and the store holds every file of it. It changes
// nothing.
func (p *Publisher) Check(ctx context.Context, id string) error {
	_, err := p.whole(ctx, id, &progress{tell: p.Progress})
	return err
}
