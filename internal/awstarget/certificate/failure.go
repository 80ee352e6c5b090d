package certificate

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/acm/types"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
)

// why is what a reason of ACM means, and the way out.
type why struct{ sentence, hint string }

// failures are ACM's reasons (ACM User Guide, "Certificate request fails"). What begins with PCA and SLR is about private
// authorities, which no certificate here is from.
var failures = map[types.FailureReason]why{
	types.FailureReasonCaaError: {
		"a CAA record of the domain does not let Amazon issue certificates",
		"add a CAA record to the domain (or to the name itself) with the value: 0 issue \"amazon.com\", or remove the CAA records",
	},
	types.FailureReasonAdditionalVerificationRequired: {
		"ACM wants to verify the domain further; it does so with names that are often misused",
		"write to AWS Support (Account and billing > AWS Certificate Manager) and ask for the domain to be verified",
	},
	types.FailureReasonDomainNotAllowed: {
		"the domain is on a list of unsafe sites, or AWS does not issue certificates for it",
		"look it up at https://transparencyreport.google.com/safe-browsing/search, have it taken off, or write to AWS Support; AWS's own names, like those of CloudFront, are never allowed",
	},
	types.FailureReasonInvalidPublicDomain: {
		"one of the names does not end in a public top-level domain",
		"correct domainName: a certificate can only be had for a name that is registered in public DNS",
	},
	types.FailureReasonDomainValidationDenied: {
		"the validation of one of the names was denied",
		"ask whoever looks after the domain, or give another name",
	},
	types.FailureReasonNoAvailableContacts: {
		"ACM found nobody to ask by e-mail for one of the names",
		"run deploy again: the tool asks for a validation by DNS, which needs nobody's answer",
	},
	types.FailureReasonOther: {
		"ACM does not say why; most often a name is misspelt",
		"check the spelling of the names, then run deploy again; if it stays so, write to AWS Support",
	},
}

// again is the end of every way out: a request that has failed stays so.
const again = "then run deploy again: it asks for a new certificate, and removes this one"

// Problem says why a certificate that is not issued and is not being validated came to nothing, as an error with the way out.
// It is nil for one that is issued or pending.
func Problem(one Certificate) error {
	names := strings.Join(one.Names, ", ")
	switch one.Status {
	case types.CertificateStatusIssued, types.CertificateStatusPendingValidation:
		return nil
	case types.CertificateStatusFailed:
		w, ok := failures[one.Failure]
		if !ok {
			w = why{"ACM could not issue it", "look at it in the console: " + Console(one.ARN)}
		}
		if culprits := one.failedNames(); culprits != "" {
			names = culprits
		}
		hint := w.hint
		if !strings.Contains(hint, "run deploy again") {
			hint += "\n" + again
		}
		return fault.New(fault.Other, hint, "the certificate for %s failed: %s (%s)", names, w.sentence, one.Failure)
	case types.CertificateStatusValidationTimedOut:
		if missing := one.unproven(); missing != "" {
			names = missing
		}
		return fault.New(fault.Other, "make sure that public DNS shows the CNAME records that deploy prints, "+again,
			"the certificate timed out: ACM did not find the records for %s within 72 hours (VALIDATION_TIMED_OUT)", names)
	}
	return fault.New(fault.Other, "look at it in the console: "+Console(one.ARN)+"\n"+again, "the certificate for %s cannot be used: it is %s", names, one.Status)
}

// failedNames are the names whose validation has failed.
func (c Certificate) failedNames() string { return c.withStatus(types.DomainStatusFailed) }

// unproven are the names for which ACM found no record.
func (c Certificate) unproven() string {
	return c.withStatus(types.DomainStatusPendingValidation, types.DomainStatusFailed)
}

func (c Certificate) withStatus(statuses ...types.DomainStatus) string {
	var names []string
	for _, v := range c.Validations {
		for _, s := range statuses {
			if v.Status == s {
				names = append(names, v.Domain)
			}
		}
	}
	return strings.Join(names, ", ")
}

// Console is the address of the certificate's page in AWS's console.
func Console(arn string) string {
	_, id, _ := strings.Cut(arn, ":certificate/")
	return "https://" + Region + ".console.aws.amazon.com/acm/home?region=" + Region + "#/certificates/" + id
}

// Failed returns the site's own certificates for exactly these names that came to nothing, or cannot be used any more.
func (c *Certificates) Failed(ctx context.Context, names []string) ([]Certificate, error) {
	all, err := c.list(ctx, types.CertificateStatusFailed, types.CertificateStatusValidationTimedOut, types.CertificateStatusExpired,
		types.CertificateStatusRevoked, types.CertificateStatusInactive)
	if err != nil {
		return nil, err
	}
	var failed []Certificate
	for _, one := range all {
		if !one.isFor(names) {
			continue
		}
		own, err := c.own(ctx, one.ARN)
		if err != nil {
			return nil, err
		}
		if !own {
			continue
		}
		if one, err = c.Get(ctx, one.ARN); err != nil {
			return nil, err
		}
		one.Own = true
		failed = append(failed, one)
	}
	return failed, nil
}
