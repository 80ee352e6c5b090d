package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/cost"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/term"
)

// previewView is the JSON of deploy --dry-run.
type previewView struct {
	hosting.Preview
	Cost *cost.Estimate `json:"cost,omitempty"`
}

// runDryRun says what deploy would do, and what a month would cost, and does nothing.
func runDryRun(ctx context.Context, o *deployOptions) error {
	if _, err := o.usage(); err != nil {
		return err
	}
	t, project, err := o.hosting()
	if err != nil {
		return err
	}
	report := o.progress(ctx)
	report.Step("Check")
	preview, err := t.Preview(ctx, report)
	report.Close(err)
	if err != nil {
		return err
	}
	view := previewView{Preview: preview}
	if onAWS(o.session, project) {
		if view.Cost, err = o.estimate(ctx, o.session, project); err != nil {
			return err
		}
	}
	if o.json {
		return o.printJSON(view)
	}
	if err := o.printPreview(preview); err != nil || view.Cost == nil {
		return err
	}
	return o.printEstimate(*view.Cost)
}

// printPreview writes what would be done.
func (s *session) printPreview(p hosting.Preview) error {
	style, width := s.OutStyle(), s.OutWidth()
	where := p.Target
	if p.Region != "" {
		where += ", " + p.Region
	}
	head := fmt.Sprintf("Would update %s (%s)", p.Site, where)
	switch {
	case p.Creates:
		head = fmt.Sprintf("Would create %s (%s)", p.Site, where)
	case len(p.Changes) == 0:
		head = fmt.Sprintf("Nothing to change for %s (%s)", p.Site, where)
	}
	fmt.Fprintf(s.Out, "%s\n", style.Bold(head))
	if len(p.Changes) > 0 {
		fmt.Fprintln(s.Out)
	}
	table := &term.Table{Columns: []term.Column{{}, {}, {Elastic: true}, {Elastic: true}}}
	for _, c := range p.Changes {
		action := c.Action
		if action == strings.ToUpper(action) {
			action = style.Red(action)
		}
		table.Row(action, s.path(c.Name), style.Dim(c.Type), strings.Join(c.Causes, ", "))
	}
	if err := s.table(table); err != nil {
		return err
	}
	if len(p.Notes) > 0 {
		fmt.Fprintln(s.Out)
	}
	for _, note := range p.Notes {
		fmt.Fprintf(s.Out, "- %s\n", wrapped(note, width, 2))
	}
	return nil
}
