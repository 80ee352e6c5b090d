package golden

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// told is a test that keeps what it is told, and goes on.
type told struct {
	testing.TB
	failures []string
}

func (*told) Helper() {}

func (f *told) Errorf(format string, args ...any) {
	f.failures = append(f.failures, fmt.Sprintf(format, args...))
}

func (f *told) Fatalf(format string, args ...any) { f.Errorf(format, args...) }

func TestCheck(t *testing.T) {
	home = t.TempDir()
	t.Cleanup(func() { home, _ = os.Getwd() })
	file := filepath.Join(home, "testdata", "deep", "text.txt")

	f := &told{TB: t}
	if Check(f, "deep/text.txt", "one\n"); len(f.failures) == 0 || !strings.Contains(f.failures[0], "-update") {
		t.Errorf("without a file: %q", f.failures)
	}
	*update = true
	Check(t, "deep/text.txt", "one\n")
	*update = false
	Check(t, "deep/text.txt", "one\n")
	if err := os.WriteFile(file, []byte("one\r\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	Check(t, "deep/text.txt", "one\n")

	f = &told{TB: t}
	if Check(f, "deep/text.txt", "two\n"); len(f.failures) != 1 || !strings.Contains(f.failures[0], "testdata/deep/text.txt differs") {
		t.Errorf("another text: %q", f.failures)
	}
}
