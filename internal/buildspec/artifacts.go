package buildspec

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
)

// upload is the phase that collects the artifacts. After a failed build it is attempted too.
func (r *run) upload(ctx context.Context, dir string, vars map[string]string) error {
	result := Phase{Name: UploadArtifacts, Status: Succeeded, StartedAt: r.now(), Attempts: 1}
	r.log.line("entering phase %s", UploadArtifacts)
	files, bytes, err := r.collect(ctx, dir, vars)
	result.Duration = r.now().Sub(result.StartedAt)
	r.report.ArtifactFiles, r.report.ArtifactBytes = files, bytes
	if err != nil {
		result.Status, result.Error = Failed, err.Error()
		if ctx.Err() != nil {
			result.Status = Stopped
		}
		r.log.line("%v", err)
		err = fmt.Errorf("phase %s: %w", UploadArtifacts, err)
	} else {
		r.log.line("%s of artifacts", hosting.Count(files, "file"))
	}
	r.report.Phases = append(r.report.Phases, result)
	r.log.line("phase %s %s in %s", UploadArtifacts, words[result.Status], round(result.Duration))
	return err
}

// collect copies the artifacts into dir and returns how many files and bytes they are.
func (r *run) collect(ctx context.Context, dir string, vars map[string]string) (int, int64, error) {
	if err := emptyFolder(dir); err != nil {
		return 0, 0, err
	}
	own, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return 0, 0, fmt.Errorf("find the artifacts folder: %w", err)
	}
	a := r.Spec.Artifacts
	c := &collector{spec: r.Spec, artifacts: a, root: r.source, expand: expander(vars), found: map[string]string{}, skip: map[string]bool{own: true}}
	for _, p := range a.Exclude {
		c.exclude = append(c.exclude, cleanGlob(c.expand(p.Glob)))
	}
	bases, err := c.bases(r.shell.cwd)
	if err != nil {
		return 0, 0, err
	}
	c.baseDirs = bases
	if err := c.match(bases); err != nil {
		return 0, 0, err
	}
	for _, n := range c.notices {
		r.log.line("note: %s", n)
	}
	bytes, err := copyFiles(ctx, c.found, dir)
	return len(c.found), bytes, err
}

// emptyFolder creates the folder, or makes sure that it is empty.
func emptyFolder(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("create the artifacts folder: %w", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("read the artifacts folder: %w", err)
	}
	if len(entries) > 0 {
		return fmt.Errorf("the artifacts folder %s is not empty", dir)
	}
	return nil
}

var variableReference = regexp.MustCompile(`\$(?:\{([A-Za-z_][A-Za-z0-9_]*)\}|([A-Za-z_][A-Za-z0-9_]*))`)

// artifactVariables reads the build's variables that the artifacts section refers to.
func (r *run) artifactVariables(ctx context.Context) (map[string]string, error) {
	var names []string
	for _, p := range slices.Concat(r.Spec.Artifacts.Files, r.Spec.Artifacts.Exclude, []Pattern{r.Spec.Artifacts.Base}) {
		for _, m := range variableReference.FindAllStringSubmatch(p.Glob, -1) {
			names = append(names, m[1]+m[2])
		}
	}
	return r.shell.values(ctx, names)
}

// expander replaces $NAME and ${NAME} by the build's variables.
func expander(vars map[string]string) func(string) string {
	return func(text string) string {
		return variableReference.ReplaceAllStringFunc(text, func(ref string) string {
			return vars[strings.Trim(ref, "${}")]
		})
	}
}

// cleanGlob drops what has no meaning in a pattern relative to a folder: "./", doubled and trailing slashes.
func cleanGlob(glob string) string {
	parts := strings.Split(filepath.ToSlash(glob), "/")
	kept := parts[:0]
	for i, p := range parts {
		if p == "." || (p == "" && i > 0) {
			continue
		}
		kept = append(kept, p)
	}
	return strings.Join(kept, "/")
}

// collector finds the files of an artifacts section (build-spec-ref, "artifacts").
type collector struct {
	spec      *Spec
	artifacts *Artifacts
	root      string // the source folder, without symlinks
	expand    func(string) string
	exclude   []string
	baseDirs  []string        // the folders that patterns are relative to
	skip      map[string]bool // folders that are never walked into
	// found maps the path of each artifact, relative and with slashes, to the file that it is.
	found   map[string]string
	notices []string
}

// relative makes a path of the build file relative to the source folder. Absolute paths are allowed inside of it
// ($CODEBUILD_SRC_DIR/dist).
func (c *collector) relative(p Pattern) (string, error) {
	glob := cleanGlob(c.expand(p.Glob))
	if filepath.IsAbs(filepath.FromSlash(glob)) || strings.HasPrefix(glob, "/") {
		rel, err := filepath.Rel(c.root, filepath.FromSlash(glob))
		if err != nil {
			rel = ".."
		}
		glob = filepath.ToSlash(rel)
	}
	if slices.Contains(strings.Split(glob, "/"), "..") {
		return "", fault.New(fault.Failed, "write a path inside of the project", "%s:%d: %q leaves the source folder", c.spec.File, p.Line, p.Glob)
	}
	if glob == "." {
		glob = ""
	}
	return glob, nil
}

