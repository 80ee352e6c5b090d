package pointer_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/pointer"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/publish"
)

// Contents is all of a store, however many pages that are, at one moment.
func TestContents(t *testing.T) {
	s := serve(t)
	arn := s.arn()
	p := pointer.Open(s.config, arn)
	_, version, err := p.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Swap(t.Context(), version, publish.Live{Release: "one"}); err != nil {
		t.Fatal(err)
	}
	for n := range 120 {
		s.Set(arn, fmt.Sprintf("key%d", n), "value")
	}
	got, err := p.Contents(t.Context())
	if err != nil || got.Values[publish.PathKey] != "one" || len(got.Values) < 121 || got.Updated.IsZero() || got.Created.IsZero() {
		t.Errorf("%+v, %v", got, err)
	}
	s.Fault = func(operation string) string {
		if operation == "ListKeys" {
			return "AccessDeniedException"
		}
		return ""
	}
	if _, err := p.Contents(t.Context()); err == nil || strings.Contains(fault.HintOf(err), "UpdateKeys") || !strings.Contains(fault.HintOf(err), "ListKeys") {
		t.Errorf("without the permission: %v (%s)", err, fault.HintOf(err))
	}
}
