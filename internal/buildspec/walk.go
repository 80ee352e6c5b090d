package buildspec

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
)

// matchIn adds the files below base that one pattern matches, and reports whether there were any.
func (c *collector) matchIn(base string, p Pattern) (bool, error) {
	glob := cleanGlob(c.expand(p.Glob))
	if strings.HasPrefix(glob, "/") || filepath.IsAbs(filepath.FromSlash(glob)) {
		rel, err := filepath.Rel(base, filepath.FromSlash(glob))
		if err != nil {
			rel = ".."
		}
		glob = filepath.ToSlash(rel)
	}
	if slices.Contains(strings.Split(glob, "/"), "..") {
		return false, fault.New(fault.Failed, "write a path inside of the project", "%s:%d: %q leaves the source folder", c.spec.File, p.Line, p.Glob)
	}
	// Walk from the part without wildcards, so that 'dist/**/*' never reads node_modules.
	start, _ := doublestar.SplitPattern(glob)
	if start == "." {
		start = ""
	}
	w := &walker{collector: c, base: base, glob: glob, file: p}
	err := w.visit(start)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return w.matched, err
}

// walker is the walk of one pattern below one base directory.
type walker struct {
	*collector
	base, glob string
	file       Pattern
	matched    bool
}

// maxLinks is how many symbolic links to folders a path may go through. Package managers link folders to each other in
// ways that make the number of paths explode.
const maxLinks = 3

// trail is how a walk came to a folder: the folders that it is in, so that a link to one of them ends it, and the number of
// links to folders.
type trail struct {
	folders []string
	links   int
}

// visit looks at one path below the base. Symbolic links are followed inside of the source folder.
func (w *walker) visit(rel string) error {
	full := filepath.Join(w.base, filepath.FromSlash(rel))
	info, err := os.Lstat(full)
	if err != nil {
		return err
	}
	return w.entry(rel, full, info.Mode(), trail{})
}

func (w *walker) entry(rel, full string, mode fs.FileMode, t trail) error {
	if rel != "" && w.excluded(rel) {
		return nil
	}
	target, linked := full, mode&fs.ModeSymlink != 0
	if linked {
		var err error
		if target, err = w.inside(full); err != nil {
			if errors.Is(err, fs.ErrNotExist) {
				w.notice("%s is a symbolic link to nothing, it is left out", rel)
				return nil
			}
			return w.ifMatched(rel, err)
		}
		info, err := os.Stat(target)
		if err != nil {
			return fmt.Errorf("read %s: %w", rel, err)
		}
		mode = info.Mode()
	}
	switch {
	case mode.IsDir():
		if w.skip[target] || slices.Contains(t.folders, target) || !w.canMatchBelow(rel) {
			return nil
		}
		if linked {
			if t.links++; t.links > maxLinks {
				w.notice("%s goes through more than %d symbolic links, it is left out", rel, maxLinks)
				return nil
			}
		}
		t.folders = append(slices.Clip(t.folders), target)
		return w.folder(rel, target, t)
	case !doublestar.MatchUnvalidated(w.glob, rel):
		return nil
	case !mode.IsRegular():
		w.notice("%s is not a file, it is left out", rel)
		return nil
	}
	return w.add(rel, target)
}

// ifMatched returns err for a path that the pattern could have published, and nil for others.
func (w *walker) ifMatched(rel string, err error) error {
	if doublestar.MatchUnvalidated(w.glob, rel) || w.canMatchBelow(rel) {
		return err
	}
	return nil
}

func (w *walker) folder(rel, target string, t trail) error {
	entries, err := os.ReadDir(target)
	if err != nil {
		return fmt.Errorf("read the folder %s: %w", rel, err)
	}
	for _, e := range entries {
		if err := w.entry(path.Join(rel, e.Name()), filepath.Join(target, e.Name()), e.Type(), t); err != nil {
			return err
		}
	}
	return nil
}

// add adds one file. Two different files at one path can't both be published, and which one CodeBuild keeps is not
// documented: that is an error.
func (w *walker) add(rel, target string) error {
	w.matched = true
	to := rel
	if w.artifacts.DiscardPaths {
		to = path.Base(rel)
	}
	if before, ok := w.found[to]; ok && before != target {
		a, _ := filepath.Rel(w.root, before)
		b, _ := filepath.Rel(w.root, target)
		return fault.New(fault.Failed, "exclude one of them with exclude-paths, or rename it",
			"%s:%d: the files %s and %s would both be published as %s", w.spec.File, w.file.Line, filepath.ToSlash(a), filepath.ToSlash(b), to)
	}
	w.found[to] = target
	return nil
}

func (c *collector) notice(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if !slices.Contains(c.notices, text) && len(c.notices) < 50 {
		c.notices = append(c.notices, text)
	}
}

// inside resolves a path and makes sure that it stays inside of the source folder.
func (c *collector) inside(full string) (string, error) {
	target, err := filepath.EvalSymlinks(full)
	if err != nil {
		return "", fmt.Errorf("resolve %s: %w", full, err)
	}
	rel, err := filepath.Rel(c.root, target)
	if err != nil || !filepath.IsLocal(rel) {
		name, _ := filepath.Rel(c.root, full)
		return "", fault.New(fault.Failed, "remove the link, or name it in exclude-paths",
			"the symbolic link %s leads out of the source folder", filepath.ToSlash(name))
	}
	return target, nil
}

// excluded reports whether exclude-paths leave out a path or, if it is a folder, everything below it. Besides what the
// pattern itself matches, '**/name/**/*' leaves out a file of that name too (build-spec-ref, "artifacts/exclude-paths").
func (c *collector) excluded(rel string) bool {
	for _, glob := range c.exclude {
		if doublestar.MatchUnvalidated(glob, rel) {
			return true
		}
		for _, all := range []string{"/**/*", "/**"} {
			folder, ok := strings.CutSuffix(glob, all)
			if !ok || !doublestar.MatchUnvalidated(folder, rel) {
				continue
			}
			if !hasMeta(path.Base(folder)) || c.isFolder(rel) {
				return true
			}
		}
	}
	return false
}

// isFolder reports whether a path below one of the bases is a folder; which base does not matter to a pattern.
func (c *collector) isFolder(rel string) bool {
	for _, base := range c.baseDirs {
		if info, err := os.Stat(filepath.Join(base, filepath.FromSlash(rel))); err == nil && info.IsDir() {
			return true
		}
	}
	return false
}

func hasMeta(segment string) bool { return strings.ContainsAny(segment, `*?[{\`) }

// canMatchBelow reports whether the pattern can match anything below a folder, so that the walk need not enter it
// otherwise.
func (w *walker) canMatchBelow(rel string) bool {
	if rel == "" {
		return true
	}
	parts, globs := strings.Split(rel, "/"), strings.Split(w.glob, "/")
	for i, part := range parts {
		if i >= len(globs) {
			return false
		}
		if strings.Contains(globs[i], "**") || strings.ContainsAny(globs[i], "{}") {
			return true
		}
		if !doublestar.MatchUnvalidated(globs[i], part) {
			return false
		}
	}
	return len(globs) > len(parts)
}