// bases returns the base directories as absolute paths: those that match base-directory, or the source folder. They are
// relative to the source folder, wherever the last command left the working directory.
func (c *collector) bases(cwd string) ([]string, error) {
	p := c.artifacts.Base
	glob, err := c.relative(p)
	if err != nil {
		return nil, err
	}
	if glob == "" {
		return []string{c.root}, nil
	}
	matches, err := doublestar.Glob(os.DirFS(c.root), glob, doublestar.WithNoFollow())
	if err != nil {
		return nil, fmt.Errorf("%s:%d: base-directory %q: %w", c.spec.File, p.Line, p.Glob, err)
	}
	var bases []string
	for _, m := range matches {
		path := filepath.Join(c.root, filepath.FromSlash(m))
		real, err := c.inside(path)
		if err != nil {
			return nil, err
		}
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			bases = append(bases, real)
		}
	}
	if len(bases) == 0 {
		return nil, c.missingBase(glob, cwd)
	}
	slices.Sort(bases)
	return bases, nil
}

// match fills found with what the patterns of files match below the bases.
func (c *collector) match(bases []string) error {
	for _, p := range c.artifacts.Files {
		before := len(c.found)
		matched := false
		for _, base := range bases {
			any, err := c.matchIn(base, p)
			if err != nil {
				return err
			}
			matched = matched || any
		}
		if !matched && len(c.found) == before {
			c.notices = append(c.notices, fmt.Sprintf("%s:%d: %q matches no file%s", c.spec.File, p.Line, p.Glob, c.folderHint(bases, p)))
		}
	}
	if len(c.found) > 0 {
		return nil
	}
	where := "the source folder"
	if g := c.artifacts.Base.Glob; g != "" {
		where = fmt.Sprintf("the folder %q", g)
	}
	hint := "see in the log what the build wrote, and correct artifacts.files"
	if len(c.notices) > 0 {
		hint = c.notices[0]
	}
	return fault.New(fault.Failed, hint, "%s:%d: artifacts.files match no file in %s", c.spec.File, c.artifacts.Files[0].Line, where)
}

// folderHint tells when a pattern that matches nothing names a folder.
func (c *collector) folderHint(bases []string, p Pattern) string {
	glob := cleanGlob(c.expand(p.Glob))
	for _, base := range bases {
		if info, err := os.Stat(filepath.Join(base, filepath.FromSlash(glob))); err == nil && info.IsDir() && glob != "" {
			return fmt.Sprintf(", it is a folder: write %q", glob+"/**/*")
		}
	}
	return ""
}

// outputFolders are the names that site generators use for what they write.
var outputFolders = []string{"dist", "build", "out", "public", "_site", "site", "www", "output", "docs", ".output/public", ".next", "target"}

// missingBase says that base-directory does not exist, and what there is instead.
func (c *collector) missingBase(glob, cwd string) error {
	p := c.artifacts.Base
	what := "does not exist after the build"
	if info, err := os.Stat(filepath.Join(c.root, filepath.FromSlash(glob))); err == nil && !info.IsDir() {
		what = "is a file, expected a folder"
	}
	hint := "set base-directory to the folder that the build writes"
	if instead := c.instead(glob, cwd); instead != "" {
		hint = fmt.Sprintf("set base-directory to %q, which exists (paths are relative to the source folder, not to the working directory)", instead)
	}
	return fault.New(fault.Failed, hint, "%s:%d: base-directory %q %s; the source folder has %s", c.spec.File, p.Line, p.Glob, what, c.listing())
}

// instead guesses which existing folder was meant.
func (c *collector) instead(glob, cwd string) string {
	exists := func(rel string) bool {
		info, err := os.Stat(filepath.Join(c.root, filepath.FromSlash(rel)))
		return err == nil && info.IsDir()
	}
	if rel, err := filepath.Rel(c.root, filepath.FromSlash(cwd)); err == nil && filepath.IsLocal(rel) && rel != "." {
		if candidate := filepath.ToSlash(filepath.Join(rel, filepath.FromSlash(glob))); exists(candidate) {
			return candidate
		}
	}
	parent, name := "", glob
	if i := strings.LastIndexByte(glob, '/'); i >= 0 {
		parent, name = glob[:i+1], glob[i+1:]
	}
	var folders []string
	entries, _ := os.ReadDir(filepath.Join(c.root, filepath.FromSlash(parent)))
	for _, e := range entries {
		if e.IsDir() {
			folders = append(folders, e.Name())
		}
	}
	if near := fault.Nearest(name, folders); near != "" {
		return parent + near
	}
	for _, candidate := range outputFolders {
		if exists(parent + candidate) {
			return parent + candidate
		}
	}
	if parent != "" && exists(strings.TrimSuffix(parent, "/")) {
		return strings.TrimSuffix(parent, "/")
	}
	return ""
}

// listing names the folders of the source folder, some of them if there are many.
func (c *collector) listing() string {
	entries, _ := os.ReadDir(c.root)
	var names []string
	for _, e := range entries {
		if e.IsDir() && e.Name() != ".git" {
			names = append(names, e.Name()+"/")
		}
	}
	switch {
	case len(names) == 0:
		return "no folders"
	case len(names) > 12:
		return strings.Join(names[:12], ", ") + ", …"
	}
	return strings.Join(names, ", ")
}
