package cli

import (
	"bytes"
	"context"
	"strings"

	"github.com/spf13/cobra"
)

// logsOptions are what logs depends on.
type logsOptions struct {
	*session
	execution string
	follow    bool
}

func newLogsCmd(s *session) *cobra.Command {
	o := &logsOptions{session: s}
	cmd := &cobra.Command{
		Use:               "logs [EXECUTION] [--follow]",
		Short:             "Print the build's output",
		Long:              "Prints the output of an execution of the pipeline: the newest one, or the one named.",
		Example:           "  " + name + " logs\n  " + name + " logs --follow",
		Args:              arguments(0, 1, "one execution"),
		ValidArgsFunction: s.completeExecutions,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.execution = strings.Join(args, "")
			return runLogs(cmd.Context(), o)
		},
	}
	cmd.Flags().BoolVarP(&o.follow, "follow", "f", false, "go on printing until the execution ends")
	return cmd
}

func runLogs(ctx context.Context, o *logsOptions) error {
	if o.json && o.follow {
		return usage("leave one of them out", "--json prints one document, which --follow would never finish")
	}
	t, _, err := o.hosting()
	if err != nil {
		return err
	}
	if !o.json {
		return t.Logs(ctx, o.execution, o.follow, o.Out)
	}
	e, err := t.Execution(ctx, o.execution)
	if err != nil {
		return err
	}
	var log bytes.Buffer
	if err := t.Logs(ctx, e.ID, false, &log); err != nil {
		return err
	}
	return o.printJSON(logsView{e.ID, log.String()})
}

// logsView is the JSON of logs: the whole output of one execution.
type logsView struct {
	Execution string `json:"execution"`
	Log       string `json:"log"`
}
