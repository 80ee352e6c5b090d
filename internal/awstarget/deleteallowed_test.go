package awstarget_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/golden"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
)

// refusing has IAM tell that the caller may not do some actions.
func refusing(actions ...string) func(b *bed) {
	return func(b *bed) { b.account.Do(func() { b.account.Standing.Denied = actions }) }
}

// What IAM is known to refuse is not begun: no object goes, and no execution is stopped.
func TestRefusedDeletionTouchesNothing(t *testing.T) {
	b := newBed(t, false)
	b.phase1("git", "HostingBucket", "v1/index.html")
	refusing("cloudfront:DeleteDistribution")(b)
	before := operations(b.account)
	if _, err := b.hosting().Delete(t.Context(), hosting.DeleteOptions{}, &recorder{}); err == nil || !strings.Contains(fault.HintOf(err), "nothing was removed") {
		t.Errorf("error %v, hint %q", err, fault.HintOf(err))
	}
	if n := b.account.S3.Entries(b.bucket("HostingBucket")); n != 1 {
		t.Errorf("%d objects are left in the bucket, want 1", n)
	}
	for operation := range operations(b.account) {
		name := operation[strings.LastIndexByte(operation, ' ')+1:]
		if _, known := before[operation]; !known && !strings.HasPrefix(name, "Describe") && !strings.HasPrefix(name, "List") && !strings.HasPrefix(name, "Get") && name != "SimulatePrincipalPolicy" {
			t.Errorf("it made the request %s", operation)
		}
	}
}

// IAM is asked about the resources that the stack has, under the names by which policies know them.
func TestWhatADeletionIsAllowed(t *testing.T) {
	b := newBed(t, false)
	b.account.CompleteNew(1)
	if _, err := b.deploy(&recorder{}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.hosting().Doomed(t.Context(), hosting.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	b.account.Do(func() {
		slices.Sort(b.account.Standing.Asked)
		golden.Check(t, "delete-asked.txt", uuids.ReplaceAllString(strings.Join(b.account.Standing.Asked, "\n")+"\n", "ID"))
	})
}
