package buildspec_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/buildspec"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
)

func TestReadEnvFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), ".env")
	read := func(text string) (map[string]string, error) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return buildspec.ReadEnvFile(file)
	}
	got, err := read("\ufeff# of the build\n\nA=1\r\nexport B = two words # said\nC=\"a\\nb \\\"c\\\" # no comment\" # one\nD='$HOME \\n'\nE=\nF=a#b\nG=`x`\nA=2\nH=\"\\\\n\"")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"A": "2", "B": "two words", "C": "a\nb \"c\" # no comment", "D": `$HOME \n`, "E": "", "F": "a#b", "G": "x", "H": `\n`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	for text, why := range map[string]string{
		"A=1\nsecret word":          ":2: this is no variable",
		"1A=secret":                 ":1: this is no variable",
		"A=\"secret":                ":1: A: the quotation mark is not closed",
		"A='secret' secret":         ":1: A: something follows",
		"CODEBUILD_BUILD_ID=secret": "the build's own",
	} {
		_, err := read(text)
		if fault.KindOf(err) != fault.Usage || !strings.Contains(err.Error(), why) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v, want %q", text, err, why)
		}
	}
	if _, err := buildspec.ReadEnvFile(t.TempDir()); fault.KindOf(err) != fault.Usage {
		t.Errorf("a folder: %v", err)
	}
	if _, err := buildspec.ReadEnvFile(file + "x"); fault.KindOf(err) != fault.Usage {
		t.Errorf("no file: %v", err)
	}
}
