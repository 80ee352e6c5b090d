package cli

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/publish"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/term"
)

// releasesOptions are what releases depends on.
type releasesOptions struct {
	*session
}

func newReleasesCmd(s *session) *cobra.Command {
	o := &releasesOptions{session: s}
	return &cobra.Command{
		Use:               "releases",
		Short:             "List the releases, newest first",
		Long:              "Lists the releases that are stored, newest first. The live one is marked.",
		Example:           "  " + name + " releases\n  " + name + " releases --json",
		Args:              arguments(0, 0, ""),
		ValidArgsFunction: noFiles,
		RunE:              func(cmd *cobra.Command, _ []string) error { return runReleases(cmd.Context(), o) },
	}
}

func runReleases(ctx context.Context, o *releasesOptions) error {
	t, _, err := o.hosting()
	if err != nil {
		return err
	}
	p, err := existing(ctx, t)
	if err != nil {
		return err
	}
	releases, err := p.Releases(ctx)
	if err != nil {
		return err
	}
	if o.json {
		return o.printJSON(orEmpty(releases))
	}
	if len(releases) == 0 {
		fmt.Fprintln(o.Err, "No release is stored yet.")
		o.next([2]string{"To make one", o.command("deploy")})
		return nil
	}
	if err := o.table(o.releaseTable(releases, time.Now())); err != nil {
		return err
	}
	for _, r := range releases {
		if r.Problem != "" {
			o.warn("release %s: %s", o.id(r.ID), r.Problem)
		}
	}
	if len(releases) > 1 {
		o.next([2]string{"To go back to one", o.command("rollback", "RELEASE")})
	}
	return nil
}

func (s *session) releaseTable(releases []publish.Release, now time.Time) *term.Table {
	style := s.OutStyle()
	table := &term.Table{Columns: []term.Column{
		{}, {Title: "RELEASE", Elastic: true}, {Title: "MADE"}, {Title: "FILES", Right: true}, {Title: "SIZE", Right: true},
		{Title: "MESSAGE", Elastic: true},
	}}
	for _, r := range releases {
		mark, id, when := "", s.id(r.ID), r.CreatedAt.Format(time.RFC3339)
		if s.OutTerminal {
			when = term.Ago(r.CreatedAt, now)
		}
		if r.Current {
			mark, id = style.Green("*"), style.Bold(id)
		}
		if r.Problem != "" && r.Files == 0 {
			table.Row(style.Cross(), id, when, "", "", style.Red("damaged"))
			continue
		}
		if r.Problem != "" { // the release is whole; what is damaged is the pointer to it
			mark, r.Message = style.Cross(), style.Red("pointer damaged")
		}
		table.Row(mark, id, when, strconv.Itoa(r.Files), term.Size(r.Bytes), r.Message)
	}
	return table
}

// existing returns the publisher of a site that is deployed, so that looking at releases creates nothing. A site that
// cannot be shown, because something of it is damaged, has one: rolling back is what mends it.
func existing(ctx context.Context, t target) (*publish.Publisher, error) {
	if _, err := t.Show(ctx); fault.KindOf(err) == fault.NotDeployed {
		return nil, err
	}
	return t.Publisher(ctx)
}
