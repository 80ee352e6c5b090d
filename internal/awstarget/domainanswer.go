package awstarget

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/template"
)

// awaitNames waits until every name that serves the site answers from CloudFront. Records that somebody else has to make are
// waited for as long as it takes, the first time, if somebody is there; it can be interrupted. Any other wait ends with a warning:
// the site is live.
func (d *deployment) awaitNames(ctx context.Context) error {
	d.report.Step("Names answer")
	if err := d.awaitSpread(ctx); err != nil {
		return err
	}
	for _, n := range d.domain.names {
		if n.RedirectTo != "" {
			continue
		}
		if err := d.awaitName(ctx, n.Host); err != nil {
			return err
		}
	}
	for _, n := range d.domain.names {
		if n.RedirectTo == "" {
			continue
		}
		if why := d.sees(ctx, n.Host); why != nil {
			d.report.Warn("https://%s/, which is redirected to %s, does not answer yet: %v", n.Host, n.RedirectTo, why)
		}
	}
	return nil
}

func (d *deployment) awaitName(ctx context.Context, host string) error {
	_, ours := d.domain.records.ZoneOf(host)
	_, known := find(d.domain.before, host)
	forever := !ours && !known && !d.Opts.Unattended
	if forever {
		var done context.CancelFunc
		ctx, done = d.limited(ctx)
		defer done()
	}
	for begun := time.Now(); ; {
		why := d.sees(ctx, host)
		if why == nil {
			return nil
		}
		if ctx.Err() == nil && !forever && time.Since(begun) > d.patience() {
			d.report.Warn("the site is live, but https://%s/ does not answer from here yet: %v", host, why)
			return nil
		}
		words := fmt.Sprintf("waiting until https://%s/ answers: %v", host, why)
		if took := time.Since(begun).Round(time.Second); took >= 10*time.Second {
			words += fmt.Sprintf(", %s so far", took)
		}
		d.report.Detail("%s", words)
		if err := d.pause(ctx, answerPace); err != nil {
			return fault.New(fault.Other, "make its DNS record, if you have not: "+host+" ALIAS (or CNAME) "+d.state.Outputs[template.OutputDistributionDomainName]+"; nothing else is left to do",
				"stopped waiting for https://%s/ (%w): %w", host, why, err)
		}
	}
}

func find(list []string, one string) (int, bool) {
	for i, s := range list {
		if s == one {
			return i, true
		}
	}
	return 0, false
}

// patience is how long a name may take that the tool has seen to: records spread within a minute, and resolvers keep an
// earlier answer for some more.
func (d *deployment) patience() time.Duration {
	if d.Opts.Patience != 0 {
		return d.Opts.Patience
	}
	return answerPatience
}

// sees returns nil if a host answers from CloudFront, and why it does not otherwise, with what DNS has to do with it.
func (d *deployment) sees(ctx context.Context, host string) error {
	client := http.Client{Timeout: 20 * time.Second}
	if d.Opts.HTTP != nil {
		client = *d.Opts.HTTP
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	addresses, err := d.Resolver().LookupHost(ctx, host)
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
