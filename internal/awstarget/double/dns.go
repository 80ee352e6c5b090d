package double

import (
	"context"
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/template"
)

// Resolver answers as public DNS does, from the account's zones and from DNS.Outside.
func (a *Account) Resolver() Resolver { return Resolver{a} }

// Resolver asks the double's DNS. Its methods are net.Resolver's.
type Resolver struct{ account *Account }

// LookupHost implements what net.Resolver does. Every distribution is at one address.
func (r Resolver) LookupHost(_ context.Context, host string) ([]string, error) {
	r.account.mu.Lock()
	defer r.account.mu.Unlock()
	if at := r.account.DNS.lookup(host); at != "" {
		return []string{at}, nil
	}
	return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
}

// LookupCNAME implements what net.Resolver does.
func (r Resolver) LookupCNAME(_ context.Context, name string) (string, error) {
	r.account.mu.Lock()
	defer r.account.mu.Unlock()
	if at := r.account.DNS.cname(name); at != "" {
		return at + ".", nil
	}
	return "", &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
}

// LookupNS implements what net.Resolver does.
func (r Resolver) LookupNS(_ context.Context, domain string) ([]*net.NS, error) {
	r.account.mu.Lock()
	defer r.account.mu.Unlock()
	d := r.account.DNS
	i := slices.IndexFunc(d.zones, func(z *zone) bool { return z.domain == domain && !z.private })
	switch {
	case i < 0:
		return nil, &net.DNSError{Err: "no such host", Name: domain, IsNotFound: true}
	case d.Undelegated[domain]:
		return []*net.NS{{Host: "ns1.other.example."}}, nil
	}
	return []*net.NS{{Host: "ns-1.awsdns-1.org."}, {Host: "ns-2.awsdns-2.com."}}, nil
}

// edgeAddress is where every distribution answers.
const edgeAddress = "203.0.113.7"

// lookup returns the address of a name; "" if there is none.
func (d *DNS) lookup(name string) string {
	for range 8 {
		if strings.HasSuffix(name, ".cloudfront.net") {
			return edgeAddress
		}
		next := d.answer(name)
		if next == "" || net.ParseIP(next) != nil {
			return next
		}
		name = next
	}
	return ""
}

// answer is what a name is an alias of, or its address.
func (d *DNS) answer(name string) string {
	for _, typ := range []string{"A", "CNAME"} {
		if v := d.inZones(name, typ); v != "" {
			return v
		}
	}
	return bare(d.Outside[bare(name)])
}

// cname is the canonical name that public DNS has for a name.
func (d *DNS) cname(name string) string {
	if v := d.inZones(name, "CNAME"); v != "" {
		return v
	}
	return bare(d.Outside[bare(name)])
}

func (d *DNS) inZones(name, typ string) string {
	for _, z := range d.zones {
		if z.private || d.Undelegated[z.domain] {
			continue
		}
		for _, s := range z.sets {
			if bare(s["Name"].(string)) == bare(name) && s["Type"] == typ {
				return strings.TrimPrefix(valueOf(s), "ALIAS ")
			}
		}
	}
	return ""
}

// resolve is what a viewer does first. Whoever else answers at the address of a name says so.
func (a *Account) resolve(host string) (elsewhere bool, err error) {
	addresses, err := a.Resolver().LookupHost(context.Background(), host)
	if err != nil {
		return false, err
	}
	return addresses[0] != edgeAddress, nil
}

// answers reports whether a stack's distribution answers for a host.
func (s *stack) answers(host string) bool {
	if s.outputs[template.OutputDistributionDomainName] == host {
		return true
	}
	return s.params[template.ParamCertificateArn] != "" && slices.Contains(strings.Split(s.params[template.ParamDomainNames], ","), host)
}

// somebodyElse is the answer of a server that is not CloudFront.
func somebodyElse(r *http.Request) *http.Response {
	return &http.Response{
		Status: "200 OK", StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header: http.Header{"Server": {"other"}}, Body: http.NoBody,
	}
}

// DistributionName is CloudFront's own name for the distribution of a stack.
func (a *Account) DistributionName(stackName string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.findStack(stackName).outputs[template.OutputDistributionDomainName]
}
