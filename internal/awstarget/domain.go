package awstarget

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/certificate"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/hosted"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/reason"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/records"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/template"
)

// domain is what a deployment knows of the site's own names.
//
// The certificate is asked for before anything else, since nothing takes longer. If it is issued before the last change of the
// stack, the names come in with that; otherwise the site goes live under CloudFront's name first, and the names follow.
type domain struct {
	// names are those of the configuration; before are the host names that the distribution had when the deployment began.
	names  []site.Name
	before []string
	// had is the ARN of the certificate that the distribution had then.
	had string
	// certificate is the one that the names are going to be served with; zero without names.
	certificate certificate.Certificate
	records     *records.Records
	// agreed are the names at which the user lets records be replaced.
	agreed []string
	// refused is why CloudFront does not take the names; nil as long as it has not been asked, or took them.
	refused error
}

// hosts are all names, the site's address first.
func (d domain) hosts() []string { return hosted.Hosts(d.names) }

// beginDomain gets the site's names on their way: what stands in their way in DNS, their certificate, and the records that
// prove them.
func (d *deployment) beginDomain(ctx context.Context) error {
	d.domain.names, d.domain.before = d.Project.Names(), hosted.ServedHosts(d.state)
	d.domain.had = d.state.Parameters[template.ParamCertificateArn]
	hosts := d.domain.hosts()
	if len(hosts) == 0 {
		if len(d.domain.before) > 0 {
			d.report.Warn("%s: taken off the distribution, and the site answers at CloudFront's own name only", noLonger(d.domain.before))
		}
		return nil
	}
	d.report.Step("Domain")
	if d.Account.Partition != "aws" {
		return fault.New(fault.Usage, "remove domainName, or deploy to a region of the partition aws",
			"in the partition %s CloudFront does not take certificates from Certificate Manager, and %s needs one", d.Account.Partition, hosts[0])
	}
	if gone := without(d.domain.before, hosts); len(gone) > 0 {
		d.report.Warn("%s: taken off the distribution as soon as there is a certificate for %s", noLonger(gone), strings.Join(hosts, ", "))
	}
	if err := d.findZones(ctx); err != nil {
		return err
	}
	if err := d.clearTheWay(ctx); err != nil {
		return err
	}
	return d.beginCertificate(ctx)
}

// noLonger says that the configuration has some names no more.
func noLonger(names []string) string {
	if len(names) == 1 {
		return names[0] + " is no longer a name of the site"
	}
	return strings.Join(names, ", ") + " are no longer names of the site"
}

// without are the names of a list that are not in another.
func without(names, others []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(n string) bool { return slices.Contains(others, n) })
}

// findZones reads the account's zones. Credentials that may not do that leave the records to the user, if no zone is chosen.
func (d *deployment) findZones(ctx context.Context) error {
	d.report.Detail("looking for the hosted zones of %s", strings.Join(d.domain.hosts(), ", "))
	var err error
	d.domain.records, err = d.Routes(ctx)
	if err != nil {
		if code := reason.Code(err); d.Project.Config.HostedZoneID != "" || code != "AccessDenied" && code != "AccessDeniedException" {
			return err
		}
		d.report.Warn("the credentials may not read Route 53, so that the DNS records are yours to make: %s", reason.Message(err))
		d.domain.records = &records.Records{}
		return nil
	}
	if err := d.domain.records.Check(d.domain.hosts()); err != nil {
		return err
	}
	d.checkDelegation(ctx)
	return nil
}

// aliases are the records that lead viewers to the distribution, whose name is empty as long as there is none.
func (d *deployment) aliases(hosts []string) []records.Record {
	var list []records.Record
	for _, host := range hosts {
		list = append(list, records.Record{Name: host, Type: records.Alias, Value: d.state.Outputs[template.OutputDistributionDomainName]})
	}
	return list
}

