package awstarget_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/certificate"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/stack"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/golden"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
)

// act is one deployment of a story about names.
type act struct {
	// names is what the configuration says of them: JSON members.
	names string
	// arrange comes before the deployment, told during it, with each detail; either may be nil.
	arrange func(b *bed)
	told    func(b *bed, detail string)
	// cut ends the deployment at the first detail with these words.
	cut string
	// yes and refuse answer questions.
	yes    bool
	refuse error
	opts   func(*awstarget.Options)
	noWait bool
}

// story is a few deployments in one account, and what holds after them.
type story struct {
	acts  []act
	after func(b *bed)
}

const (
	www  = `"domainName": "www.example.com"`
	beta = `"domainName": "beta.example.com"`
)

func exampleZone(b *bed) { b.account.AddZone("example.com", false) }

func atAnotherProvider(b *bed, name, value string) {
	b.account.Do(func() { b.account.DNS.Outside[strings.TrimSuffix(name, ".")] = value })
}

// What a user with a domain meets: the goldens hold each message, and what show says of the names afterwards.
func TestNames(t *testing.T) {
	t.Parallel()
	for name, s := range stories {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, false)
			b.account.CompleteNew(1)
			b.opts.DNS = b.account.Resolver()
			var text strings.Builder
			for i, a := range s.acts {
				if i > 0 {
					fmt.Fprintf(&text, "\n-- deploy again --\n")
				}
				text.WriteString(b.play(a))
			}
			golden.Check(t, "names-"+strings.ReplaceAll(name, " ", "-")+".txt", text.String())
			if s.after != nil {
				s.after(b)
			}
			b.account.Do(func() { checkPolicy(t, b.account.Requests) })
		})
	}
}

// play deploys once, and returns what the user gets to read.
func (b *bed) play(a act) string {
	b.t.Helper()
	b.names(a.names)
	if a.arrange != nil {
		a.arrange(b)
	}
	opts := b.opts
	if a.opts != nil {
		a.opts(&b.opts)
	}
	ctx, cancel := context.WithTimeout(b.t.Context(), time.Minute)
	defer cancel()
	r := &recorder{yes: a.yes, refuse: a.refuse, told: func(detail string) {
		if a.told != nil {
			a.told(b, detail)
		}
		if a.cut != "" && strings.Contains(detail, a.cut) {
			cancel()
		}
	}}
	deployed, err := b.hosting().Deploy(ctx, hosting.DeployOptions{NoWait: a.noWait}, r)
	b.opts = opts
	if a.cut != "" && !errors.Is(err, context.Canceled) {
		b.t.Errorf("it was not cut off: %v\n%s", err, r)
	}
	text := changes.ReplaceAllString(b.told(r, deployed, err), "")
	if err == nil {
		text += "url: " + deployed.URL + "\n"
	}
	b.account.Do(func() { b.account.Fault = nil })
	if info, err := b.hosting().Show(b.t.Context()); err == nil {
		text += "show: " + info.DomainState + "\n"
	}
	return text
}

// changes are the lines of a table of changes.
var changes = regexp.MustCompile(`(?m)^(hello-\w+: .*|(add|change|REMOVE) +[A-Z]\w+ +AWS::.*)\n`)

// names configures the site's names.
func (b *bed) names(members string) {
	b.t.Helper()
	if members != "" {
		members = ", " + members
	}
	b.configure(`{"repoUrl": "https://github.com/Alice/hello.git", "branchName": "main", "routing": "spa", "target": "aws"` + members + `}`)
}

func (b *bed) distribution() string { return b.account.DistributionName(b.site.Name()) }

func (b *bed) zone(domain string) string { return b.account.Zone(domain) }

func (b *bed) serves(url, want string) {
	b.t.Helper()
	if status, body := b.get(url); status != http.StatusOK || body != want {
		b.t.Errorf("%s answers %d %q", url, status, body)
	}
}

func (b *bed) redirects(from, to string) {
	b.t.Helper()
	res, err := b.account.Client().Get(from)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	if got := res.Header.Get("Location"); got != to {
		b.t.Errorf("%s answers %d and leads to %q, want %s", from, res.StatusCode, got, to)
	}
}

func (b *bed) counts(operation string, want int) {
	b.t.Helper()
	if n := b.account.Count(operation); n != want {
		b.t.Errorf("%s was asked for %d times, want %d", operation, n, want)
	}
}

// holds compares all records of the zones.
func (b *bed) holds(want ...string) {
	b.t.Helper()
	got := b.account.Records()
	slices.Sort(got)
	slices.Sort(want)
	got = slices.DeleteFunc(got, func(r string) bool {
		return strings.HasPrefix(r, "_") && len(want) == 1 && strings.Contains(want[0], "192.0.2.1")
	})
	if !slices.Equal(got, want) {
		b.t.Errorf("the zones hold\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// Defect 28: what the tool has not made stays. A certificate has the stack's tag if the tool has asked for it.
func TestDefect28_OneTagForStackAndCertificate(t *testing.T) {
	if certificate.TagSite != stack.TagSite {
		t.Errorf("tags %s and %s", certificate.TagSite, stack.TagSite)
	}
}

// A preview asks for nothing, and does not take names off that a deployment would leave.
func TestPreviewOfNames(t *testing.T) {
	b := newBed(t, false)
	b.account.CompleteNew(1)
	b.opts.DNS = b.account.Resolver()
	exampleZone(b)
	b.play(act{names: beta})
	changed := func(names, note string, want bool) {
		t.Helper()
		b.names(names)
		v, err := b.hosting().Preview(t.Context(), &recorder{})
		got := slices.ContainsFunc(v.Changes, func(c hosting.Planned) bool { return c.Name == "Distribution" })
		if err != nil || got != want || note != "" && !strings.Contains(strings.Join(v.Notes, "\n"), note) {
			t.Errorf("%s: the distribution changes: %t, want %t; notes %q, %v", names, got, want, v.Notes, err)
		}
	}
	asked := b.account.Count("acm RequestCertificate")
	changed(beta, "", false)
	changed("", "", true)
	changed(`"domainName": "new.example.com"`, "a certificate for new.example.com would be asked for", false)
	b.counts("acm RequestCertificate", asked)
}
