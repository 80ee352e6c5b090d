// Package domain brings a site's own names to its distribution, tells how they stand, and removes what was made for them: the
// certificate, the records that prove it and the records that lead viewers to the site. It puts the rooms certificate, records
// and zones in order.
package domain

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/certificate"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/hosted"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/reason"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/records"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/stack"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/template"
)

// Deployment is what the names need of the deployment that they are part of.
type Deployment interface {
	// Current is the site's stack as the deployment knows it.
	Current() stack.State
	// ChangeNames changes the stack once more, with what Served says.
	ChangeNames(ctx context.Context) error
	// AwaitSpread waits until CloudFront has spread the distribution.
	AwaitSpread(ctx context.Context) error
}

// Names are the site's own names during one deployment.
//
// The certificate is asked for before anything else, since nothing takes longer. If it is issued before the last change of the
// stack, the names come in with that; otherwise the site goes live under CloudFront's name first, and the names follow.
type Names struct {
	*hosted.Hosting
	in     Deployment
	report hosting.Reporter
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

// New returns the names of a site for a deployment, whose account is open by the first call.
func New(h *hosted.Hosting, in Deployment, report hosting.Reporter) *Names {
	return &Names{Hosting: h, in: in, report: report}
}

func (n *Names) state() stack.State { return n.in.Current() }

// hosts are all names, the site's address first.
func (n *Names) hosts() []string { return hosted.Hosts(n.names) }

// Begin gets the site's names on their way: what stands in their way in DNS, their certificate, and the records that
// prove them.
func (n *Names) Begin(ctx context.Context) error {
	n.names, n.before = n.Project.Names(), hosted.ServedHosts(n.state())
	n.had = n.state().Parameters[template.ParamCertificateArn]
	hosts := n.hosts()
	if len(hosts) == 0 {
		if len(n.before) > 0 {
			n.report.Warn("%s: taken off the distribution, and the site answers at CloudFront's own name only", noLonger(n.before))
		}
		return nil
	}
	n.report.Step("Domain")
	if n.Account.Partition != "aws" {
		return fault.New(fault.Usage, "remove domainName, or deploy to a region of the partition aws",
			"in the partition %s CloudFront does not take certificates from Certificate Manager, and %s needs one", n.Account.Partition, hosts[0])
	}
	if gone := without(n.before, hosts); len(gone) > 0 {
		n.report.Warn("%s: taken off the distribution as soon as there is a certificate for %s", noLonger(gone), strings.Join(hosts, ", "))
	}
	if err := n.findZones(ctx); err != nil {
		return err
	}
	if err := n.clearTheWay(ctx); err != nil {
		return err
	}
	return n.beginCertificate(ctx)
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
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return slices.Contains(others, name) })
}

// findZones reads the account's zones. Credentials that may not do that leave the records to the user, if no zone is chosen.
func (n *Names) findZones(ctx context.Context) error {
	n.report.Detail("looking for the hosted zones of %s", strings.Join(n.hosts(), ", "))
	var err error
	n.records, err = n.Routes(ctx)
	if err != nil {
		if code := reason.Code(err); n.Project.Config.HostedZoneID != "" || code != "AccessDenied" && code != "AccessDeniedException" {
			return err
		}
		n.report.Warn("the credentials may not read Route 53, so that the DNS records are yours to make: %s", reason.Message(err))
		n.records = &records.Records{}
		return nil
	}
	if err := n.records.Check(n.hosts()); err != nil {
		return err
	}
	n.checkDelegation(ctx)
	return nil
}

// aliases are the records that lead viewers to the distribution, whose name is empty as long as there is none.
func aliases(hosts []string, state stack.State) []records.Record {
	var list []records.Record
	for _, host := range hosts {
		list = append(list, records.Record{Name: host, Type: records.Alias, Value: state.Outputs[template.OutputDistributionDomainName]})
	}
	return list
}

