package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
)

// The exit codes. They are a contract: docs/scripts.md.
const (
	exitDone        = 0
	exitError       = 1
	exitUsage       = 2
	exitFailed      = 3
	exitNotDeployed = 4
)

// exitCodes documents the exit codes in the help.
var exitCodes = [][2]string{
	{"0", "done"},
	{"1", "error"},
	{"2", "wrong usage, or invalid configuration"},
	{"3", "a build or a pipeline execution failed"},
	{"4", "nothing is deployed yet"},
}

func exitCode(err error) int {
	switch fault.KindOf(err) {
	case fault.Usage:
		return exitUsage
	case fault.Failed:
		return exitFailed
	case fault.NotDeployed:
		return exitNotDeployed
	default:
		return exitError
	}
}

// reported is an error that the command's answer has already told; only its exit code remains.
type reported struct{ cause error }

func (r reported) Error() string { return r.cause.Error() }
func (r reported) Unwrap() error { return r.cause }

// fail tells what went wrong and returns the exit code.
func (s *session) fail(ctx context.Context, err error, args []string) int {
	code := exitCode(err)
	if errors.As(err, new(reported)) {
		return code
	}
	message, hint := err.Error(), fault.HintOf(err)
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		message = "interrupted"
	}
	// A command line that cannot be parsed may have --json in the part that was not reached.
	if s.json || slices.Contains(args, "--json") {
		if s.printJSON(map[string]errorView{"error": {message, hint}}) != nil {
			return exitError
		}
		return code
	}
	s.annotate(message, hint)
	style := s.ErrStyle()
	fmt.Fprintln(s.Err, style.Red("error:")+" "+hang(message, len("error: ")))
	if hint != "" {
		fmt.Fprintln(s.Err, style.Cyan("hint:")+" "+hang(hint, len("hint: ")))
	}
	return code
}

// errorView is an error's JSON.
type errorView struct {
	Message string `json:"message"`
	Hint    string `json:"hint"`
}

func newErrorView(err error) errorView { return errorView{err.Error(), fault.HintOf(err)} }

// hang indents all lines of the text but the first.
func hang(text string, by int) string {
	return strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n"+strings.Repeat(" ", by))
}

// flagError makes cobra's errors about flags usage faults that name the nearest flag.
func flagError(cmd *cobra.Command, err error) error {
	hint := "see: " + cmd.CommandPath() + " --help"
	if _, flag, found := strings.Cut(err.Error(), "unknown flag: --"); found {
		var known []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) { known = append(known, f.Name) })
		if near := fault.Nearest(flag, known); near != "" {
			hint = "did you mean --" + near + "?"
		}
	}
	return usage(hint, "%w", err)
}

// noSuchCommand is the root command's check of its arguments: it has none, so that one is a command that does not exist.
func noSuchCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	hint := "see: " + name + " --help"
	var known []string
	for _, c := range cmd.Commands() {
		known = append(known, c.Name())
	}
	if near := fault.Nearest(args[0], known); near != "" {
		hint = "did you mean: " + name + " " + near
	}
	return usage(hint, "unknown command %q", args[0])
}

// arguments checks the number of a command's arguments; what names them in the error.
func arguments(least, most int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		hint := "usage: " + cmd.UseLine()
		switch {
		case len(args) < least:
			return usage(hint, "%s needs %s", cmd.Name(), what)
		case len(args) > most && most == 0:
			return usage(hint, "%s takes no arguments, got %q", cmd.Name(), args[0])
		case len(args) > most:
			return usage(hint, "%s takes %s, got %q as well", cmd.Name(), what, args[most])
		}
		return nil
	}
}
