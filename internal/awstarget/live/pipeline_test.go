//go:build aws

package live

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codebuild"
	cbtypes "github.com/aws/aws-sdk-go-v2/service/codebuild/types"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
)

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// piped is a site with its whole pipeline, deployed from the repository of CHT_LIVE_REPOSITORY. It stays in the account: its
// name is printed, and docs/aws.md says how to remove it.
var piped = sync.OnceValues(func() (*pipeline, error) {
	program := os.Getenv("CHT_LIVE_TOOLKIT")
	if program == "" {
		program = "../../../bin/cloudfront-hosting-toolkit"
	}
	dir, err := os.MkdirTemp("", "cht-live-")
	if err != nil {
		return nil, err
	}
	folder := filepath.Join(dir, site.Folder)
	if err := os.Mkdir(folder, 0o755); err != nil {
		return nil, err
	}
	config := `{"target": "aws", "branchName": "main", "repoUrl": "` + os.Getenv("CHT_LIVE_REPOSITORY") + `"}`
	if err := os.WriteFile(filepath.Join(folder, site.ConfigFile), []byte(config), 0o600); err != nil {
		return nil, err
	}
	s, err := site.Load(dir)
	if err != nil {
		return nil, err
	}
	return &pipeline{site: s, hosting: awstarget.New(s, awstarget.Options{Executable: program, Version: "live"})}, nil
})

type pipeline struct {
	site     *site.Site
	hosting  *awstarget.Hosting
	once     sync.Once
	deployed hosting.Deployed
	err      error
}

func deployedPipeline(t *testing.T) (*bed, *pipeline) {
	t.Helper()
	if os.Getenv("CHT_LIVE_REPOSITORY") == "" {
		t.Skip("CHT_LIVE_REPOSITORY names no repository")
	}
	b := live(t)
	p, err := piped()
	if err != nil {
		t.Fatal(err)
	}
	p.once.Do(func() { p.deployed, p.err = p.hosting.Deploy(t.Context(), hosting.DeployOptions{}, reporter{t}) })
	if p.err != nil {
		t.Fatal(p.err)
	}
	t.Logf("site %s stays deployed", p.site.Name())
	return b, p
}

// The release step has done its work: CodeBuild's credentials sign for the key-value store, and Lambda compute's image has
// the programs that it needs.
func TestReleaseRole(t *testing.T) {
	_, p := deployedPipeline(t)
	var log bytes.Buffer
	if err := p.hosting.Logs(t.Context(), "", false, &log); err != nil {
		t.Fatal(err)
	}
	if p.deployed.Execution.Status != hosting.Succeeded || !strings.Contains(log.String(), ": OK") {
		t.Errorf("execution %+v\n%s", p.deployed.Execution, &log)
	}
	for _, s := range p.deployed.Execution.Stages {
		t.Logf("%s took %s", s.Name, s.EndedAt.Sub(*s.StartedAt).Round(time.Second))
	}
}

// The commit's message comes out of what the connection says of a revision.
func TestRevisionSummary(t *testing.T) {
	_, p := deployedPipeline(t)
	if e := p.deployed.Execution; len(e.Revision) != 40 || e.Message == "" || strings.HasPrefix(e.Message, "{") {
		t.Errorf("revision %q, message %q", e.Revision, e.Message)
	}
}

// After a failed install or pre_build the later phases do not run; after a failed build, post_build does.
func TestBuildFailure(t *testing.T) {
	b, p := deployedPipeline(t)
	api := codebuild.NewFromConfig(b.account.Config)
	for phase, ran := range map[string]bool{"install": false, "pre_build": false, "build": true} {
		spec := "version: 0.2\nphases:\n  " + phase + ":\n    commands: ['exit 1']\n  post_build:\n    commands: ['echo after']\n"
		out, err := api.StartBuild(t.Context(), &codebuild.StartBuildInput{
			ProjectName: aws.String(p.site.Name() + "-build"), SourceTypeOverride: cbtypes.SourceTypeNoSource,
			ArtifactsOverride: &cbtypes.ProjectArtifacts{Type: cbtypes.ArtifactsTypeNoArtifacts}, BuildspecOverride: &spec,
		})
		if err != nil {
			t.Fatal(err)
		}
		build := out.Build
		for deadline := time.Now().Add(10 * time.Minute); !build.BuildComplete && time.Now().Before(deadline); time.Sleep(3 * time.Second) {
			got, err := api.BatchGetBuilds(t.Context(), &codebuild.BatchGetBuildsInput{Ids: []string{*build.Id}})
			if err != nil {
				t.Fatal(err)
			}
			build = &got.Builds[0]
		}
		after := slices.ContainsFunc(build.Phases, func(p cbtypes.BuildPhase) bool {
			return p.PhaseType == cbtypes.BuildPhaseTypePostBuild && p.PhaseStatus != ""
		})
		if after != ran {
			t.Errorf("%s failed: post_build ran: %v, want %v", phase, after, ran)
		}
	}
}
