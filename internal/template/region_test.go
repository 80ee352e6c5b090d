package template_test

import (
	"testing"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/template"
)

func TestLambdaCompute(t *testing.T) {
	for region, want := range map[string]bool{"us-east-1": true, "eu-west-1": true, "eu-west-2": false, "xx-new-1": false} {
		if template.LambdaCompute(region) != want {
			t.Errorf("%s: want %v", region, want)
		}
	}
}
