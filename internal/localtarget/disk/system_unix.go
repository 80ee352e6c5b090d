//go:build !windows

package disk

import (
	"errors"
	"io/fs"
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

// identify returns which file it is, and whether that has several names.
func identify(info fs.FileInfo) (id fileID, shared bool) {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return fileID{}, false
	}
	return fileID{uint64(s.Dev), uint64(s.Ino)}, s.Nlink > 1
}
