package template

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
)

// CIRole is who may publish from a CI, without keys: whoever has a token of the CI that says so.
type CIRole struct {
	// Provider is github or gitlab, as the parameter has it.
	Provider string
	// Issuer is whose tokens they are, Audience whom they are for.
	Issuer, Audience string
	// Repository is OWNER/REPOSITORY or GROUP/PROJECT.
	Repository string
	// Subjects are the values of the tokens' claim "sub"; an asterisk stands for anything.
	Subjects []string
}

// NoCIRole is the word for no role.
const NoCIRole = "none"

// The providers of tokens.
const (
	ciGitHub = "github"
	ciGitLab = "gitlab"

	issuerGitHub   = "token.actions.githubusercontent.com"
	audienceGitHub = "sts.amazonaws.com"
	issuerGitLab   = "gitlab.com"
	audienceGitLab = "https://gitlab.com"
)

var (
	ciName = `[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_-])?`
	// ciRepository is OWNER/REPOSITORY of GitHub, each with its number or both without.
	ciRepository = regexp.MustCompile(`^(` + ciName + `/` + ciName + `|` + ciName + `@\d+/` + ciName + `@\d+)(?:@(.+))?$`)
	// ciProject is GROUP/PROJECT of GitLab, with groups within groups.
	ciProject = regexp.MustCompile(`^(` + ciName + `(?:/` + ciName + `)+)(?:@(.+))?$`)
	// ciRef is a branch or an environment that can stand in a subject.
	ciRef = regexp.MustCompile(`^[^\s$?*,:~^\\\[]+$`)
)

// ParseCIRole reads "github:OWNER/REPOSITORY" or "gitlab:GROUP/PROJECT", with "@BRANCH" for another branch than the site's,
// "@*" for every branch, and, at GitHub, "@environment:NAME" for the jobs of an environment. "none" is a zero CIRole. What
// cannot be read is a fault.Usage.
//
// GitHub puts the numbers of owner and repository into the subject for repositories that were made or renamed since July 2026
// (GitHub Docs, "OpenID Connect reference", immutable subject claims): "repo:OWNER@1/REPOSITORY@2:ref:…". Without the numbers
// both forms are taken; with them (github:OWNER@1/REPOSITORY@2) only the repository that has them, whoever gets its name later.
func ParseCIRole(text, branch string) (CIRole, error) {
	provider, rest, _ := strings.Cut(text, ":")
	const forms = "give github:OWNER/REPOSITORY or gitlab:GROUP/PROJECT, with @BRANCH or @* at its end if need be, or none"
	switch {
	case text == NoCIRole:
		return CIRole{}, nil
	case provider == ciGitHub && ciRepository.MatchString(rest):
		m := ciRepository.FindStringSubmatch(rest)
		kind, ref, err := ciTarget(m[2], branch, true)
		role := CIRole{Provider: provider, Issuer: issuerGitHub, Audience: audienceGitHub, Repository: m[1]}
		if kind == "ref" {
			ref = "ref:refs/heads/" + ref
		} else {
			ref = "environment:" + ref
		}
		role.Subjects = []string{"repo:" + role.Repository + ":" + ref}
		if owner, name, _ := strings.Cut(role.Repository, "/"); !strings.Contains(role.Repository, "@") {
			role.Subjects = append(role.Subjects, "repo:"+owner+"@*/"+name+"@*:"+ref)
		}
		return role, err
	case provider == ciGitLab && ciProject.MatchString(rest):
		m := ciProject.FindStringSubmatch(rest)
		_, ref, err := ciTarget(m[2], branch, false)
		return CIRole{
			Provider: provider, Issuer: issuerGitLab, Audience: audienceGitLab, Repository: m[1],
			Subjects: []string{"project_path:" + m[1] + ":ref_type:branch:ref:" + ref},
		}, err
	}
	return CIRole{}, fault.New(fault.Usage, forms, "--ci-role: %q is not a repository of a CI", text)
}

// ciTarget reads what comes after the repository: a branch, every branch, or an environment.
func ciTarget(given, branch string, environments bool) (kind, ref string, err error) {
	kind, ref = "ref", given
	if name, ok := strings.CutPrefix(given, "environment:"); ok && environments {
		kind, ref = "environment", name
	}
	switch {
	case given == "" && branch == "":
		return kind, "", fault.New(fault.Usage, "add it: @BRANCH, or @* for every branch", "--ci-role: the site has no branch, so it has to be given")
	case given == "":
		ref = branch
	case given == "*":
		return kind, "*", nil
	}
	if !ciRef.MatchString(ref) {
		return kind, "", fault.New(fault.Usage, "", "--ci-role: %q cannot be told in a token's subject", ref)
	}
	return kind, ref, nil
}

// DeployedCIRole is the role that a stack with these parameters has.
func DeployedCIRole(params map[string]string) CIRole {
	role := CIRole{Provider: params[ParamCIProvider], Issuer: issuerGitHub, Audience: audienceGitHub, Subjects: strings.Split(params[ParamCISubjects], ",")}
	if role.Provider == ciGitLab {
		role.Issuer, role.Audience = issuerGitLab, audienceGitLab
	}
	return role
}

// Exists reports whether there is to be a role.
func (r CIRole) Exists() bool { return r.Provider != "" }

// Parameters are those of the template. providerARN is the account's identity provider; empty if the stack makes it.
func (r CIRole) Parameters(providerARN string) Parameters {
	return Parameters{ParamCIProvider: r.Provider, ParamCISubjects: strings.Join(r.Subjects, ","), ParamCIProviderArn: providerARN}
}

// Workflow is what has to stand in the CI's file for the role, beside the command that publishes: lines of YAML.
func (r CIRole) Workflow(roleARN, region string) string {
	if r.Provider == ciGitLab {
		return fmt.Sprintf(`id_tokens:
  AWS_TOKEN: {aud: %s}
variables:
  AWS_ROLE_ARN: %s
  AWS_REGION: %s
`, r.Audience, roleARN, region)
	}
	return fmt.Sprintf(`permissions: {id-token: write, contents: read}
steps:
  - uses: aws-actions/configure-aws-credentials@v5
    with:
      role-to-assume: %s
      aws-region: %s
`, roleARN, region)
}
