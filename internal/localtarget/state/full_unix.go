//go:build unix

package state

import (
	"errors"
	"syscall"
)

// diskFull reports whether an error says that there is no space left.
func diskFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}
