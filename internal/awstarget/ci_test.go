package awstarget_test

import (
	"bytes"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/double"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/golden"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
)

// exampleRole is the role's ARN in the examples.
const exampleRole = "arn:aws:iam::123456789012:role/hello-1a2b3c4d-CiRole-EXAMPLE"

// example reads one of the files that users copy, with the role that a deployment made.
func example(t *testing.T, name, role string, into any) {
	t.Helper()
	text, err := os.ReadFile("../../examples/ci/" + name)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(text, []byte(exampleRole)) {
		t.Fatalf("%s has no role to put in", name)
	}
	if err := yaml.Unmarshal(bytes.ReplaceAll(text, []byte(exampleRole), []byte(role)), into); err != nil {
		t.Fatal(err)
	}
}

// job is a CI's machine: a checkout, programs, and the environment that the CI sets.
type job struct {
	b   *bed
	dir string
	env map[string]string
}

// newJob checks the project out, with a package manager that builds it and a go that has installed the toolkit.
func (b *bed) newJob(env map[string]string) *job {
	b.t.Helper()
	j := &job{b: b, dir: filepath.Join(b.t.TempDir(), "checkout"), env: maps.Clone(env)}
	b.git("clone", "-q", b.repo, j.dir)
	bin := b.t.TempDir()
	npm := "#!/bin/sh\nif [ \"$1\" = run ]; then mkdir -p dist && cp -r src/. dist; fi\n"
	for name, text := range map[string]string{"npm": npm, "go": "#!/bin/sh\n"} {
		if err := os.WriteFile(filepath.Join(bin, name), []byte(text), 0o755); err != nil {
			b.t.Fatal(err)
		}
	}
	if err := os.Symlink(b.opts.Executable, filepath.Join(bin, "cloudfront-hosting-toolkit")); err != nil {
		b.t.Fatal(err)
	}
	account := b.account.Environment()
	for _, keys := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION"} {
		delete(account, keys)
	}
	maps.Copy(j.env, account)
	j.env["AWS_ENDPOINT_URL_STS"] = b.account.URL() // the SDK does not look at AWS_ENDPOINT_URL before it has credentials
	j.env["PATH"], j.env["HOME"] = bin+":/usr/local/bin:/usr/bin:/bin", b.t.TempDir()
	return j
}

