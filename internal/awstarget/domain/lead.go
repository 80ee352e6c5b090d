package domain

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
func (n *Names) lead(ctx context.Context) error {
	p, err := n.records.Plan(ctx, aliases(n.hosts(), n.state()))
	if err != nil {
		return err
	}
	if len(p.Missing)+len(p.Conflicts)+len(p.Elsewhere) == 0 {
		return nil
	}
	n.report.Step("Records")
	for _, c := range p.Missing {
		n.report.Detail("leading %s to %s in zone %s", c.Record.Name, c.Record.Value, c.Zone.Domain)
	}
	var agreed, refused []records.Conflict
	for _, c := range p.Conflicts {
		switch name := c.Record.Name; {
		case slices.Contains(n.agreed, name):
			agreed = append(agreed, c)
		case slices.Contains(n.before, name):
			n.report.Warn("a DNS record leads past the site: %s", c)
		default: // made since the deployment began
			refused = append(refused, c)
		}
	}
	p.Conflicts = agreed
	if err := n.records.Apply(ctx, p, true); err != nil {
		return err
	}
	if len(refused) > 0 {
		name := refused[0].Record.Name
		return fault.New(fault.Other, n.wayAround([]string{name}), "the DNS records of %s lead elsewhere, and are left alone:\n  %s", name, refused[0])
	}
	if unseen := n.unseen(ctx, p.Elsewhere); len(unseen) > 0 {
		n.tellRecords(unseen, "the site is ready for its names. Make these DNS records where the domain's DNS is kept. For a name that is the domain itself "+
			"the provider may call it ALIAS, ANAME or CNAME flattening; for any other name a CNAME does.")
	}
	return nil
}

// unseen are the records that public DNS does not show: those whose names are not at an address of the distribution's name.
func (n *Names) unseen(ctx context.Context, list []records.Record) []records.Record {
	return slices.DeleteFunc(slices.Clone(list), func(r records.Record) bool {
		return sees(ctx, n.Hosting, r.Name) == nil
	})
}

// checkDelegation warns of a zone of the account that public DNS does not know: its records are seen by nobody.
func (n *Names) checkDelegation(ctx context.Context) {
	var checked []zones.Zone
	for _, host := range n.hosts() {
		zone, ok := n.records.ZoneOf(host)
		if !ok || slices.Contains(checked, zone) {
			continue
		}
		checked = append(checked, zone)
		if why := notDelegated(ctx, n.Hosting, n.records, zone); why != "" {
			n.report.Warn("%s", why)
		}
	}
}

// notDelegated says that a zone's name servers are not those that public DNS names for its domain; "" if they are, or if that
// cannot be told.
func notDelegated(ctx context.Context, h *hosted.Hosting, all *records.Records, zone zones.Zone) string {
	own, err := all.NameServers(ctx, zone)
	if err != nil || len(own) == 0 {
		return ""
	}
	found, err := h.Resolver().LookupNS(ctx, zone.Domain)
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

// tidy removes what earlier names and certificates of the site have left: the records that still lead here, the
// certificates that the tool asked for and nothing uses, and their proofs. What cannot be removed now is in nobody's way; the
// next deployment with another certificate, and delete, try again.
func (n *Names) tidy(ctx context.Context) {
	r := n.records
	if r == nil {
		var err error
		if r, err = n.Routes(ctx); err != nil {
			r = &records.Records{}
		}
	}
	remove := func(hosts []string, cnames []records.Record) {
		owned, err := r.Owned(ctx, hosts, n.state().Outputs[template.OutputDistributionDomainName], cnames)
		if err == nil && len(owned) > 0 {
			err = r.Delete(ctx, owned)
		}
		for _, o := range owned {
			if err == nil {
				fmt.Fprintf(n.report.Output(), "removed the DNS record %s, which nothing needs any more\n", o.Text)
			} else {
				n.report.Warn("the DNS record %s is not needed any more, and could not be removed: %v", o.Text, err)
			}
		}
	}
	remove(without(n.before, hosted.ServedHosts(n.state())), nil)
	all := n.Certificates()
	owned, err := all.Owned(ctx)
	if err != nil {
		return
	}
	for _, one := range owned {
		if one.ARN == n.certificate.ARN || one.ARN == n.state().Parameters[template.ParamCertificateArn] {
			continue
		}
		cnames, err := all.Exclusive(ctx, one, n.Account.Config)
		switch deleted := all.Delete(ctx, one.ARN); {
		case errors.Is(deleted, certificate.ErrInUse):
			n.report.Warn("the certificate for %s is not needed any more; AWS still counts it as in use, and delete removes it later", strings.Join(one.Names, ", "))
			continue
		case deleted != nil:
			n.report.Warn("the certificate for %s is not needed any more, and could not be removed: %v", strings.Join(one.Names, ", "), deleted)
			continue
		}
		fmt.Fprintf(n.report.Output(), "removed the certificate for %s (%s), which nothing needs any more\n", strings.Join(one.Names, ", "), one.Status)
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
