package template

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
)

func TestParseCIRole(t *testing.T) {
	tests := map[string]struct {
		text, branch string
		subjects     []string
		problem      string
	}{
		"the site's branch": {"github:alice/hello", "main", []string{"repo:alice/hello:ref:refs/heads/main", "repo:alice@*/hello@*:ref:refs/heads/main"}, ""},
		"another branch":    {"github:alice/hello@release/2", "main", []string{"repo:alice/hello:ref:refs/heads/release/2", "repo:alice@*/hello@*:ref:refs/heads/release/2"}, ""},
		"every branch":      {"github:alice/hello@*", "main", []string{"repo:alice/hello:ref:refs/heads/*", "repo:alice@*/hello@*:ref:refs/heads/*"}, ""},
		"an environment":    {"github:alice/hello@environment:production", "main", []string{"repo:alice/hello:environment:production", "repo:alice@*/hello@*:environment:production"}, ""},
		"with numbers":      {"github:alice@12/hello@34", "main", []string{"repo:alice@12/hello@34:ref:refs/heads/main"}, ""},
		"numbers, branch":   {"github:alice@12/hello@34@next", "main", []string{"repo:alice@12/hello@34:ref:refs/heads/next"}, ""},
		"branch 34":         {"github:alice/hello@34", "main", []string{"repo:alice/hello:ref:refs/heads/34", "repo:alice@*/hello@*:ref:refs/heads/34"}, ""},
		"gitlab":            {"gitlab:group/hello", "main", []string{"project_path:group/hello:ref_type:branch:ref:main"}, ""},
		"gitlab subgroup":   {"gitlab:group/web/hello@*", "main", []string{"project_path:group/web/hello:ref_type:branch:ref:*"}, ""},
		"none":              {"none", "", nil, ""},

		"no provider":             {"alice/hello", "main", nil, "is not a repository of a CI"},
		"another provider":        {"bitbucket:alice/hello", "main", nil, "is not a repository of a CI"},
		"no repository":           {"github:alice", "main", nil, "is not a repository of a CI"},
		"every repository":        {"github:alice/*", "main", nil, "is not a repository of a CI"},
		"every owner":             {"github:*/hello", "main", nil, "is not a repository of a CI"},
		"half the numbers":        {"github:alice@1/hello", "main", nil, "is not a repository of a CI"},
		"no branch known":         {"github:alice/hello", "", nil, "the site has no branch"},
		"branch with an asterisk": {"github:alice/hello@release/*", "main", nil, "cannot be told"},
		"branch with a variable":  {"github:alice/hello@${aws:username}", "main", nil, "cannot be told"},
		"branch with a comma":     {"github:alice/hello@a,repo:x/y:ref", "main", nil, "cannot be told"},
		"branch with a colon":     {"github:alice/hello@a:b", "main", nil, "cannot be told"},
		"empty":                   {"", "main", nil, "is not a repository of a CI"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			role, err := ParseCIRole(tc.text, tc.branch)
			if tc.problem != "" {
				if err == nil || !strings.Contains(err.Error(), tc.problem) || fault.KindOf(err) != fault.Usage {
					t.Fatalf("role %+v, error %v", role, err)
				}
				return
			}
			if err != nil || !slices.Equal(role.Subjects, tc.subjects) || role.Exists() != (tc.text != "none") {
				t.Fatalf("role %+v, error %v", role, err)
			}
			if _, err := Render(sample(role.Parameters(""))); err != nil {
				t.Errorf("the template does not take it: %v", err)
			}
		})
	}
}

