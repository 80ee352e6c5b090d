package certificate

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/acm/types"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
)

// Await waits until a certificate is issued. told, if it is not nil, is called with what is being waited for at each look. The
// wait ends with Problem's error when ACM gives the request up; it can be interrupted, since ACM goes on by itself, for 72
// hours (ACM User Guide, "DNS validation").
func (c *Certificates) Await(ctx context.Context, one Certificate, told func(words string)) (Certificate, error) {
	begun, own := c.now(), one.Own
	for {
		now, err := c.Get(ctx, one.ARN)
		switch {
		case ctx.Err() != nil:
			return one, c.cutOff(ctx, one)
		case err != nil:
			return one, err
		}
		one, one.Own = now, own
		if one.Issued() {
			return one, nil
		}
		if err := Problem(one); err != nil {
			return one, err
		}
		if told != nil {
			told(one.Waiting(c.now().Sub(begun)))
		}
		if c.pause(ctx) != nil {
			return one, c.cutOff(ctx, one)
		}
	}
}

func (c *Certificates) cutOff(ctx context.Context, one Certificate) error {
	return fault.New(fault.Other, "ACM goes on by itself: run deploy again and it continues from here",
		"stopped waiting for the certificate for %s: %w", strings.Join(one.Names, ", "), context.Cause(ctx))
}

// Waiting says which names are validated, and how long it has taken.
func (c Certificate) Waiting(took time.Duration) string {
	done := c.withStatus(types.DomainStatusSuccess)
	open := c.withStatus(types.DomainStatusPendingValidation)
	words := "waiting for ACM to validate " + open
	switch {
	case open == "":
		words = "every name is validated; waiting for ACM to issue the certificate"
	case done != "":
		words += " (" + done + " is validated)"
	}
	if took = took.Round(time.Second); took >= 10*time.Second {
		words += fmt.Sprintf(", %s so far", took)
	}
	return words
}
