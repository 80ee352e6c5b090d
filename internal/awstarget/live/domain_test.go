package live

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/certificate"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/records"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/zones"
	hostings "github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
)

// name is a name in the zone that nobody has, or skips the test.
func name(t *testing.T, w *world) string {
	t.Helper()
	if w.zone == "" {
		t.Skip("CHT_LIVE_ZONE names no domain with a public hosted zone")
	}
	return fmt.Sprintf("cht-live-%d.%s", time.Now().UnixNano()%1e9, w.zone)
}

// A certificate's life: asked for twice it is one, its record proves it, a second one needs the same record, and a deleted one
// does not come back.
func TestCertificate(t *testing.T) {
	w := open(t)
	host := name(t, w)
	c := certificate.Open(w.account.Config, strings.Split(host, ".")[0])
	c.Pace = w.pace
	all, err := zones.List(t.Context(), w.account.Config)
	if err != nil {
		t.Fatal(err)
	}
	r := records.Open(w.account.Config, all, "")
	r.Pace = w.pace
	t.Cleanup(func() { w.forget(t, c, r) })
	one, err := c.Request(t.Context(), []string{host})
	if err != nil {
		t.Fatal(err)
	}
	if again, err := c.Request(t.Context(), []string{host}); err != nil || again.ARN != one.ARN {
		t.Errorf("asked twice: %s, %v, want %s", again.ARN, err, one.ARN)
	}
	prove(t, r, one)
	begun := time.Now()
	if one, err = c.Await(t.Context(), one, func(words string) { t.Log(words) }); err != nil {
		t.Fatal(err)
	}
	t.Logf("issued after %s", time.Since(begun).Round(time.Second))
	if found, ok, err := c.Find(t.Context(), []string{host}); err != nil || !ok || found.ARN != one.ARN || !found.Own {
		t.Errorf("found %+v, %t, %v", found, ok, err)
	}
	wild, err := c.Request(t.Context(), []string{host, "*." + host})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range wild.Validations {
		if v.Name != one.Validations[0].Name || v.Value != one.Validations[0].Value {
			t.Errorf("%s is proven by %s %s, and the first certificate by %s %s", v.Domain, v.Name, v.Value, one.Validations[0].Name, one.Validations[0].Value)
		}
	}
	if mine, err := c.Exclusive(t.Context(), one, w.account.Config); err != nil || len(mine) != 0 {
		t.Errorf("the record is not known to be needed twice: %v, %v", mine, err)
	}
	if err := c.Delete(t.Context(), one.ARN); err != nil {
		t.Fatal(err)
	}
	back, err := c.Request(t.Context(), []string{host})
	if err != nil || back.ARN == one.ARN {
		t.Errorf("after it was deleted: %s, %v", back.ARN, err)
	}
}

func prove(t *testing.T, r *records.Records, one certificate.Certificate) {
	t.Helper()
	var list []records.Record
	for _, v := range one.Validations {
		list = append(list, records.Record{Name: v.Name, Type: records.CNAME, Value: v.Value})
	}
	p, err := r.Plan(t.Context(), list)
	if err != nil || len(p.Missing) != len(list) {
		t.Fatalf("plan %+v, %v", p, err)
	}
	if err := r.Apply(t.Context(), p, false); err != nil {
		t.Fatal(err)
	}
}

// forget removes the certificates of a test and their records.
func (w *world) forget(t *testing.T, c *certificate.Certificates, r *records.Records) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	owned, err := c.Owned(ctx)
	for _, one := range owned {
		var list []records.Record
		for _, v := range one.Validations {
			list = append(list, records.Record{Name: v.Name, Type: records.CNAME, Value: v.Value})
		}
		if err == nil {
			err = c.Delete(ctx, one.ARN)
		}
		if found, findErr := r.Owned(ctx, nil, "", list); err == nil && findErr == nil && len(found) > 0 {
			err = r.Delete(ctx, found)
		}
	}
	if err != nil {
		t.Errorf("NOT REMOVED, do it by hand: certificates in us-east-1 tagged %s=%s, and their records: %v", certificate.TagSite, c.Site, err)
	}
}

// A site answers under a name of the zone, and delete removes the certificate and the records with it.
func TestDomain(t *testing.T) {
	w := open(t)
	host := name(t, w)
	if w.repository == "" {
		t.Skip("CHT_LIVE_REPOSITORY names no repository")
	}
	begun := time.Now()
	p := deploy(t, w, `{"target": "aws", "branchName": "main", "routing": "spa", "repoUrl": "`+w.repository+`", "domainName": "`+host+`"}`)
	t.Logf("live under its name after %s", time.Since(begun).Round(time.Second))
	if p.deployed.URL != "https://"+host+"/" {
		t.Errorf("the site is at %s", p.deployed.URL)
	}
	if res, body := w.get(t, p.deployed.URL); res.StatusCode != 200 || !strings.Contains(body, "<title>") {
		t.Errorf("%s answers %d %.100q", p.deployed.URL, res.StatusCode, body)
	}
	if info, err := p.hosting.Show(t.Context()); err != nil || info.DomainState != "" {
		t.Errorf("show says %q, %v", info.DomainState, err)
	}
	removed, err := p.hosting.Delete(t.Context(), hostings.DeleteOptions{}, reporter{t})
	if err != nil {
		t.Fatal(err)
	}
	if text := strings.Join(removed.Removed, "\n"); !strings.Contains(text, host) || !strings.Contains(text, "certificate") {
		t.Errorf("removed:\n%s\nleft:\n%s", text, strings.Join(removed.Left, "\n"))
	}
}
