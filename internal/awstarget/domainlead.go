package awstarget

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/certificate"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/hosted"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/records"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/zones"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/template"
)

// lead makes the records that lead viewers from the names to the distribution, and lists those that it cannot make.
func (d *deployment) lead(ctx context.Context) error {
	p, err := d.domain.records.Plan(ctx, d.aliases(d.domain.hosts()))
	if err != nil {
		return err
	}
	if len(p.Missing)+len(p.Conflicts)+len(p.Elsewhere) == 0 {
		return nil
	}
	d.report.Step("Records")
	for _, c := range p.Missing {
		d.report.Detail("leading %s to %s in zone %s", c.Record.Name, c.Record.Value, c.Zone.Domain)
	}
	var agreed, refused []records.Conflict
	for _, c := range p.Conflicts {
		switch name := c.Record.Name; {
		case slices.Contains(d.domain.agreed, name):
			agreed = append(agreed, c)
		case slices.Contains(d.domain.before, name):
			d.report.Warn("a DNS record leads past the site: %s", c)
		default: // made since the deployment began
			refused = append(refused, c)
		}
	}
	p.Conflicts = agreed
	if err := d.domain.records.Apply(ctx, p, true); err != nil {
		return err
	}
	if len(refused) > 0 {
		name := refused[0].Record.Name
		return fault.New(fault.Other, d.wayAround([]string{name}), "the DNS records of %s lead elsewhere, and are left alone:\n  %s", name, refused[0])
	}
	if unseen := d.unseen(ctx, p.Elsewhere); len(unseen) > 0 {
		d.tellRecords(unseen, "the site is ready for its names. Make these DNS records where the domain's DNS is kept. For a name that is the domain itself "+
			"the provider may call it ALIAS, ANAME or CNAME flattening; for any other name a CNAME does.")
	}
	return nil
}

// unseen are the records that public DNS does not show: those whose names are not at an address of the distribution's name.
func (d *deployment) unseen(ctx context.Context, list []records.Record) []records.Record {
	return slices.DeleteFunc(slices.Clone(list), func(r records.Record) bool {
		return d.sees(ctx, r.Name) == nil
	})
}

// checkDelegation warns of a zone of the account that public DNS does not know: its records are seen by nobody.
func (d *deployment) checkDelegation(ctx context.Context) {
	var checked []zones.Zone
	for _, host := range d.domain.hosts() {
		zone, ok := d.domain.records.ZoneOf(host)
		if !ok || slices.Contains(checked, zone) {
			continue
		}
		checked = append(checked, zone)
		if why := d.notDelegated(ctx, zone); why != "" {
			d.report.Warn("%s", why)
		}
	}
}

// notDelegated says that a zone's name servers are not those that public DNS names for its domain; "" if they are, or if that
// cannot be told.
func (d *deployment) notDelegated(ctx context.Context, zone zones.Zone) string {
	own, err := d.domain.records.NameServers(ctx, zone)
	if err != nil || len(own) == 0 {
		return ""
	}
	found, err := d.Resolver().LookupNS(ctx, zone.Domain)
	var none *net.DNSError
	if err != nil && (!errors.As(err, &none) || !none.IsNotFound) {
		return ""
	}
	var public []string
	for _, ns := range found {
		name := strings.ToLower(strings.TrimSuffix(ns.Host, "."))
		if slices.Contains(own, name) {
			return ""
		}
		public = append(public, name)
	}
	seen := "has no name servers"
	if len(public) > 0 {
		seen = "is with the name servers " + strings.Join(public, ", ")
	}
	return "in public DNS " + zone.Domain + " " + seen + ", not with those of its zone " + zone.ID + ": nobody sees the records there. Enter the zone's at the domain's registrar: " + strings.Join(own, ", ")
}

// tidyDomain removes what earlier names and certificates of the site have left: the records that still lead here, the
// certificates that the tool asked for and nothing uses, and their proofs. What cannot be removed now is in nobody's way; the
// next deployment with another certificate, and delete, try again.
func (d *deployment) tidyDomain(ctx context.Context) {
	r := d.domain.records
	if r == nil {
		var err error
		if r, err = d.Routes(ctx); err != nil {
			r = &records.Records{}
		}
	}
	remove := func(hosts []string, cnames []records.Record) {
		owned, err := r.Owned(ctx, hosts, d.state.Outputs[template.OutputDistributionDomainName], cnames)
		if err == nil && len(owned) > 0 {
			err = r.Delete(ctx, owned)
		}
		for _, o := range owned {
			if err == nil {
				fmt.Fprintf(d.report.Output(), "removed the DNS record %s, which nothing needs any more\n", o.Text)
			} else {
				d.report.Warn("the DNS record %s is not needed any more, and could not be removed: %v", o.Text, err)
			}
		}
	}
	remove(without(d.domain.before, hosted.ServedHosts(d.state)), nil)
	all := d.Certificates()
	owned, err := all.Owned(ctx)
	if err != nil {
		return
	}
	for _, one := range owned {
		if one.ARN == d.domain.certificate.ARN || one.ARN == d.state.Parameters[template.ParamCertificateArn] {
			continue
		}
		cnames, err := all.Exclusive(ctx, one, d.Account.Config)
		switch deleted := all.Delete(ctx, one.ARN); {
		case errors.Is(deleted, certificate.ErrInUse):
			d.report.Warn("the certificate for %s is not needed any more; AWS still counts it as in use, and delete removes it later", strings.Join(one.Names, ", "))
			continue
		case deleted != nil:
			d.report.Warn("the certificate for %s is not needed any more, and could not be removed: %v", strings.Join(one.Names, ", "), deleted)
			continue
		}
		fmt.Fprintf(d.report.Output(), "removed the certificate for %s (%s), which nothing needs any more\n", strings.Join(one.Names, ", "), one.Status)
		if err == nil {
			remove(nil, allProofs(cnames))
		}
	}
}

// allProofs are validations as records.
func allProofs(list []certificate.Validation) []records.Record {
	var out []records.Record
	for _, v := range list {
		out = append(out, records.Record{Name: v.Name, Type: records.CNAME, Value: v.Value})
	}
	return out
}
