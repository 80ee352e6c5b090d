package records_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/double/s3server"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/records"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/zones"
)

const target = "d111111abcdef8.cloudfront.net"

// bed is Route 53 on moto with two zones, one within the other.
type bed struct {
	t   *testing.T
	api *route53.Client
	cfg aws.Config
}

func newBed(t *testing.T) *bed {
	cfg := aws.Config{
		Region: "eu-west-1", BaseEndpoint: aws.String(s3server.StartMoto(t).Endpoint),
		Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""),
	}
	b := &bed{t, route53.NewFromConfig(cfg), cfg}
	for _, name := range []string{"example.com", "app.example.com"} {
		if _, err := b.api.CreateHostedZone(t.Context(), &route53.CreateHostedZoneInput{Name: &name, CallerReference: &name}); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

// records reads the zones as a deployment does.
func (b *bed) records(chosen string) *records.Records {
	b.t.Helper()
	all, err := zones.List(b.t.Context(), b.cfg)
	if err != nil {
		b.t.Fatal(err)
	}
	r := records.Open(b.cfg, all, chosen)
	r.Pace = time.Millisecond
	return r
}

func (b *bed) put(domain string, set types.ResourceRecordSet) {
	b.t.Helper()
	zone, _ := b.records("").ZoneOf(domain)
	_, err := b.api.ChangeResourceRecordSets(b.t.Context(), &route53.ChangeResourceRecordSetsInput{
		HostedZoneId: &zone.ID,
		ChangeBatch:  &types.ChangeBatch{Changes: []types.Change{{Action: types.ChangeActionUpsert, ResourceRecordSet: &set}}},
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

func plain(name string, t types.RRType, value string) types.ResourceRecordSet {
	return types.ResourceRecordSet{Name: &name, Type: t, TTL: aws.Int64(60), ResourceRecords: []types.ResourceRecord{{Value: &value}}}
}

// The records of a site on moto, which was written by others: planned, made once, found again, and removed without anything else.
func TestRecordsOnMoto(t *testing.T) {
	b := newBed(t)
	r := b.records("")
	b.put("example.com", plain("example.com", types.RRTypeMx, "10 mail.example.net"))
	wanted := []records.Record{
		{Name: "example.com", Type: records.Alias, Value: target},
		{Name: "beta.app.example.com", Type: records.Alias, Value: target},
		{Name: "_x1.example.com", Type: records.CNAME, Value: "_y1.acm-validations.aws"},
		{Name: "example.org", Type: records.Alias, Value: target},
	}
	p, err := r.Plan(t.Context(), wanted)
	if err != nil || len(p.Missing) != 3 || len(p.Elsewhere) != 1 || len(p.Conflicts) != 0 || p.Missing[1].Zone.Domain != "app.example.com" {
		t.Fatalf("plan %+v, %v", p, err)
	}
	if err := r.Apply(t.Context(), p, false); err != nil {
		t.Fatal(err)
	}
	if p, err = r.Plan(t.Context(), wanted); err != nil || len(p.Present) != 3 || len(p.Missing) != 0 {
		t.Errorf("after it was made: %+v, %v", p, err)
	}
	var texts []string
	owned, err := r.Owned(t.Context(), []string{"example.com", "beta.app.example.com", "example.org"}, target, wanted[2:3])
	for _, o := range owned {
		texts = append(texts, o.Text)
	}
	if got := strings.Join(texts, "\n"); err != nil || got != strings.Join([]string{
		"example.com A ALIAS " + target, "example.com AAAA ALIAS " + target,
		"beta.app.example.com A ALIAS " + target, "beta.app.example.com AAAA ALIAS " + target,
		"_x1.example.com CNAME _y1.acm-validations.aws",
	}, "\n") {
		t.Errorf("owned:\n%s\n%v", got, err)
	}
	if none, err := r.Owned(t.Context(), []string{"example.com"}, "d222222abcdef8.cloudfront.net", nil); err != nil || len(none) != 0 {
		t.Errorf("another distribution owns %v, %v", none, err)
	}
	if err := r.Delete(t.Context(), owned); err != nil {
		t.Fatal(err)
	}
	zone, _ := r.ZoneOf("example.com")
	left, err := b.api.ListResourceRecordSets(t.Context(), &route53.ListResourceRecordSetsInput{HostedZoneId: &zone.ID})
	if err != nil || !slices.ContainsFunc(left.ResourceRecordSets, func(s types.ResourceRecordSet) bool { return s.Type == types.RRTypeMx }) {
		t.Errorf("the domain's mail is gone: %v, %v", left, err)
	}
	if servers, err := r.NameServers(t.Context(), zone); err != nil || len(servers) == 0 || strings.HasSuffix(servers[0], ".") {
		t.Errorf("name servers %v, %v", servers, err)
	}
}

// What leads elsewhere is a conflict with both values, and gives way only where that was asked for.
func TestConflictsOnMoto(t *testing.T) {
	b := newBed(t)
	r := b.records("")
	b.put("www.example.com", plain("www.example.com", types.RRTypeCname, "old.example.net"))
	b.put("example.com", plain("example.com", types.RRTypeA, "192.0.2.1"))
	b.put("ours.example.com", plain("ours.example.com", types.RRTypeCname, target))
	wanted := []records.Record{
		{Name: "www.example.com", Type: records.Alias, Value: target}, {Name: "example.com", Type: records.Alias, Value: target},
		{Name: "ours.example.com", Type: records.Alias, Value: target},
	}
	p, err := r.Plan(t.Context(), wanted)
	if err != nil || len(p.Conflicts) != 2 || len(p.Present) != 1 || len(p.Missing) != 0 {
		t.Fatalf("plan %+v, %v", p, err)
	}
	zone, _ := r.ZoneOf("example.com")
	want := "www.example.com in zone example.com (" + zone.ID + ") has CNAME old.example.net; the site needs ALIAS " + target
	if got := p.Conflicts[0].String(); got != want {
		t.Errorf("conflict %q, want %q", got, want)
	}
	if err := r.Apply(t.Context(), p, false); err != nil {
		t.Fatal(err)
	}
	if p, err = r.Plan(t.Context(), wanted); err != nil || len(p.Conflicts) != 2 {
		t.Fatalf("it was overwritten unasked: %+v, %v", p, err)
	}
	if err := r.Apply(t.Context(), p, true); err != nil {
		t.Fatal(err)
	}
	if p, err = r.Plan(t.Context(), wanted); err != nil || len(p.Present) != 3 {
		t.Errorf("after it was overwritten: %+v, %v", p, err)
	}
}
