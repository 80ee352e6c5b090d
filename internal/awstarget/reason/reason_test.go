package reason_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/aws/smithy-go"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/reason"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
)

func TestOf(t *testing.T) {
	api := func(code, message string) error {
		return fmt.Errorf("operation error X: %w", &smithy.GenericAPIError{Code: code, Message: message})
	}
	tests := map[string]struct {
		err error
		// sentence and hint must be in the error's text and in its hint.
		sentence, hint string
	}{
		"throttling":         {api("Throttling", "Rate exceeded"), "AWS asks for fewer requests", "wait a minute"},
		"too many requests":  {api("TooManyRequestsException", "x"), "AWS asks for fewer requests", "wait a minute"},
		"a quota by code":    {api("TooManyDistributions", "x"), "a quota of the account", "Service Quotas"},
		"a quota by message": {api("InvalidRequest", "You have reached the maximum number of functions"), "a quota of the account", "Service Quotas"},
		"builds at once":     {api("AccountLimitExceededException", "Cannot have more than 1 builds in queue for the account"), "builds that run at once", "Concurrently running builds"},
		"not allowed":        {api("AccessDenied", "User is not authorized to perform: s3:CreateBucket"), "do not allow this", "docs/aws-permissions.md"},
		"new account":        {api("OptInRequired", "x"), "not ready for this service", "verified"},
		"internal":           {api("InternalFailure", "x"), "an error of its own", "again"},
		"anything else":      {api("Odd", "what it says"), "what it says", ""},
		"not of AWS":         {io.EOF, "EOF", ""},
		"with a hint":        {fault.New(fault.Other, "do this", "x: %w", api("Throttling", "y")), "x", "do this"},
		"cancelled":          {context.Canceled, "context canceled", ""},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			got := reason.Of(tc.err)
			if !strings.Contains(got.Error(), tc.sentence) || !strings.Contains(fault.HintOf(got), tc.hint) || (tc.hint == "") != (fault.HintOf(got) == "") {
				t.Errorf("%q, hint %q", got, fault.HintOf(got))
			}
			if strings.Contains(got.Error(), "operation error X") && tc.sentence != "x" {
				t.Errorf("the SDK's own words are in %q", got)
			}
			if !errors.Is(got, tc.err) && name != "with a hint" && !errors.Is(errors.Unwrap(got), tc.err) {
				var one smithy.APIError
				if errors.As(tc.err, &one) && !errors.As(got, &one) {
					t.Errorf("the cause is lost in %v", got)
				}
			}
			if twice := reason.Of(got); twice.Error() != got.Error() {
				t.Errorf("applied twice it says %q", twice)
			}
		})
	}
	if reason.Of(nil) != nil {
		t.Error("nil becomes an error")
	}
}
