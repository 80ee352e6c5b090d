//go:build unix

package systemd

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestJournal(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "journal"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var s syscall.Stat_t
	if err := syscall.Fstat(int(f.Fd()), &s); err != nil {
		t.Fatal(err)
	}
	here := fmt.Sprintf("%d:%d", s.Dev, s.Ino)
	for name, tc := range map[string]struct {
		stream string
		want   bool
	}{
		"no journal":                {"", false},
		"this file":                 {here, true},
		"another, redirected since": {here + "1", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("JOURNAL_STREAM", tc.stream)
			if got := Journal(f); got != tc.want {
				t.Errorf("%v, want %v", got, tc.want)
			}
		})
	}
}
