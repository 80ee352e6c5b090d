package scaffold

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
)

// Write carries the plan out. Each file is replaced as a whole, backups are made first, and the configuration comes last:
// without it the project counts as not initialised. A file that has changed since the plan was made is a fault.Usage.
func (p *Plan) Write() error {
	for _, f := range p.Files {
		if err := p.same(f); err != nil {
			return err
		}
	}
	for i := len(p.Files) - 1; i >= 0; i-- {
		f := p.Files[i]
		if f.Backup != "" {
			if err := p.replace(f.Backup, f.old); err != nil {
				return err
			}
		}
		if f.Status == Created || f.Status == Changed || f.Status == Converted {
			if err := p.replace(f.Path, f.text); err != nil {
				return err
			}
		}
	}
	return nil
}

// same returns an error unless the file is what it was when the plan was made.
func (p *Plan) same(f File) error {
	now, err := os.ReadFile(filepath.Join(p.Dir, filepath.FromSlash(f.Path)))
	if errors.Is(err, fs.ErrNotExist) && f.old == nil {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", f.Path, err)
	}
	if f.old == nil || !bytes.Equal(now, f.old) {
		return fault.New(fault.Usage, "run init again", "%s has changed in the meantime", f.Path)
	}
	return nil
}

// replace writes a file by renaming a complete one over it. A symbolic link stays one.
func (p *Plan) replace(path string, text []byte) error {
	path = filepath.Join(p.Dir, filepath.FromSlash(path))
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("make folder for %s: %w", path, err)
	}
	mode := fs.FileMode(0o644)
	if info, err := os.Stat(path); err == nil {
		mode = info.Mode().Perm()
	}
	temp, err := os.CreateTemp(filepath.Dir(path), ".init-*")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer os.Remove(temp.Name()) // gone already if all went well
	_, err = temp.Write(text)
	if err := errors.Join(err, temp.Close(), os.Chmod(temp.Name(), mode)); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := os.Rename(temp.Name(), path); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}
