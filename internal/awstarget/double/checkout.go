package double

import (
	"archive/tar"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

// checkOut writes the files of a commit into a folder.
func checkOut(ctx context.Context, repository, commit, dir string) error {
	cmd := exec.CommandContext(ctx, "git", "-C", repository, "archive", commit)
	pipe, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return err
	}
	files := tar.NewReader(pipe)
	for err == nil {
		var header *tar.Header
		if header, err = files.Next(); err == nil {
			err = unpack(files, header, filepath.Join(dir, filepath.FromSlash(header.Name)))
		}
	}
	if errors.Is(err, io.EOF) {
		_, err = io.Copy(io.Discard, pipe)
	}
	return errors.Join(err, cmd.Wait())
}

// unpack writes one entry of an archive, if it is a file or a link, as git knows no others.
func unpack(files *tar.Reader, header *tar.Header, name string) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	switch header.Typeflag {
	case tar.TypeSymlink:
		return os.Symlink(header.Linkname, name)
	case tar.TypeReg:
		f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, header.FileInfo().Mode().Perm())
		if err != nil {
			return err
		}
		_, err = io.Copy(f, files)
		return errors.Join(err, f.Close())
	}
	return nil
}
