// Package unzip unpacks a zip file with a built site, which anybody may have made: nothing is written outside the folder,
// nothing but plain files is made, and neither their number nor their size is the archive's to choose.
package unzip

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
)

// Limits bound what an archive may unpack to. A zero field stands for that of DefaultLimits.
type Limits struct {
	// Files is how many entries there may be, folders included.
	Files int
	// Bytes is how large all files may be together, unpacked.
	Bytes int64
}

// DefaultLimits are far beyond what a site needs and far below what fills a disk.
var DefaultLimits = Limits{Files: 100_000, Bytes: 8 << 30}

// macFolder holds what macOS's Finder adds to an archive: resource forks, which no site needs.
const macFolder = "__MACOSX"

const encrypted = 0x1 // bit 0 of the general purpose flags (APPNOTE 4.4.4)

// Extract unpacks zipFile into dir, which is created if need be and must be empty. All entries are checked before the
// first is written. Permissions and times in the archive are ignored, and so is the __MACOSX folder of macOS's Finder.
//
// If everything lies in one folder, and index.html is directly in it, that folder is the site: its name is left away.
// An archive with index.html at its top, or with more than one folder, is unpacked as it is.
//
// Errors name the entry. After an error the content of dir is not of use; the caller removes it.
func Extract(ctx context.Context, zipFile, dir string, limits Limits) error {
	r, err := zip.OpenReader(zipFile)
	if errors.Is(err, zip.ErrFormat) {
		return fault.New(fault.Usage, "give a .zip file, or a folder", "unpack %s: not a zip file", zipFile)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return fault.New(fault.Usage, "give a .zip file, or a folder", "unpack %s: %w", zipFile, err)
	}
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return fmt.Errorf("unpack %s: %w", zipFile, err)
	}
	defer r.Close()
	entries, err := check(r.File, limits)
	if err != nil {
		return fault.New(fault.Usage, "make the zip again from the folder that the build writes to", "unpack %s: %w", zipFile, err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("unpack %s: %w", zipFile, err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("unpack %s: %w", zipFile, err)
	}
	defer root.Close()
	if left, err := fs.ReadDir(root.FS(), "."); err != nil || len(left) > 0 {
		return fmt.Errorf("unpack %s: folder %s is not empty", zipFile, dir)
	}
	for _, e := range entries {
		if err := e.extract(ctx, root); err != nil {
			return fmt.Errorf("unpack %s: entry %q: %w", zipFile, e.file.Name, err)
		}
	}
	return nil
}

// entry is a checked entry of an archive; name is where it goes, slash-separated.
type entry struct {
	file *zip.File
	name string
	dir  bool
}

// check refuses the archive if anything in it is not a plain file or folder of its own below the top.
func check(files []*zip.File, limits Limits) ([]entry, error) {
	if limits.Files == 0 {
		limits.Files = DefaultLimits.Files
	}
	if limits.Bytes == 0 {
		limits.Bytes = DefaultLimits.Bytes
	}
	if len(files) > limits.Files {
		return nil, fmt.Errorf("%d entries, more than the %d that are allowed", len(files), limits.Files)
	}
	var entries []entry
	names := claims{}
	left := uint64(limits.Bytes)
	for _, f := range files {
		e, err := newEntry(f)
		if err == nil && (e.name == macFolder || strings.HasPrefix(e.name, macFolder+"/")) || err == nil && e.name == "." {
			continue
		}
		if err == nil {
			err = names.claim(e)
		}
		if err == nil && f.UncompressedSize64 > left {
			err = fmt.Errorf("with it, the files are larger than the %d bytes that are allowed", limits.Bytes)
		}
		if err != nil {
			return nil, fmt.Errorf("entry %q: %w", f.Name, err)
		}
		left -= f.UncompressedSize64
		entries = append(entries, e)
	}
	if len(entries) == 0 {
		return nil, errors.New("the archive is empty")
	}
	return unwrap(entries), nil
}

func newEntry(f *zip.File) (entry, error) {
	mode := f.Mode()
	e := entry{file: f, name: strings.TrimPrefix(f.Name, "./"), dir: mode.IsDir()}
	if e.dir {
		e.name = strings.TrimSuffix(e.name, "/")
	}
	if e.name == "" && e.dir {
		e.name = "."
	}
	switch {
	case mode&fs.ModeSymlink != 0:
		return e, errors.New("it is a symbolic link")
	case !e.dir && !mode.IsRegular():
		return e, errors.New("it is neither a file nor a folder")
	case f.Flags&encrypted != 0:
		return e, errors.New("it is encrypted")
	case !utf8.ValidString(f.Name):
		return e, errors.New("its name is not UTF-8")
	case strings.Contains(f.Name, `\`):
		return e, errors.New("its name has a backslash")
	case strings.ContainsFunc(f.Name, unicode.IsControl):
		return e, errors.New("its name has a control character")
	case strings.HasPrefix(f.Name, "/") || len(f.Name) > 1 && f.Name[1] == ':':
		return e, errors.New("its path is absolute")
	case strings.HasPrefix(e.name, "../") || strings.Contains(e.name, "/../") || strings.HasSuffix(e.name, "/..") || e.name == "..":
		return e, errors.New(`its path has ".."`)
	case !fs.ValidPath(e.name) || e.name == "." && !e.dir || !filepath.IsLocal(filepath.FromSlash(e.name)):
		return e, errors.New("its path is not a plain relative one")
	}
	return e, nil
}

// claims maps every path that entries make, folders above them included, without regard to case, to how it is spelled and
// whether it is a folder.
type claims map[string]claim

type claim struct {
	spelled  string
	dir      bool
	explicit bool
}

// claim takes the paths of an entry, and refuses it if another entry has one of them already, or would have it on a file
// system that does not distinguish upper and lower case.
func (c claims) claim(e entry) error {
	for p, first := e.name, true; p != "."; p, first = path.Dir(p), false {
		key := strings.ToLower(p)
		old, taken := c[key]
		now := claim{spelled: p, dir: e.dir || !first, explicit: first}
		switch {
		case !taken:
			c[key] = now
			continue
		case old.spelled != p:
			return fmt.Errorf("it differs from %q in nothing but upper and lower case", old.spelled)
		case old.dir != now.dir:
			return fmt.Errorf("%q is a file and a folder", p)
		case first && old.explicit:
			return errors.New("it is there twice")
		}
		old.explicit = old.explicit || first
		c[key] = old
		return nil // everything above is known
	}
	return nil
}

// unwrap leaves the name of the folder away that everything lies in, if the entry page is directly in it.
func unwrap(entries []entry) []entry {
	top, _, _ := strings.Cut(entries[0].name, "/")
	page := false
	for _, e := range entries {
		if e.name != top && !strings.HasPrefix(e.name, top+"/") || e.name == top && !e.dir {
			return entries
		}
		page = page || e.name == top+"/index.html" && !e.dir
	}
	if !page {
		return entries
	}
	var below []entry
	for _, e := range entries {
		if e.name != top {
			e.name = strings.TrimPrefix(e.name, top+"/")
			below = append(below, e)
		}
	}
	return below
}

func (e entry) extract(ctx context.Context, root *os.Root) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	name := filepath.FromSlash(e.name)
	if e.dir {
		return root.MkdirAll(name, 0o755)
	}
	if err := root.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	r, err := e.file.Open()
	if err != nil {
		return err
	}
	defer r.Close()
	w, err := root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer w.Close()
	// The size was checked as declared; what the entry really holds may be more.
	size := int64(e.file.UncompressedSize64)
	n, err := io.Copy(w, &reader{ctx, io.LimitReader(r, size+1)})
	if err != nil {
		return err
	}
	if n != size {
		return fmt.Errorf("it does not have the %d bytes that the archive tells", size)
	}
	return w.Close()
}

// reader ends when its context does.
type reader struct {
	ctx context.Context
	r   io.Reader
}

func (r *reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}
