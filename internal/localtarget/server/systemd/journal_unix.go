//go:build unix

package systemd

import (
	"fmt"
	"os"
	"syscall"
)

// Journal reports whether what is written to f goes to systemd's journal (systemd.exec(5), JOURNAL_STREAM), which knows the time of
// each line by itself, and its priority if the line begins with one (sd-daemon(3)).
func Journal(f *os.File) bool {
	info, err := f.Stat()
	if err != nil {
		return false
	}
	s, ok := info.Sys().(*syscall.Stat_t)
	return ok && os.Getenv("JOURNAL_STREAM") == fmt.Sprintf("%d:%d", s.Dev, s.Ino)
}
