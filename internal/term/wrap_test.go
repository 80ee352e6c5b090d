package term_test

import (
	"testing"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/term"
)

func TestWrap(t *testing.T) {
	tests := map[string]struct {
		text  string
		width int
		want  string
	}{
		"at spaces":                         {"Zip files stay here", 10, "Zip files\nstay here"},
		"not in a flag":                     {"unless --uploads is given", 10, "unless\n--uploads\nis given"},
		"not in a name":                     {"into cloudfront-hosting-toolkit/", 31, "into\ncloudfront-hosting-toolkit/"},
		"in a word that is wider than all":  {"cloudfront-hosting-toolkit", 20, "cloudfront-hosting-\ntoolkit"},
		"with the line breaks that it has":  {"one\n\ntwo", 20, "one\n\ntwo"},
		"with escape sequences of no width": {"\x1b[1mno-wait\x1b[m is it", 10, "\x1b[1mno-wait\x1b[m is\nit"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if got := term.Wrap(tc.text, tc.width); got != tc.want {
				t.Errorf("Wrap(%q, %d) = %q, want %q", tc.text, tc.width, got, tc.want)
			}
		})
	}
}
