package fault_test

import (
	"testing"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
)

func TestNearest(t *testing.T) {
	words := []string{"repoUrl", "branchName", "target", "s3path"}
	for in, want := range map[string]string{"repourl": "repoUrl", "branch": "branchName", "brnachName": "branchName", "traget": "target", "x": "", "s3Pth": "s3path"} {
		if got := fault.Nearest(in, words); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", in, got, want)
		}
	}
}
