package awstarget_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/certificate"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/double"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/stack"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
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

// makeProofs lets a person make the records that the last deployment has asked for.
func makeProofs(b *bed) {
	for _, name := range []string{"beta.example.com", "www.example.com", "example.com"} {
		record, value := double.Validation(name)
		atAnotherProvider(b, record, value)
	}
}

// makeWay lets a person make the record that is being waited for.
func makeWay(b *bed, detail string) {
	if strings.HasPrefix(detail, "waiting until https://beta") {
		atAnotherProvider(b, "beta.example.com", b.distribution())
	}
}

func fails(reason string) func(*bed) {
	return func(b *bed) { exampleZone(b); b.account.Do(func() { b.account.CA.Failure = reason }) }
}

var stories = map[string]story{
	"a zone of the account": {acts: []act{{names: www, arrange: exampleZone}}, after: func(b *bed) {
		b.serves("https://www.example.com/", "<title>version one</title>")
		b.redirects("https://example.com/a?b=1", "//www.example.com/a?b=1")
	}},
	"deployed twice": {acts: []act{{names: www, arrange: exampleZone}, {names: www}}},
	"issued after the first release": {acts: []act{{names: beta, arrange: func(b *bed) {
		exampleZone(b)
		b.account.Do(func() { b.account.CA.Slow, b.account.CA.Hides = 60, 2 })
	}}}, after: func(b *bed) { b.serves("https://beta.example.com/", "<title>version one</title>") }},
	"dns elsewhere and resumed": {acts: []act{
		{names: beta, cut: "waiting for ACM"},
		{names: beta, arrange: makeProofs, told: makeWay},
	}, after: func(b *bed) {
		b.serves("https://beta.example.com/", "<title>version one</title>")
		b.counts("acm RequestCertificate", 1)
	}},
	"dns elsewhere and not waited for": {acts: []act{{names: www, noWait: true}}},
	"dns elsewhere leads past the site": {acts: []act{{names: beta, cut: "not CloudFront", arrange: func(b *bed) {
		makeProofs(b)
		atAnotherProvider(b, "beta.example.com", "192.0.2.9")
	}}}},
	"several names over two zones": {acts: []act{{
		names: `"domainName": "www.example.com", "domainNames": ["app.example.org"]`,
		arrange: func(b *bed) {
			b.account.AddZone("unrelated.net", false)
			b.account.AddZone("example.com", true) // a private one is no help
			exampleZone(b)
			b.account.AddZone("org", false)
			b.account.AddZone("example.org", false)
		},
	}}, after: func(b *bed) {
		b.serves("https://app.example.org/", "<title>version one</title>")
		b.redirects("https://example.com/", "//www.example.com/")
	}},
	"chosen zone": {acts: []act{{names: beta, arrange: func(b *bed) {
		id := b.account.AddZone("example.com", false)
		b.account.AddZone("beta.example.com", false)
		b.account.Do(func() { b.account.DNS.Undelegated["beta.example.com"] = true })
		b.names(beta + `, "hostedZoneId": "` + id + `"`)
	}}}, after: func(b *bed) { b.serves("https://beta.example.com/", "<title>version one</title>") }},
	"chosen zone of somebody else": {acts: []act{{names: beta + `, "hostedZoneId": "Z0000000000ELSE"`, arrange: exampleZone}}},
	"chosen zone of another domain": {acts: []act{{names: beta, arrange: func(b *bed) {
		exampleZone(b)
		b.names(beta + `, "hostedZoneId": "` + b.account.AddZone("example.org", false) + `"`)
	}}}},
	"records that lead elsewhere unattended": {acts: []act{{names: www, arrange: conflicts, opts: func(o *awstarget.Options) { o.Unattended = true }}}, after: nothingMade},
	"records that lead elsewhere without a terminal": {acts: []act{{
		names: www, arrange: conflicts, refuse: fault.New(fault.Usage, "give --yes to say yes", "the input is not a terminal"),
	}}, after: nothingMade},
	"records that lead elsewhere and stay": {acts: []act{{names: www, arrange: conflicts}}, after: nothingMade},
	"records that lead elsewhere and are replaced": {acts: []act{{names: www, arrange: conflicts, yes: true}}, after: func(b *bed) {
		b.serves("https://www.example.com/", "<title>version one</title>")
		b.redirects("https://example.com/", "//www.example.com/")
	}},
	"record made meanwhile": {acts: []act{{names: beta, arrange: exampleZone, told: func(b *bed, detail string) {
		if strings.HasPrefix(detail, "the toolkit's Linux program") {
			b.account.AddRecord(b.zone("example.com"), "beta.example.com", "A", "192.0.2.1")
		}
	}}}, after: func(b *bed) { b.holds("beta.example.com A 192.0.2.1") }},
	"record led past the site later": {acts: []act{{names: beta, arrange: exampleZone}, {names: beta, arrange: func(b *bed) {
		b.account.ReplaceRecord("beta.example.com", "A", "192.0.2.1")
	}, opts: func(o *awstarget.Options) { o.Patience = time.Millisecond }}}, after: func(b *bed) { b.holds("beta.example.com A 192.0.2.1") }},
	"refused by a CAA record and mended": {acts: []act{
		{names: beta, arrange: fails("CAA_ERROR")},
		{names: beta, arrange: func(b *bed) { b.account.Do(func() { b.account.CA.Failure = "" }) }},
	}, after: func(b *bed) {
		b.serves("https://beta.example.com/", "<title>version one</title>")
		if n := len(b.account.Certificates()); n != 1 {
			b.t.Errorf("%d certificates are left", n)
		}
	}},
	"failed while it is waited for": {acts: []act{{names: beta, told: func(b *bed, detail string) {
		if strings.HasPrefix(detail, "waiting for ACM") {
			b.account.Do(func() { b.account.CA.Failure = "ADDITIONAL_VERIFICATION_REQUIRED" })
		}
	}}}, after: func(b *bed) { b.serves("https://"+b.distribution()+"/", "<title>version one</title>") }},
	"timed out": {acts: []act{{names: beta, told: func(b *bed, detail string) {
		if strings.HasPrefix(detail, "waiting for ACM") {
			b.account.Do(func() { b.account.CA.TimesOut = true })
		}
	}}, {names: beta, cut: "waiting for ACM", arrange: func(b *bed) { b.account.Do(func() { b.account.CA.TimesOut = false }) }}}},
	"certificate of the account": {acts: []act{{names: beta, arrange: func(b *bed) {
		exampleZone(b)
		b.account.AddCertificate([]string{"unrelated.net"}, "ISSUED", "AMAZON_ISSUED", "RSA_2048", nil)
		b.account.AddCertificate([]string{"beta.example.com"}, "PENDING_VALIDATION", "AMAZON_ISSUED", "RSA_2048", nil)
		b.account.AddCertificate([]string{"beta.example.com"}, "ISSUED", "IMPORTED", "EC_secp384r1", nil)
		b.account.AddCertificate([]string{"beta.example.com"}, "ISSUED", "PRIVATE", "RSA_2048", nil)
		b.account.AddCertificate([]string{"example.com", "*.example.com"}, "ISSUED", "AMAZON_ISSUED", "EC_prime256v1", nil)
	}}}, after: func(b *bed) {
		b.counts("acm RequestCertificate", 0)
		b.serves("https://beta.example.com/", "<title>version one</title>")
	}},
	"certificate that ACM cannot renew": {acts: []act{{names: beta, arrange: exampleZone}, {names: beta, arrange: func(b *bed) {
		b.account.Do(func() { b.account.CA.Renewal = "PENDING_VALIDATION" })
	}}}},
	"certificate that has expired": {acts: []act{{names: beta, arrange: exampleZone}, {names: beta, arrange: func(b *bed) {
		b.account.SetCertificates("EXPIRED")
	}}}, after: func(b *bed) {
		b.counts("acm RequestCertificate", 2)
		if all := b.account.Certificates(); len(all) != 1 || !slices.Contains(slices.Collect(maps.Values(all)), "ISSUED") {
			b.t.Errorf("certificates: %v", all)
		}
	}},
	"imported certificate": {acts: []act{{names: beta, arrange: func(b *bed) {
		exampleZone(b)
		b.account.AddCertificate([]string{"beta.example.com"}, "ISSUED", "IMPORTED", "RSA_4096", nil)
	}}}, after: func(b *bed) { b.counts("acm RequestCertificate", 0) }},
	"other names later": {acts: []act{{names: www, arrange: exampleZone}, {names: beta}}, after: func(b *bed) {
		b.serves("https://beta.example.com/", "<title>version one</title>")
		record, value := double.Validation("beta.example.com")
		b.holds("beta.example.com A ALIAS "+b.distribution(), "beta.example.com AAAA ALIAS "+b.distribution(),
			strings.TrimSuffix(record, ".")+" CNAME "+strings.TrimSuffix(value, "."))
	}},
	"further name that waits": {acts: []act{{names: beta, arrange: exampleZone}, {
		names: `"domainName": "app.example.org", "domainNames": ["beta.example.com"]`, noWait: true,
	}}, after: func(b *bed) { b.serves("https://beta.example.com/", "<title>version one</title>") }},
	"no names any more": {acts: []act{{names: beta, arrange: func(b *bed) {
		exampleZone(b)
		b.account.AddRecord(b.zone("example.com"), "example.com", "MX", "10 mail.example.net")
	}}, {names: ""}}, after: func(b *bed) { b.holds("example.com MX 10 mail.example.net") }},
	"name of another distribution": {acts: []act{{names: beta, arrange: func(b *bed) {
		exampleZone(b)
		b.account.Do(func() { b.account.TakenAliases["beta.example.com"] = true })
	}}, {names: beta, arrange: func(b *bed) { b.account.Do(func() { clear(b.account.TakenAliases) }) }}}},
	"zone that public DNS does not know": {acts: []act{{names: beta, cut: "waiting for ACM", arrange: func(b *bed) {
		exampleZone(b)
		b.account.Do(func() { b.account.DNS.Undelegated["example.com"] = true })
	}}}},
	"zones may not be read": {acts: []act{{names: beta, noWait: true, arrange: func(b *bed) {
		b.account.Do(func() {
			b.account.Fault = func(service, operation string) *double.Fault {
				if operation == "ListHostedZones" {
					return &double.Fault{Status: 403, Code: "AccessDenied", Message: "User: arn:aws:iam::123456789012:user/dana is not authorized to perform: route53:ListHostedZones"}
				}
				return nil
			}
		})
	}}}},
	"more names than ACM allows": {acts: []act{{names: `"domainName": "a.example.com", "domainNames": ["b.example.com", "c.example.com", "d.example.com", "e.example.com",
		"f.example.com", "g.example.com", "h.example.com", "i.example.com", "j.example.com", "k.example.com"]`}}},
}

