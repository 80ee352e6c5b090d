package live

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/codebuild"
	cbtypes "github.com/aws/aws-sdk-go-v2/service/codebuild/types"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/stack"
	hostings "github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/template"
)

// pipeline is a site with its whole pipeline, as deploy makes it.
type pipeline struct {
	*world
	site     *site.Site
	hosting  *awstarget.Hosting
	deployed hostings.Deployed
	state    stack.State
}

// pipelineFacts are asked of one deployed site.
var pipelineFacts = map[string]func(*testing.T, *pipeline){
	"ReleaseRole":      releaseRole,
	"RevisionSummary":  revisionSummary,
	"TrustPolicies":    trustPolicies,
	"BuildFailure":     buildFailure,
	"ShellPersistence": shellPersistence,
	"PushToLive":       pushToLive,
}

func TestPipeline(t *testing.T) {
	w := open(t)
	if w.repository == "" {
		t.Skip("CHT_LIVE_REPOSITORY names no repository")
	}
	p := deploy(t, w, `{"target": "aws", "branchName": "main", "routing": "spa", "repoUrl": "`+w.repository+`"}`)
	for _, facts := range []map[string]func(*testing.T, *pipeline){pipelineFacts, pipelineFactsOfAWS} {
		for _, name := range slices.Sorted(maps.Keys(facts)) {
			t.Run(name, func(t *testing.T) { facts[name](t, p) })
		}
	}
}

// deploy takes a site with this configuration, and without a build, through its first release.
func deploy(t *testing.T, w *world, config string) *pipeline {
	t.Helper()
	dir := t.TempDir()
	folder := filepath.Join(dir, site.Folder)
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, site.ConfigFile), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := site.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	p := &pipeline{world: w, site: s}
	p.hosting = awstarget.New(s, awstarget.Options{Executable: w.program(), Version: "live", Pace: w.pace, HTTP: w.viewer, DNS: w.resolver})
	w.removeAfter(t, awstarget.StackName(s))
	if p.deployed, err = p.hosting.Deploy(t.Context(), hostings.DeployOptions{}, reporter{t}); err != nil {
		t.Fatal(err)
	}
	if p.state, err = w.stack(awstarget.StackName(s)).Describe(t.Context()); err != nil {
		t.Fatal(err)
	}
	return p
}

// The release step has done its work: CodeBuild's credentials sign for the key-value store, and Lambda compute's image has
// the programs that it needs.
func releaseRole(t *testing.T, p *pipeline) {
	var log bytes.Buffer
	if err := p.hosting.Logs(t.Context(), p.deployed.Execution.ID, false, &log); err != nil {
		t.Fatal(err)
	}
	if p.deployed.Execution.Status != hostings.Succeeded || !strings.Contains(log.String(), ": OK") {
		t.Errorf("execution %+v\n%s", p.deployed.Execution, &log)
	}
	for _, s := range p.deployed.Execution.Stages {
		t.Logf("%s took %s", s.Name, s.EndedAt.Sub(*s.StartedAt).Round(time.Second))
	}
}

// The commit's message comes out of what the connection says of a revision.
func revisionSummary(t *testing.T, p *pipeline) {
	if e := p.deployed.Execution; len(e.Revision) != 40 || e.Message == "" || strings.HasPrefix(e.Message, "{") {
		t.Errorf("revision %q, message %q", e.Revision, e.Message)
	}
}

