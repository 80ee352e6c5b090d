package domain_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/domain"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/double"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/hosted"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/stack"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/template"
)

// The names of a site through a whole deployment, a deletion and doctor are tested with those, over the target's own room. What is
// here is what a deployment is told meanwhile.

// deployment is one whose stack does not change.
type deployment struct{ state stack.State }

var _ domain.Deployment = deployment{}

func (d deployment) Current() stack.State              { return d.state }
func (d deployment) ChangeNames(context.Context) error { return errors.New("the stack was changed") }
func (d deployment) AwaitSpread(context.Context) error { return nil }

// silent is a reporter that nobody reads, and that answers no question with yes.
type silent struct{}

func (silent) Step(string)                  {}
func (silent) Detail(string, ...any)        {}
func (silent) Warn(string, ...any)          {}
func (silent) Output() io.Writer            { return io.Discard }
func (silent) Confirm(string) (bool, error) { return false, nil }

// names are those of a site with these members in its configuration, in an account whose zone is example.com. The distribution
// has one name from before.
func names(t *testing.T, members string) *domain.Names {
	t.Helper()
	account := double.New(t)
	for name, value := range account.Environment() {
		t.Setenv(name, value)
	}
	account.AddZone("example.com", false)
	dir := t.TempDir()
	file := filepath.Join(dir, site.Folder, site.ConfigFile)
	text := `{"repoUrl": "https://github.com/Alice/hello.git", "branchName": "main", "routing": "spa", "target": "aws"` + members + `}`
	if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(text), 0o644)); err != nil {
		t.Fatal(err)
	}
	project, err := site.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	h := hosted.New(project, hosted.Options{Pace: time.Millisecond, DNS: account.Resolver(), HTTP: account.Client()})
	if err := h.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	old := account.AddCertificate([]string{"old.example.com"}, "ISSUED", "AMAZON_ISSUED", "RSA_2048", nil)
	before := map[string]string{template.ParamDomainNames: "old.example.com", template.ParamCertificateArn: old}
	n := domain.New(h, deployment{stack.State{ID: "arn", Parameters: before, Outputs: map[string]string{}}}, silent{})
	account.AddCertificate([]string{"www.example.com", "example.com"}, "ISSUED", "AMAZON_ISSUED", "RSA_2048", nil)
	if err := n.Begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	return n
}

// The distribution keeps the names that it has until there are a certificate and a pipeline for the new ones, and loses them with
// the last one of the configuration.
func TestServed(t *testing.T) {
	tests := map[string]struct {
		members      string
		withPipeline bool
		want         string
	}{
		"issued, with pipeline":    {`, "domainName": "www.example.com"`, true, "www.example.com,example.com"},
		"issued, without pipeline": {`, "domainName": "www.example.com"`, false, "old.example.com"},
		"not issued":               {`, "domainName": "new.example.com"`, true, "old.example.com"},
		"no names":                 {"", true, ""},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			n := names(t, tc.members)
			before, old := n.Served(false)
			got, arn := n.Served(tc.withPipeline)
			if got != tc.want || (arn == old) != (got == before) || (arn == "") != (tc.want == "") {
				t.Errorf("served %q with certificate %q; before %q with %q", got, arn, before, old)
			}
		})
	}
}

// CloudFront's words for a name that another distribution has are told from every other error; the next change is one without the
// names, and the end says why.
func TestRefused(t *testing.T) {
	n := names(t, `, "domainName": "www.example.com"`)
	for why, want := range map[string]bool{
		"One or more of the CNAMEs you provided are already associated with a different resource.":       true,
		"Resource of type 'AWS::CloudFront::Distribution' failed: CNAMEAlreadyExists":                    true,
		"One or more aliases specified incorrectly: it points to another CloudFront distribution (E1)":   true,
		"Your request to create a distribution would exceed the maximum number of distributions allowed": false,
	} {
		if got := n.Refused(errors.New(why)); got != want {
			t.Errorf("%s: refused %t", why, got)
		}
		if got, _ := n.Served(true); (got == "old.example.com") != want {
			t.Errorf("%s: the next change serves %s", why, got)
		}
		err := n.Finish(t.Context(), hosting.DeployOptions{})
		if refused := err != nil && strings.Contains(err.Error(), "CloudFront does not take www.example.com, example.com"); refused != want {
			t.Errorf("%s: the end is %v", why, err)
		}
		if want && !strings.Contains(fault.HintOf(err), "take the name off that distribution") {
			t.Errorf("%s: hint %q", why, fault.HintOf(err))
		}
	}
	if n.Refused(nil) || names(t, "").Refused(errors.New("CNAMEAlreadyExists")) {
		t.Error("a site without names, or a change that was made, is refused")
	}
}
