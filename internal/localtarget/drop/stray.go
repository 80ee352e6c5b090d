package drop

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Stray is something in the folder that has the name of a zip file and is no file that could be read.
type Stray struct {
	Name string
	// Why says in words what it is.
	Why string
}

// candidate reports whether a name is that of a zip file that counts.
func candidate(name string) bool {
	return strings.HasSuffix(name, ".zip") && !strings.HasPrefix(name, ".")
}

// Strays returns what lies in the folder under the name of a zip file and is never taken up: folders, links that lead nowhere,
// pipes. A folder that is not there has none.
func (f *Folder) Strays() ([]Stray, error) {
	entries, err := os.ReadDir(f.Dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read the folder for zip files: %w", err)
	}
	var strays []Stray
	for _, e := range entries {
		if !candidate(e.Name()) {
			continue
		}
		if why := f.stray(e); why != "" {
			strays = append(strays, Stray{e.Name(), why})
		}
	}
	return strays, nil
}

// stray says what an entry is if it is no file; "" if it is one, or is gone by now.
func (f *Folder) stray(e fs.DirEntry) string {
	name := filepath.Join(f.Dir, e.Name())
	link := ""
	if e.Type()&fs.ModeSymlink != 0 {
		to, err := os.Readlink(name)
		if err != nil {
			return ""
		}
		link = "a link to " + to + ", which is "
	}
	info, err := os.Stat(name)
	switch {
	case link == "" && errors.Is(err, fs.ErrNotExist):
		return ""
	case errors.Is(err, fs.ErrNotExist):
		return link + "not there"
	case link != "" && err != nil:
		var cause *fs.PathError
		if errors.As(err, &cause) {
			err = cause.Err
		}
		return fmt.Sprintf("%snot to be reached: %v", link, err)
	case err != nil || info.Mode().IsRegular():
		return ""
	case info.IsDir():
		return link + "a folder"
	case info.Mode()&fs.ModeNamedPipe != 0:
		return link + "a pipe"
	default:
		return link + "no file"
	}
}
