//go:build unix

package publish_test

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
)

func TestScanRefusesSpecialFiles(t *testing.T) {
	tests := map[string]func(name string) error{
		"named pipe": func(name string) error { return syscall.Mkfifo(name, 0o644) },
		"socket": func(name string) error {
			l, err := net.Listen("unix", name)
			if err == nil {
				t.Cleanup(func() { _ = l.Close() })
			}
			return err
		},
	}
	for name, make := range tests {
		t.Run(name, func(t *testing.T) {
			// A socket's path must be short.
			dir, err := os.MkdirTemp("", "s")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = os.RemoveAll(dir) })
			if err := os.WriteFile(filepath.Join(dir, "index.html"), nil, 0o644); err != nil {
				t.Fatal(err)
			}
			if err := make(filepath.Join(dir, "special")); err != nil {
				t.Skip(err)
			}
			links(t, dir, "link->special")
			_, _, err = scanned(t, dir)
			if fault.KindOf(err) != fault.Usage || !strings.Contains(err.Error(), name) {
				t.Errorf("%v, want it to name the %s", err, name)
			}
		})
	}
}