// Whom the conditions let in and whom they do not. In IAM an asterisk stands for anything, slashes and colons included.
func TestCISubjects(t *testing.T) {
	tests := map[string]struct {
		role, subject string
		want          bool
	}{
		"its branch":                  {"github:alice/hello", "repo:alice/hello:ref:refs/heads/main", true},
		"its branch, numbered":        {"github:alice/hello", "repo:alice@12/hello@34:ref:refs/heads/main", true},
		"another branch":              {"github:alice/hello", "repo:alice/hello:ref:refs/heads/other", false},
		"a tag":                       {"github:alice/hello", "repo:alice/hello:ref:refs/tags/main", false},
		"a pull request":              {"github:alice/hello@*", "repo:alice/hello:pull_request", false},
		"a pull request, numbered":    {"github:alice/hello@*", "repo:alice@12/hello@34:pull_request", false},
		"another repository":          {"github:alice/hello", "repo:alice@12/hello2@35:ref:refs/heads/main", false},
		"another owner":               {"github:alice/hello", "repo:alice2@13/hello@36:ref:refs/heads/main", false},
		"an owner's name in a name":   {"github:alice/hello", "repo:mallory/alice@12/hello@34:ref:refs/heads/main", false},
		"the name's next owner":       {"github:alice@12/hello@34", "repo:alice@99/hello@98:ref:refs/heads/main", false},
		"the numbered one":            {"github:alice@12/hello@34", "repo:alice@12/hello@34:ref:refs/heads/main", true},
		"an environment":              {"github:alice/hello", "repo:alice/hello:environment:main", false},
		"the environment":             {"github:alice/hello@environment:live", "repo:alice@12/hello@34:environment:live", true},
		"gitlab, its branch":          {"gitlab:group/hello", "project_path:group/hello:ref_type:branch:ref:main", true},
		"gitlab, a tag of that name":  {"gitlab:group/hello", "project_path:group/hello:ref_type:tag:ref:main", false},
		"gitlab, a project within it": {"gitlab:group/hello@*", "project_path:group/hello/x:ref_type:branch:ref:main", false},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			role, err := ParseCIRole(tc.role, "main")
			if err != nil {
				t.Fatal(err)
			}
			got := slices.ContainsFunc(role.Subjects, func(pattern string) bool {
				// path.Match keeps an asterisk from a slash; IAM does not.
				flat := strings.NewReplacer("/", "\x01").Replace
				ok, err := path.Match(flat(pattern), flat(tc.subject))
				return ok && err == nil
			})
			if got != tc.want {
				t.Errorf("%v takes %s: %t", role.Subjects, tc.subject, got)
			}
		})
	}
}

// The role's trust and rights, whole; and they are those of the release role, but for its log and the build's files.
func TestCIRoleGoldens(t *testing.T) {
	for _, name := range []string{"github", "gitlab", "github provider"} {
		s := newStack(t, merged(variants[name], Parameters{ParamSiteName: "hello-1a2b3c4d", "AWS::Region": "eu-west-1"}))
		out := map[string]any{"CiRole": s.properties("CiRole")}
		if variants[name][ParamCIProviderArn] == "" {
			out["CiIdentityProvider"] = s.properties("CiIdentityProvider")
		}
		golden(t, "ci-"+strings.ReplaceAll(name, " ", "-")+".json", []byte(asJSON(t, out)))
	}
	s := newStack(t, merged(variants["git pipeline"], variants["github"]))
	rights := func(role string) map[string]string {
		list := map[string]string{}
		for _, one := range s.properties(role)["Policies"].([]any)[0].(map[string]any)["PolicyDocument"].(map[string]any)["Statement"].([]any) {
			one := one.(map[string]any)
			list[fmt.Sprint(one["Sid"])] = asJSON(t, one)
		}
		return list
	}
	release := rights("ReleaseRole")
	for sid, statement := range rights("CiRole") {
		if sid != "FindSite" && statement != release[sid] {
			t.Errorf("the role for a CI may do what the release role may not: %s", statement)
		}
	}
}

// A role without whom it is for would be for everybody who has a project at that host.
func TestCIRoleNeedsSubjects(t *testing.T) {
	text := string(hosting)
	if !strings.Contains(text, "CiNeedsSubjects:") {
		t.Error("the template has no rule for it")
	}
	for _, subjects := range []string{"*", "repo:*", "repo:alice/hello", "repo:alice/hello:ref:refs/heads/${aws:username}", "repo:alice/hello:a?b"} {
		if _, err := Render(sample(Parameters{ParamCIProvider: "github", ParamCISubjects: subjects})); err == nil {
			t.Errorf("the template takes %q", subjects)
		}
	}
}
