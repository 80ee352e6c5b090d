package certificate

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/acm"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/reason"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
)

// ErrInUse is in the error of Delete for a certificate that something still uses, or used until some minutes ago.
var ErrInUse = errors.New("it is in use")

// Delete removes a certificate that has the tag of this site. One that is gone already is no error; one that has not the tag is.
func (c *Certificates) Delete(ctx context.Context, arn string) error {
	own, err := c.own(ctx, arn)
	if err != nil {
		return err
	}
	if !own {
		if _, err := c.Get(ctx, arn); reason.Code(err) == "ResourceNotFoundException" {
			return nil
		}
		return fault.New(fault.Other, "delete it by hand if nothing needs it: "+Console(arn), "the certificate %s was not asked for by this site: it is left alone", arn)
	}
	_, err = c.API.DeleteCertificate(ctx, &acm.DeleteCertificateInput{CertificateArn: &arn})
	switch reason.Code(err) {
	case "ResourceNotFoundException":
		return nil
	case "ResourceInUseException":
		return fault.New(fault.Other, "wait some minutes: ACM learns late that a distribution is gone", "delete certificate %s: %w: %s", arn, ErrInUse, reason.Message(err))
	}
	if err != nil {
		return fmt.Errorf("delete certificate %s: %w", arn, reason.Of(err))
	}
	return nil
}

// Exclusive returns those of a certificate's validation records that no other certificate needs for its renewal. An account's
// certificates for a domain share one record in every region; elsewhere are the other regions that may have some: us-east-1
// is always looked at.
func (c *Certificates) Exclusive(ctx context.Context, one Certificate, elsewhere ...aws.Config) ([]Validation, error) {
	needed := map[string]bool{}
	note := func(of *Certificates) error {
		all, err := of.list(ctx)
		if err != nil {
			return err
		}
		for _, other := range all {
			if other.ARN == one.ARN || other.Imported || !slices.ContainsFunc(other.Names, one.shares) {
				continue
			}
			if other, err = of.Get(ctx, other.ARN); err != nil {
				return err
			}
			for _, v := range other.Validations {
				needed[v.Name] = true
			}
		}
		return nil
	}
	if err := note(c); err != nil {
		return nil, err
	}
	for _, cfg := range elsewhere {
		if cfg.Region == Region {
			continue
		}
		if err := note(&Certificates{API: acm.NewFromConfig(cfg), Site: c.Site}); err != nil {
			return nil, err
		}
	}
	var mine []Validation
	for _, v := range one.Validations {
		if v.Name != "" && !needed[v.Name] && !slices.ContainsFunc(mine, func(m Validation) bool { return m.Name == v.Name }) {
			mine = append(mine, v)
		}
	}
	return mine, nil
}

// shares reports whether a name may have a validation record in common with the certificate: a wildcard has its parent's.
func (c Certificate) shares(name string) bool {
	return slices.ContainsFunc(c.Names, func(own string) bool { return unstarred(own) == unstarred(name) })
}

func unstarred(name string) string {
	if len(name) > 2 && name[:2] == "*." {
		return name[2:]
	}
	return name
}
