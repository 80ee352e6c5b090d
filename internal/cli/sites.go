package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/term"
)

// findSite opens a site of this machine by its name, without a project.
func findSite(s *session, siteName string) (target, error) {
	if s.target == site.AWS {
		return nil, usage("run the command in the site's project folder", "--site finds sites of this machine")
	}
	dir, err := localtarget.StateDir(s.stateDir)
	if err != nil {
		return nil, err
	}
	return localtarget.Find(dir, siteName, localtarget.Options{Version: thisBuild().Version})
}

// completeSites offers the sites of this machine.
func (s *session) completeSites(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	var offered []string
	if dir, err := localtarget.StateDir(s.stateDir); err == nil {
		sites, _ := localtarget.Sites(cmd.Context(), dir)
		for _, one := range sites {
			offered = append(offered, cobra.CompletionWithDesc(one.Site, one.Project))
		}
	}
	return offered, cobra.ShellCompDirectiveNoFileComp
}

// runShowAll lists the sites of this machine.
func runShowAll(ctx context.Context, s *session) error {
	if s.target == site.AWS {
		return usage("list stacks with: aws cloudformation list-stacks", "show --all lists the sites of this machine")
	}
	dir, err := localtarget.StateDir(s.stateDir)
	if err != nil {
		return err
	}
	sites, err := localtarget.Sites(ctx, dir)
	if err != nil {
		return err
	}
	if s.json {
		return s.printJSON(orEmpty(sites))
	}
	if len(sites) == 0 {
		fmt.Fprintln(s.Err, "No site is deployed on this machine.")
		return nil
	}
	table := &term.Table{Columns: []term.Column{
		{Title: "SITE"}, {Title: "URL", Elastic: true}, {Title: "DOMAIN", Elastic: true}, {Title: "RELEASE", Elastic: true}, {Title: "PROJECT", Elastic: true},
	}}
	for _, one := range sites {
		table.Row(one.Site, one.URL, one.Domain, s.id(one.Release), s.path(one.Project))
	}
	if err := s.table(table); err != nil {
		return err
	}
	var steps [][2]string
	for _, one := range sites {
		switch {
		case one.Problem != "":
			s.warn("site %s: %s", one.Site, one.Problem)
		case one.Astray != "":
			s.warn("site %s: %s", one.Site, one.Astray)
			steps = append(steps, [2]string{"To remove " + one.Site, s.command("delete", "--site", one.Site)})
		}
	}
	s.next(steps...)
	return nil
}
