package awstarget

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/reason"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/stack"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/template"
)

// ciParameters are the template's parameters for the role of a CI: those that were asked for, or what is deployed already, so
// that a role stays until it is taken away by name.
func (d *deployment) ciParameters(ctx context.Context) (template.Parameters, error) {
	deployed := d.state.Parameters
	if d.Opts.CIRole == "" {
		return template.Parameters{
			template.ParamCIProvider: deployed[template.ParamCIProvider], template.ParamCISubjects: deployed[template.ParamCISubjects],
			template.ParamCIProviderArn: deployed[template.ParamCIProviderArn],
		}, nil
	}
	role := d.plan.ci
	if !role.Exists() {
		return role.Parameters(""), nil
	}
	if deployed[template.ParamCIProvider] == role.Provider { // it was found, or made by the stack, before
		return role.Parameters(deployed[template.ParamCIProviderArn]), nil
	}
	d.report.Detail("looking for the account's identity provider for %s", role.Issuer)
	arn, err := d.identityProvider(ctx, role)
	return role.Parameters(arn), err
}

// identityProvider returns the ARN of the account's identity provider for a CI; "" if it has none. An account can have one for
// an address, so one that is there has to do, and has to take the tokens' audience.
func (d *deployment) identityProvider(ctx context.Context, role template.CIRole) (string, error) {
	api := iam.NewFromConfig(d.Control())
	list, err := api.ListOpenIDConnectProviders(ctx, &iam.ListOpenIDConnectProvidersInput{})
	if err != nil {
		return "", fmt.Errorf("list the account's identity providers: %w", reason.Of(err))
	}
	for _, p := range list.OpenIDConnectProviderList {
		arn := aws.ToString(p.Arn)
		if !strings.HasSuffix(arn, ":oidc-provider/"+role.Issuer) {
			continue
		}
		got, err := api.GetOpenIDConnectProvider(ctx, &iam.GetOpenIDConnectProviderInput{OpenIDConnectProviderArn: &arn})
		if err != nil {
			return "", fmt.Errorf("look at identity provider %s: %w", arn, reason.Of(err))
		}
		if !slices.Contains(got.ClientIDList, role.Audience) {
			return "", fault.New(fault.Other,
				"let it, then run deploy again: aws iam add-client-id-to-open-id-connect-provider --open-id-connect-provider-arn "+arn+" --client-id "+role.Audience,
				"the account's identity provider %s does not take tokens for %s, but for %s", arn, role.Audience, strings.Join(got.ClientIDList, ", "))
		}
		return arn, nil
	}
	return "", nil
}

// ciRole is the role of a CI that a stack has; nil for none.
func ciRole(state stack.State, region string) *hosting.CIRole {
	arn := state.Outputs[template.OutputCIRoleArn]
	if arn == "" {
		return nil
	}
	role := template.DeployedCIRole(state.Parameters)
	return &hosting.CIRole{ARN: arn, Subjects: role.Subjects, Workflow: role.Workflow(arn, region)}
}
