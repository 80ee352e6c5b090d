package publish

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
)

// File is one file of a release.
type File struct {
	// Path is relative to the release's folder, slash-separated.
	Path         string `json:"path"`
	Size         int64  `json:"size"`
	SHA256       string `json:"sha256"`
	ContentType  string `json:"contentType"`
	CacheControl string `json:"cacheControl"`
	// AliasOf is the path of the file that this one repeats under a second path (Publisher.PageAliases); empty for the others.
	AliasOf string `json:"aliasOf,omitempty"`
}

// maxPath keeps "<release>/<path>" within the 1,024 bytes of an S3 key, whatever the release id.
const maxPath = 1024 - 129

// maxDepth ends a walk through symbolic links that multiply.
const maxDepth = 128

// folder is a scanned folder. It stays open, confined to itself, until close.
type folder struct {
	root *os.Root
	// files are in path order. A file has no digest, and a provisional size, before it has been read.
	files   []File
	index   map[string]int
	mu      sync.Mutex
	leftOut []string
	bytes   int64
	// real is where the content of a file lies, relative to root; it differs from the path behind symbolic links.
	real map[string]string
}

func (f *folder) close() { _ = f.root.Close() }

// blob is the content of a file of the folder.
func (f *folder) blob(file File) Blob {
	return Blob{Size: file.Size, SHA256: file.SHA256, Open: func() (io.ReadCloser, error) { return f.open(file.Path) }}
}

func (f *folder) open(p string) (*os.File, error) {
	r, err := f.root.Open(filepath.FromSlash(f.real[p]))
	if err != nil {
		return nil, err
	}
	if fi, err := r.Stat(); err != nil || !fi.Mode().IsRegular() {
		_ = r.Close()
		return nil, fmt.Errorf("open %s: not a regular file any more", p)
	}
	return r, nil
}

// scan lists the files of dir that a release may hold, and refuses the folder if it must not go live. It reads none of
// them: see digest. The files and bytes that it counts are those of the folder; aliases, if they are asked for, come on top.
func scan(ctx context.Context, dir string, aliases bool, prog *progress) (*folder, error) {
	f, err := openFolder(dir)
	if err != nil {
		return nil, err
	}
	w := walker{folder: f}
	if w.top, err = filepath.EvalSymlinks(dir); err == nil {
		err = w.walk(ctx, ".", ".", nil)
	}
	if err == nil {
		err = w.check(dir)
	}
	if err != nil {
		f.close()
		return nil, err
	}
	prog.begin(StepScan, len(f.files), f.bytes)
	prog.add(len(f.files), f.bytes)
	sortFiles(f.files)
	if aliases {
		f.alias()
	}
	for i, file := range f.files {
		f.index[file.Path] = i
	}
	return f, nil
}

func sortFiles(files []File) {
	slices.SortFunc(files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
}

func openFolder(dir string) (*folder, error) {
	fi, err := os.Stat(dir)
	if err != nil {
		return nil, fault.New(fault.Usage, "give the folder that the build writes its files to", "publish %s: %w", dir, err)
	}
	if !fi.IsDir() {
		return nil, fault.New(fault.Usage, "give a folder with built files, or a .zip of one", "publish %s: not a folder", dir)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("publish %s: %w", dir, err)
	}
	return &folder{root: root, real: map[string]string{}, index: map[string]int{}}, nil
}

// walker collects the files of a folder. Paths are slash-separated: pub as published, real as they lie below top.
type walker struct {
	*folder
	top string
}

func (w *walker) walk(ctx context.Context, pub, real string, above []fs.FileInfo) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	self, err := w.root.Stat(filepath.FromSlash(real))
	if err != nil {
		return fmt.Errorf("scan %s: %w", pub, err)
	}
	if len(above) > maxDepth {
		return refuse(pub, fmt.Sprintf("it lies more than %d folders deep", maxDepth))
	}
	if slices.ContainsFunc(above, func(fi fs.FileInfo) bool { return os.SameFile(fi, self) }) {
		return refuse(pub, "it is a symbolic link to a folder that it lies in")
	}
	above = append(slices.Clip(above), self)
	entries, err := fs.ReadDir(w.root.FS(), real)
	if err != nil {
		return fmt.Errorf("scan %s: %w", pub, err)
	}
	for _, e := range entries {
		if err := w.entry(ctx, path.Join(pub, e.Name()), path.Join(real, e.Name()), e.Type(), e.Info, above); err != nil {
			return err
		}
	}
	return nil
}

