package state

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// On a full disk serve.json is written in the space that it has.
func TestOverwrite(t *testing.T) {
	for name, tc := range map[string]struct{ before, after string }{
		"shorter": {strings.Repeat("x", 200), "{}\n"},
		"longer":  {"{}", `{"pid": 1}` + "\n"},
		"damaged": {"", "{}\n"},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "serve.json")
			if err := os.WriteFile(file, []byte(tc.before), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := overwrite(file, []byte(tc.after)); err != nil {
				t.Fatal(err)
			}
			if got, err := os.ReadFile(file); err != nil || string(got) != tc.after {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
	none := filepath.Join(t.TempDir(), "serve.json")
	if err := overwrite(none, []byte("{}")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("without a file: %v", err)
	}
	if _, err := os.Stat(none); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file was made: %v", err)
	}
}