// Every role of a service names aws:SourceAccount in its trust policy, and the services could take them on all the same: there is
// a release.
func trustPolicies(t *testing.T, p *pipeline) {
	text, err := p.stack(p.state.Tags[stack.TagSite]).Template(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if trusts, held := strings.Count(string(text), "Action: sts:AssumeRole\n"), strings.Count(string(text), "aws:SourceAccount"); trusts == 0 || held < trusts {
		t.Errorf("%d trust policies, %d times aws:SourceAccount", trusts, held)
	}
	if p.deployed.Release == "" {
		t.Error("there is no release")
	}
}

// After a failed install or pre_build the later phases do not run; after a failed build, post_build does.
func buildFailure(t *testing.T, p *pipeline) {
	for phase, ran := range map[string]bool{"install": false, "pre_build": false, "build": true} {
		log, ok := p.build(t, "version: 0.2\nphases:\n  "+phase+":\n    commands: ['exit 1']\n  post_build:\n    commands: ['echo af\"\"ter']\n")
		if ok || strings.Contains(log, "\nafter\n") != ran {
			t.Errorf("%s failed: the build succeeded: %v; post_build ran, want %v:\n%s", phase, ok, ran, log)
		}
	}
}

// The folder and all variables stay from command to command and from phase to phase; functions and set -e do not. The words
// are put together by the shell: CodeBuild's log has the commands, too.
const persistence = `version: 0.2
phases:
  pre_build:
    commands:
      - mkdir -p inside && cd inside
      - export EXPORTED=one
      - PLAIN=two
      - greet() { echo hello; }
      - set -e
      - false || true
  build:
    commands:
      - echo "folder=$(basename "$PWD")"
      - echo "exported=$EXPORTED"
      - echo "plain=$PLAIN"
      - greet 2>/dev/null && echo "function=""kept" || echo "function=""gone"
      - |
        false
        echo "after=""false"
`

func shellPersistence(t *testing.T, p *pipeline) {
	log, ok := p.build(t, persistence)
	for _, want := range []string{"folder=inside", "exported=one", "plain=two", "function=gone", "after=false"} {
		if !ok || !strings.Contains(log, want+"\n") {
			t.Errorf("no %q in the log of a build that succeeded: %v", want, ok)
		}
	}
	t.Log(log)
}

// A push comes to the viewers.
func pushToLive(t *testing.T, p *pipeline) {
	if p.push == nil {
		t.Log("push a commit while the suite runs, and see how long it takes with: status, logs --follow")
		return
	}
	begun, commit := time.Now(), p.push()
	p.until(t, "execution of "+commit, func() bool {
		e, err := p.hosting.Execution(t.Context(), "")
		return err == nil && e.Revision == commit && e.Status == hostings.Succeeded
	})
	info, err := p.hosting.Show(t.Context())
	if err != nil || info.Release != commit {
		t.Errorf("live is %s, %v, want %s", info.Release, err, commit)
	}
	t.Logf("from push to live: %s", time.Since(begun).Round(time.Second))
}

// build runs a buildspec in the site's build project, without sources, and returns its log and whether it succeeded.
func (p *pipeline) build(t *testing.T, spec string) (log string, ok bool) {
	t.Helper()
	return p.buildWith(t, spec, true)
}

// buildWith is build, with the project's own cache or without any.
func (p *pipeline) buildWith(t *testing.T, spec string, withoutCache bool) (log string, ok bool) {
	t.Helper()
	api := codebuild.NewFromConfig(p.account.Config)
	in := &codebuild.StartBuildInput{
		ProjectName: aws.String(p.state.Outputs[template.OutputBuildProjectName]), SourceTypeOverride: cbtypes.SourceTypeNoSource,
		ArtifactsOverride: &cbtypes.ProjectArtifacts{Type: cbtypes.ArtifactsTypeNoArtifacts},
		BuildspecOverride: &spec,
	}
	if withoutCache {
		in.CacheOverride = &cbtypes.ProjectCache{Type: cbtypes.CacheTypeNoCache}
	}
	out, err := api.StartBuild(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	build := out.Build
	p.until(t, "end of the build", func() bool {
		got, err := api.BatchGetBuilds(t.Context(), &codebuild.BatchGetBuildsInput{Ids: []string{*build.Id}})
		if err != nil {
			t.Fatal(err)
		}
		build = &got.Builds[0]
		return build.BuildComplete
	})
	logs, token := cloudwatchlogs.NewFromConfig(p.account.Config), (*string)(nil)
	for {
		page, err := logs.GetLogEvents(t.Context(), &cloudwatchlogs.GetLogEventsInput{
			LogGroupName: build.Logs.GroupName, LogStreamName: build.Logs.StreamName, StartFromHead: aws.Bool(true), NextToken: token})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page.Events {
			log += strings.TrimSuffix(aws.ToString(e.Message), "\n") + "\n"
		}
		if aws.ToString(page.NextForwardToken) == aws.ToString(token) {
			return log, build.BuildStatus == cbtypes.StatusTypeSucceeded
		}
		token = page.NextForwardToken
	}
}
