package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/term"
)

// statusOptions are what status depends on.
type statusOptions struct {
	*session
	execution string
}

func newStatusCmd(s *session) *cobra.Command {
	o := &statusOptions{session: s}
	return &cobra.Command{
		Use:   "status [EXECUTION]",
		Short: "Show the pipeline, stage by stage",
		Long: `Shows an execution of the pipeline, stage by stage: the newest one, or the one named.
If it failed, the failing stage is named and the exit code is 3.`,
		Example:           "  " + name + " status\n  " + name + " status --json",
		Args:              arguments(0, 1, "one execution"),
		ValidArgsFunction: s.completeExecutions,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.execution = strings.Join(args, "")
			return runStatus(cmd.Context(), o)
		},
	}
}

func runStatus(ctx context.Context, o *statusOptions) error {
	t, _, err := o.hosting()
	if err != nil {
		return err
	}
	info, problem := t.Show(ctx)
	if fault.KindOf(problem) == fault.NotDeployed {
		return problem
	}
	e, err := t.Execution(ctx, o.execution)
	if err != nil {
		return err
	}
	if problem != nil {
		o.warn("%v", problem)
	}
	if o.json {
		err = o.printJSON(newStatusView(e, info.Differs))
	} else {
		err = printStatus(o, e, info)
	}
	if err == nil && e.Status == hosting.Failed {
		return reported{fault.New(fault.Failed, "", "execution %s failed", e.ID)}
	}
	return err
}

func printStatus(o *statusOptions, e hosting.Execution, info hosting.Info) error {
	style, now := o.OutStyle(), time.Now()
	outcome := colourOf(style, e.Status)(statusWords(e.Status))
	if e.EndedAt != nil {
		outcome += " in " + term.Elapsed(e.EndedAt.Sub(e.StartedAt)) + style.Dim(", "+term.Ago(*e.EndedAt, now))
	} else {
		outcome += " for " + term.Elapsed(now.Sub(e.StartedAt))
	}
	release := o.id(e.Release)
	if e.Release != "" && e.Release == info.Release {
		release += style.Green("  live")
	}
	err := o.fields(
		[2]string{"Execution", style.Bold(e.ID)},
		[2]string{"Status", outcome},
		[2]string{"Revision", o.described(e.Revision, e.Message)},
		[2]string{"Release", release},
	)
	if err != nil {
		return err
	}
	fmt.Fprintln(o.Out)
	if err := o.table(stageTable(style, e.Stages, now)); err != nil {
		return err
	}
	if failed := e.FailedStage(); failed != nil && failed.Error != "" {
		fmt.Fprintf(o.Out, "\n%s: %s\n", style.Bold(failed.Name), hang(failed.Error, len(failed.Name)+2))
		if failed.Hint != "" {
			fmt.Fprintf(o.Out, "%s %s\n", style.Cyan("hint:"), hang(failed.Hint, len("hint: ")))
		}
	}
	o.sourceProblem(info)
	o.differs(info.Differs)
	o.next(o.afterStatus(e, info)...)
	return nil
}

func stageTable(style term.Style, stages []hosting.Stage, now time.Time) *term.Table {
	table := &term.Table{Columns: []term.Column{{}, {}, {}, {Right: true}}}
	for _, s := range stages {
		took := ""
		switch {
		case s.StartedAt != nil && s.EndedAt != nil:
			took = term.Elapsed(s.EndedAt.Sub(*s.StartedAt))
		case s.StartedAt != nil:
			took = term.Elapsed(now.Sub(*s.StartedAt))
		}
		table.Row(markOf(style, s.Status), s.Name, colourOf(style, s.Status)(statusWords(s.Status)), took)
	}
	return table
}

// afterStatus is where to read on.
func (s *session) afterStatus(e hosting.Execution, info hosting.Info) [][2]string {
	switch {
	case e.Status == hosting.InProgress && !info.Serving:
		return [][2]string{{"It waits for a server to run it", s.command("serve")}}
	case e.Status == hosting.InProgress:
		return [][2]string{{"To follow the build", s.command("logs", e.ID, "--follow")}}
	case e.Status == hosting.Failed:
		return [][2]string{{"To see why", s.command("logs", e.ID)}}
	}
	return nil
}

func statusWords(status hosting.Status) string {
	switch status {
	case "":
		return "waiting"
	case hosting.InProgress:
		return "in progress"
	default:
		return strings.ToLower(string(status))
	}
}

func colourOf(style term.Style, status hosting.Status) func(string) string {
	switch status {
	case hosting.Succeeded:
		return style.Green
	case hosting.Failed:
		return style.Red
	case hosting.InProgress:
		return style.Cyan
	default:
		return style.Dim
	}
}

func markOf(style term.Style, status hosting.Status) string {
	switch status {
	case hosting.Succeeded:
		return style.Tick()
	case hosting.Failed:
		return style.Cross()
	case hosting.InProgress:
		return style.Cyan(style.Arrow())
	case "":
		return style.Waiting()
	default:
		return style.Dash()
	}
}

// statusView is status's JSON: every key of the contract is there, whatever its value.
type statusView struct {
	Execution string         `json:"execution"`
	Status    hosting.Status `json:"status"`
	Revision  string         `json:"revision"`
	Message   string         `json:"message"`
	Trigger   string         `json:"trigger"`
	Release   string         `json:"release"`
	StartedAt time.Time      `json:"startedAt"`
	EndedAt   *time.Time     `json:"endedAt"`
	Stages    []stageView    `json:"stages"`
	Differs   []string       `json:"differs"`
}

type stageView struct {
	Name      string         `json:"name"`
	Status    hosting.Status `json:"status"`
	StartedAt *time.Time     `json:"startedAt"`
	EndedAt   *time.Time     `json:"endedAt"`
	Error     string         `json:"error"`
	Hint      string         `json:"hint"`
}

func newStatusView(e hosting.Execution, differs []string) statusView {
	v := statusView{
		Execution: e.ID, Status: e.Status, Revision: e.Revision, Message: e.Message, Trigger: e.Trigger, Release: e.Release,
		StartedAt: e.StartedAt, EndedAt: e.EndedAt, Stages: make([]stageView, len(e.Stages)), Differs: orEmpty(differs),
	}
	for i, s := range e.Stages {
		v.Stages[i] = stageView(s)
	}
	return v
}

// completeExecutions offers the newest execution: those before it are reached by their ids.
func (s *session) completeExecutions(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), completionTime)
	defer cancel()
	t, _, err := s.hosting()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	e, err := t.Execution(ctx, "")
	if err != nil || errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return []string{cobra.CompletionWithDesc(e.ID, e.Message)}, cobra.ShellCompDirectiveNoFileComp
}
