package detect_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/detect"
)

// A framework that was named needs no evidence, so that nothing of it may be there; what is said of it is said whole.
func TestAFrameworkThatWasNamed(t *testing.T) {
	empty, bare := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(bare, "package.json"), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, f := range detect.Frameworks() {
		t.Run(f.Key, func(t *testing.T) {
			if _, err := detect.Project(t.Context(), bare, f.Key); err != nil {
				t.Errorf("with an empty package.json: %v", err)
			}
			found, err := detect.Project(t.Context(), empty, f.Key)
			if err != nil {
				t.Fatal(err)
			}
			if found.Framework != f.Key || !detect.Known(f.Key) {
				t.Errorf("framework %q", found.Framework)
			}
			for _, text := range append(found.Evidence, found.Warnings...) {
				if text == "" || text != strings.TrimSpace(text) || strings.Contains(text, "  ") {
					t.Errorf("it says %q", text)
				}
			}
		})
	}
	if detect.Known("nosuch") || detect.Known("") {
		t.Error("a framework that nobody knows is known")
	}
}
