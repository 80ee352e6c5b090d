package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/cost"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/term"
)

// trafficFlag is what a month is assumed to bring.
type trafficFlag struct{ traffic string }

func (f *trafficFlag) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.traffic, "traffic", "", "aws: `load` of a month for the estimate, requests/data (default 1M/50GB)")
	_ = cmd.RegisterFlagCompletionFunc("traffic", noFiles)
}

// usage is the usage that the flag gives.
func (f *trafficFlag) usage() (cost.Usage, error) {
	if f.traffic == "" {
		return cost.Default(), nil
	}
	return cost.ParseTraffic(f.traffic, cost.Default())
}

// estimate estimates a month of the project's hosting on AWS.
func (f *trafficFlag) estimate(ctx context.Context, s *session, project *site.Site) (*cost.Estimate, error) {
	u, err := f.usage()
	if err != nil {
		return nil, err
	}
	e := cost.For(s.awsCost(ctx, project), u)
	return &e, nil
}

// printEstimate writes an estimate: the assumptions, the items, the sum, and where the prices are from.
func (s *session) printEstimate(e cost.Estimate) error {
	style, width := s.OutStyle(), s.OutWidth()
	head := fmt.Sprintf("Estimate for a month: $%s, with the free tiers; $%s without", e.Total, e.List)
	fmt.Fprintf(s.Out, "\n%s\n", style.Bold(wrapped(head, width, 0)))
	fmt.Fprintf(s.Out, "Assumed: %s\n\n", wrapped(strings.Join(e.Assumptions, "; "), width, len("Assumed: ")))
	table := &term.Table{Columns: []term.Column{{Title: "Service"}, {Title: "What", Elastic: true}, {Title: "Quantity", Right: true}, {Title: "Free", Right: true}, {Title: "USD ", Right: true}}}
	unsure := false
	for _, l := range e.Lines {
		mark := " "
		if !l.Confirmed {
			mark, unsure = "*", true
		}
		table.Row(l.Service, l.What, l.Quantity, l.Free, l.Cost+mark)
	}
	if err := s.table(table); err != nil {
		return err
	}
	var notes []string
	if unsure {
		notes = append(notes, "* The price could not be read on AWS's own page: see what that page says.")
	}
	notes = append(notes,
		fmt.Sprintf("Prices of %s for %s: %s.", e.PricesOf, regionWords(e), strings.Join(e.Sources, ", ")),
		"Free tiers are the always-free ones, which all that the account runs shares.",
		"Free of charge: "+e.Nothing+".",
		"Not counted: "+strings.Join(e.NotCounted, "; ")+".")
	fmt.Fprintln(s.Out)
	for _, n := range notes {
		fmt.Fprintln(s.Out, style.Dim(wrapped(n, width, 0)))
	}
	return nil
}

// regionWords is the region of the prices. Most prices are known for one region only.
func regionWords(e cost.Estimate) string {
	if e.Region == e.PricesRegion {
		return e.Region
	}
	return e.Region + ", those of " + e.PricesRegion + " where its own are not known"
}
