package cli

import (
	"context"
	"fmt"
	"maps"

	"github.com/spf13/cobra"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/cfjs"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/template"
)

// synthOptions are what synth depends on.
type synthOptions struct {
	*session
}

func newSynthCmd(s *session) *cobra.Command {
	o := &synthOptions{session: s}
	cmd := &cobra.Command{
		Use:   "synth [--ci-role WHO]",
		Short: "Print the CloudFormation template",
		Long: `Prints the CloudFormation template of the site's hosting, with the project's function
spliced in and its values as defaults, ready to deploy by hand. With --ci-role it makes a role
for a CI; where the account has that CI's identity provider already, give its ARN as the
parameter CiProviderArn.`,
		Example:           "  " + name + " synth > hosting.yaml",
		Args:              arguments(0, 0, ""),
		ValidArgsFunction: noFiles,
		RunE:              func(cmd *cobra.Command, _ []string) error { return runSynth(cmd.Context(), o) },
	}
	cmd.Flags().StringVar(&s.aws.ciRole, "ci-role", "", "`who` may publish from a CI, as for deploy")
	_ = cmd.RegisterFlagCompletionFunc("ci-role", noFiles)
	return cmd
}

func runSynth(_ context.Context, o *synthOptions) error {
	project, err := site.Load(o.dir)
	if err != nil {
		return err
	}
	o.warnUnconverted(project)
	input, err := template.For(project)
	if err != nil {
		return err
	}
	if o.aws.ciRole != "" {
		role, err := template.ParseCIRole(o.aws.ciRole, project.Config.BranchName)
		if err != nil {
			return err
		}
		maps.Copy(input.Parameters, role.Parameters(""))
	}
	if _, err := cfjs.Compile(site.FunctionFile, input.FunctionCode, cfjs.Options{}); err != nil {
		return err
	}
	text, err := template.Render(input)
	if err != nil {
		return err
	}
	if o.json {
		return o.printJSON(struct {
			Template   string              `json:"template"`
			Parameters template.Parameters `json:"parameters"`
		}{string(text), input.Parameters})
	}
	if _, err := o.Out.Write(text); err != nil {
		return fmt.Errorf("write template: %w", err)
	}
	if o.OutTerminal {
		o.next([2]string{"To deploy it by hand", "aws cloudformation deploy --capabilities CAPABILITY_IAM --template-file hosting.yaml --stack-name " + project.Name()})
	}
	return nil
}
