package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/server"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/scaffold"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/term"
)

// deployOptions are what deploy depends on.
type deployOptions struct {
	*session
	hosting.DeployOptions
	envFile      string
	envFileGiven bool
	dryRun       bool
	trafficFlag
}

func newDeployCmd(s *session) *cobra.Command {
	o := &deployOptions{session: s}
	cmd := &cobra.Command{
		Use:   "deploy [--no-wait] [--no-serve]",
		Short: "Create or update the hosting, and release the newest commit",
		Long: `Creates or updates the hosting, runs the pipeline for the branch's newest commit, waits
until that release answers, and prints its URL. Deploying again changes only what differs.

On the local target it leaves the server running in the background. On AWS it shows what will be
added, changed or replaced, and asks before anything is lost that viewers would miss.`,
		Example: `  ` + name + ` deploy
  ` + name + ` deploy --dry-run               (only say what would be done)
  ` + name + ` deploy --no-wait && ` + name + ` logs --follow
  ` + name + ` deploy --listen 127.0.0.1:0      (any free port)`,
		Args:              arguments(0, 0, ""),
		ValidArgsFunction: noFiles,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.envFileGiven = cmd.Flags().Changed("env-file")
			if o.dryRun {
				return runDryRun(cmd.Context(), o)
			}
			return runDeploy(cmd.Context(), o)
		},
	}
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, "say what would be done and what a month costs, and do nothing")
	o.trafficFlag.add(cmd)
	cmd.Flags().BoolVar(&o.NoWait, "no-wait", false, "return as soon as the pipeline has been asked to run")
	cmd.Flags().BoolVar(&o.NoServe, "no-serve", false, "local: start no server; build and publish in this process")
	cmd.Flags().StringVar(&o.envFile, "env-file", "", "local: `file` with variables for builds, read at each one; '' for none")
	cmd.Flags().StringVar(&s.listen, "listen", "", "local: `address` of the server that is started (default "+server.DefaultListen+")")
	_ = cmd.RegisterFlagCompletionFunc("listen", noFiles)
	cmd.Flags().Var(s.waits(), "wait", "aws: for CloudFormation, until all is configured or ready (default express)")
	cmd.Flags().DurationVar(&s.aws.waitLimit, "wait-timeout", 0, "aws: how long to wait for you, ACM or DNS (default: 30m unattended)")
	_ = cmd.RegisterFlagCompletionFunc("wait-timeout", noFiles)
	cmd.Flags().StringVar(&s.aws.connection, "connection", "", "aws: `name` or ARN of the connection to use (default: found or made)")
	cmd.Flags().StringVar(&s.aws.ciRole, "ci-role", "", "aws: `who` may publish from a CI: github:OWNER/REPO, gitlab:…, none")
	_ = cmd.RegisterFlagCompletionFunc("ci-role", noFiles)
	_ = cmd.RegisterFlagCompletionFunc("wait", s.waits().complete)
	_ = cmd.RegisterFlagCompletionFunc("connection", noFiles)
	return cmd
}

func runDeploy(ctx context.Context, o *deployOptions) error {
	if err := o.checkWaitLimit(); err != nil {
		return err
	}
	t, project, err := o.hosting()
	if err != nil {
		return err
	}
	if err := errors.Join(scaffold.Unconverted(project), o.useEnvFile(project)); err != nil {
		return err
	}
	// Nobody who could copy a zip file would know that a script waits for one.
	o.AwaitUpload = o.InTerminal && !o.Yes && !o.json
	if err := o.checkCIRole(string(cmp.Or(o.target, project.Config.Target))); err != nil {
		return err
	}
	started := time.Now()
	report := o.progress(ctx)
	deployed, err := t.Deploy(ctx, o.DeployOptions, report)
	report.Close(err)
	if err != nil {
		return deployFailed(o.session, deployed, err)
	}
	if o.json {
		return o.printJSON(newDeployedView(deployed))
	}
	if err := printDeployed(o, project, deployed, time.Since(started)); err != nil {
		return err
	}
	return o.printCIRole(deployed.Info)
}

