package detect

import (
	"path"
	"strings"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
)

// executors are the executors of Nx that build sites, and the frameworks that they build.
var executors = map[string]string{
	"@nx/vite:build": "vite", "@nrwl/vite:build": "vite", "@nx/webpack:webpack": "webpack", "@nrwl/webpack:webpack": "webpack",
	"@nrwl/web:webpack": "webpack", "@nx/rspack:rspack": "rspack", "@nx/next:build": "nextjs", "@nrwl/next:build": "nextjs",
	"@angular-devkit/build-angular:application": "angular", "@angular-devkit/build-angular:browser": "angular",
	"@angular-devkit/build-angular:browser-esbuild": "angular", "@angular/build:application": "angular", "@nx/angular:application": "angular",
	"@nx/angular:webpack-browser": "angular", "@nx/angular:browser-esbuild": "angular", "@nrwl/angular:webpack-browser": "angular",
	"@nxext/vite:build": "vite", "@nx/remix:build": "remix", "@nxtensions/astro:build": "astro",
}

// nx settles a project of an Nx workspace that is described by project.json; it reports whether this is one.
func (p *probe) nx(ws *workspace, top string, f *Found) bool {
	if !p.has("project.json") || ws == nil || !ws.root.has("nx.json") {
		return false
	}
	project := p.jsonFile("project.json")
	name, ok := project.Get("name").String()
	if !ok {
		name = path.Base(relative(ws.root.dir, p.dir))
	}
	if kind, _ := project.Get("projectType").String(); kind == "library" {
		return false
	}
	executor, _ := project.Get("targets", "build", "executor").String()
	key := executors[executor]
	if key == "" {
		key = p.nxInferred(ws)
	}
	if key == "" {
		return false
	}
	entry := framework{}
	for _, t := range table {
		if t.key == key {
			entry = *t
		}
	}
	f.Evidence = append(f.Evidence, strings.TrimSpace("project.json "+executor))
	f.Framework, f.Title = entry.key, entry.title
	p.pkg = ws.root.pkg // the packages of an integrated workspace are the root's
	if dep := p.anyDep(entry.deps...); dep != "" {
		f.Version, _ = p.dep(dep)
	}
	n := &inspection{probe: p, framework: &entry, found: f}
	n.inspectAll()
	n.nxOutput(ws, key)
	m := ws.root.packageManager(f)
	f.installed(ws.root, ws.root, m, top)
	f.BuildCommand = m.exec("nx build " + shellName(name))
	f.Paths = []string{join(relative(top, p.dir), "**"), join(relative(top, ws.root.dir), "libs/**"), join(relative(top, ws.root.dir), "packages/**"), join(relative(top, ws.root.dir), "package.json")}
	return true
}

// nxInferred is the framework whose configuration file lies in the project: Nx makes a build target of it.
func (p *probe) nxInferred(ws *workspace) string {
	for base, key := range map[string]string{"next.config": "nextjs", "vite.config": "vite", "astro.config": "astro", "rsbuild.config": "rsbuild", "docusaurus.config": "docusaurus"} {
		if p.config(base) != "" && ws.root.pkg != nil {
			return key
		}
	}
	return ""
}

// nxOutput reads outputPath, which is relative to the workspace's root.
func (n *inspection) nxOutput(ws *workspace, key string) {
	out := n.jsonFile("project.json").Get("targets", "build", "options", "outputPath")
	dir, ok := out.Path()
	if base, isObject := out.Get("base").Path(); isObject {
		dir, ok = base, true
	}
	if !ok {
		return
	}
	own := relative(ws.root.dir, n.dir)
	dir = strings.NewReplacer("{projectRoot}", own, "{workspaceRoot}/", "", "{options.outputPath}", "").Replace(dir)
	executor, _ := n.jsonFile("project.json").Get("targets", "build", "executor").String()
	switch {
	case key == "angular" && strings.HasSuffix(executor, ":application"):
		dir = join(dir, "browser")
	case key == "nextjs":
		dir = join(dir, "out")
		n.warn("where Nx leaves the files of a Next.js export depends on its version: give --output-dir if it is not " + dir)
	}
	n.setOutput(relativeSlash(own, dir), "project.json sets outputPath to "+quote(dir))
	if n.found.Routing == "" {
		n.found.Routing = site.RoutingStatic
	}
}

// relativeSlash is the path from one folder to another, both relative to the same one.
func relativeSlash(from, to string) string {
	up := ""
	for from != "" && from != "." && to != from && !strings.HasPrefix(to, from+"/") {
		up += "../"
		from = path.Dir(from)
	}
	if from != "" && from != "." {
		to = strings.TrimPrefix(strings.TrimPrefix(to, from), "/")
	}
	return cleanDir(up + to)
}