// clearTheWay asks about records that stand at the site's names and lead elsewhere, before anything is made. Names that the
// site is served under already are not asked about: somebody may have good reasons to lead them past it.
func (n *Names) clearTheWay(ctx context.Context) error {
	p, err := n.records.Plan(ctx, aliases(without(n.hosts(), n.before), n.state()))
	if err != nil || len(p.Conflicts) == 0 {
		return err
	}
	var lines, names []string
	for _, c := range p.Conflicts {
		lines, names = append(lines, "  "+c.String()), append(names, c.Record.Name)
	}
	text := strings.Join(lines, "\n")
	if !n.Opts.Unattended {
		yes, err := n.report.Confirm("These DNS records lead elsewhere:\n" + text + "\nReplace them when the site is live?")
		if err == nil && yes {
			n.agreed = names
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	return fault.New(fault.Other, n.wayAround(names), "the DNS records of %s lead elsewhere, and are left alone:\n%s", strings.Join(names, ", "), text)
}

// wayAround is what can be done about records that lead elsewhere.
func (n *Names) wayAround(names []string) string {
	hint := "remove these records, or run deploy in a terminal, without --yes, and agree to have them replaced once the site is live;\n" +
		"to see the site first, take the name out of the configuration for now: it is live under CloudFront's name then"
	for _, name := range n.names {
		if name.RedirectTo != "" && slices.Contains(names, name.Host) {
			return hint + "\n" + `if only ` + name.Host + ` is to stay where it is, set "wwwPartner": "none"`
		}
	}
	return hint
}

// Served are the names and the certificate that the next change gives the distribution: those of the configuration once
// there is a certificate for them and a pipeline, and until then those that it has.
func (n *Names) Served(withPipeline bool) (names, arn string) {
	switch {
	case len(n.names) == 0:
		return "", ""
	case n.certificate.Issued() && withPipeline && n.refused == nil:
		return strings.Join(n.hosts(), ","), n.certificate.ARN
	}
	return strings.Join(hosted.ServedHosts(n.state()), ","), n.state().Parameters[template.ParamCertificateArn]
}

// Refused reports whether an error of a change of the stack is CloudFront's refusal of the names. The next change is one without
// them then: a site goes live, or stays so, and Finish tells why it is not under its own names.
func (n *Names) Refused(err error) bool {
	n.refused = nil
	if err = n.aliasTaken(err); !errors.Is(err, errAliasTaken) {
		return false
	}
	n.refused = err
	return true
}

// errAliasTaken is in the error of a change that CloudFront has refused for a name that another distribution has.
var errAliasTaken = errors.New("another distribution has it")

// aliasTaken explains such a refusal (CloudFront Developer Guide, "Move an alternate domain name to a different distribution").
func (n *Names) aliasTaken(err error) error {
	if err == nil || len(n.names) == 0 || !strings.Contains(err.Error(), "CNAMEs you provided are already associated") &&
		!strings.Contains(err.Error(), "CNAMEAlreadyExists") && !strings.Contains(err.Error(), "points to another CloudFront distribution") {
		return err
	}
	hosts := n.hosts()
	hint := "find it: aws cloudfront list-distributions --query \"DistributionList.Items[?Aliases.Items && contains(Aliases.Items, '" + hosts[0] + "')].Id\"\n" +
		"take the name off that distribution (if AWS Labs' toolkit made it: remove its domain, or delete its stack), then run deploy again\n" +
		"if this account has none, another one has: see \"Move an alternate domain name\" in the CloudFront Developer Guide, or write to AWS Support"
	return fault.New(fault.Other, hint, "CloudFront does not take %s: %w: %w", strings.Join(hosts, ", "), errAliasTaken, err)
}

// Any reports whether the site has names of its own, or had some before the deployment.
func (n *Names) Any() bool { return len(n.names) > 0 || len(n.before) > 0 }

// Finish brings the names to the distribution that is live, and viewers to the names. With an error the site is live all the same.
func (n *Names) Finish(ctx context.Context, opts hosting.DeployOptions) error {
	if !n.Any() {
		return nil
	}
	err := n.bring(ctx, opts)
	// Looking through the account's certificates takes a request for each; only a change leaves something to tidy.
	if err == nil && (n.had != n.state().Parameters[template.ParamCertificateArn] || !slices.Equal(n.before, hosted.ServedHosts(n.state()))) {
		n.tidy(ctx)
	}
	return err
}

func (n *Names) bring(ctx context.Context, opts hosting.DeployOptions) error {
	hosts := n.hosts()
	if len(hosts) == 0 {
		return nil
	}
	if n.refused != nil {
		return n.refused
	}
	if !slices.Equal(hosted.ServedHosts(n.state()), hosts) || n.state().Parameters[template.ParamCertificateArn] != n.certificate.ARN {
		if opts.NoWait && !n.certificate.Issued() {
			n.report.Warn("%s is not served yet: its certificate is not issued. Run deploy again when the records are made; show tells how it stands", hosts[0])
			return nil
		}
		if err := n.awaitCertificate(ctx); err != nil {
			return err
		}
		if err := n.aliasTaken(n.in.ChangeNames(ctx)); err != nil {
			return err
		}
	}
	if err := n.lead(ctx); err != nil || opts.NoWait {
		return err
	}
	return n.awaitNames(ctx)
}
