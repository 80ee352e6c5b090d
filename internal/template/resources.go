package template

import "slices"

// resourceType says what the compiler knows of a type of resource.
type resourceType struct {
	// onEdge resources become a part of the edge's configuration; the others have no meaning there, and their properties
	// are checked for references only.
	onEdge bool
	// attributes are what GetAtt may ask for.
	attributes []string
}

// resourceTypes are the types that a template may hold. A type that is not listed is an error: it might be one that
// changes what viewers get. (CloudFormation Template Reference, "Return values" of each type.)
var resourceTypes = map[string]resourceType{
	"AWS::CloudFront::Distribution":          {true, []string{"DomainName", "Id"}},
	"AWS::CloudFront::Function":              {true, []string{"FunctionARN", "FunctionMetadata.FunctionARN", "Stage"}},
	"AWS::CloudFront::CachePolicy":           {true, []string{"Id", "LastModifiedTime"}},
	"AWS::CloudFront::ResponseHeadersPolicy": {true, []string{"Id", "LastModifiedTime"}},
	"AWS::CloudFront::OriginRequestPolicy":   {true, []string{"Id", "LastModifiedTime"}},
	"AWS::CloudFront::OriginAccessControl":   {true, []string{"Id"}},
	"AWS::CloudFront::KeyValueStore":         {true, []string{"Arn", "Id", "Status"}},

	// The edge reads the site's own bucket, whatever may be done with it on AWS.
	"AWS::S3::Bucket":       {false, []string{"Arn", "DomainName", "RegionalDomainName"}},
	"AWS::S3::BucketPolicy": {},
	// The pipeline of the local target is a program, and the account that it runs in is the user's.
	"AWS::CodeConnections::Connection": {false, []string{"ConnectionArn", "ConnectionStatus", "OwnerAccountId"}},
	"AWS::CodePipeline::Pipeline":      {false, []string{"Version"}},
	"AWS::CodeBuild::Project":          {false, []string{"Arn", "Id"}},
	"AWS::Events::Rule":                {false, []string{"Arn"}},
	"AWS::IAM::Role":                   {false, []string{"Arn", "RoleId"}},
	"AWS::IAM::OIDCProvider":           {false, []string{"Arn"}},
	"AWS::Logs::LogGroup":              {false, []string{"Arn"}},
}

func (t resourceType) has(attribute string) bool { return slices.Contains(t.attributes, attribute) }

// resourceAttributes are what may stand in a resource beside its Type and Properties. They say when and in which order
// CloudFormation makes and removes the resource, and mean nothing to the edge, but for Condition.
var resourceAttributes = []string{
	"Type", "Properties", "Condition", "DependsOn", "DeletionPolicy", "UpdateReplacePolicy", "Metadata",
}
