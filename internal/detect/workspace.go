package detect

import (
	"path"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// workspace is a monorepo: a root, with one lock file, and the packages that its globs name.
type workspace struct {
	root     *probe
	packages []member
}

// member is a package of a workspace.
type member struct {
	dir string // relative to the root, with slashes
	pkg *manifest
}

// maxPackages bounds how many packages of a workspace are looked at.
const maxPackages = 1000

// isRoot reports whether the folder is the root of a monorepo.
func (p *probe) isRoot() bool {
	return len(p.globs()) > 0 || p.has("nx.json") || p.has("turbo.json") || p.has("rush.json")
}

// globs are the folders of a monorepo's packages, as pnpm-workspace.yaml, package.json or lerna.json name them.
func (p *probe) globs() []string {
	var pnpm, lerna struct{ Packages []string }
	if text := p.read("pnpm-workspace.yaml"); text != nil {
		_ = yaml.Unmarshal(text, &pnpm)
	}
	if p.has("lerna.json") {
		for _, v := range p.jsonFile("lerna.json").Get("packages").Items() {
			if s, ok := v.String(); ok {
				lerna.Packages = append(lerna.Packages, s)
			}
		}
	}
	globs := append(pnpm.Packages, lerna.Packages...)
	if p.pkg != nil {
		globs = append(globs, p.pkg.workspaces...)
	}
	if len(globs) == 0 && p.has("nx.json") {
		globs = []string{"apps/*", "libs/*", "packages/*", "apps/*/*"}
	}
	if p.has("rush.json") {
		for _, v := range p.jsonFile("rush.json").Get("projects").Items() {
			if s, ok := v.Get("projectFolder").String(); ok {
				globs = append(globs, s)
			}
		}
	}
	return globs
}

// workspace is the monorepo that the project is a package of, with its root above the project and not above top; nil if
// there is none.
func (p *probe) workspace(top string) *workspace {
	for dir := p.dir; dir != top && dir != filepath.Dir(dir); {
		dir = filepath.Dir(dir)
		if !exists(filepath.Join(dir, "package.json")) && !exists(filepath.Join(dir, "pnpm-workspace.yaml")) {
			continue
		}
		root, err := newProbe(dir)
		if err != nil || !root.isRoot() {
			continue
		}
		ws := &workspace{root: root, packages: root.members()}
		if slices.ContainsFunc(ws.packages, func(m member) bool { return m.dir == relative(dir, p.dir) }) {
			return ws
		}
	}
	return nil
}

// members are the packages of the workspace whose root p looks at, by folder.
func (p *probe) members() []member {
	dirs := map[string]bool{}
	for _, glob := range p.globs() {
		if without, ok := strings.CutPrefix(glob, "!"); ok {
			for dir := range dirs {
				if matched, _ := path.Match(strings.Trim(strings.TrimSuffix(without, "/**"), "/"), dir); matched {
					delete(dirs, dir)
				}
			}
			continue
		}
		p.expand("", strings.Split(strings.Trim(path.Clean(glob), "/"), "/"), dirs)
	}
	var all []member
	for dir := range dirs {
		file := filepath.Join(p.dir, filepath.FromSlash(dir), "package.json")
		text, err := readSome(file)
		if err != nil {
			if exists(filepath.Join(filepath.Dir(file), "project.json")) {
				all = append(all, member{dir: dir})
			}
			continue
		}
		if pkg, err := parseManifest(file, text); err == nil {
			all = append(all, member{dir, pkg})
		}
	}
	slices.SortFunc(all, func(a, b member) int { return strings.Compare(a.dir, b.dir) })
	return all
}

// expand adds the folders that match a glob, element by element. node_modules and hidden folders are never entered.
func (p *probe) expand(dir string, elements []string, dirs map[string]bool) {
	if len(dirs) >= maxPackages {
		return
	}
	if len(elements) == 0 {
		if dir != "" {
			dirs[dir] = true
		}
		return
	}
	element, rest := elements[0], elements[1:]
	if !strings.ContainsAny(element, "*?[{") {
		if p.isDir(join(dir, element)) {
			p.expand(join(dir, element), rest, dirs)
		}
		return
	}
	if element == "**" {
		p.expand(dir, rest, dirs)
		if strings.Count(dir, "/") > 4 {
			return
		}
		rest = elements
		element = "*"
	}
	for _, name := range p.list(dir) {
		if name == "node_modules" || strings.HasPrefix(name, ".") || !p.isDir(join(dir, name)) {
			continue
		}
		if ok, _ := path.Match(element, name); ok {
			p.expand(join(dir, name), rest, dirs)
		}
	}
}

// beside are tools that packages have beside a site; a package with nothing else is no app.
var beside = []string{"storybook", "typedoc", "histoire", "ladle", "rollup", "esbuild", "webpack", "gulp", "grunt", "stencil"}

// apps lists what can be deployed of the monorepo; it reports whether that is anything.
func (p *probe) apps(top string, f *Found) bool {
	for _, m := range p.members() {
		app, err := newProbe(filepath.Join(p.dir, filepath.FromSlash(m.dir)))
		if err != nil {
			continue
		}
		a := App{Dir: m.dir, Name: path.Base(m.dir)}
		if m.pkg != nil && m.pkg.name != "" {
			a.Name = m.pkg.name
		}
		inner := Found{}
		ws := &workspace{root: p}
		candidates := app.candidates(table)
		switch {
		case app.nx(ws, top, &inner):
			a.Framework = inner.Framework
		case len(candidates) > 0 && !slices.Contains(beside, candidates[0].key):
			a.Framework = candidates[0].key
		case app.has("index.html") && m.pkg != nil && m.pkg.scripts["build"] == "":
			a.Framework = Basic
		default:
			continue
		}
		f.Apps = append(f.Apps, a)
	}
	if len(f.Apps) == 0 {
		return false
	}
	var dirs []string
	for _, a := range f.Apps {
		dirs = append(dirs, a.Dir)
	}
	f.Framework, f.Title = "", "Monorepo"
	f.Evidence = append(f.Evidence, p.first("pnpm-workspace.yaml", "nx.json", "turbo.json", "lerna.json", "rush.json", "package.json")+" makes this a monorepo")
	f.PackageManager = p.packageManager(f).name
	f.Unsupported = &Unsupported{Reason: "this is the root of a monorepo, with the projects " + strings.Join(dirs, ", "), File: "the command",
		Change: "name the one to deploy, like --dir " + shellName(dirs[0])}
	return true
}

// needs are the packages of the workspace that a package depends on, directly or not, each after those that it needs itself.
func (ws *workspace) needs(pkg *manifest) []member {
	var order []member
	seen := map[string]bool{}
	var visit func(m *manifest)
	visit = func(m *manifest) {
		for _, other := range ws.packages {
			if other.pkg == nil || other.pkg.name == "" || seen[other.pkg.name] || other.pkg == pkg {
				continue
			}
			if _, ok := m.deps[other.pkg.name]; ok {
				seen[other.pkg.name] = true
				visit(other.pkg)
				order = append(order, other)
			}
		}
	}
	if pkg != nil {
		visit(pkg)
	}
	return order
}

// paths are what a package's site depends on, relative to the top of the repository.
func (ws *workspace) paths(p *probe, m manager, top string) []string {
	root := relative(top, ws.root.dir)
	paths := []string{join(root, relative(ws.root.dir, p.dir), "**")}
	for _, needed := range ws.needs(p.pkg) {
		paths = append(paths, join(root, needed.dir, "**"))
	}
	for _, file := range []string{"package.json", m.lock, "pnpm-workspace.yaml", "turbo.json", "nx.json", "tsconfig.base.json"} {
		if file != "" && ws.root.has(file) {
			paths = append(paths, join(root, file))
		}
	}
	return paths
}
