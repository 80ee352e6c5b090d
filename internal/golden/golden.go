// Package golden compares what a test makes with a file of testdata that people have read, and writes that file anew when tests run
// with -update (make update). Tests alone import it.
package golden

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew, to be read in the diff")

// home is the package's folder, in which every test binary starts: a test may have changed into another one.
var home, _ = os.Getwd()

// Updating reports whether golden files are to be written anew. It is for goldens of a form of their own; Check asks by itself.
func Updating() bool { return *update }

// Check compares text with a file below the package's testdata, and fails the test with the difference. Line ends that git has
// made for Windows are taken for the ones that were committed.
func Check(t testing.TB, name, text string) {
	t.Helper()
	file := filepath.Join(home, "testdata", filepath.FromSlash(name))
	if *update {
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v: go test -update writes it", err)
	}
	if diff := cmp.Diff(strings.ReplaceAll(string(want), "\r\n", "\n"), text); diff != "" {
		t.Errorf("testdata/%s differs (-want +got); go test -update writes it:\n%s", name, diff)
	}
}
