package certificate

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/acm"
	"github.com/aws/aws-sdk-go-v2/service/acm/types"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/reason"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
)

const (
	// maxCommonName is the length of a certificate's first name (RFC 5280; ACM API Reference, RequestCertificate).
	maxCommonName = 64
	// looksForNew is how often a new certificate is looked for. ACM shows it, and its records, after some seconds.
	looksForNew = 24
	// requests is how often one is asked for if ACM never shows what it promised: within an hour it answers the same request
	// with the same certificate, perhaps with one that was deleted meanwhile.
	requests = 2
)

// Request asks ACM for a certificate for the names and returns it as soon as ACM tells which records prove them. Asking again
// for the same names within an hour gives the same certificate; a failed one of the site does not stand in the way.
func (c *Certificates) Request(ctx context.Context, names []string) (Certificate, error) {
	failed, err := c.failedBefore(ctx, names)
	if err != nil {
		return Certificate{}, err
	}
	in, err := c.request(names)
	if err != nil {
		return Certificate{}, err
	}
	for attempt := range requests {
		in.IdempotencyToken = aws.String(c.token(names, failed, attempt))
		out, err := c.API.RequestCertificate(ctx, in)
		if err != nil {
			return Certificate{}, fmt.Errorf("ask for a certificate for %s: %w", strings.Join(names, ", "), refused(err))
		}
		one, found, err := c.awaitRecords(ctx, aws.ToString(out.CertificateArn))
		if err != nil || found {
			one.Own = true
			return one, err
		}
	}
	return Certificate{}, fault.New(fault.Other, "wait a minute, then run deploy again: it goes on with the same certificate",
		"ACM does not tell yet how to validate the certificate for %s", strings.Join(names, ", "))
}

// request is the request, with the first name that may be a certificate's first.
func (c *Certificates) request(names []string) (*acm.RequestCertificateInput, error) {
	i := slices.IndexFunc(names, func(name string) bool { return len(name) <= maxCommonName })
	if i < 0 {
		return nil, fault.New(fault.Usage, "add a shorter name to the site, like the domain's own",
			"a certificate needs one name of at most %d characters, and %s has more", maxCommonName, names[0])
	}
	in := &acm.RequestCertificateInput{
		DomainName: &names[i], ValidationMethod: types.ValidationMethodDns, KeyAlgorithm: types.KeyAlgorithmRsa2048,
		Tags: []types.Tag{{Key: aws.String(TagSite), Value: &c.Site}},
	}
	if others := slices.Delete(slices.Clone(names), i, i+1); len(others) > 0 {
		in.SubjectAlternativeNames = others
	}
	return in, nil
}

// refused explains the one quota that a site can meet by itself.
func refused(err error) error {
	if reason.Code(err) == "LimitExceededException" && strings.Contains(reason.Message(err), "domain names") {
		return fault.New(fault.Other, `ask for more under Service Quotas > AWS Certificate Manager (Domain names per ACM certificate) in us-east-1, or set "wwwPartner": "none"; then run deploy again`,
			"a certificate of this account may not have so many names: %s", reason.Message(err))
	}
	return reason.Of(err)
}

// failedBefore are the ARNs of the site's certificates for these names that came to nothing: a new request must not get one of
// them again.
func (c *Certificates) failedBefore(ctx context.Context, names []string) ([]string, error) {
	failed, err := c.Failed(ctx, names)
	var arns []string
	for _, one := range failed {
		arns = append(arns, one.ARN)
	}
	slices.Sort(arns)
	return arns, err
}

// token makes ACM take a request that was sent twice for one (ACM API Reference, RequestCertificate: at most 32 letters and
// digits, for an hour).
func (c *Certificates) token(names, failed []string, attempt int) string {
	sorted := slices.Sorted(slices.Values(names))
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %q %q %d", c.Site, sorted, failed, attempt))
	return hex.EncodeToString(sum[:16])
}

// awaitRecords looks at a new certificate until it tells a record for each name, or has come to nothing. found is false if
// ACM does not show it.
func (c *Certificates) awaitRecords(ctx context.Context, arn string) (one Certificate, found bool, err error) {
	for range looksForNew {
		one, err = c.Get(ctx, arn)
		switch {
		case err != nil && reason.Code(err) != "ResourceNotFoundException":
			return one, false, err
		case err == nil && (one.recorded() || Problem(one) != nil):
			return one, true, nil
		}
		if err := c.pause(ctx); err != nil {
			return one, false, fault.New(fault.Other, "run deploy again: it goes on with the same certificate", "stopped waiting for ACM: %w", err)
		}
	}
	return one, false, nil
}

// recorded reports whether the record of each name is known.
func (c Certificate) recorded() bool {
	known := 0
	for _, v := range c.Validations {
		if v.Name != "" {
			known++
		}
	}
	return known >= len(c.Names)
}
