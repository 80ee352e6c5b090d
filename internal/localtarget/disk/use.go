package disk

import (
	"io/fs"
	"path/filepath"
)

// Use returns how many bytes the files below a folder take. A file with several names, as the releases of a site share them,
// counts once, where the system tells. What comes and goes meanwhile may or may not count.
func Use(dir string) (bytes int64) {
	seen := map[fileID]bool{}
	_ = filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return nil // what cannot be looked at does not count
		}
		info, err := e.Info()
		if err != nil {
			return nil
		}
		if id, shared := identify(info); shared {
			if seen[id] {
				return nil
			}
			seen[id] = true
		}
		bytes += info.Size()
		return nil
	})
	return bytes
}

// fileID tells files apart: the device and the number on it.
type fileID struct{ device, number uint64 }