// run runs a step, and returns its exit code and what it printed.
func (j *job) run(script string) (int, string) {
	j.b.t.Helper()
	cmd := exec.Command("bash", "-e", "-o", "pipefail", "-c", script)
	cmd.Dir = j.dir
	for name, value := range j.env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		j.b.t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

// token writes a token of the CI into a file.
func (j *job) token(issuer, audience, subject string) string {
	j.b.t.Helper()
	file := filepath.Join(j.b.t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(double.Token(issuer, audience, subject)), 0o600); err != nil {
		j.b.t.Fatal(err)
	}
	return file
}

// withRole deploys the site with a role for a CI, and returns the role.
func (b *bed) withRole(who string) *hosting.CIRole {
	b.t.Helper()
	b.account.CompleteNew(1)
	b.opts.CIRole = who
	r := &recorder{}
	deployed, err := b.deploy(r)
	if err != nil {
		b.t.Fatalf("%v\n%s", err, r)
	}
	b.opts.CIRole = ""
	if deployed.CIRole == nil {
		b.t.Fatal("there is no role")
	}
	return deployed.CIRole
}

// workflow is what the test reads of a workflow of GitHub Actions.
type workflow struct {
	Permissions map[string]string
	Jobs        map[string]struct {
		Steps []struct {
			Name, Uses, Run string
			With            map[string]string
		}
	}
}

// The example for GitHub Actions publishes with the role that a deployment makes: its steps are run with the environment that
// GitHub sets, on the account's double, which refuses what the role's policy does not allow.
func TestGitHubActions(t *testing.T) {
	b := newBed(t, true)
	first := b.git("rev-parse", "HEAD")
	role := b.withRole("github:Alice/hello")
	var file workflow
	example(t, "github-actions.yml", role.ARN, &file)
	if file.Permissions["id-token"] != "write" {
		t.Errorf("permissions: %v", file.Permissions)
	}
	commit := b.commit("from the CI")
	summary := filepath.Join(t.TempDir(), "summary.md")
	j := b.newJob(map[string]string{"CI": "true", "GITHUB_ACTIONS": "true", "GITHUB_SHA": commit, "GITHUB_STEP_SUMMARY": summary})
	publish := ""
	for _, step := range file.Jobs["publish"].Steps {
		switch {
		case strings.HasPrefix(step.Uses, "aws-actions/configure-aws-credentials@"):
			if !strings.Contains(role.Workflow, "role-to-assume: "+step.With["role-to-assume"]) || step.With["aws-region"] != double.Region {
				t.Errorf("the example has %v, and deploy prints\n%s", step.With, role.Workflow)
			}
			// What the action does, in the SDK's own words.
			j.env["AWS_REGION"], j.env["AWS_ROLE_ARN"] = step.With["aws-region"], step.With["role-to-assume"]
			j.env["AWS_WEB_IDENTITY_TOKEN_FILE"] = j.token("token.actions.githubusercontent.com", "sts.amazonaws.com", "repo:Alice@7/hello@8:ref:refs/heads/main")
		case step.Run != "":
			publish = step.Run
			if code, out := j.run(step.Run); code != 0 {
				t.Fatalf("%s: exit code %d\n%s", step.Name, code, out)
			}
		}
	}
	b.servesCommit(commit, "from the CI")
	text, err := os.ReadFile(summary)
	if err != nil {
		t.Fatal(err)
	}
	golden.Check(t, "ci-summary.md", strings.NewReplacer(commit, "COMMIT", first, "FIRST").Replace(string(text)))
	want := []string{
		"cloudformation:DescribeStacks", "cloudfront-keyvaluestore:DescribeKeyValueStore", "cloudfront-keyvaluestore:GetKey",
		"cloudfront-keyvaluestore:ListKeys", "cloudfront-keyvaluestore:UpdateKeys", "s3:GetObject", "s3:ListBucket", "s3:PutObject", "s3:DeleteObject",
	}
	for _, action := range b.account.Allowed() {
		if !slices.Contains(want, action) {
			t.Errorf("publishing needs %s", action)
		}
	}
	// The same job again changes nothing; a job of another branch is refused, and the run's page says why.
	if code, out := j.run(publish); code != 0 || !strings.Contains(out, "2 unchanged") {
		t.Errorf("again: exit code %d\n%s", code, out)
	}
	j.env["AWS_WEB_IDENTITY_TOKEN_FILE"] = j.token("token.actions.githubusercontent.com", "sts.amazonaws.com", "repo:Alice/hello:ref:refs/heads/other")
	if code, out := j.run(publish); code != 1 || !strings.Contains(out, "::error title=cloudfront-hosting-toolkit::") || !strings.Contains(out, "--ci-role") {
		t.Errorf("another branch: exit code %d\n%s", code, out)
	}
}

// servesCommit checks that the site answers with a commit, which is the live release.
func (b *bed) servesCommit(commit, version string) {
	b.t.Helper()
	info, err := b.hosting().Show(b.t.Context())
	if err != nil || info.Release != commit {
		b.t.Fatalf("release %s, %v, want %s", info.Release, err, commit)
	}
	if _, body := b.get(info.URL); body != "<title>version "+version+"</title>" {
		b.t.Errorf("the site answers %q", body)
	}
}

// The example for GitLab CI, in the same way. GitLab hands the token to the job, and keeps its variables in one another.
func TestGitLabCI(t *testing.T) {
	b := newBed(t, true)
	role := b.withRole("gitlab:group/web/hello@main")
	type script struct {
		Variables    map[string]string
		BeforeScript []string `yaml:"before_script"`
		Script       []string
		Tokens       map[string]struct{ Aud string } `yaml:"id_tokens"`
	}
	var file struct{ Build, Publish script }
	example(t, "gitlab-ci.yml", role.ARN, &file)
	commit := b.commit("from GitLab")
	builds := t.TempDir()
	j := b.newJob(map[string]string{"CI": "true", "GITLAB_CI": "true", "CI_COMMIT_SHA": commit, "CI_BUILDS_DIR": builds})
	for name, value := range file.Publish.Variables {
		j.env[name] = os.Expand(value, func(name string) string { return j.env[name] })
	}
	for name, token := range file.Publish.Tokens {
		j.env[name] = double.Token("gitlab.com", token.Aud, "project_path:group/web/hello:ref_type:branch:ref:main")
		if !strings.Contains(role.Workflow, "AWS_ROLE_ARN: "+role.ARN) || !strings.Contains(role.Workflow, name+": {aud: "+token.Aud+"}") {
			t.Errorf("deploy prints\n%s", role.Workflow)
		}
	}
	for _, line := range slices.Concat(file.Build.Script, file.Publish.BeforeScript, file.Publish.Script) {
		if code, out := j.run(line); code != 0 {
			t.Fatalf("%s: exit code %d\n%s", line, code, out)
		}
	}
	b.servesCommit(commit, "from GitLab")
}

// A role stays on later deployments, changes, and goes by name; an identity provider that is there is used.
func TestCIRole(t *testing.T) {
	b := newBed(t, false)
	provider := b.account.AddIdentityProvider("token.actions.githubusercontent.com", "sts.amazonaws.com")
	first := b.withRole("github:Alice/hello")
	later := &recorder{}
	again, err := b.deploy(later)
	if err != nil || again.CIRole == nil || again.CIRole.ARN != first.ARN || !slices.Equal(again.CIRole.Subjects, first.Subjects) || strings.Contains(later.String(), "CiRole") {
		t.Fatalf("a later deployment: %+v, %v\n%s", again.CIRole, err, later)
	}
	if b.account.Has(b.site.Name(), "CiIdentityProvider") {
		t.Errorf("the stack made a second provider beside %s", provider)
	}
	b.opts.CIRole = "github:Alice/hello@environment:live"
	if changed, err := b.deploy(&recorder{}); err != nil || changed.CIRole.Subjects[0] != "repo:Alice/hello:environment:live" {
		t.Fatalf("another subject: %+v, %v", changed.CIRole, err)
	}
	b.opts.CIRole = "none"
	if gone, err := b.deploy(&recorder{}); err != nil || gone.CIRole != nil || b.account.Has(b.site.Name(), "CiRole") {
		t.Fatalf("none: %+v, %v", gone.CIRole, err)
	}
	b.account.Do(func() { checkPolicy(t, b.account.Requests) })
}
