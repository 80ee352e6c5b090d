package domain

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/certificate"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/hosted"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/reason"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/stack"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/template"
)

// State says what the site's own names still wait for, and what to do; "" if they are served, or if there are none.
func State(ctx context.Context, h *hosted.Hosting, state stack.State) string {
	hosts, served := hosted.Hosts(h.Project.Names()), hosted.ServedHosts(state)
	all := h.Certificates()
	switch {
	case len(hosts) == 0 && len(served) > 0:
		return strings.Join(served, ", ") + " is still served: deploy takes it off"
	case len(hosts) == 0:
		return ""
	case slices.Equal(hosts, served):
		one, err := all.Get(ctx, state.Parameters[template.ParamCertificateArn])
		if err != nil {
			return "" // it is served, whatever may not be read
		}
		return aged(one)
	}
	one, found, err := all.Find(ctx, hosts)
	if err != nil {
		return "cannot be told: " + reason.Message(err)
	}
	if !found {
		if failed, err := all.Failed(ctx, hosts); err == nil && len(failed) > 0 {
			return certificate.Problem(failed[0]).Error()
		}
		return "not served yet: run deploy"
	}
	return awaited(one)
}

// Foresee finds what a deployment would serve under which names, and asks for nothing. It returns what would be done beside
// the change of the stack, in words.
func (n *Names) Foresee(ctx context.Context) []string {
	n.names, n.before = n.Project.Names(), hosted.ServedHosts(n.state())
	hosts := n.hosts()
	if len(hosts) == 0 {
		return nil
	}
	all := n.Certificates()
	one, found, err := n.inUse(ctx, all)
	if err == nil && !found {
		one, found, err = all.Find(ctx, hosts)
	}
	names := strings.Join(hosts, ", ")
	switch {
	case err != nil:
		return []string{"the certificate for " + names + " was not looked for: " + reason.Message(err)}
	case !found:
		return []string{"a certificate for " + names + " would be asked for, with the DNS records that prove the names; they come to the distribution when it is issued"}
	}
	n.certificate = one
	if !one.Issued() {
		return []string{names + ": " + awaited(one)}
	}
	return nil
}

// aged says what is wrong with a certificate that is served.
func aged(one certificate.Certificate) string {
	if err := certificate.Problem(one); err != nil {
		return err.Error()
	}
	if !one.RenewalFails() {
		return ""
	}
	var parts []string
	for _, v := range one.Validations {
		parts = append(parts, fmt.Sprintf("%s CNAME %s", v.Name, v.Value))
	}
	return fmt.Sprintf("ACM cannot renew the certificate, which ends on %s, since public DNS does not show each of its records: %s",
		one.NotAfter.UTC().Format("2 January 2006"), strings.Join(parts, "; "))
}

// awaited says what a certificate that is not served yet waits for.
func awaited(one certificate.Certificate) string {
	if one.Issued() {
		return "the certificate is issued: run deploy"
	}
	var parts []string
	for _, r := range proofs(one) {
		parts = append(parts, fmt.Sprintf("%s %s %s", r.Name, r.Type, r.Value))
	}
	if len(parts) == 0 {
		return one.Waiting(0)
	}
	return "waiting for the certificate: create " + strings.Join(parts, "; create ")
}