// useEnvFile settles which file builds take variables from. Its path is kept as long as the site is deployed: pushes are built
// with it too.
func (o *deployOptions) useEnvFile(project *site.Site) error {
	if !o.envFileGiven {
		return nil
	}
	if cmp.Or(o.target, project.Config.Target) == site.AWS {
		return usage("name the variables in the build file's env section, under parameter-store or secrets-manager", "--env-file is for builds on this machine")
	}
	file := o.envFile
	if file != "" {
		var err error
		if file, err = filepath.Abs(file); err != nil {
			return fmt.Errorf("find env file: %w", err)
		}
	}
	o.EnvFile = &file
	return nil
}

// deployFailed adds to the error of an execution that failed where its output is, and what is live all the same.
func deployFailed(s *session, deployed hosting.Deployed, err error) error {
	if deployed.Execution.Status != hosting.Failed {
		return err
	}
	hint := "see: " + s.command("logs")
	if failed := deployed.Execution.FailedStage(); failed != nil && failed.Hint != "" {
		hint = failed.Hint + "\n" + hint
	}
	if deployed.Release != "" {
		hint += "\nthe site stays on release " + short(deployed.Release)
	}
	return fault.New(fault.KindOf(err), hint, "%w", err)
}

func printDeployed(o *deployOptions, project *site.Site, d hosting.Deployed, took time.Duration) error {
	e := d.Execution
	if e.ID == "" {
		o.gap()
		err := o.fields([2]string{"URL", d.URL}, [2]string{"Release", "none yet: there is no zip file"})
		o.next([2]string{"To release one", uploadCommand(d.Info)}, [2]string{"To see what becomes of it", o.command("status")})
		return err
	}
	if !e.Status.Done() {
		err := o.fields([2]string{"URL", d.URL}, [2]string{"Execution", e.ID})
		o.next([2]string{"To see how it goes", o.command("status")}, [2]string{"To follow the build", o.command("logs", "--follow")})
		return err
	}
	o.gap()
	err := o.fields(
		[2]string{"URL", o.OutStyle().Bold(d.URL)},
		[2]string{"Release", o.described(d.Release, e.Message)},
		[2]string{"Took", term.Elapsed(took)},
	)
	if !d.Serving {
		o.next([2]string{"To serve it", o.command("serve")})
		return err
	}
	steps := [][2]string{{"To release a change", "git " + releaseVerb(project)}}
	if d.Upload != "" {
		steps = [][2]string{{"To release a change", uploadCommand(d.Info)}}
	}
	if d.Releases > 1 {
		steps = append(steps, [2]string{"To go back", o.command("rollback")})
	}
	o.next(steps...)
	return err
}

// uploadCommand is what releases a zip file.
func uploadCommand(info hosting.Info) string {
	if strings.HasPrefix(info.Upload, "s3://") {
		return "aws s3 cp site.zip " + shellWord(info.Upload+"site.zip")
	}
	return "cp site.zip " + shellWord(info.Upload)
}

// releaseVerb is what makes a new commit reach the site: the commit itself where the project lies in the repository that is
// deployed, else a push to that.
func releaseVerb(project *site.Site) string {
	if project.InRepository() {
		return "commit"
	}
	return "push"
}

// described is a release with the first words of its commit.
func (s *session) described(id, message string) string {
	if id == "" {
		return ""
	}
	style, text := s.OutStyle(), s.id(id)
	if message == "" {
		return text
	}
	const before = 11 // the widest name of a field, and the gap after it
	if width := s.OutWidth(); width > 0 {
		message = style.Cut(message, max(10, width-before-len(text)-2))
	}
	return text + "  " + style.Dim(message)
}

// deployedView is deploy's JSON: show's keys, and the execution as status has it.
type deployedView struct {
	infoView
	Execution statusView `json:"execution"`
}

func newDeployedView(d hosting.Deployed) deployedView {
	return deployedView{infoView: newInfoView(d.Info), Execution: newStatusView(d.Execution, nil)}
}

// list joins words as a sentence does.
func list(words []string) string {
	switch n := len(words); n {
	case 0:
		return ""
	case 1:
		return words[0]
	default:
		return strings.Join(words[:n-1], ", ") + " and " + words[n-1]
	}
}