func conflicts(b *bed) {
	id := b.account.AddZone("example.com", false)
	b.account.AddRecord(id, "www.example.com", "CNAME", "old.example.net.")
	b.account.AddRecord(id, "example.com", "A", "192.0.2.1")
	b.account.AddRecord(id, "example.com", "MX", "10 mail.example.net")
}

func nothingMade(b *bed) {
	b.counts("acm RequestCertificate", 0)
	b.counts("cloudformation CreateChangeSet", 0)
	b.counts("route53 ChangeResourceRecordSets", 0)
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
			golden(t, "names-"+strings.ReplaceAll(name, " ", "-")+".txt", text.String())
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

// intercepted answers for one host instead of the double.
type intercepted struct {
	host   string
	next   http.RoundTripper
	answer func(*http.Request) (*http.Response, error)
}

func (i intercepted) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host == i.host {
		return i.answer(r)
	}
	return i.next.RoundTrip(r)
}

// A name that does not answer is explained, and the site is live all the same.
func TestNamesThatDoNotAnswer(t *testing.T) {
	failing := func(err error) func(*http.Request) (*http.Response, error) {
		return func(*http.Request) (*http.Response, error) { return nil, err }
	}
	answering := func(status int, header http.Header) func(*http.Request) (*http.Response, error) {
		return func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: status, Header: header, Body: http.NoBody, Request: r}, nil
		}
	}
	tests := []struct {
		name   string
		answer func(*http.Request) (*http.Response, error)
	}{
		{"another certificate", failing(&tls.CertificateVerificationError{Err: errors.New("x509: certificate is valid for other.example.net, not beta.example.com")})},
		{"nobody listens", failing(errors.New("connect: connection refused"))},
		{"not CloudFront", answering(http.StatusOK, http.Header{"Server": {"nginx"}})},
		{"a name that no distribution has", answering(http.StatusForbidden, http.Header{"X-Amz-Cf-Id": {"1"}, "X-Cache": {"Error from cloudfront"}})},
		{"no record any more", nil},
		{"refused by the site's own function", answering(http.StatusForbidden, http.Header{"X-Amz-Cf-Id": {"1"}, "X-Cache": {"FunctionGeneratedResponse from cloudfront"}})},
	}
	b := newBed(t, false)
	b.account.CompleteNew(1)
	b.opts.DNS = b.account.Resolver()
	exampleZone(b)
	b.play(act{names: beta})
	b.opts.Patience = time.Nanosecond
	client := b.account.Client()
	var text strings.Builder
	for _, tc := range tests {
		r := &recorder{}
		b.opts.HTTP = &http.Client{Transport: intercepted{"beta.example.com", client.Transport, tc.answer}}
		if tc.answer == nil {
			b.opts.HTTP = client
			b.account.Do(func() { b.account.DNS.Undelegated["example.com"] = true })
		}
		_, err := b.deploy(r)
		fmt.Fprintf(&text, "%s\n", tc.name)
		for _, w := range r.warnings {
			fmt.Fprintf(&text, "  %s\n", w)
		}
		if err != nil {
			t.Errorf("%s: %v", tc.name, err)
		}
		b.account.Do(func() { clear(b.account.DNS.Undelegated) })
	}
	golden(t, "names-that-do-not-answer.txt", text.String())
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
