package hosting_test

import (
	"testing"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
)

func TestNumbersAndNouns(t *testing.T) {
	for n, want := range map[int]string{0: "0 files", 1: "1 file", 2: "2 files", 999: "999 files", 1000: "1,000 files", 1234567: "1,234,567 files"} {
		if got := hosting.Count(n, "file"); got != want {
			t.Errorf("Count(%d): %q, want %q", n, got, want)
		}
		if got := hosting.Number(n); got+" file" != want && got+" files" != want {
			t.Errorf("Number(%d): %q is not as in %q", n, got, want)
		}
	}
}