func (w *walker) entry(ctx context.Context, pub, real string, mode fs.FileMode, info func() (fs.FileInfo, error), above []fs.FileInfo) error {
	if w.left(real, mode) {
		if mode.IsDir() {
			pub += "/"
		}
		w.leftOut = append(w.leftOut, pub)
		return nil
	}
	if why := badName(pub); why != "" {
		return refuse(pub, why)
	}
	switch {
	case mode.IsRegular():
		return w.add(pub, real, info)
	case mode.IsDir():
		return w.walk(ctx, pub, real, above)
	case mode&fs.ModeSymlink != 0:
		return w.follow(ctx, pub, real, above)
	case mode&fs.ModeNamedPipe != 0:
		return refuse(pub, "it is a named pipe")
	case mode&fs.ModeSocket != 0:
		return refuse(pub, "it is a socket")
	case mode&fs.ModeDevice != 0:
		return refuse(pub, "it is a device")
	}
	return refuse(pub, "it is neither a file nor a folder")
}

// follow publishes what a symbolic link points at, if that lies in the folder and is itself published.
func (w *walker) follow(ctx context.Context, pub, real string, above []fs.FileInfo) error {
	target, err := filepath.EvalSymlinks(filepath.Join(w.top, filepath.FromSlash(real)))
	if err != nil {
		return refuse(pub, "it is a symbolic link that leads nowhere: "+err.Error())
	}
	rel, err := filepath.Rel(w.top, target)
	if err != nil || !filepath.IsLocal(rel) {
		return refuse(pub, "it is a symbolic link to "+target+", outside the folder")
	}
	fi, err := w.root.Lstat(rel)
	if err != nil {
		return refuse(pub, "it is a symbolic link that leads nowhere: "+err.Error())
	}
	rel = filepath.ToSlash(rel)
	for p, mode := rel, fi.Mode(); p != "."; p, mode = path.Dir(p), fs.ModeDir {
		if w.left(p, mode) {
			w.leftOut = append(w.leftOut, pub)
			return nil
		}
	}
	return w.entry(ctx, pub, rel, fi.Mode().Type(), func() (fs.FileInfo, error) { return fi, nil }, above)
}

func (w *walker) add(pub, real string, info func() (fs.FileInfo, error)) error {
	fi, err := info()
	if err != nil {
		return fmt.Errorf("scan %s: %w", pub, err)
	}
	w.bytes += fi.Size()
	w.real[pub] = real
	w.files = append(w.files, File{Path: pub, Size: fi.Size(), ContentType: contentType(pub), CacheControl: cacheControl(pub)})
	return nil
}

// left reports whether an entry is never published: a dotfile other than .well-known, or the toolkit's own folder, which
// is any folder of its name at the top, and below that one with a file of the toolkit in it.
func (w *walker) left(real string, mode fs.FileMode) bool {
	name := path.Base(real)
	if strings.HasPrefix(name, ".") && name != ".well-known" {
		return true
	}
	if name != site.Folder || !mode.IsDir() {
		return false
	}
	return real == name || slices.ContainsFunc([]string{site.ConfigFile, site.BuildFile, site.FunctionFile}, func(f string) bool {
		_, err := w.root.Lstat(filepath.FromSlash(path.Join(real, f)))
		return err == nil
	})
}

func badName(p string) string {
	switch {
	case !utf8.ValidString(p):
		return "its name is not valid UTF-8"
	case strings.Contains(p, `\`):
		return "its name has a backslash"
	case strings.ContainsFunc(p, unicode.IsControl):
		return "its name has a control character"
	case len(p) > maxPath:
		return fmt.Sprintf("its path is longer than %d bytes", maxPath)
	}
	return ""
}

func refuse(p, why string) error {
	return fault.New(fault.Usage, "remove or rename it, then publish again", "publish %q: %s", p, why)
}

// check refuses a folder that would make an empty site.
func (w *walker) check(dir string) error {
	if _, ok := w.real["index.html"]; ok {
		return nil
	}
	if len(w.files) == 0 {
		hint := "run the build first, and give the folder that it writes to"
		if len(w.leftOut) > 0 {
			hint = "only " + strings.Join(w.leftOut, ", ") + " is in it, which is never published; " + hint
		}
		return fault.New(fault.Usage, hint, "publish %s: the folder has no files", dir)
	}
	return fault.New(fault.Usage, w.entryHint(dir), "publish %s: the folder has no index.html, so the site would have no entry page", dir)
}

// entryHint looks for the page that the user most likely meant.
func (w *walker) entryHint(dir string) string {
	var below []string
	for _, f := range w.files {
		switch lower := strings.ToLower(f.Path); {
		case lower == "index.html" || lower == "index.htm" || lower == "default.html" || lower == "home.html":
			return "rename " + f.Path + " to index.html"
		case path.Base(f.Path) == "index.html" && strings.Count(f.Path, "/") == 1:
			below = append(below, path.Dir(f.Path))
		}
	}
	for _, name := range []string{"dist", "build", "out", "public", "_site", "www", "output", "site"} {
		if slices.Contains(below, name) {
			below = []string{name}
		}
	}
	if len(below) == 1 {
		return "publish " + filepath.Join(dir, filepath.FromSlash(below[0])) + " instead, where an index.html is"
	}
	return "publish the folder that the build writes to, with an index.html at its top"
}
