package domain

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/certificate"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/hosted"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/reason"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/records"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/stack"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/doctor"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/template"
)

// renewal is before its end when a certificate should have been renewed: ACM begins 60 days before (ACM User Guide, "Managed
// certificate renewal").
const renewal = 30 * 24 * time.Hour

// Checkup is what the looks at the site's own names have in common with the others.
type Checkup struct {
	*hosted.Hosting
	// Current is the site's stack, and Wrong the finding that an error leads to.
	Current func(context.Context) (stack.State, error)
	Wrong   func(error) doctor.Finding
}

// Looks are the looks at the site's own names: their certificate, and the records of each.
func (c *Checkup) Looks() []doctor.Look {
	looks := []doctor.Look{{Name: "Certificate", Find: c.certificate}}
	routes := doctor.Once(c.Routes)
	for _, name := range c.Project.Names() {
		looks = append(looks, doctor.Look{Name: "DNS", Find: func(ctx context.Context) doctor.Finding { return c.name(ctx, routes, name) }})
	}
	return looks
}

// certificate looks at the certificate of the site's names.
func (c *Checkup) certificate(ctx context.Context) doctor.Finding {
	hosts := hosted.Hosts(c.Project.Names())
	state, err := c.Current(ctx)
	if err != nil {
		return doctor.Finding{} // the line about the stack says why
	}
	served := hosted.ServedHosts(state)
	switch {
	case len(hosts) == 0 && len(served) > 0:
		return doctor.Warning("run deploy, which takes them off", "of names that the configuration has no more: %s", strings.Join(served, ", "))
	case len(hosts) == 0:
		return doctor.Finding{}
	case slices.Equal(hosts, served):
		one, err := c.Certificates().Get(ctx, state.Parameters[template.ParamCertificateArn])
		if err != nil {
			return c.Wrong(err)
		}
		return inService(one)
	}
	return c.wanted(ctx, hosts)
}

// inService judges a certificate that viewers are shown.
func inService(one certificate.Certificate) doctor.Finding {
	names := strings.Join(one.Names, ", ")
	left := time.Until(one.NotAfter)
	switch {
	case certificate.Problem(one) != nil:
		return doctor.Wrong(certificate.Problem(one))
	case one.NotAfter.IsZero():
		return doctor.OK("of %s, issued", names)
	case left < 0:
		return doctor.Failed("open "+certificate.Console(one.ARN), "of %s: it ended on %s", names, one.NotAfter.Format(time.DateOnly))
	case left < renewal && one.Imported:
		return doctor.Warning("import the new one under the same ARN: "+certificate.Console(one.ARN), "of %s: it ends on %s, and whoever imported it renews it", names, one.NotAfter.Format(time.DateOnly))
	case left < renewal:
		return doctor.Warning("see that its CNAME records are still there: "+certificate.Console(one.ARN), "of %s: it ends on %s, and ACM has not renewed it", names, one.NotAfter.Format(time.DateOnly))
	}
	return doctor.OK("of %s, until %s", names, one.NotAfter.Format(time.DateOnly))
}

// wanted looks for the certificate of names that are not served yet.
func (c *Checkup) wanted(ctx context.Context, hosts []string) doctor.Finding {
	all := c.Certificates()
	one, found, err := all.Find(ctx, hosts)
	if err != nil {
		return c.Wrong(err)
	}
	names := strings.Join(hosts, ", ")
	if !found {
		if failed, err := all.Failed(ctx, hosts); err == nil && len(failed) > 0 {
			return doctor.Wrong(certificate.Problem(failed[0]))
		}
		return doctor.OK("none for %s yet: deploy asks for it", names)
	}
	if one.Issued() {
		return doctor.OK("of %s, issued; deploy puts it into service", names)
	}
	hint := "wait some minutes, then run deploy"
	if list := proofs(one); len(list) > 0 {
		hint = "create these records, which prove the names, if they are not there yet:"
		for _, r := range list {
			hint += fmt.Sprintf("\n%s %s %s", r.Name, r.Type, r.Value)
		}
	}
	return doctor.Warning(hint, "of %s: ACM is waiting to see their records", names)
}

// name looks at the records of one of the site's names: in the account's zone if it holds the name, and in public DNS if the
// name is served.
func (c *Checkup) name(ctx context.Context, routes func(context.Context) (*records.Records, error), name site.Name) doctor.Finding {
	state, err := c.Current(ctx)
	if err != nil {
		return doctor.Finding{}
	}
	all, err := routes(ctx)
	if err != nil {
		if !reason.Denied(err) {
			return c.Wrong(err)
		}
		all = &records.Records{} // the records are somebody else's to make
	}
	if err := all.Check([]string{name.Host}); err != nil {
		return doctor.Wrong(err)
	}
	served := slices.Contains(hosted.ServedHosts(state), name.Host)
	zone, ours := all.ZoneOf(name.Host)
	if ours {
		if why := notDelegated(ctx, c.Hosting, all, zone); why != "" {
			return doctor.Failed("enter the zone's name servers at the domain's registrar", "%s", why)
		}
		if f := c.recordsOf(ctx, all, state, name.Host, served); f.Status != "" {
			return f
		}
	}
	if served {
		if why := sees(ctx, c.Hosting, name.Host); why != nil {
			return doctor.Failed("it needs the record "+name.Host+" ALIAS (or CNAME) "+state.Outputs[template.OutputDistributionDomainName], "%v", why)
		}
		return doctor.OK("%s", answersAs(name))
	}
	return doctor.OK("%s", willLead(name.Host, ours, zone.Domain, state))
}

// recordsOf finds what stands in the way of a name in the account's zone, or what is missing of a name that is served.
func (c *Checkup) recordsOf(ctx context.Context, all *records.Records, state stack.State, host string, served bool) doctor.Finding {
	p, err := all.Plan(ctx, aliases([]string{host}, state))
	switch {
	case err != nil:
		return c.Wrong(err)
	case len(p.Conflicts) > 0 && !served:
		return doctor.Warning("deploy asks before it replaces that", "%s", p.Conflicts[0])
	case len(p.Missing) > 0 && served:
		return doctor.Failed("run deploy, which makes it", "%s has no record in its zone %s", host, p.Missing[0].Zone.Domain)
	}
	return doctor.Finding{}
}

func answersAs(name site.Name) string {
	if name.RedirectTo != "" {
		return name.Host + " leads to CloudFront, and is redirected to " + name.RedirectTo
	}
	return name.Host + " leads to CloudFront, which answers"
}

// willLead says who makes the record of a name that is not served yet.
func willLead(host string, ours bool, zone string, state stack.State) string {
	if ours {
		return fmt.Sprintf("%s: deploy makes its record, in the account's zone %s", host, zone)
	}
	to := "the name that deploy tells"
	if own := state.Outputs[template.OutputDistributionDomainName]; own != "" {
		to = own
	}
	return fmt.Sprintf("%s is in no zone of the account: you make its record, an ALIAS (or CNAME) to %s", host, to)
}