// clearTheWay asks about records that stand at the site's names and lead elsewhere, before anything is made. Names that the
// site is served under already are not asked about: somebody may have good reasons to lead them past it.
func (d *deployment) clearTheWay(ctx context.Context) error {
	p, err := d.domain.records.Plan(ctx, d.aliases(without(d.domain.hosts(), d.domain.before)))
	if err != nil || len(p.Conflicts) == 0 {
		return err
	}
	var lines, names []string
	for _, c := range p.Conflicts {
		lines, names = append(lines, "  "+c.String()), append(names, c.Record.Name)
	}
	text := strings.Join(lines, "\n")
	if !d.Opts.Unattended {
		yes, err := d.report.Confirm("These DNS records lead elsewhere:\n" + text + "\nReplace them when the site is live?")
		if err == nil && yes {
			d.domain.agreed = names
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	return fault.New(fault.Other, d.wayAround(names), "the DNS records of %s lead elsewhere, and are left alone:\n%s", strings.Join(names, ", "), text)
}

// wayAround is what can be done about records that lead elsewhere.
func (d *deployment) wayAround(names []string) string {
	hint := "remove these records, or run deploy in a terminal, without --yes, and agree to have them replaced once the site is live;\n" +
		"to see the site first, take the name out of the configuration for now: it is live under CloudFront's name then"
	for _, n := range d.domain.names {
		if n.RedirectTo != "" && slices.Contains(names, n.Host) {
			return hint + "\n" + `if only ` + n.Host + ` is to stay where it is, set "wwwPartner": "none"`
		}
	}
	return hint
}

// beginCertificate finds or asks for the certificate, and sees to the records that prove the names.
func (d *deployment) beginCertificate(ctx context.Context) error {
	d.report.Detail("looking for a certificate in %s", certificate.Region)
	hosts, all := d.domain.hosts(), d.Certificates()
	one, found, err := d.inUse(ctx, all)
	if err == nil && !found {
		one, found, err = all.Find(ctx, hosts)
	}
	if err != nil {
		return err
	}
	if !found {
		if failed, err := all.Failed(ctx, hosts); err == nil && len(failed) > 0 {
			d.report.Warn("%v; asking for a new one", certificate.Problem(failed[0]))
		}
		d.report.Detail("asking for a certificate for %s", strings.Join(hosts, ", "))
		if one, err = all.Request(ctx, hosts); err != nil {
			return err
		}
	}
	d.domain.certificate = one
	if one.Issued() {
		if one.Imported {
			d.report.Warn("the certificate for %s was imported into the account, and ends on %s: whoever imported it has to renew it",
				strings.Join(hosts, ", "), one.NotAfter.UTC().Format("2 January 2006"))
		}
		if words := aged(one); words != "" {
			d.report.Warn("%s", words)
		}
		return nil
	}
	if err := certificate.Problem(one); err != nil {
		return err
	}
	return d.prove(ctx)
}

// inUse returns the certificate that the distribution has, if it will do for the names of now.
func (d *deployment) inUse(ctx context.Context, all *certificate.Certificates) (certificate.Certificate, bool, error) {
	arn := d.state.Parameters[template.ParamCertificateArn]
	if arn == "" {
		return certificate.Certificate{}, false, nil
	}
	one, err := all.Get(ctx, arn)
	if reason.Code(err) == "ResourceNotFoundException" {
		return one, false, nil
	}
	return one, err == nil && one.Issued() && one.Covers(d.domain.hosts()), err
}

// prove makes the records by which ACM knows that the names are the user's, and lists those that it cannot make.
func (d *deployment) prove(ctx context.Context) error {
	p, err := d.domain.records.Plan(ctx, proofs(d.domain.certificate))
	if err != nil {
		return err
	}
	if len(p.Conflicts) > 0 {
		return fault.New(fault.Other, "remove that record, then run deploy again", "a DNS record stands where ACM looks for a proof: %s", p.Conflicts[0])
	}
	for _, c := range p.Missing {
		d.report.Detail("making the record %s in zone %s", c.Record.Name, c.Zone.Domain)
	}
	if err := d.domain.records.Apply(ctx, p, false); err != nil {
		return err
	}
	unmade := slices.DeleteFunc(p.Elsewhere, func(r records.Record) bool {
		found, err := d.Resolver().LookupCNAME(ctx, r.Name)
		return err == nil && strings.EqualFold(strings.TrimSuffix(found, "."), r.Value)
	})
	d.tellRecords(unmade, "AWS waits for proof that the domain is yours. Make these DNS records where its DNS is kept, and leave them there: renewals need them.")
	return nil
}

// tellRecords asks the user for records, in a table that can be copied.
func (d *deployment) tellRecords(list []records.Record, why string) {
	if len(list) > 0 {
		d.report.Warn("%s\n%s", why, strings.TrimRight(records.Table(list), "\n"))
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

// lookAtCertificate sees whether the certificate has been issued meanwhile. What went wrong with it is said when it is waited for.
func (d *deployment) lookAtCertificate(ctx context.Context) error {
	if len(d.domain.names) == 0 || d.domain.certificate.Issued() {
		return nil
	}
	now, err := d.Certificates().Get(ctx, d.domain.certificate.ARN)
	if err == nil {
		now.Own = d.domain.certificate.Own
		d.domain.certificate = now
	}
	return err
}

// served are the names and the certificate that the next change gives the distribution: those of the configuration once
// there is a certificate for them and a pipeline, and until then those that it has.
func (d *deployment) served(withPipeline bool) (names, arn string) {
	switch {
	case len(d.domain.names) == 0:
		return "", ""
	case d.domain.certificate.Issued() && withPipeline && d.domain.refused == nil:
		return strings.Join(d.domain.hosts(), ","), d.domain.certificate.ARN
	}
	return strings.Join(hosted.ServedHosts(d.state), ","), d.state.Parameters[template.ParamCertificateArn]
}

// changeWithNames is change. Where CloudFront refuses the names, it changes all but them: a site goes live, or stays so, and
// finishDomain tells why it is not under its own names.
func (d *deployment) changeWithNames(ctx context.Context, step string) error {
	err := d.aliasTaken(d.change(ctx, step, true))
	if d.domain.refused = err; err == nil || !errors.Is(err, errAliasTaken) {
		return err
	}
	if d.state, err = d.stack.Settle(ctx, d.report); err != nil {
		return err
	}
	d.report.Warn("CloudFront refuses the names of the site; going on without them")
	return d.change(ctx, step, true)
}

// errAliasTaken is in the error of a change that CloudFront has refused for a name that another distribution has.
var errAliasTaken = errors.New("another distribution has it")

// aliasTaken explains such a refusal (CloudFront Developer Guide, "Move an alternate domain name to a different distribution").
func (d *deployment) aliasTaken(err error) error {
	if err == nil || !strings.Contains(err.Error(), "CNAMEs you provided are already associated") &&
		!strings.Contains(err.Error(), "CNAMEAlreadyExists") && !strings.Contains(err.Error(), "points to another CloudFront distribution") {
		return err
	}
	hosts := d.domain.hosts()
	hint := "find it: aws cloudfront list-distributions --query \"DistributionList.Items[?Aliases.Items && contains(Aliases.Items, '" + hosts[0] + "')].Id\"\n" +
		"take the name off that distribution (if AWS Labs' toolkit made it: remove its domain, or delete its stack), then run deploy again\n" +
		"if this account has none, another one has: see \"Move an alternate domain name\" in the CloudFront Developer Guide, or write to AWS Support"
	return fault.New(fault.Other, hint, "CloudFront does not take %s: %w: %w", strings.Join(hosts, ", "), errAliasTaken, err)
}

// finishDomain brings the names to the distribution that is live, and viewers to the names. What it returns beside an error is
// live all the same.
func (d *deployment) finishDomain(ctx context.Context, opts hosting.DeployOptions, done hosting.Deployed) (hosting.Deployed, error) {
	if len(d.domain.names) == 0 && len(d.domain.before) == 0 {
		return done, nil
	}
	err := d.bringDomain(ctx, opts)
	// Looking through the account's certificates takes a request for each; only a change leaves something to tidy.
	if err == nil && (d.domain.had != d.state.Parameters[template.ParamCertificateArn] || !slices.Equal(d.domain.before, hosted.ServedHosts(d.state))) {
		d.tidyDomain(ctx)
	}
	done, err = d.result(ctx, done.Execution, err)
	if err == nil {
		return done, nil
	}
	hint := "the site is live at " + hosted.OwnURL(d.state)
	if more := fault.HintOf(err); more != "" {
		hint = more + "\n" + hint
	}
	return done, fault.New(fault.KindOf(err), hint, "%w", err)
}

func (d *deployment) bringDomain(ctx context.Context, opts hosting.DeployOptions) error {
	hosts := d.domain.hosts()
	if len(hosts) == 0 {
		return nil
	}
	if d.domain.refused != nil {
		return d.domain.refused
	}
	if !slices.Equal(hosted.ServedHosts(d.state), hosts) || d.state.Parameters[template.ParamCertificateArn] != d.domain.certificate.ARN {
		if opts.NoWait && !d.domain.certificate.Issued() {
			d.report.Warn("%s is not served yet: its certificate is not issued. Run deploy again when the records are made; show tells how it stands", hosts[0])
			return nil
		}
		if err := d.awaitCertificate(ctx); err != nil {
			return err
		}
		if err := d.aliasTaken(d.change(ctx, "Names", true)); err != nil {
			return err
		}
	}
	if err := d.lead(ctx); err != nil || opts.NoWait {
		return err
	}
	return d.awaitNames(ctx)
}

// awaitCertificate waits for ACM, and tells what it is waiting for.
func (d *deployment) awaitCertificate(ctx context.Context) error {
	d.report.Step("Certificate")
	ctx, done := d.limited(ctx)
	defer done()
	one, err := d.Certificates().Await(ctx, d.domain.certificate, func(words string) { d.report.Detail("%s", words) })
	if err == nil {
		d.domain.certificate = one
		return nil
	}
	if p, planErr := d.domain.records.Plan(context.WithoutCancel(ctx), proofs(d.domain.certificate)); planErr == nil && len(p.Elsewhere) > 0 && ctx.Err() != nil {
		return fault.New(fault.KindOf(err), fault.HintOf(err)+"\nit needs these DNS records:\n"+strings.TrimRight(records.Table(p.Elsewhere), "\n"), "%w", err)
	}
	return err
}
