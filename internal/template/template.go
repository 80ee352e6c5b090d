// Package template is the CloudFormation template of a site's hosting: hosting.yaml, which is the truth for both targets.
//
// Render makes the template of one site out of it, ready to deploy. Compile turns the CloudFront part of a template into
// the configuration of the local edge; what the edge does not model is an error there, never silently left out.
package template

import (
	_ "embed"
	"sort"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
)

// hosting is the whole stack, with an empty function.
//
//go:embed hosting.yaml
var hosting []byte

// OriginID is the id of the hosting bucket among the distribution's origins.
const OriginID = "hosting-bucket"

// KVSPlaceholder stands in function code for the id of the site's key-value store, as in upstream's functions.
const KVSPlaceholder = "__KVS_ID__"

// Limits of CloudFront and CloudFormation.
const (
	// MaxFunctionBytes is the size that a function may have (CloudFront Developer Guide, "Quotas on CloudFront Functions").
	MaxFunctionBytes = 10 * 1024
	// MaxInlineBytes is the size of a template that is passed in a request (CloudFormation User Guide, "Understand
	// CloudFormation quotas"); a longer one would have to be put into a bucket first.
	MaxInlineBytes = 51200
	// maxTemplateBytes is the size that any template may have.
	maxTemplateBytes = 1 << 20
)

// Parameters are values of the template's parameters, by name. A parameter that is left out has its default. The value
// of a pseudo parameter ("AWS::Region") counts for Compile only.
type Parameters map[string]string

// Names returns the names of the parameters, sorted.
func (p Parameters) Names() []string {
	names := make([]string, 0, len(p))
	for name := range p {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// Input is what makes hosting.yaml the template of one site.
type Input struct {
	// FunctionCode is the JavaScript of the viewer-request function.
	FunctionCode string `json:"functionCode"`
	// Behaviours are the user's own; nil for none.
	Behaviours []site.Behaviour `json:"behaviours,omitempty"`
	// Parameters become the defaults of the rendered template.
	Parameters Parameters `json:"parameters"`
}

// The parameters of hosting.yaml. Their descriptions stand there.
const (
	ParamSiteName            = "SiteName"
	ParamPipelineName        = "PipelineName"
	ParamWithPipeline        = "WithPipeline"
	ParamSourceType          = "SourceType"
	ParamProviderType        = "ProviderType"
	ParamConnectionArn       = "ConnectionArn"
	ParamFullRepositoryID    = "FullRepositoryId"
	ParamBranchName          = "BranchName"
	ParamPathFilters         = "PathFilters"
	ParamSourceBucketName    = "SourceBucketName"
	ParamSourcePrefix        = "SourcePrefix"
	ParamBuildspecPath       = "BuildspecPath"
	ParamSourceFolder        = "SourceFolder"
	ParamBuildImage          = "BuildImage"
	ParamBuildComputeType    = "BuildComputeType"
	ParamBuildTimeoutMinutes = "BuildTimeoutMinutes"
	ParamReleaseCompute      = "ReleaseCompute"
	ParamReleaseArchitecture = "ReleaseArchitecture"
	ParamReleaseImage        = "ReleaseImage"
	ParamToolkitSHA256       = "ToolkitSha256"
	ParamRouting             = "Routing"
	ParamKeepReleases        = "KeepReleases"
	ParamDomainNames         = "DomainNames"
	ParamCertificateArn      = "CertificateArn"
	ParamCIProvider          = "CiProvider"
	ParamCISubjects          = "CiSubjects"
	ParamCIProviderArn       = "CiProviderArn"
	ParamPriceClass          = "PriceClass"
)

// The outputs of hosting.yaml.
const (
	OutputSiteName               = "SiteName"
	OutputDistributionID         = "DistributionId"
	OutputDistributionDomainName = "DistributionDomainName"
	OutputHostingBucketName      = "HostingBucketName"
	OutputKeyValueStoreArn       = "KeyValueStoreArn"
	OutputKeyValueStoreID        = "KeyValueStoreId"
	OutputFunctionName           = "FunctionName"
	OutputArtifactBucketName     = "ArtifactBucketName"
	OutputConnectionArn          = "ConnectionArn"
	OutputSourceBucketName       = "SourceBucketName"
	OutputPipelineName           = "PipelineName"
	OutputCIRoleArn              = "CiRoleArn"
	OutputBuildProjectName       = "BuildProjectName"
	OutputReleaseProjectName     = "ReleaseProjectName"
	OutputBuildLogGroup          = "BuildLogGroup"
	OutputReleaseLogGroup        = "ReleaseLogGroup"
)

// FirstZip is the key, below SourcePrefix, of the zip file that a pipeline takes which is run by hand; a new one begins with it.
const FirstZip = "site.zip"

// ToolkitKey is the key in the artifact bucket under which the release step finds the toolkit's Linux binary.
func ToolkitKey(sha256 string) string { return "toolkit/" + sha256 }
