package detect

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/detect/jsconfig"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
)

// maxRead is how much of a file is looked at.
const maxRead = 1 << 20

// probe looks at one project folder: at the names in it, and at the few files that a question needs.
type probe struct {
	dir   string
	names []string // of the folder's entries, sorted
	files map[string][]byte
	pkg   *manifest // nil if there is no package.json
	named string    // the framework that the user named; may be empty
}

func newProbe(dir string) (*probe, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fault.New(fault.Usage, "is --dir right?", "read project folder: %w", err)
	}
	p := &probe{dir: dir, files: map[string][]byte{}}
	for _, e := range entries {
		p.names = append(p.names, e.Name())
	}
	if p.has("package.json") {
		if p.pkg, err = parseManifest(path.Join(filepath.ToSlash(dir), "package.json"), p.read("package.json")); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// has reports whether the project has a file or folder of this name, relative to it, with slashes.
func (p *probe) has(name string) bool {
	first, _, nested := strings.Cut(name, "/")
	if _, ok := slices.BinarySearch(p.names, first); !ok {
		return false
	}
	if !nested {
		return true
	}
	_, err := os.Stat(filepath.Join(p.dir, filepath.FromSlash(name)))
	return err == nil
}

func (p *probe) isDir(name string) bool {
	info, err := os.Stat(filepath.Join(p.dir, filepath.FromSlash(name)))
	return err == nil && info.IsDir()
}

// read returns a file's text, or nil if there is none.
func (p *probe) read(name string) []byte {
	if text, ok := p.files[name]; ok {
		return text
	}
	var text []byte
	if p.has(name) {
		text, _ = readSome(filepath.Join(p.dir, filepath.FromSlash(name)))
	}
	p.files[name] = text
	return text
}

// readSome reads the beginning of a regular file.
func readSome(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("not a regular file")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxRead))
}

// first returns the first of the names that the project has. A name may be a pattern, for the last element of a path.
func (p *probe) first(names ...string) string {
	for _, name := range names {
		if !strings.ContainsAny(name, "*?[") {
			if p.has(name) {
				return name
			}
			continue
		}
		dir, pattern := path.Split(name)
		for _, entry := range p.list(strings.TrimSuffix(dir, "/")) {
			if ok, _ := path.Match(pattern, entry); ok {
				return dir + entry
			}
		}
	}
	return ""
}

// list returns the names in a folder of the project, sorted; none if there is no such folder.
func (p *probe) list(dir string) []string {
	if dir == "" {
		return p.names
	}
	if !p.has(dir) {
		return nil
	}
	entries, err := os.ReadDir(filepath.Join(p.dir, filepath.FromSlash(dir)))
	if err != nil {
		return nil
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names
}

// scriptSuffixes are those of configuration files in JavaScript and TypeScript.
var scriptSuffixes = []string{".js", ".ts", ".mjs", ".mts", ".cjs", ".cts"}

// config returns the name of a configuration file that is written in JavaScript or TypeScript, given without its suffix.
func (p *probe) config(bases ...string) string {
	for _, base := range bases {
		for _, suffix := range scriptSuffixes {
			if p.has(base + suffix) {
				return base + suffix
			}
		}
	}
	return ""
}

// js reads a configuration file. Files in JSON are taken too.
func (p *probe) js(name string) *jsconfig.Module {
	if strings.HasSuffix(name, ".json") || strings.HasSuffix(name, "rc") {
		return jsconfig.ParseJSON(p.read(name))
	}
	return jsconfig.Parse(p.read(name))
}

// dep returns the version of a dependency as package.json states it.
func (p *probe) dep(name string) (version string, ok bool) {
	if p.pkg == nil {
		return "", false
	}
	version, ok = p.pkg.deps[name]
	return version, ok
}

// anyDep returns the first of the names that the project depends on.
func (p *probe) anyDep(names ...string) string {
	for _, name := range names {
		if _, ok := p.dep(name); ok {
			return name
		}
	}
	return ""
}

// mentions reports whether a file of the project has a word in it: not a part of a longer name.
func (p *probe) mentions(file, word string) bool { return hasWord(string(p.read(file)), word) }

// hasWord reports whether word stands in text by itself: "ng" does not stand in "staging" or "max-warnings".
func hasWord(text, word string) bool {
	for from := 0; ; {
		i := strings.Index(text[from:], word)
		if i < 0 {
			return false
		}
		i += from
		end := i + len(word)
		if (i == 0 || !partOfName(text[i-1])) && (end == len(text) || !partOfName(text[end])) {
			return true
		}
		from = i + 1
	}
}

func partOfName(c byte) bool {
	return c == '-' || c == '_' || c == '/' || c == '.' || c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z'
}

// exists reports whether a path is there, wherever it is.
func exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

func itoa(i int) string { return strconv.Itoa(i) }
