package awstarget_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/double"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
)

// Ctrl-C, and credentials that end, leave no change set behind that somebody could carry out by mistake later.
func TestPlanCutOff(t *testing.T) {
	t.Parallel()
	deploy := func(ctx context.Context, b *bed, r *recorder) error {
		_, err := b.hosting().Deploy(ctx, hosting.DeployOptions{}, r)
		return err
	}
	look := func(ctx context.Context, b *bed, r *recorder) error {
		_, err := b.hosting().Preview(ctx, r)
		return err
	}
	tests := map[string]struct {
		act       func(context.Context, *bed, *recorder) error
		operation string
		// ended says that the credentials end there; otherwise it is cut off.
		ended bool
		says  string
	}{
		"while it is asked for":           {deploy, "CreateChangeSet", false, "stopped planning the change of stack hello-fd3051c8: context canceled"},
		"while it is worked out":          {deploy, "DescribeChangeSet", false, "stopped planning the change of stack hello-fd3051c8: context canceled"},
		"while a preview asks for it":     {look, "CreateChangeSet", false, "stopped planning"},
		"while a preview waits for it":    {look, "DescribeChangeSet", false, "stopped planning"},
		"when the credentials end":        {deploy, "DescribeChangeSet", true, "expired"},
		"between the plan and its change": {deploy, "DescribeStackEvents", false, "stopped "},
		"when credentials end in between": {deploy, "DescribeStackEvents", true, "expired"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, false)
			connected(b)
			b.account.Do(func() { b.account.Quick = true })
			b.phase1("git", "HostingBucket", "v1/index.html")
			b.changeFunction()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			b.account.Do(func() {
				b.account.Quick = false
				b.account.Fault = func(_, operation string) *double.Fault {
					if operation != tc.operation {
						return nil
					}
					if tc.ended {
						return &double.Fault{Status: 403, Code: "ExpiredToken", Message: "The security token included in the request is expired"}
					}
					cancel()
					return nil
				}
			})
			r := &recorder{}
			err := tc.act(ctx, b, r)
			if err == nil || !strings.Contains(err.Error(), tc.says) || fault.HintOf(err) == "" {
				t.Errorf("%v\n%s", err, fault.HintOf(err))
			}
			if n := b.account.ChangeSets(b.site.Name()); n != 0 {
				t.Errorf("%d change sets are left", n)
			}
		})
	}
}
