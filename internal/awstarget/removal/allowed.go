package removal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/permission"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/reason"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/stack"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/template"
)

// removals are the actions with which CloudFormation deletes resources, and the form of their ARNs; an id that is an ARN goes
// before that. Types are left out whose ids are not the names that IAM knows, or that it knows by several:
// what is asked about under a wrong name is denied. (Service Authorization Reference.)
var removals = map[string]struct {
	actions []string
	arn     string
}{
	typeBucket:                             {[]string{"s3:DeleteBucket"}, "arn:{partition}:s3:::{id}"},
	"AWS::CloudFront::Distribution":        {[]string{"cloudfront:UpdateDistribution", "cloudfront:DeleteDistribution"}, "arn:{partition}:cloudfront::{account}:distribution/{id}"},
	"AWS::CloudFront::Function":            {[]string{"cloudfront:DeleteFunction"}, "arn:{partition}:cloudfront::{account}:function/{id}"},
	"AWS::CloudFront::KeyValueStore":       {[]string{"cloudfront:DeleteKeyValueStore"}, "{store}"},
	"AWS::CloudFront::OriginAccessControl": {[]string{"cloudfront:DeleteOriginAccessControl"}, "arn:{partition}:cloudfront::{account}:origin-access-control/{id}"},
	"AWS::IAM::Role":                       {[]string{"iam:DeleteRole", "iam:DeleteRolePolicy"}, "arn:{partition}:iam::{account}:role/{id}"},
	"AWS::CodeBuild::Project":              {[]string{"codebuild:DeleteProject"}, "arn:{partition}:codebuild:{region}:{account}:project/{id}"},
	typePipeline:                           {[]string{"codepipeline:DeletePipeline"}, "arn:{partition}:codepipeline:{region}:{account}:{id}"},
}

// checkAllowed refuses a deletion that IAM would refuse, before anything is touched: a stack that stays with empty buckets is
// worse than one that stays. Where IAM cannot be asked the deletion goes on, and its notes say so.
func (d *deletion) checkAllowed(ctx context.Context) error {
	if d.state.ID == "" {
		return nil
	}
	refused, err := permission.Refused(ctx, iam.NewFromConfig(d.Account.Config).SimulatePrincipalPolicy, d.Account.ARN, d.acts())
	switch {
	case errors.Is(err, permission.ErrRoot):
		return nil
	case err != nil && ctx.Err() != nil:
		return err
	case reason.Code(err) == "NoSuchEntity":
		d.unsure = fmt.Sprintf("IAM does not find the role of %s under that name", d.Account.ARN)
		return nil
	case err != nil:
		d.unsure = d.Explained(err).Error()
		return nil
	case len(refused) == 0:
		return nil
	}
	hint := "nothing was removed; let an administrator allow them: doctor --policy prints the policy"
	if names := d.refusedResources(refused); len(names) > 0 {
		hint += "\nor leave in the account for good what may not be deleted: delete --retain " + strings.Join(names, ",")
	}
	return fault.New(fault.Other, hint, "site %s is not deleted: the credentials do not allow %s", d.Project.Name(), strings.Join(refused, ", "))
}

// acts are what the deletion of the stack asks for. A stack that has a role of its own is deleted in its name.
func (d *deletion) acts() []permission.Act {
	acts := []permission.Act{{Action: "cloudformation:DeleteStack", Resource: d.state.ID}}
	if d.state.Role != "" {
		return acts
	}
	for _, r := range d.doomedResources() {
		name := strings.NewReplacer("{partition}", d.Account.Partition, "{region}", d.Account.Region, "{account}", d.Account.ID,
			"{store}", d.state.Outputs[template.OutputKeyValueStoreArn], "{id}", r.ID).Replace(removals[r.Type].arn)
		if strings.HasPrefix(r.ID, "arn:") {
			name = r.ID
		}
		for _, action := range removals[r.Type].actions {
			if name != "" {
				acts = append(acts, permission.Act{Action: action, Resource: name})
			}
		}
	}
	return acts
}

// doomedResources are the resources that are there still and may not stay.
func (d *deletion) doomedResources() []stack.Resource {
	return slices.DeleteFunc(slices.Clone(d.resources), func(r stack.Resource) bool {
		return r.ID == "" || slices.Contains(d.retained(), r.Name)
	})
}

// refusedResources are the names of the resources that some actions are for; none if the stack itself may not be deleted.
func (d *deletion) refusedResources(refused []string) (names []string) {
	if slices.Contains(refused, "cloudformation:DeleteStack") {
		return nil
	}
	for _, r := range d.doomedResources() {
		if slices.ContainsFunc(removals[r.Type].actions, func(action string) bool { return slices.Contains(refused, action) }) {
			names = append(names, r.Name)
		}
	}
	return names
}
