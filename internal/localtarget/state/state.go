// Package state is the local target's state folder: where everything lies, the deployed configuration of each site, and
// the lock of the one process that works on it. The folder is the interface between that process and every command:
// files are replaced atomically, never edited in place.
package state

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sort"

	"github.com/natefinch/atomic"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
)

// EnvDir is the environment variable that names the state folder.
const EnvDir = "CHT_STATE_DIR"

const folder = "cloudfront-hosting-toolkit"

// Resolve returns the state folder as an absolute path: the flag, else $CHT_STATE_DIR, else the folder for state of the
// platform ($XDG_STATE_HOME or ~/.local/state; %LocalAppData% on Windows). The folder need not exist.
func Resolve(flag string) (string, error) {
	dir := flag
	if dir == "" {
		dir = os.Getenv(EnvDir)
	}
	if dir == "" {
		base, err := stateHome()
		if err != nil {
			return "", err
		}
		dir = filepath.Join(base, folder)
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("find state folder %s: %w", dir, err)
	}
	return abs, nil
}

func stateHome() (string, error) {
	// The XDG specification says that a relative path in the variable is to be ignored.
	if x := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(x) {
		return x, nil
	}
	if runtime.GOOS == "windows" {
		if d, err := os.UserCacheDir(); err == nil {
			return d, nil
		}
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fault.New(fault.Usage, "give --state-dir DIR, or set "+EnvDir, "find the state folder: %w", err)
	}
	return filepath.Join(home, ".local", "state"), nil
}

// Default returns the state folder of another user of a Unix machine, whose home folder is given and whose environment is
// not known.
func Default(home string) string { return filepath.Join(home, ".local", "state", folder) }

// Dir is a state folder.
type Dir string

// Sites returns the folder that holds one folder for each site.
func (d Dir) Sites() string { return filepath.Join(string(d), "sites") }

// Site returns the folder of a site.
func (d Dir) Site(name string) Site { return Site(filepath.Join(d.Sites(), name)) }

// Trash returns the folder where deleted sites go before their files are removed.
func (d Dir) Trash() string { return filepath.Join(string(d), "trash") }

// Certificates returns the folder with the server's certificates and their keys.
func (d Dir) Certificates() string { return filepath.Join(string(d), "certificates") }

// AccessLog returns the file of the edge's access log.
func (d Dir) AccessLog() string { return filepath.Join(string(d), "access.log") }

// ServeLog returns the file with what a server in the background has to say.
func (d Dir) ServeLog() string { return filepath.Join(string(d), "serve.log") }

// Names returns the names of the sites that have a deployed configuration, sorted, also where that cannot be looked at: a site is
// gone when it is known to be. A state folder that does not exist has none.
func (d Dir) Names() ([]string, error) {
	entries, err := os.ReadDir(d.Sites())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list sites: %w", err)
	}
	var names []string
	for _, e := range entries {
		if _, err := os.Stat(d.Site(e.Name()).File()); err == nil || e.IsDir() && !errors.Is(err, fs.ErrNotExist) {
			names = append(names, e.Name())
		}
	}
	sort.Strings(names)
	return names, nil
}

// Create makes the state folder, readable by its user only: the configuration in it may hold the address of a private
// repository with its credentials.
func (d Dir) Create() error {
	if err := os.MkdirAll(d.Sites(), 0o700); err != nil {
		return fault.New(fault.Other, "give another folder with --state-dir", "create state folder: %w", err)
	}
	return nil
}

// WriteFile replaces a file atomically and durably: a reader, and the next start after a crash, sees the old content or
// the new one. The folder must exist.
func WriteFile(name string, data []byte) error {
	err := replace(name, data)
	if err == nil {
		return nil
	}
	var path *fs.PathError
	if errors.As(err, &path) {
		err = fmt.Errorf("write %s: %w", name, path.Err) // the name of the draft tells nobody anything
	}
	if diskFull(err) {
		return fault.New(fault.Other, "free some space, then run the command again; what is live stays live", "%w", err)
	}
	return err
}

func replace(name string, data []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(name), ".new-"+filepath.Base(name)+"-")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name())
		}
	}()
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	if err := atomic.ReplaceFile(f.Name(), name); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

// Discard removes a site's folder: it is moved away as a whole first, so that half a site is never seen, and what an
// earlier call left behind goes too.
func (d Dir) Discard(s Site) error {
	if err := os.MkdirAll(d.Trash(), 0o700); err != nil {
		return fmt.Errorf("delete site %s: %w", s.Name(), err)
	}
	to, err := os.MkdirTemp(d.Trash(), "site-")
	if err != nil {
		return fmt.Errorf("delete site %s: %w", s.Name(), err)
	}
	if err := os.Rename(string(s), filepath.Join(to, s.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("delete site %s: %w", s.Name(), err)
	}
	_ = filepath.WalkDir(d.Trash(), func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.IsDir() {
			_ = os.Chmod(path, 0o700) // builds make folders of their caches read-only; what cannot be changed shows up below
		}
		return nil
	})
	if err := os.RemoveAll(d.Trash()); err != nil {
		return fmt.Errorf("delete site %s: %w", s.Name(), err)
	}
	return nil
}
