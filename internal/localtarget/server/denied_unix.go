//go:build unix

package server

import (
	"errors"
	"syscall"
)

// notPermitted reports whether an address is one for more than ordinary users.
func notPermitted(err error) bool {
	return errors.Is(err, syscall.EACCES) || errors.Is(err, syscall.EPERM)
}
