package awstarget_test

import (
	"strings"
	"testing"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
)

// Two deployments of one site at once: the one that is overtaken says so, changes nothing, and goes on when it is run again.
func TestOvertaken(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		// at is the detail that is told before something else changes the stack.
		at    string
		fresh bool
	}{
		"before the plan":         {at: "working out what has to change"},
		"between plan and change": {at: "to change"},
		"before a first plan":     {at: "working out what has to change", fresh: true},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, false)
			connected(b)
			if !tc.fresh {
				b.phase1("git", "HostingBucket", "v1/index.html")
			}
			other := false
			r := &recorder{}
			r.told = func(detail string) {
				if other || !strings.Contains(detail, tc.at) {
					return
				}
				other = true
				if tc.fresh {
					b.phase1("git", "HostingBucket", "v1/index.html")
				} else {
					b.account.Busy(b.site.Name())
				}
			}
			_, err := b.deploy(r)
			if err == nil || !strings.Contains(err.Error(), "something else has changed the stack hello-fd3051c8 meanwhile: ") || !strings.Contains(fault.HintOf(err), "run deploy again") {
				t.Fatalf("%v\n%s\n%s", err, fault.HintOf(err), r)
			}
			if n := b.account.ChangeSets(b.site.Name()); n != 0 {
				t.Errorf("%d change sets are left", n)
			}
			b.account.CompleteAll()
			d, err := b.deploy(&recorder{})
			if err != nil {
				t.Fatal(err)
			}
			b.serves(d.URL, "<title>version one</title>")
		})
	}
}
