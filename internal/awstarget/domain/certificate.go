package domain

import (
	"context"
	"slices"
	"strings"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/certificate"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/reason"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/records"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/template"
)

// beginCertificate finds or asks for the certificate, and sees to the records that prove the names.
func (n *Names) beginCertificate(ctx context.Context) error {
	n.report.Detail("looking for a certificate in %s", certificate.Region)
	hosts, all := n.hosts(), n.Certificates()
	one, found, err := n.inUse(ctx, all)
	if err == nil && !found {
		one, found, err = all.Find(ctx, hosts)
	}
	if err != nil {
		return err
	}
	if !found {
		if failed, err := all.Failed(ctx, hosts); err == nil && len(failed) > 0 {
			n.report.Warn("%v; asking for a new one", certificate.Problem(failed[0]))
		}
		n.report.Detail("asking for a certificate for %s", strings.Join(hosts, ", "))
		if one, err = all.Request(ctx, hosts); err != nil {
			return err
		}
	}
	n.certificate = one
	if one.Issued() {
		if one.Imported {
			n.report.Warn("the certificate for %s was imported into the account, and ends on %s: whoever imported it has to renew it",
				strings.Join(hosts, ", "), one.NotAfter.UTC().Format("2 January 2006"))
		}
		if words := aged(one); words != "" {
			n.report.Warn("%s", words)
		}
		return nil
	}
	if err := certificate.Problem(one); err != nil {
		return err
	}
	return n.prove(ctx)
}

// inUse returns the certificate that the distribution has, if it will do for the names of now.
func (n *Names) inUse(ctx context.Context, all *certificate.Certificates) (certificate.Certificate, bool, error) {
	arn := n.state().Parameters[template.ParamCertificateArn]
	if arn == "" {
		return certificate.Certificate{}, false, nil
	}
	one, err := all.Get(ctx, arn)
	if reason.Code(err) == "ResourceNotFoundException" {
		return one, false, nil
	}
	return one, err == nil && one.Issued() && one.Covers(n.hosts()), err
}

// prove makes the records by which ACM knows that the names are the user's, and lists those that it cannot make.
func (n *Names) prove(ctx context.Context) error {
	p, err := n.records.Plan(ctx, proofs(n.certificate))
	if err != nil {
		return err
	}
	if len(p.Conflicts) > 0 {
		return fault.New(fault.Other, "remove that record, then run deploy again", "a DNS record stands where ACM looks for a proof: %s", p.Conflicts[0])
	}
	for _, c := range p.Missing {
		n.report.Detail("making the record %s in zone %s", c.Record.Name, c.Zone.Domain)
	}
	if err := n.records.Apply(ctx, p, false); err != nil {
		return err
	}
	unmade := slices.DeleteFunc(p.Elsewhere, func(r records.Record) bool {
		found, err := n.Resolver().LookupCNAME(ctx, r.Name)
		return err == nil && strings.EqualFold(strings.TrimSuffix(found, "."), r.Value)
	})
	n.tellRecords(unmade, "AWS waits for proof that the domain is yours. Make these DNS records where its DNS is kept, and leave them there: renewals need them.")
	return nil
}

// tellRecords asks the user for records, in a table that can be copied.
func (n *Names) tellRecords(list []records.Record, why string) {
	if len(list) > 0 {
		n.report.Warn("%s\n%s", why, strings.TrimRight(records.Table(list), "\n"))
	}
}

// proofs are the records of a certificate's names that ACM has not seen yet.
func proofs(one certificate.Certificate) []records.Record {
	var list []records.Record
	for _, v := range one.Validations {
		r := records.Record{Name: v.Name, Type: records.CNAME, Value: v.Value}
		if v.Name != "" && v.Status != "SUCCESS" && !slices.Contains(list, r) {
			list = append(list, r)
		}
	}
	return list
}

// Look sees whether the certificate has been issued meanwhile. What went wrong with it is said when it is waited for.
func (n *Names) Look(ctx context.Context) error {
	if len(n.names) == 0 || n.certificate.Issued() {
		return nil
	}
	now, err := n.Certificates().Get(ctx, n.certificate.ARN)
	if err == nil {
		now.Own = n.certificate.Own
		n.certificate = now
	}
	return err
}

// awaitCertificate waits for ACM, and tells what it is waiting for.
func (n *Names) awaitCertificate(ctx context.Context) error {
	n.report.Step("Certificate")
	ctx, done := n.Limited(ctx)
	defer done()
	one, err := n.Certificates().Await(ctx, n.certificate, func(words string) { n.report.Detail("%s", words) })
	if err == nil {
		n.certificate = one
		return nil
	}
	if p, planErr := n.records.Plan(context.WithoutCancel(ctx), proofs(n.certificate)); planErr == nil && len(p.Elsewhere) > 0 && ctx.Err() != nil {
		return fault.New(fault.KindOf(err), fault.HintOf(err)+"\nit needs these DNS records:\n"+strings.TrimRight(records.Table(p.Elsewhere), "\n"), "%w", err)
	}
	return err
}
