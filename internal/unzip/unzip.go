// Package unzip unpacks a zip file with a built site, which anybody may have made: nothing is written outside the folder,
// nothing but plain files is made, and neither their number nor their size is the archive's to choose.
package unzip

import (
	"archive/zip"
	"compress/flate"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"unicode"

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

// What macOS's Finder adds to an archive, and no site needs: resource forks, and how a window is arranged.
const (
	macFolder  = "__MACOSX"
	finderFile = ".DS_Store"
)

// toolkitFolder is site.Folder.
const toolkitFolder = "cloudfront-hosting-toolkit"

const encrypted = 0x1 // bit 0 of the general purpose flags (APPNOTE 4.4.4)

// ErrIncomplete is in the chain of an error about a file that lacks something a zip file has: its directory at the end, or the
// content that its directory tells of. A file that is still being copied is like that; so is one that never was a zip file.
var ErrIncomplete = errors.New("the file is cut off, damaged, or not a zip file")

// Extract unpacks zipFile into dir, which is created if need be and must be empty. All entries are checked before the
// first is written. Times in the archive are ignored, and so are all permissions but that of being a program, and what macOS's
// Finder adds: the __MACOSX folder and .DS_Store.
//
// If everything lies in one folder, and index.html or the toolkit's own folder is directly in it, that folder is the site: its
// name is left away. That is how "Compress" on macOS and "Compressed folder" on Windows pack a folder. Any other archive is
// unpacked as it is.
//
// Errors name the entry. After an error the content of dir is not of use; the caller removes it.
func Extract(ctx context.Context, zipFile, dir string, limits Limits) error {
	f, entries, err := open(zipFile, limits)
	if err != nil {
		return err
	}
	defer f.Close()
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
	for _, e := range unwrap(entries) {
		if err := e.extract(ctx, root); err != nil {
			return unpackError(zipFile, e, err)
		}
	}
	return nil
}

// Verify does all of what Extract does but for writing: it returns the error that Extract would return, and reads everything.
// The chain of the error holds ErrIncomplete if the file may just not be there whole yet.
func Verify(ctx context.Context, zipFile string, limits Limits) error {
	f, entries, err := open(zipFile, limits)
	if err != nil {
		return err
	}
	defer f.Close()
	for _, e := range entries {
		if e.dir {
			continue
		}
		if err := e.copy(ctx, io.Discard); err != nil {
			return unpackError(zipFile, e, err)
		}
	}
	return nil
}

func unpackError(zipFile string, e entry, err error) error {
	return fmt.Errorf("unpack %s: entry %q: %w", zipFile, e.file.Name, err)
}

// open opens a zip file and checks its directory. The caller closes the file.
func open(zipFile string, limits Limits) (*os.File, []entry, error) {
	const hint = "give a .zip file, or a folder"
	f, err := os.Open(zipFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, fault.New(fault.Usage, hint, "unpack %s: %w", zipFile, err)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("unpack %s: %w", zipFile, err)
	}
	files, err := directory(f)
	if errors.Is(err, ErrIncomplete) {
		err = fault.New(fault.Usage, hint, "unpack %s: not a zip file: %w", zipFile, err)
	} else if err != nil {
		err = fmt.Errorf("unpack %s: %w", zipFile, err)
	}
	var entries []entry
	if err == nil {
		if entries, err = check(files, limits); err != nil {
			err = fault.New(fault.Usage, "make the zip again from the folder that the build writes to", "unpack %s: %w", zipFile, err)
		}
	}
	if err != nil {
		_ = f.Close()
		return nil, nil, err
	}
	return f, entries, nil
}

// directory reads the directory of an archive that fills the whole file. That is not told by the directory alone: where a zip
// file has been copied as far as to the end of a zip file within it, there is one at its end, of the one within.
func directory(f *os.File) ([]*zip.File, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	r, err := zip.NewReader(f, info.Size())
	switch {
	case errors.Is(err, zip.ErrFormat), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return nil, incomplete{}
	case err != nil && !errors.Is(err, zip.ErrInsecurePath):
		return nil, err
	case len(r.File) == 0:
		if info.Size() > emptyArchive {
			return nil, incomplete{}
		}
		return nil, nil
	}
	var head [localHeader]byte
	if _, err := f.ReadAt(head[:], 0); err != nil || string(head[:4]) != "PK\x03\x04" {
		return nil, incomplete{}
	}
	first := int64(localHeader) + int64(binary.LittleEndian.Uint16(head[26:])) + int64(binary.LittleEndian.Uint16(head[28:]))
	for _, entry := range r.File {
		if at, err := entry.DataOffset(); err == nil && at == first {
			return r.File, nil
		}
	}
	return nil, incomplete{}
}

// The sizes of an archive without entries, and of an entry's header without its name (APPNOTE 4.3.16, 4.3.7).
const emptyArchive, localHeader = 22, 30

// incomplete is ErrIncomplete in the words for a file without a directory.
type incomplete struct{}

func (incomplete) Error() string { return "it has no directory at its end, or is cut off" }
func (incomplete) Unwrap() error { return ErrIncomplete }

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
		if err == nil && (e.name == "." || fromFinder(e.name)) {
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
	return entries, nil
}

// fromFinder reports whether macOS's Finder has added the entry.
func fromFinder(name string) bool {
	return name == macFolder || strings.HasPrefix(name, macFolder+"/") || path.Base(name) == finderFile
}

func newEntry(f *zip.File) (entry, error) {
	mode := f.Mode()
	given, err := nameOf(f)
	e := entry{file: f, name: strings.TrimPrefix(given, "./"), dir: mode.IsDir() || strings.HasSuffix(given, "/")}
	if e.dir {
		e.name = strings.TrimSuffix(e.name, "/")
	}
	if e.name == "" && e.dir {
		e.name = "."
	}
	switch {
	case err != nil:
		return e, err
	case mode&fs.ModeSymlink != 0:
		return e, errors.New("it is a symbolic link")
	case !e.dir && !mode.IsRegular():
		return e, errors.New("it is neither a file nor a folder")
	case f.Flags&encrypted != 0:
		return e, errors.New("it is encrypted")
	case strings.Contains(given, `\`):
		return e, errors.New("its name has a backslash")
	case strings.ContainsFunc(given, unicode.IsControl):
		return e, errors.New("its name has a control character")
	case strings.HasPrefix(given, "/") || len(given) > 1 && given[1] == ':':
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

// unwrap leaves the name of the folder away that everything lies in, if the entry page or the toolkit's folder is directly in
// it: a built site, or a project.
func unwrap(entries []entry) []entry {
	top, _, _ := strings.Cut(entries[0].name, "/")
	marked := false
	for _, e := range entries {
		if e.name != top && !strings.HasPrefix(e.name, top+"/") || e.name == top && !e.dir {
			return entries
		}
		marked = marked || e.name == top+"/index.html" && !e.dir || strings.HasPrefix(e.name, top+"/"+toolkitFolder+"/")
	}
	if !marked || top == toolkitFolder {
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
	mode := fs.FileMode(0o644)
	if e.file.Mode()&0o100 != 0 {
		mode = 0o755 // a script that a build runs
	}
	w, err := root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	defer w.Close()
	if err := e.copy(ctx, w); err != nil {
		return err
	}
	return w.Close()
}

// copy unpacks the entry into w. The size was checked as declared; what the entry really holds may be more.
func (e entry) copy(ctx context.Context, w io.Writer) error {
	r, err := e.file.Open()
	if err != nil {
		return damaged(err)
	}
	defer r.Close()
	size := int64(e.file.UncompressedSize64)
	n, err := io.Copy(w, &reader{ctx, io.LimitReader(r, size+1)})
	if err != nil {
		return damaged(err)
	}
	if n != size {
		return fmt.Errorf("it does not have the %d bytes that the archive tells: %w", size, ErrIncomplete)
	}
	return nil
}

// damaged adds ErrIncomplete to an error about the content of an archive; those of the context and of the disk are none.
func damaged(err error) error {
	var corrupt flate.CorruptInputError
	switch {
	case errors.Is(err, zip.ErrAlgorithm):
		return fmt.Errorf("it is compressed in a way that is not supported; the usual ones are \"deflate\" and \"store\": %w", err)
	case errors.Is(err, zip.ErrChecksum), errors.Is(err, zip.ErrFormat), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF), errors.As(err, &corrupt):
		return fmt.Errorf("%w (%w)", err, ErrIncomplete)
	}
	return err
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
