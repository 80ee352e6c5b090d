// Package certificate gets a site its certificate from AWS Certificate Manager: it finds one of the account that covers the
// site's names, or asks for one, tells which DNS records prove that the names are the user's, and waits until it is issued.
//
// A certificate that the tool asked for has the tag TagSite with the site's name; by it Owned finds it again, also after an
// interrupt, and nothing without it is ever deleted.
package certificate

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/acm"
	"github.com/aws/aws-sdk-go-v2/service/acm/types"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/pace"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/reason"
)

// Region is where CloudFront reads certificates from, wherever the site's stack is (CloudFront Developer Guide,
// "Requirements for using SSL/TLS certificates with CloudFront").
const Region = "us-east-1"

// DefaultPace is the time between two looks at a certificate that is being validated.
const DefaultPace = 5 * time.Second

// TagSite marks a certificate with the site that it was asked for. It is the tag of the site's stack, too.
const TagSite = "cloudfront-hosting-toolkit:site"

// Certificates are the certificates of one account in us-east-1, as one site uses them.
type Certificates struct {
	// API is a client of us-east-1: see Open.
	API *acm.Client
	// Site is the site's name, the value of TagSite.
	Site string
	// Pace is the time between two looks; DefaultPace if it is 0.
	Pace time.Duration
	// Now is the clock; time.Now if it is nil.
	Now func() time.Time
}

// Open returns the certificates of an account, in us-east-1 whatever the configuration's region is.
func Open(cfg aws.Config, site string) *Certificates {
	return &Certificates{API: acm.NewFromConfig(cfg, func(o *acm.Options) { o.Region = Region }), Site: site}
}

// Certificate is one certificate.
type Certificate struct {
	ARN string
	// Names are what it covers, in lower case; "*.example.com" covers one label. It has at least one.
	Names  []string
	Status types.CertificateStatus
	// Failure is ACM's reason if the status is FAILED.
	Failure types.FailureReason
	// Imported certificates are renewed by whoever imported them; ACM renews its own as long as the records stay.
	Imported bool
	// Own is true if the certificate has the tag of this site. Only Owned, Find and Request know; Get leaves it out.
	Own bool
	// Validations tell how each name is proven, in the order of Names; empty for an imported one.
	Validations []Validation
	// InUseBy are the ARNs of what uses it. ACM learns of a change some minutes later.
	InUseBy             []string
	CreatedAt, NotAfter time.Time
	// Renewal is how ACM's renewal of an issued certificate goes; empty as long as there is no need for one.
	Renewal types.RenewalStatus

	key types.KeyAlgorithm
}

// Validation is the proof that a name is the user's: a CNAME record in public DNS, which has to stay for renewals.
type Validation struct {
	Domain string
	Status types.DomainStatus
	// Name and Value are the record's, without the last dot. They are the same for every certificate that an account has for
	// the domain, in any region (ACM User Guide, "DNS validation").
	Name, Value string
}

// Issued reports whether the certificate can be used.
func (c Certificate) Issued() bool { return c.Status == types.CertificateStatusIssued }

// Pending reports whether ACM is waiting for the records.
func (c Certificate) Pending() bool { return c.Status == types.CertificateStatusPendingValidation }

// RenewalFails reports whether ACM tries to renew the certificate and does not find its records (ACM User Guide, "Managed
// certificate renewal").
func (c Certificate) RenewalFails() bool {
	return c.Renewal == types.RenewalStatusPendingValidation || c.Renewal == types.RenewalStatusFailed
}

// Covers reports whether viewers accept the certificate for every name.
func (c Certificate) Covers(names []string) bool {
	return !slices.ContainsFunc(names, func(name string) bool {
		return !slices.ContainsFunc(c.Names, func(pattern string) bool { return matches(pattern, name) })
	})
}

func matches(pattern, name string) bool {
	name = strings.ToLower(name)
	if pattern == name {
		return true
	}
	_, parent, ok := strings.Cut(name, ".")
	return ok && pattern == "*."+parent
}

// for reports whether the certificate is for exactly these names.
func (c Certificate) isFor(names []string) bool {
	return len(c.Names) == len(names) && c.Covers(names)
}

// served reports whether CloudFront serves with a kind of key: RSA of up to 4096 bits, and the P-256 curve (CloudFront
// Developer Guide, "Requirements for using SSL/TLS certificates with CloudFront").
func served(key types.KeyAlgorithm) bool {
	return key != types.KeyAlgorithmEcSecp384r1 && key != types.KeyAlgorithmEcSecp521r1
}

// Find returns the best certificate for the names: an issued one of the account that covers them all, the site's own before
// others, ACM's before imported ones, and among those the one that ends last; or else the site's own one for exactly these
// names that waits for validation. The second result is false if there is none.
func (c *Certificates) Find(ctx context.Context, names []string) (Certificate, bool, error) {
	all, err := c.list(ctx, types.CertificateStatusIssued, types.CertificateStatusPendingValidation)
	if err != nil {
		return Certificate{}, false, err
	}
	var fit []Certificate
	for _, one := range all {
		if served(one.key) && (one.Issued() && one.Covers(names) || one.Pending() && one.isFor(names)) {
			if one.Own, err = c.own(ctx, one.ARN); err != nil {
				return Certificate{}, false, err
			}
			if one.Issued() || one.Own {
				fit = append(fit, one)
			}
		}
	}
	if len(fit) == 0 {
		return Certificate{}, false, nil
	}
	best := slices.MinFunc(fit, func(a, b Certificate) int {
		return cmp.Or(first(a.Issued(), b.Issued()), first(a.Own, b.Own), first(!a.Imported, !b.Imported), b.NotAfter.Compare(a.NotAfter), cmp.Compare(a.ARN, b.ARN))
	})
	full, err := c.Get(ctx, best.ARN)
	full.Own = best.Own
	return full, err == nil, err
}

