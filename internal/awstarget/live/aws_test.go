//go:build aws

package live

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront"
	cftypes "github.com/aws/aws-sdk-go-v2/service/cloudfront/types"
	"github.com/aws/aws-sdk-go-v2/service/codebuild"
	cbtypes "github.com/aws/aws-sdk-go-v2/service/codebuild/types"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/account"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/stack"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/edge"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/template"
)

// What the double has no answer to.
var (
	hostingFactsOfAWS = map[string]func(*testing.T, *hosting){
		"ExpressChangeSet": expressChangeSet,
		"ManagedPolicies":  managedPolicies,
	}
	pipelineFactsOfAWS = map[string]func(*testing.T, *pipeline){
		"ArtifactPrefix":              artifactPrefix,
		"BuildCache":                  buildCache,
		"LambdaComputeRegions":        lambdaComputeRegions,
		"TriggersBesideDetectChanges": triggersBesideDetectChanges,
	}
)

// open finds the account, or skips the test without credentials.
func open(t *testing.T) *world {
	t.Helper()
	a, err := account.Open(t.Context(), account.Options{})
	if err != nil {
		t.Skipf("no AWS account to ask: %v", err)
	}
	program := os.Getenv("CHT_LIVE_TOOLKIT")
	if program == "" {
		program = "../../../bin/cloudfront-hosting-toolkit"
	}
	return &world{
		account: a, viewer: &http.Client{Transport: http.DefaultTransport}, pace: 2 * time.Second,
		program: func() string { return program }, repository: os.Getenv("CHT_LIVE_REPOSITORY"),
		zone: os.Getenv("CHT_LIVE_ZONE"),
	}
}

// The stack was made in EXPRESS mode, by a change set that was given DisableRollback: false.
func expressChangeSet(t *testing.T, h *hosting) {
	if h.state.Status != types.StackStatusCreateComplete {
		t.Errorf("status %s: %s", h.state.Status, h.state.Reason)
	}
	out, err := h.stack.API.DescribeStacks(t.Context(), &cloudformation.DescribeStacksInput{StackName: &h.stack.Name})
	if err != nil {
		t.Fatal(err)
	}
	if c := out.Stacks[0].DeploymentConfig; c == nil || c.Mode != types.DeploymentConfigModeExpress {
		t.Errorf("deployment config %+v", c)
	}
}

// managed are the policies of AWS that the compiler knows for a bucket, by id.
var managed = struct{ cache, headers []string }{
	cache: []string{"658327ea-f89d-4fab-a63d-7e88639e58f6", "b2884449-e4de-46a7-ac36-70bc7f1ddd6d", "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"},
	headers: []string{"67f7725c-6f97-4210-82d7-5512b31e9d03", "60669652-455b-4ae9-85a4-c4c02393f86c", "5cc3b908-e619-4b99-88e5-2cf7f45965bd",
		"e61eb60c-9c35-4d20-a928-2b84e02af89c", "eaab4381-ed33-4a86-88ca-d9558dc6cd63"},
}

// The values of AWS's own policies are those that the compiler knows: each id is put into the template, which is compiled.
func managedPolicies(t *testing.T, h *hosting) {
	api := cloudfront.NewFromConfig(h.account.Config)
	compiled := func(old, id string) edge.Behavior {
		config, err := template.Compile(bytes.ReplaceAll(h.wanted.Template, []byte(old), []byte(id)), nil)
		if err != nil {
			t.Errorf("policy %s: %v", id, err)
			return edge.Behavior{}
		}
		return config.Behaviors[len(config.Behaviors)-1]
	}
	for _, id := range managed.cache {
		out, err := api.GetCachePolicy(t.Context(), &cloudfront.GetCachePolicyInput{Id: &id})
		if err != nil {
			t.Errorf("cache policy %s: %v", id, err)
			continue
		}
		sameCachePolicy(t, id, compiled(managed.cache[0], id).CachePolicy, out.CachePolicy.CachePolicyConfig)
	}
	for _, id := range managed.headers {
		out, err := api.GetResponseHeadersPolicy(t.Context(), &cloudfront.GetResponseHeadersPolicyInput{Id: &id})
		if err != nil {
			t.Errorf("response headers policy %s: %v", id, err)
			continue
		}
		sameHeadersPolicy(t, id, compiled(managed.headers[0], id).ResponseHeadersPolicy, out.ResponseHeadersPolicy.ResponseHeadersPolicyConfig)
	}
}

func sameCachePolicy(t *testing.T, id string, ours edge.CachePolicy, theirs *cftypes.CachePolicyConfig) {
	t.Helper()
	seconds := func(d time.Duration) int64 { return int64(d / time.Second) }
	key := theirs.ParametersInCacheKeyAndForwardedToOrigin
	got := []any{seconds(ours.MinTTL), seconds(ours.DefaultTTL), seconds(ours.MaxTTL), ours.AcceptGzip, ours.AcceptBrotli,
		ours.Headers.Behavior, ours.Cookies.Behavior, ours.QueryStrings.Behavior}
	want := []any{aws.ToInt64(theirs.MinTTL), aws.ToInt64(theirs.DefaultTTL), aws.ToInt64(theirs.MaxTTL),
		aws.ToBool(key.EnableAcceptEncodingGzip), aws.ToBool(key.EnableAcceptEncodingBrotli),
		string(key.HeadersConfig.HeaderBehavior), string(key.CookiesConfig.CookieBehavior), string(key.QueryStringsConfig.QueryStringBehavior)}
	if !slices.Equal(got, want) {
		t.Errorf("cache policy %s %s: the compiler has %v, AWS %v", id, aws.ToString(theirs.Name), got, want)
	}
}

