package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/term"
)

// deleteOptions are what delete depends on.
type deleteOptions struct {
	*session
	hosting.DeleteOptions
	// site is the name of a site of this machine that no project leads to; empty for the project's own.
	site string
}

func newDeleteCmd(s *session) *cobra.Command {
	o := &deleteOptions{session: s}
	cmd := &cobra.Command{
		Use:   "delete [--site NAME] [--uploads] [--retain RESOURCE,…]",
		Short: "Remove the hosting, and say what is left",
		Long: `Removes everything that the tool created for the site, its releases included, and says
what it left. The project folder is never touched. It shows what will go, and asks for the
site's name first.

On AWS that is the stack with what is in its buckets, and the certificate and the DNS records
that were made for the site. Ctrl-C is harmless: run it again, and it goes on. Zip files that
somebody uploaded to be released stay, with their bucket, unless --uploads is given.

A site of this machine whose project was moved or removed is deleted by its name, from any
folder: show --all lists them.`,
		Example:           "  " + name + " delete\n  " + name + " delete --yes\n  " + name + " delete --site shop-1a2b3c4d",
		Args:              arguments(0, 0, ""),
		ValidArgsFunction: noFiles,
		RunE:              func(cmd *cobra.Command, _ []string) error { return runDelete(cmd.Context(), o) },
	}
	cmd.Flags().StringVar(&o.site, "site", "", "local: the `name` of a site, in place of the project's own")
	_ = cmd.RegisterFlagCompletionFunc("site", s.completeSites)
	cmd.Flags().BoolVar(&o.Uploads, "uploads", false, "remove the uploaded zip files, too")
	cmd.Flags().StringSliceVar(&o.Retain, "retain", nil, "aws: leave these `resources` in the account if they cannot be deleted")
	_ = cmd.RegisterFlagCompletionFunc("retain", noFiles)
	return cmd
}

func runDelete(ctx context.Context, o *deleteOptions) error {
	t, siteName, err := o.chosen()
	if err != nil {
		return err
	}
	doomed, err := t.Doomed(ctx, o.DeleteOptions)
	if err != nil {
		return err
	}
	if err := o.confirm(ctx, siteName, doomed); err != nil {
		return err
	}
	report := o.progress(ctx)
	removed, err := t.Delete(ctx, o.DeleteOptions, report)
	report.Close(err)
	removed.Removed, removed.Left = orEmpty(removed.Removed), orEmpty(removed.Left)
	if o.json && err == nil {
		return o.printJSON(removed)
	}
	o.print(removed)
	return err
}

// chosen opens the site that is to be deleted.
func (o *deleteOptions) chosen() (target, string, error) {
	if o.site != "" {
		t, err := findSite(o.session, o.site)
		return t, o.site, err
	}
	t, project, err := o.hosting()
	if err != nil {
		return nil, "", err
	}
	return t, project.Name(), nil
}

// print tells what was removed, and what is left; after a failure, what was removed until then.
func (o *deleteOptions) print(removed hosting.Removed) {
	if o.json {
		return
	}
	style := o.OutStyle()
	for _, item := range removed.Removed {
		fmt.Fprintf(o.Out, "%s removed %s\n", style.Tick(), item)
	}
	for _, item := range removed.Left {
		fmt.Fprintf(o.Out, "%s left %s\n", style.Dash(), item)
	}
}

// confirm shows what will go, and has the user type the site's name: a deletion takes the releases with it, and nothing
// brings them back.
func (o *deleteOptions) confirm(ctx context.Context, siteName string, doomed hosting.Doomed) error {
	if !o.Yes && !o.InTerminal {
		return usage("give --yes to delete it", "deleting %s needs a confirmation, and the input is not a terminal", siteName)
	}
	style := o.ErrStyle()
	if !o.Yes || len(doomed.Removes)+len(doomed.Leaves)+len(doomed.Notes) > 0 {
		with := ""
		if doomed.Releases > 0 {
			with = " with " + term.Count(doomed.Releases, "release") + "; " + doomed.URL + " stops answering"
		}
		fmt.Fprintf(o.Err, "This deletes %s%s.\n", style.Bold(siteName), with)
	}
	for _, list := range []struct {
		verb  string
		items []string
	}{{"It removes", doomed.Removes}, {"It leaves", doomed.Leaves}, {"Note", doomed.Notes}} {
		for i, item := range list.items {
			if i == 0 {
				fmt.Fprintf(o.Err, "%s:\n", list.verb)
			}
			fmt.Fprintf(o.Err, "  %s\n", item)
		}
	}
	if o.Yes {
		return nil
	}
	answer, err := o.Ask(ctx, "Type the site's name to go on:", "", "--yes")
	if err != nil {
		return err
	}
	if answer != siteName {
		return usage("", "%q is not the site's name: nothing was deleted", answer)
	}
	return nil
}
