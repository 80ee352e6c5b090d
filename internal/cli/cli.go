// Package cli is the command line: one file for each command, and the only place that chooses a target and maps errors to
// exit codes. Data goes to standard output, talk to standard error; with --json one document goes to standard output and
// nothing else.
package cli

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/term"
)

// name is the command's name, as it stands in help texts and hints. It is upstream's.
const name = "cloudfront-hosting-toolkit"

// heapGrowth is by how many percent the heap may grow between two collections of garbage. Most commands are done before they have
// made any worth collecting, and spent a third of their time on it.
const heapGrowth = 400

// Main runs the command line of this process and returns its exit code. The first interrupt ends the command in good
// order; a second one kills it.
func Main() int {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(heapGrowth)
	}
	keepDescriptors()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	return Run(ctx, os.Args[1:], term.System())
}

// Run runs a command line on the given streams and returns its exit code.
func Run(ctx context.Context, args []string, streams *term.Streams) int {
	s := &session{Streams: streams, open: openTarget, ci: currentCI()}
	s.zones = awsZones{s}
	return s.run(ctx, args)
}

func (s *session) run(ctx context.Context, args []string) int {
	root := newRoot(s)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitDone
	}
	return s.fail(ctx, err, args)
}

// newRoot returns the root command with all others below it.
func newRoot(s *session) *cobra.Command {
	cobra.EnableCommandSorting = false // the help shows commands in the order in which they are used
	var printVersion bool
	root := &cobra.Command{
		Use:   name,
		Short: "Hosting for a front-end project, with atomic releases",
		Long: `Gives a front-end project its own hosting: init, deploy, and from then on git push.
Each commit becomes a release in a folder of its own and goes live by moving one pointer.`,
		Example: `  init                 look at the project, write its configuration
  deploy               create the hosting, build, publish, print the URL
  git push             and the new version is live`,
		Args: noSuchCommand,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if printVersion {
				return runVersion(s)
			}
			return cmd.Help()
		},
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetIn(s.In)
	root.SetOut(s.Out)
	root.SetErr(s.Err)
	root.SetFlagErrorFunc(flagError)
	root.SetHelpFunc(func(cmd *cobra.Command, _ []string) { writeHelp(s.Streams, cmd) })
	s.addFlags(root.PersistentFlags())
	root.Flags().BoolVar(&printVersion, "version", false, "print the version")
	root.AddGroup(
		&cobra.Group{ID: groupHosting, Title: "Hosting"},
		&cobra.Group{ID: groupReleases, Title: "Releases"},
		&cobra.Group{ID: groupPipeline, Title: "Pipeline"},
		&cobra.Group{ID: groupMore, Title: "More"},
	)
	add := func(group string, commands ...*cobra.Command) {
		for _, c := range commands {
			c.GroupID, c.DisableFlagsInUseLine = group, true
			root.AddCommand(c)
		}
	}
	add(groupHosting, newInitCmd(s), newDeployCmd(s), newServeCmd(s), newShowCmd(s), newDeleteCmd(s))
	add(groupReleases, newPublishCmd(s), newReleasesCmd(s), newRollbackCmd(s))
	add(groupPipeline, newStatusCmd(s), newLogsCmd(s))
	add(groupMore, newDoctorCmd(s), newSynthCmd(s), newExplainCmd(s), newFunctionCmd(s), newVersionCmd(s), newCompletionCmd(s))
	help := newHelpCmd(s)
	help.GroupID, help.DisableFlagsInUseLine = groupMore, true
	root.SetHelpCommand(help)
	s.completeFlags(root)
	return root
}

// The groups of commands in the help, in order.
const (
	groupHosting  = "hosting"
	groupReleases = "releases"
	groupPipeline = "pipeline"
	groupMore     = "more"
)
