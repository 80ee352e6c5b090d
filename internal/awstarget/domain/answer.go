package domain

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/hosted"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/template"
)

const (
	// askPace is the time between two looks at a name, and patience how long one may take that the tool has seen to.
	askPace  = 3 * time.Second
	patience = 5 * time.Minute
)

// awaitNames waits until every name that serves the site answers from CloudFront. Records that somebody else has to make are
// waited for as long as it takes, the first time, if somebody is there; it can be interrupted. Any other wait ends with a warning:
// the site is live.
func (n *Names) awaitNames(ctx context.Context) error {
	n.report.Step("Names answer")
	if err := n.in.AwaitSpread(ctx); err != nil {
		return err
	}
	for _, name := range n.names {
		if name.RedirectTo != "" {
			continue
		}
		if err := n.awaitName(ctx, name.Host); err != nil {
			return err
		}
	}
	for _, name := range n.names {
		if name.RedirectTo == "" {
			continue
		}
		if why := sees(ctx, n.Hosting, name.Host); why != nil {
			n.report.Warn("https://%s/, which is redirected to %s, does not answer yet: %v", name.Host, name.RedirectTo, why)
		}
	}
	return nil
}

func (n *Names) awaitName(ctx context.Context, host string) error {
	_, ours := n.records.ZoneOf(host)
	known := slices.Contains(n.before, host)
	forever := !ours && !known && !n.Opts.Unattended
	if forever {
		var done context.CancelFunc
		ctx, done = n.Limited(ctx)
		defer done()
	}
	for begun := time.Now(); ; {
		why := sees(ctx, n.Hosting, host)
		if why == nil {
			return nil
		}
		if ctx.Err() == nil && !forever && time.Since(begun) > n.patience() {
			n.report.Warn("the site is live, but https://%s/ does not answer from here yet: %v", host, why)
			return nil
		}
		words := fmt.Sprintf("waiting until https://%s/ answers: %v", host, why)
		if took := time.Since(begun).Round(time.Second); took >= 10*time.Second {
			words += fmt.Sprintf(", %s so far", took)
		}
		n.report.Detail("%s", words)
		if err := n.Pause(ctx, askPace); err != nil {
			return fault.New(fault.Other, "make its DNS record, if you have not: "+host+" ALIAS (or CNAME) "+n.state().Outputs[template.OutputDistributionDomainName]+"; nothing else is left to do",
				"stopped waiting for https://%s/ (%w): %w", host, why, err)
		}
	}
}

// patience is how long a name may take that the tool has seen to: records spread within a minute, and resolvers keep an
// earlier answer for some more.
func (n *Names) patience() time.Duration { return cmp.Or(n.Opts.Patience, patience) }

// sees returns nil if a host answers from CloudFront, and why it does not otherwise, with what DNS has to do with it.
func sees(ctx context.Context, h *hosted.Hosting, host string) error {
	client := http.Client{Timeout: 20 * time.Second}
	if h.Opts.HTTP != nil {
		client = *h.Opts.HTTP
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	addresses, err := h.Resolver().LookupHost(ctx, host)
	if err != nil {
		return noAddress(host, err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, "https://"+host+"/", nil)
	if err != nil {
		return err
	}
	res, err := client.Do(req)
	if err != nil {
		return unanswered(host, addresses, err)
	}
	defer res.Body.Close()
	switch {
	case res.Header.Get("X-Amz-Cf-Id") == "":
		return fmt.Errorf("%s leads to %s, and what answers there is not CloudFront", host, strings.Join(addresses, ", "))
	// So CloudFront answers for a name that no distribution has; what a function answers has another X-Cache.
	case res.StatusCode == http.StatusForbidden && strings.HasPrefix(res.Header.Get("X-Cache"), "Error "):
		return fmt.Errorf("CloudFront answers %s with status %d: it may not know the name everywhere yet", host, res.StatusCode)
	}
	return nil
}

func noAddress(host string, err error) error {
	var dns *net.DNSError
	if errors.As(err, &dns) && dns.IsNotFound {
		return fmt.Errorf("no DNS record of %s is seen from here yet", host)
	}
	return fmt.Errorf("DNS does not answer for %s: %w", host, err)
}

func unanswered(host string, addresses []string, err error) error {
	at := strings.Join(addresses, ", ")
	var dns *net.DNSError
	var wrong *tls.CertificateVerificationError
	switch {
	case errors.As(err, &dns):
		return noAddress(host, err)
	case errors.As(err, &wrong):
		return fmt.Errorf("%s leads to %s, and what answers there has a certificate for other names", host, at)
	}
	return fmt.Errorf("%s leads to %s, which does not answer: %w", host, at, err)
}