// first orders what is true before what is not.
func first(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}

// Owned returns the certificates that the tool asked for, for this site, whatever their status.
func (c *Certificates) Owned(ctx context.Context) ([]Certificate, error) {
	all, err := c.list(ctx)
	if err != nil {
		return nil, err
	}
	var owned []Certificate
	for _, one := range all {
		own, err := c.own(ctx, one.ARN)
		if err != nil {
			return nil, err
		}
		if !own || one.Imported {
			continue
		}
		full, err := c.Get(ctx, one.ARN)
		if err != nil {
			return nil, err
		}
		full.Own = true
		owned = append(owned, full)
	}
	return owned, nil
}

// list returns the certificates with one of the statuses, all of them without any, of every kind of key. Without Includes, ACM
// leaves out all but RSA keys of up to 2048 bits.
func (c *Certificates) list(ctx context.Context, statuses ...types.CertificateStatus) ([]Certificate, error) {
	var all []Certificate
	// Not the SDK's paginator: it takes the client as an interface, and the linker would then keep all of its operations.
	for in := (&acm.ListCertificatesInput{CertificateStatuses: statuses, Includes: &types.Filters{KeyTypes: types.KeyAlgorithm("").Values()}}); ; {
		page, err := c.API.ListCertificates(ctx, in)
		if err != nil {
			return nil, fmt.Errorf("list certificates in %s: %w", Region, reason.Of(err))
		}
		for _, s := range page.CertificateSummaryList {
			// Viewers do not trust a private authority, and what CloudFront manages is for its own tenants.
			if s.Type == types.CertificateTypePrivate || s.ManagedBy != "" {
				continue
			}
			one := newSummary(s)
			if aws.ToBool(s.HasAdditionalSubjectAlternativeNames) || len(s.SubjectAlternativeNameSummaries) == 0 {
				one, err = c.Get(ctx, one.ARN)
				if reason.Code(err) == "ResourceNotFoundException" {
					continue // deleted since
				}
				if err != nil {
					return nil, err
				}
			}
			all = append(all, one)
		}
		if in.NextToken = page.NextToken; in.NextToken == nil {
			return all, nil
		}
	}
}

func newSummary(s types.CertificateSummary) Certificate {
	return Certificate{
		ARN: aws.ToString(s.CertificateArn), Names: lower(append([]string{aws.ToString(s.DomainName)}, s.SubjectAlternativeNameSummaries...)),
		Status: s.Status, Imported: s.Type == types.CertificateTypeImported, CreatedAt: aws.ToTime(s.CreatedAt), NotAfter: aws.ToTime(s.NotAfter), key: s.KeyAlgorithm,
	}
}

// Get returns a certificate by its ARN, with everything but Own.
func (c *Certificates) Get(ctx context.Context, arn string) (Certificate, error) {
	out, err := c.API.DescribeCertificate(ctx, &acm.DescribeCertificateInput{CertificateArn: &arn})
	if err != nil {
		return Certificate{ARN: arn}, fmt.Errorf("look at certificate %s: %w", arn, reason.Of(err))
	}
	d := out.Certificate
	one := Certificate{
		ARN: arn, Names: lower(append([]string{aws.ToString(d.DomainName)}, d.SubjectAlternativeNames...)), Status: d.Status,
		Failure: d.FailureReason, Imported: d.Type == types.CertificateTypeImported, InUseBy: d.InUseBy,
		CreatedAt: aws.ToTime(d.CreatedAt), NotAfter: aws.ToTime(d.NotAfter), key: d.KeyAlgorithm,
	}
	if d.RenewalSummary != nil {
		one.Renewal = d.RenewalSummary.RenewalStatus
	}
	for _, v := range d.DomainValidationOptions {
		proof := Validation{Domain: strings.ToLower(aws.ToString(v.DomainName)), Status: v.ValidationStatus}
		if r := v.ResourceRecord; r != nil {
			proof.Name, proof.Value = bare(aws.ToString(r.Name)), bare(aws.ToString(r.Value))
		}
		one.Validations = append(one.Validations, proof)
	}
	return one, nil
}

// bare is a name without its last dot.
func bare(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) }

// lower returns the names in lower case, each once, without the empty one.
func lower(names []string) []string {
	var out []string
	for _, name := range names {
		if name = strings.ToLower(name); name != "" && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

// own reports whether a certificate has the tag of this site. One that may not be looked at, or is just gone, has not.
func (c *Certificates) own(ctx context.Context, arn string) (bool, error) {
	out, err := c.API.ListTagsForCertificate(ctx, &acm.ListTagsForCertificateInput{CertificateArn: &arn})
	switch code := reason.Code(err); {
	case code == "ResourceNotFoundException" || code == "AccessDeniedException":
		return false, nil
	case err != nil:
		return false, fmt.Errorf("read tags of certificate %s: %w", arn, reason.Of(err))
	}
	return slices.ContainsFunc(out.Tags, func(t types.Tag) bool {
		return aws.ToString(t.Key) == TagSite && aws.ToString(t.Value) == c.Site
	}), nil
}

func (c *Certificates) now() time.Time {
	if c.Now != nil {
		return c.Now()
	}
	return time.Now()
}

// pause waits until the next look. Its error is the context's cause.
func (c *Certificates) pause(ctx context.Context) error {
	return pace.Wait(ctx, cmp.Or(c.Pace, DefaultPace))
}
