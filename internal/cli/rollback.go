package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/publish"
)

// rollbackOptions are what rollback depends on.
type rollbackOptions struct {
	*session
	release string
}

func newRollbackCmd(s *session) *cobra.Command {
	o := &rollbackOptions{session: s}
	return &cobra.Command{
		Use:   "rollback [RELEASE]",
		Short: "Serve an earlier release again, at once",
		Long: `Makes a stored release the live one: the previous release, or the one named. The
beginning of its id is enough. Nothing is built or copied.`,
		Example:           "  " + name + " rollback\n  " + name + " rollback 4f2c9e1",
		Args:              arguments(0, 1, "one release"),
		ValidArgsFunction: s.completeReleases,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 && args[0] == "" {
				return usage("see: "+s.command("releases"), "the release id is empty")
			}
			o.release = strings.Join(args, "")
			return runRollback(cmd.Context(), o)
		},
	}
}

func runRollback(ctx context.Context, o *rollbackOptions) error {
	t, _, err := o.hosting()
	if err != nil {
		return err
	}
	p, err := existing(ctx, t)
	if err != nil {
		return err
	}
	id := o.release
	if id != "" {
		releases, err := p.Releases(ctx)
		if err != nil {
			return err
		}
		if id, err = findRelease(releases, id); err != nil {
			return err
		}
	}
	result, err := p.Rollback(ctx, id)
	if err != nil {
		return err
	}
	info, err := t.Show(ctx)
	if err != nil {
		return err
	}
	if o.json {
		return o.printJSON(publishedView{Result: result, URL: info.URL})
	}
	for _, w := range result.Warnings {
		o.warn("%s", w)
	}
	return o.printMove(result, info.URL, info.Serving)
}

// publishedView is the JSON of what moves the pointer.
type publishedView struct {
	publish.Result
	URL string `json:"url"`
}

// printMove tells which release is live now.
func (s *session) printMove(result publish.Result, url string, serving bool, more ...[2]string) error {
	style := s.OutStyle()
	live := s.id(result.Release)
	switch result.Previous {
	case "":
	case result.Release:
		live += style.Dim("  was live already")
	default:
		live += style.Dim("  in place of " + s.id(result.Previous))
	}
	err := s.fields(append([][2]string{{"Live", live}, {"URL", url}}, more...)...)
	var steps [][2]string
	if !serving {
		s.warn("the site does not answer: no server runs")
		steps = append(steps, [2]string{"To serve it", s.command("serve")})
	}
	if result.Previous != "" && result.Previous != result.Release {
		steps = append(steps, [2]string{"To undo", s.command("rollback", short(result.Previous))})
	}
	s.next(steps...)
	if err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	return nil
}
