//go:build !windows

package disk

import (
	"errors"
	"os"
	"syscall"
)

// notAFolder reports whether an error says that a part of a path is a file.
func notAFolder(err error) bool { return errors.Is(err, syscall.ENOTDIR) }

// checkSystemKey accepts every key: any of them can be a file name.
func checkSystemKey(string) error { return nil }

// syncFolder makes the names in a folder durable.
func syncFolder(root *os.Root, dir string) error {
	d, err := root.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
