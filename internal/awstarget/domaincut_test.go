package awstarget_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
)

// A deployment with a domain that is cut off at any place goes on when it is run again: with the same certificate, and to
// the same end.
func TestNamesCutOff(t *testing.T) {
	t.Parallel()
	for _, at := range []string{
		"looking for the hosted zones", "asking for a certificate", "making the record", "waiting for ACM", "leading beta", "spreading",
	} {
		t.Run(at, func(t *testing.T) {
			b := newBed(t, false)
			b.account.CompleteNew(1)
			b.opts.DNS = b.account.Resolver()
			exampleZone(b)
			b.account.Do(func() { b.account.CA.Hides, b.account.CA.Slow, b.account.Spread = 1, 40, 1 })
			b.names(beta)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			cut := &recorder{told: func(detail string) {
				if strings.Contains(detail, at) {
					cancel()
				}
			}}
			if _, err := b.hosting().Deploy(ctx, hosting.DeployOptions{}, cut); err == nil {
				t.Fatalf("it was not cut off:\n%s", cut)
			}
			r := &recorder{}
			deployed, err := b.deploy(r)
			if err != nil {
				t.Fatalf("%v\nfirst:\n%s\nsecond:\n%s", err, cut, r)
			}
			if deployed.URL != "https://beta.example.com/" {
				t.Errorf("the site is at %s", deployed.URL)
			}
			b.serves(deployed.URL, "<title>version one</title>")
			if n := len(b.account.Certificates()); n != 1 {
				t.Errorf("%d certificates", n)
			}
		})
	}
}
