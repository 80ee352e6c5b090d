package template

import (
	"testing"

	files "github.com/cloudfront-hosting-toolkit/toolkit/internal/golden"
)

// golden compares got with a file of testdata.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	files.Check(t, name, string(got))
}