func sameHeadersPolicy(t *testing.T, id string, ours *edge.ResponseHeadersPolicy, theirs *cftypes.ResponseHeadersPolicyConfig) {
	t.Helper()
	if ours == nil {
		t.Errorf("the compiler has no policy %s", id)
		return
	}
	got := map[string]bool{}
	for _, h := range ours.Set {
		got[strings.ToLower(h.Name+": "+h.Value)] = h.Override
	}
	want := map[string]bool{}
	if s := theirs.SecurityHeadersConfig; s != nil {
		if v := s.StrictTransportSecurity; v != nil {
			text := fmt.Sprintf("strict-transport-security: max-age=%d", aws.ToInt32(v.AccessControlMaxAgeSec))
			if aws.ToBool(v.IncludeSubdomains) {
				text += "; includesubdomains"
			}
			want[text] = aws.ToBool(v.Override)
		}
		if v := s.ContentTypeOptions; v != nil {
			want["x-content-type-options: nosniff"] = aws.ToBool(v.Override)
		}
		if v := s.FrameOptions; v != nil {
			want[strings.ToLower("x-frame-options: "+string(v.FrameOption))] = aws.ToBool(v.Override)
		}
		if v := s.XSSProtection; v != nil {
			want["x-xss-protection: 1; mode=block"] = aws.ToBool(v.Override)
		}
		if v := s.ReferrerPolicy; v != nil {
			want["referrer-policy: "+string(v.ReferrerPolicy)] = aws.ToBool(v.Override)
		}
	}
	if !maps.Equal(got, want) {
		t.Errorf("response headers policy %s %s: the compiler has %v, AWS %v", id, aws.ToString(theirs.Name), got, want)
	}
	if (ours.CORS != nil) != (theirs.CorsConfig != nil) {
		t.Errorf("response headers policy %s: CORS in the compiler: %v, at AWS: %v", id, ours.CORS != nil, theirs.CorsConfig != nil)
	}
	if ours.CORS != nil && theirs.CorsConfig != nil && !slices.Equal(ours.CORS.AllowOrigins, theirs.CorsConfig.AccessControlAllowOrigins.Items) {
		t.Errorf("response headers policy %s: origins %v, at AWS %v", id, ours.CORS.AllowOrigins, theirs.CorsConfig.AccessControlAllowOrigins.Items)
	}
}

// keys are those of the site's artifact bucket.
func (p *pipeline) keys(t *testing.T) (keys []string) {
	t.Helper()
	name := p.state.Outputs[template.OutputArtifactBucketName]
	pages := s3.NewListObjectsV2Paginator(p.s3(), &s3.ListObjectsV2Input{Bucket: &name})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range page.Contents {
			keys = append(keys, *o.Key)
		}
	}
	return keys
}

// Artifacts lie under the pipeline's name, which is no longer than the 20 characters that CodePipeline leaves of it: the
// roles' policies name that prefix.
func artifactPrefix(t *testing.T, p *pipeline) {
	prefix, found := p.state.Outputs[template.OutputPipelineName]+"/", 0
	for _, key := range p.keys(t) {
		if strings.HasPrefix(key, prefix) {
			found++
		} else if !strings.HasPrefix(key, "toolkit/") && !strings.HasPrefix(key, "build-cache") {
			t.Errorf("key %s is outside of %s", key, prefix)
		}
	}
	if found == 0 || len(prefix) > 21 {
		t.Errorf("%d artifacts under %s", found, prefix)
	}
}

// A build's cache goes where the project says, which the build role may write to and read from: the second build finds what
// the first one left.
func buildCache(t *testing.T, p *pipeline) {
	const spec = "version: 0.2\nphases:\n  build:\n    commands:\n      - ls kept 2>/dev/null && echo \"was \"\"there\" || true\n      - mkdir -p kept && date > kept/file\ncache:\n  paths: ['kept/**/*']\n"
	p.buildWith(t, spec, false)
	log, ok := p.buildWith(t, spec, false)
	if !ok || !strings.Contains(log, "was there\n") {
		t.Errorf("the second build did not find the first one's cache:\n%s", log)
	}
	if !slices.ContainsFunc(p.keys(t), func(key string) bool { return strings.HasPrefix(key, "build-cache/") }) {
		t.Errorf("nothing under build-cache/: %v", p.keys(t))
	}
}

