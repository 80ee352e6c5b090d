package buildspec

import (
	"os"

	"golang.org/x/sys/unix"
)

// clone makes out share in's data blocks until one of them is written to, where the file system can do that.
func clone(out, in *os.File) bool { return unix.IoctlFileClone(int(out.Fd()), int(in.Fd())) == nil }
