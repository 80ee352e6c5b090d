package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/term"
)

// deleteOptions are what delete depends on.
type deleteOptions struct {
	*session
}

func newDeleteCmd(s *session) *cobra.Command {
	o := &deleteOptions{session: s}
	return &cobra.Command{
		Use:   "delete",
		Short: "Remove the hosting, and say what is left",
		Long: `Removes everything that the tool created for the site, its releases included, and says
what it left. The project folder is never touched. It asks for the site's name first.`,
		Example:           "  " + name + " delete\n  " + name + " delete --yes",
		Args:              arguments(0, 0, ""),
		ValidArgsFunction: noFiles,
		RunE:              func(cmd *cobra.Command, _ []string) error { return runDelete(cmd.Context(), o) },
	}
}

func runDelete(ctx context.Context, o *deleteOptions) error {
	t, project, err := o.hosting()
	if err != nil {
		return err
	}
	info, err := t.Show(ctx)
	if fault.KindOf(err) == fault.NotDeployed {
		return err
	}
	info.Site = project.Name() // what is damaged and cannot be shown can be deleted all the same
	if err := o.confirm(ctx, info); err != nil {
		return err
	}
	report := o.progress(ctx)
	removed, err := t.Delete(ctx, report)
	report.Close(err)
	if err != nil {
		return err
	}
	removed.Removed, removed.Left = orEmpty(removed.Removed), orEmpty(removed.Left)
	if o.json {
		return o.printJSON(removed)
	}
	style := o.OutStyle()
	for _, item := range removed.Removed {
		fmt.Fprintf(o.Out, "%s removed %s\n", style.Tick(), item)
	}
	for _, item := range removed.Left {
		fmt.Fprintf(o.Out, "%s left %s\n", style.Dash(), item)
	}
	return nil
}

// confirm has the user type the site's name: a deletion takes the releases with it, and nothing brings them back.
func (o *deleteOptions) confirm(ctx context.Context, info hosting.Info) error {
	if o.Yes {
		return nil
	}
	if !o.InTerminal {
		return usage("give --yes to delete it", "deleting %s needs a confirmation, and the input is not a terminal", info.Site)
	}
	style := o.ErrStyle()
	with := ""
	if info.Releases > 0 {
		with = " with " + term.Count(info.Releases, "release") + "; " + info.URL + " stops answering"
	}
	fmt.Fprintf(o.Err, "This deletes %s%s.\n", style.Bold(info.Site), with)
	answer, err := o.Ask(ctx, "Type the site's name to go on:", "", "--yes")
	if err != nil {
		return err
	}
	if answer != info.Site {
		return usage("", "%q is not the site's name: nothing was deleted", answer)
	}
	return nil
}