// The regions in which hosting.yaml runs the release on Lambda compute have it, and the others that were looked at have not:
// a project is made in each, with the site's own role, and deleted. It never runs.
func lambdaComputeRegions(t *testing.T, p *pipeline) {
	own, err := codebuild.NewFromConfig(p.account.Config).BatchGetProjects(t.Context(), &codebuild.BatchGetProjectsInput{Names: []string{p.state.Outputs[template.OutputReleaseProjectName]}})
	if err != nil || len(own.Projects) != 1 {
		t.Fatalf("the release project: %v", err)
	}
	regions := map[string]bool{"us-east-1": true, "us-east-2": true, "us-west-2": true, "ap-northeast-1": true, "ap-south-1": true,
		"ap-southeast-1": true, "ap-southeast-2": true, "eu-central-1": true, "eu-west-1": true, "sa-east-1": true,
		"us-west-1": false, "eu-west-2": false, "eu-west-3": false, "eu-north-1": false, "ca-central-1": false, "ap-northeast-2": false}
	for region, want := range regions {
		api := codebuild.NewFromConfig(p.account.Config, func(o *codebuild.Options) { o.Region = region })
		name := p.state.Tags[stack.TagSite] + "-live"
		_, err := api.CreateProject(t.Context(), &codebuild.CreateProjectInput{
			Name: &name, ServiceRole: own.Projects[0].ServiceRole, Artifacts: &cbtypes.ProjectArtifacts{Type: cbtypes.ArtifactsTypeNoArtifacts},
			Source:      &cbtypes.ProjectSource{Type: cbtypes.SourceTypeNoSource, Buildspec: aws.String("version: 0.2\nphases:\n  build:\n    commands: [ls]\n")},
			Environment: &cbtypes.ProjectEnvironment{Type: cbtypes.EnvironmentTypeLinuxLambdaContainer, ComputeType: cbtypes.ComputeTypeBuildLambda1gb, Image: own.Projects[0].Environment.Image},
		})
		if err == nil {
			if _, err := api.DeleteProject(context.WithoutCancel(t.Context()), &codebuild.DeleteProjectInput{Name: &name}); err != nil {
				t.Errorf("NOT REMOVED: project %s in %s: %v", name, region, err)
			}
		}
		if (err == nil) != want {
			t.Errorf("Lambda compute in %s: want %v: %v", region, want, err)
		}
	}
}

// A pipeline with a trigger for paths keeps DetectChanges "true": CloudFormation takes both, and the trigger is there. The
// change cancels what runs, and so it comes after everything else that needs the pipeline.
func triggersBesideDetectChanges(t *testing.T, p *pipeline) {
	s := p.stack(p.state.Tags[stack.TagSite])
	text, err := s.Template(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	params := maps.Clone(p.state.Parameters)
	params[template.ParamPathFilters] = "src/**"
	plan, err := s.Plan(t.Context(), p.state, stack.Wanted{Template: text, Parameters: params, Tags: p.state.Tags})
	if err != nil {
		t.Fatal(err)
	}
	if p.state, err = s.Apply(t.Context(), plan, reporter{t}); err != nil {
		t.Fatal(err)
	}
	name := p.state.Outputs[template.OutputPipelineName]
	out, err := codepipeline.NewFromConfig(p.account.Config).GetPipeline(t.Context(), &codepipeline.GetPipelineInput{Name: &name})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(out.Pipeline.Triggers); n != 1 || out.Pipeline.Stages[0].Actions[0].Configuration["DetectChanges"] != "true" {
		t.Errorf("%d triggers, source action %v", n, out.Pipeline.Stages[0].Actions[0].Configuration)
	}
}

// A .zip file that is put into the source bucket runs the pipeline for that very key and version, by the transformer of the
// EventBridge rule; one beside the prefix does not.
func TestUploadTrigger(t *testing.T) {
	w := open(t)
	prefix := fmt.Sprintf("live-%d/", time.Now().Unix())
	p := deploy(t, w, `{"target": "aws", "routing": "spa", "siteName": "`+site.NewName("live")+`", "s3path": "`+prefix+`"}`)
	source := p.state.Outputs[template.OutputSourceBucketName]
	page := "<title>" + prefix + "</title>"
	var packed bytes.Buffer
	z := zip.NewWriter(&packed)
	f, err := z.Create("index.html")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write([]byte(page)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	var version string
	for _, key := range []string{"beside/other.zip", prefix + "a site.zip"} {
		out, err := p.s3().PutObject(t.Context(), &s3.PutObjectInput{Bucket: &source, Key: &key, Body: bytes.NewReader(packed.Bytes())})
		if err != nil {
			t.Fatal(err)
		}
		version = aws.ToString(out.VersionId)
	}
	begun := time.Now()
	p.until(t, "execution of version "+version, func() bool {
		e, err := p.hosting.Execution(t.Context(), "")
		return err == nil && e.Status.Done() && e.Revision == version
	})
	url := "https://" + p.state.Outputs[template.OutputDistributionDomainName] + "/"
	p.until(t, "answer with the page", func() bool { _, body := p.get(t, url); return body == page })
	t.Logf("from upload to live: %s", time.Since(begun).Round(time.Second))
}
