package cli

import (
	"context"
	"fmt"
	"maps"
	"strings"

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
spliced in and its values as defaults, ready to deploy by hand. On standard error it
says how: the commands of the AWS CLI, in order. With --ci-role it makes a role for a CI;
where the account has that CI's identity provider already, give its ARN as the parameter
CiProviderArn.`,
		Example:           "  " + name + " synth > hosting.yaml",
		Args:              arguments(0, 0, ""),
		ValidArgsFunction: noFiles,
		RunE:              func(cmd *cobra.Command, _ []string) error { return runSynth(cmd.Context(), o) },
	}
	cmd.Flags().StringVar(&s.aws.ciRole, "ci-role", "", "`who` may publish from a CI, as for deploy")
	_ = cmd.RegisterFlagCompletionFunc("ci-role", noFiles)
	return cmd
}

// synthView is the JSON of synth.
type synthView struct {
	Template   string              `json:"template"`
	Parameters template.Parameters `json:"parameters"`
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
		return o.printJSON(synthView{string(text), input.Parameters})
	}
	if _, err := o.Out.Write(text); err != nil {
		return fmt.Errorf("write template: %w", err)
	}
	o.gap()
	fmt.Fprint(o.Err, byHand(strings.Join(append([]string{"aws"}, o.aws.words()...), " "), project.Name(), input.Parameters))
	return nil
}

// byHand are the commands that deploy the template without the toolkit's deploy, in two phases; none for a project that AWS
// cannot fetch from. They are for a shell, and take the template from hosting.yaml. aws is how the AWS CLI is called.
func byHand(aws, stack string, params template.Parameters) string {
	git := params[template.ParamSourceType] != "s3"
	if git && params[template.ParamFullRepositoryID] == "" {
		return ""
	}
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, "  "+format+"\n", args...) }
	deploy := aws + " cloudformation deploy --template-file hosting.yaml --stack-name " + stack + " --capabilities CAPABILITY_IAM"
	first, second := "", " --parameter-overrides WithPipeline=true ToolkitSha256=$SHA256"
	b.WriteString("To deploy it by hand, with this template in hosting.yaml and the toolkit's Linux program (x86-64)\nbeside it as cloudfront-hosting-toolkit:\n\n")
	if params[template.ParamDomainNames] != "" {
		line("# an issued certificate in us-east-1 for %s", params[template.ParamDomainNames])
		line("CERTIFICATE=arn:aws:acm:us-east-1:...")
		first, second = " --parameter-overrides CertificateArn=$CERTIFICATE", second+" CertificateArn=$CERTIFICATE"
	}
	line("%s%s", deploy, first)
	if git {
		line("# now complete the connection to %s:", params[template.ParamProviderType])
		line("# https://console.aws.amazon.com/codesuite/settings/connections")
	}
	line("SHA256=$(sha256sum cloudfront-hosting-toolkit | cut -d ' ' -f 1)")
	line("BUCKET=$(%s cloudformation describe-stacks --stack-name %s --output text \\", aws, stack)
	line("  --query \"Stacks[0].Outputs[?OutputKey=='%s'].OutputValue\")", template.OutputArtifactBucketName)
	line("%s s3 cp --no-progress cloudfront-hosting-toolkit s3://$BUCKET/%s", aws, template.ToolkitKey("$SHA256"))
	line("%s%s", deploy, second)
	return b.String()
}
