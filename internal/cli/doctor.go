package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/spf13/cobra"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/cost"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/doctor"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/term"
)

// doctorOptions are what doctor depends on.
type doctorOptions struct {
	*session
	policy bool
	trafficFlag
}

func newDoctorCmd(s *session) *cobra.Command {
	o := &doctorOptions{session: s}
	cmd := &cobra.Command{
		Use:   "doctor [--traffic 1M/50GB] [--policy]",
		Short: "Check everything that a deployment needs",
		Long: `Checks everything that a deployment needs, before anything is deployed and after, and says how
to mend what it finds. What cannot be looked at, because a permission is missing for example, is
skipped and keeps nothing else from being checked. It changes nothing. If a check fails, the exit
code is 1.

On AWS it also estimates what a month costs. --policy prints the IAM policy that whoever deploys
this site needs, and nothing else.`,
		Example: `  ` + name + ` doctor
  ` + name + ` doctor --target aws --traffic 1M/50GB
  ` + name + ` doctor --target aws --policy > deployer.json`,
		Args:              arguments(0, 0, ""),
		ValidArgsFunction: noFiles,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.policy {
				return printPolicy(cmd.Context(), o)
			}
			return runDoctor(cmd.Context(), o)
		},
	}
	cmd.Flags().BoolVar(&o.policy, "policy", false, "aws: print the IAM policy for whoever deploys this site")
	o.trafficFlag.add(cmd)
	return cmd
}

func runDoctor(ctx context.Context, o *doctorOptions) error {
	if _, err := o.usage(); err != nil {
		return err
	}
	started := time.Now()
	checks, project, err := examine(ctx, o.session)
	if err != nil {
		return err
	}
	var estimate *cost.Estimate
	if onAWS(o.session, project) {
		if estimate, err = o.estimate(ctx, o.session, project); err != nil {
			return err
		}
	}
	if o.json {
		err = o.printJSON(doctorView{Checks: checks, OK: doctor.Failures(checks) == 0, Cost: estimate})
	} else {
		err = o.printChecks(checks, time.Since(started))
		if err == nil && estimate != nil {
			err = o.printEstimate(*estimate)
		}
	}
	if n := doctor.Failures(checks); err == nil && n > 0 {
		return reported{fault.New(fault.Other, "", "%s failed", term.Count(n, "check"))}
	}
	return err
}

// doctorView is doctor's JSON.
type doctorView struct {
	// OK is false if a check failed.
	OK     bool            `json:"ok"`
	Checks []hosting.Check `json:"checks"`
	Cost   *cost.Estimate  `json:"cost,omitempty"`
}

// examine takes the target's looks; of a project that cannot be loaded it takes those that need none, and tells why.
func examine(ctx context.Context, s *session) ([]hosting.Check, *site.Site, error) {
	t, project, problem := s.hosting()
	report := s.progress(ctx)
	report.Step("Looking")
	var checks []hosting.Check
	var err error
	if problem == nil {
		checks, err = t.Doctor(ctx, report)
	} else {
		checks, err = doctor.Run(ctx, []doctor.Look{doctor.Git(), doctor.Unloadable(problem)})
	}
	report.Close(err)
	if err == nil && problem != nil {
		project = nil
	}
	return checks, project, err
}

// onAWS reports whether the project is hosted on AWS, as openTarget decides.
func onAWS(s *session, project *site.Site) bool {
	return project != nil && cmp.Or(s.target, project.Config.Target) == site.AWS
}

// printChecks writes one entry a check: its mark, its name, what was found, and below it what mends it.
func (s *session) printChecks(checks []hosting.Check, took time.Duration) error {
	style, width := s.OutStyle(), s.OutWidth()
	column := 0
	for _, c := range checks {
		column = max(column, len(c.Name))
	}
	indent := 2 + column + 2
	var b strings.Builder
	for _, c := range checks {
		mark := map[hosting.CheckStatus]string{
			hosting.CheckOK: style.Tick(), hosting.CheckWarning: style.Yellow("!"), hosting.CheckFailed: style.Cross(), hosting.CheckSkipped: style.Dash(),
		}[c.Status]
		fmt.Fprintf(&b, "%s %s  %s\n", mark, c.Name+strings.Repeat(" ", column-len(c.Name)), wrapped(c.Detail, width, indent))
		if c.Hint != "" {
			fmt.Fprintf(&b, "%s%s %s\n", strings.Repeat(" ", indent), style.Cyan("hint:"), wrapped(c.Hint, width, indent+len("hint: ")))
		}
	}
	if _, err := s.Out.Write([]byte(b.String())); err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	s.gap()
	fmt.Fprintln(s.Err, summary(checks)+s.ErrStyle().Dim(" in "+term.Elapsed(took)))
	return nil
}

// summary counts the checks by what they found.
func summary(checks []hosting.Check) string {
	n := map[hosting.CheckStatus]int{}
	for _, c := range checks {
		n[c.Status]++
	}
	var words []string
	for _, kind := range []struct {
		status hosting.CheckStatus
		word   string
	}{{hosting.CheckFailed, "failed"}, {hosting.CheckSkipped, "skipped"}} {
		if n[kind.status] > 0 {
			words = append(words, fmt.Sprintf("%d %s", n[kind.status], kind.word))
		}
	}
	if n[hosting.CheckWarning] > 0 {
		words = append(words, term.Count(n[hosting.CheckWarning], "warning"))
	}
	if len(words) == 0 {
		return term.Count(len(checks), "check") + ", all is well"
	}
	return term.Count(len(checks), "check") + ": " + strings.Join(words, ", ")
}

// wrapped breaks lines at spaces so that they fit into the width behind an indent; width 0 is no limit. What is longer than a
// line stays whole: a path or a command that is cut, at a hyphen for example, cannot be copied.
func wrapped(text string, width, indent int) string {
	room := width - indent
	if width <= 0 || room < 20 {
		return hang(text, indent)
	}
	var lines []string
	for _, paragraph := range strings.Split(text, "\n") {
		line := ""
		for _, word := range strings.Fields(paragraph) {
			switch {
			case line == "":
				line = word
			case ansi.StringWidth(line)+1+ansi.StringWidth(word) <= room:
				line += " " + word
			default:
				lines, line = append(lines, line), word
			}
		}
		lines = append(lines, line)
	}
	return hang(strings.Join(lines, "\n"), indent)
}

// printPolicy writes the policy of whoever deploys: of this site if there is a project, else of any.
func printPolicy(ctx context.Context, o *doctorOptions) error {
	project, err := site.Load(o.dir)
	if err != nil && fault.KindOf(err) != fault.Usage {
		return err
	}
	policy, why := o.awsPolicy(ctx, project)
	if _, err := fmt.Fprint(o.Out, policy); err != nil {
		return fmt.Errorf("write policy: %w", err)
	}
	switch {
	case errors.Is(err, nil) && why == nil:
	case err != nil:
		o.warn("there is no site here (%v): the policy is for any site", err)
	default:
		o.warn("the account is not known (%v): the policy is for any", why)
	}
	return nil
}
