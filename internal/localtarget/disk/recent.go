package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

func (k *KV) recent() string { return filepath.Join(k.dir, k.sibling(".recent")) }

// retired writes down that a release has been live until now. It is not synced: a power cut ends copies too.
func (k *KV) retired(release string) error {
	if release == "" || release == "." || !filepath.IsLocal(release) || filepath.Base(release) != release {
		return nil // written by hand
	}
	if err := os.MkdirAll(k.recent(), 0o755); err != nil {
		return err
	}
	name := filepath.Join(k.recent(), release)
	f, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	now := time.Now()
	return errors.Join(f.Close(), os.Chtimes(name, now, now))
}

// LiveSince returns the releases that have been live at any time since then and are not any more. It forgets all others.
func (k *KV) LiveSince(then time.Time) ([]string, error) {
	entries, err := os.ReadDir(k.recent())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read which releases were live: %w", err)
	}
	var releases []string
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			continue // another process has forgotten it
		}
		if info.ModTime().Before(then) {
			_ = os.Remove(filepath.Join(k.recent(), e.Name())) // it is seen again next time
			continue
		}
		releases = append(releases, e.Name())
	}
	return releases, nil
}
