package buildspec_test

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/buildspec"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
)

// runOne runs one command in a build and returns what it printed.
func runOne(t *testing.T, b *buildspec.Build, log interface{ String() string }) (string, error) {
	t.Helper()
	_, err := b.Run(context.Background(), filepath.Join(t.TempDir(), "artifacts"))
	return output(log.String()), err
}

func TestEnvironmentIsScrubbed(t *testing.T) {
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "s", "AWS_SESSION_TOKEN": "s", "AWS_PROFILE": "p", "GITHUB_TOKEN": "s",
		"NPM_TOKEN": "s", "CHT_STATE_DIR": "/x", "CHT_BUILD_OTHER": "s", "SSH_AUTH_SOCK": "/x", "CI": "true", "NODE_ENV": "production",
		"HTTPS_PROXY": "http://proxy", "LC_ALL": "C", "npm_config_registry": "http://registry",
	} {
		t.Setenv(name, value)
	}
	b, log := newBuild(t, "version: 0.2\nphases: {build: {commands: [env]}}"+artifactsOfAll)
	b.Env = map[string]string{"CODEBUILD_RESOLVED_SOURCE_VERSION": "abc", "CODEBUILD_BUILD_ID": "site:1"}
	out, err := runOne(t, b, log)
	if err != nil {
		t.Fatal(err)
	}
	env := map[string]string{}
	for line := range strings.Lines(out) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		env[name] = value
	}
	for name, want := range map[string]string{
		"HTTPS_PROXY": "http://proxy", "LC_ALL": "C", "npm_config_registry": "http://registry", "TERM": "dumb",
		"TMPDIR": filepath.Join(b.Work, "tmp"), "CODEBUILD_SRC_DIR": b.Source, "CODEBUILD_CI": "true", "CODEBUILD_BUILD_SUCCEEDING": "1",
		"CODEBUILD_RESOLVED_SOURCE_VERSION": "abc", "CODEBUILD_BUILD_ID": "site:1", "AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1",
	} {
		if env[name] != want {
			t.Errorf("%s = %q, want %q", name, env[name], want)
		}
	}
	for _, name := range []string{"PATH", "HOME", "CODEBUILD_BUILD_ARN", "CODEBUILD_BUILD_NUMBER", "CODEBUILD_BUILD_IMAGE", "CODEBUILD_INITIATOR", "CODEBUILD_START_TIME"} {
		if env[name] == "" {
			t.Errorf("%s is missing", name)
		}
	}
	// CI is not among CodeBuild's variables, and some generators turn warnings into errors when it is set.
	for _, name := range []string{"GITHUB_TOKEN", "NPM_TOKEN", "SSH_AUTH_SOCK", "CI", "NODE_ENV"} {
		if v, ok := env[name]; ok {
			t.Errorf("%s = %q is passed on", name, v)
		}
	}
	for name := range env {
		if strings.HasPrefix(name, "CHT_") || strings.HasPrefix(name, "AWS_") && !slices.Contains([]string{"AWS_REGION", "AWS_DEFAULT_REGION"}, name) {
			t.Errorf("%s is passed on", name)
		}
	}
}

func TestPrecedence(t *testing.T) {
	b, log := newBuild(t, "version: 0.2\nenv: {variables: {A: file, B: file, TERM: mine}}\nphases: {build: {commands: ['echo $A $B $TERM']}}"+artifactsOfAll)
	b.Env = map[string]string{"A": "start"}
	out, err := runOne(t, b, log)
	if err != nil || out != "start file mine\n" {
		t.Errorf("output %q, error %v (build-spec-ref, env/variables: the start of the build wins)", out, err)
	}
}

const withSecrets = "version: 0.2\nenv:\n  parameter-store: {KEY: /site/key}\n  secrets-manager: {PASS: 'id:json'}\n  exported-variables: [KEY, OPEN]\n" +
	"phases: {build: {commands: ['echo \"$KEY and $PASS\"; printf %s \"${KEY%???}\"; printf \"%s\\n\" \"${KEY#?????}\"; OPEN=1']}}" + artifactsOfAll

func TestSecretsAreLookedUpAndMasked(t *testing.T) {
	tests := map[string]struct {
		env    map[string]string
		own    map[string]string
		lookup func(name, reference string) (string, bool)
		host   map[string]string
	}{
		"from the caller's environment": {env: map[string]string{"KEY": "k3y-0007", "PASS": "p"}},
		"from the caller's file":        {own: map[string]string{"KEY": "k3y-0007", "PASS": "p"}},
		"from a lookup": {lookup: func(name, reference string) (string, bool) {
			v, ok := map[string]string{"KEY=/site/key": "k3y-0007", "PASS=id:json": "p"}[name+"="+reference]
			return v, ok
		}},
		"from CHT_BUILD_ variables": {host: map[string]string{"CHT_BUILD_KEY": "k3y-0007", "CHT_BUILD_PASS": "p"}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			for k, v := range tc.host {
				t.Setenv(k, v)
			}
			b, log := newBuild(t, withSecrets)
			b.Env, b.Private, b.Lookup = tc.env, tc.own, tc.lookup
			report, err := b.Run(context.Background(), filepath.Join(t.TempDir(), "artifacts"))
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(log.String(), "k3y-0007") || !strings.Contains(log.String(), "\n*** and ***\n***\n") {
				t.Errorf("log:\n%s", log)
			}
			if diff := cmp.Diff(map[string]string{"OPEN": "1"}, report.Exported); diff != "" {
				t.Errorf("exported (-want +got):\n%s", diff)
			}
		})
	}
}

func TestMissingSecret(t *testing.T) {
	b, _ := newBuild(t, withSecrets)
	_, err := b.Run(context.Background(), filepath.Join(t.TempDir(), "artifacts"))
	checkError(t, err, "build.yml:3: the variable KEY comes from Parameter Store (/site/key), which is not available on this machine")
	if !strings.Contains(fault.HintOf(err), "CHT_BUILD_KEY") {
		t.Errorf("hint %q", fault.HintOf(err))
	}
}

func TestExportedVariables(t *testing.T) {
	b, _ := newBuild(t, "version: 0.2\nenv: {exported-variables: [A, B, NOT_SET]}\nphases: {build: {commands: ['A=\"x\ny\"; export B=;']}}"+artifactsOfAll)
	report, err := b.Run(context.Background(), filepath.Join(t.TempDir(), "artifacts"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"A": "x y", "B": ""}, report.Exported); diff != "" {
		t.Errorf("exported (-want +got):\n%s", diff)
	}
}
