package hosted

import (
	"context"
	"net"
	"strings"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/certificate"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/reason"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/records"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/stack"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/zones"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/template"
)

// Resolver asks public DNS. net.Resolver is one.
type Resolver interface {
	LookupHost(ctx context.Context, host string) ([]string, error)
	LookupCNAME(ctx context.Context, name string) (string, error)
	LookupNS(ctx context.Context, domain string) ([]*net.NS, error)
}

var _ Resolver = (*net.Resolver)(nil)

// Resolver is the resolver that the options choose.
func (h *Hosting) Resolver() Resolver {
	if h.Opts.DNS != nil {
		return h.Opts.DNS
	}
	return net.DefaultResolver
}

// Certificates are the site's certificates, in us-east-1.
func (h *Hosting) Certificates() *certificate.Certificates {
	c := certificate.Open(h.Control(), StackName(h.Project))
	c.Pace = h.Opts.Pace
	return c
}

// Routes are the DNS records that the account can hold, in the zones that it has.
func (h *Hosting) Routes(ctx context.Context) (*records.Records, error) {
	all, err := zones.List(ctx, h.Control())
	if err != nil {
		return nil, reason.Of(err)
	}
	r := records.Open(h.Control(), all, h.Project.Config.HostedZoneID)
	r.Pace = h.Opts.Pace
	return r, nil
}

// ServedHosts are the names that the distribution of a stack answers to beside its own.
func ServedHosts(state stack.State) []string {
	if names := state.Parameters[template.ParamDomainNames]; names != "" && state.Parameters[template.ParamCertificateArn] != "" {
		return strings.Split(names, ",")
	}
	return nil
}

// Hosts are the host names of names, in their order.
func Hosts(names []site.Name) []string {
	var hosts []string
	for _, n := range names {
		hosts = append(hosts, n.Host)
	}
	return hosts
}
