package detect

import (
	"path"
	"slices"
	"strings"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/detect/jsconfig"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
)

// browserLibraries render in the browser: an application made with one most likely has a router there, too.
var browserLibraries = []string{
	"react", "react-dom", "vue", "svelte", "preact", "solid-js", "@angular/core", "lit", "mithril", "inferno", "hyperapp", "riot",
	"@builder.io/qwik", "@qwik.dev/core", "aurelia", "knockout", "backbone", "navigo", "page", "elm",
}

// inspectBundle settles the routing of what a bundler builds, which can be anything.
func inspectBundle(n *inspection) {
	if lib := n.anyDep(browserLibraries...); lib != "" {
		n.route(site.RoutingSPA, lib+" renders in the browser, "+ownsPaths)
		return
	}
	n.route(site.RoutingStatic, "there is no library for a router in the browser among the dependencies, so each page is a file")
}

// inspectVite reads root and build.outDir, which is relative to it, and tells several pages from one.
func inspectVite(n *inspection) {
	inspectBundle(n)
	root := n.viteRoot()
	n.found.OutputDir = join(root, "dist")
	if dir := n.run.flag("--outDir"); dir != "" {
		n.setOutput(join(root, dir), `script "`+n.script+`" builds into `+dir)
	} else if v := n.value("build.outDir"); v.Exists() {
		if isCall(v) {
			root = ""
		}
		n.outputFrom(v, "build.outDir", root)
	}
	if base := n.run.flag("--base"); base != "" {
		n.warnBase(`script "`+n.script+`" sets --base`, base)
	}
	if name := n.anyDep("vite-ssg", "vite-react-ssg", "@prerenderer/rollup-plugin"); name != "" {
		n.route(site.RoutingStatic, name+" writes a page for every path")
		return
	}
	if pages := htmlInputs(n.value("build.rollupOptions.input")); pages > 1 {
		n.route(site.RoutingStatic, "build.rollupOptions.input names several pages")
	}
}

// isCall reports whether a path is computed, so that it is relative to the configuration rather than to Vite's root.
func isCall(v jsconfig.Value) bool {
	_, plain := v.String()
	_, known := v.Path()
	return known && !plain
}

// viteRoot is the folder of index.html: an argument of the build, or root in the configuration.
func (n *inspection) viteRoot() string {
	if words := n.run.words(); n.run.tool == "vite" && len(words) > 1 {
		return join(n.run.dir, cleanDir(words[1]))
	}
	if v := n.value("root"); v.Exists() {
		if dir, ok := v.Path(); ok && !path.IsAbs(dir) {
			return cleanDir(dir)
		}
	}
	return n.run.dir
}

// htmlInputs counts the entries of an input that is a list or an object.
func htmlInputs(input jsconfig.Value) int {
	if keys := input.Keys(); len(keys) > 0 {
		return len(keys)
	}
	count := 0
	for _, item := range input.Items() {
		if file, ok := item.Path(); ok && strings.HasSuffix(file, ".html") {
			count++
		}
	}
	return count
}

// viteBuildsSite tells a site from a library, and from the assets of a server's framework.
func viteBuildsSite(p *probe) (string, bool) {
	if p.anyDep("laravel-vite-plugin", "vite-plugin-ruby", "vite-plugin-symfony", "@inertiajs/vite") != "" {
		return "", false
	}
	file := p.config("vite.config")
	var config jsconfig.Value
	if file != "" {
		config = p.js(file).Default()
	}
	if lib := config.Get("build", "lib"); lib.Exists() {
		return "", false
	}
	root, _ := config.Get("root").Path()
	if page := p.first(join(root, "index.html"), "index.html", "src/index.html", "app/index.html", "client/index.html"); page != "" {
		return page, true
	}
	if config.Get("build", "rollupOptions", "input").Exists() || root != "" {
		return file, true
	}
	for _, s := range p.buildScripts() {
		for _, run := range s.runs {
			if s.name == "build" && run.tool == "vite" {
				return "", true
			}
		}
	}
	return "", false
}

// bundlesSite tells a site from a library: there must be a page for the bundle.
func bundlesSite(tool string) func(*probe) (string, bool) {
	return func(p *probe) (string, bool) {
		if p.pkg == nil || !slices.ContainsFunc(p.buildScripts(), func(s buildScript) bool {
			return slices.ContainsFunc(s.runs, func(run invocation) bool { return run.tool == tool || run.tool == tool+"-cli" })
		}) {
			return "", false
		}
		if plugin := p.anyDep("html-webpack-plugin", "@rollup/plugin-html", "rollup-plugin-html", "@web/rollup-plugin-html"); plugin != "" {
			return "package.json depends on " + plugin, true
		}
		page := p.first("index.html", "public/index.html", "src/index.html", "static/index.html", "www/index.html", "dist/index.html")
		return page, page != ""
	}
}

// inspectRollup: a bundle beside a page, as in Svelte's old template, makes the page's folder the site.
func inspectRollup(n *inspection) {
	inspectBundle(n)
	if n.js == nil || n.run.flag("--dir", "-d") != "" {
		return
	}
	config := n.js.Default().Items()[0]
	out := config.Get("output").Items()[0]
	file, ok := out.Get("file").Path()
	if dir, known := out.Get("dir").Path(); known {
		file, ok = dir+"/x", true
	}
	if !ok {
		return
	}
	for dir := path.Dir(file); dir != "." && dir != "/"; dir = path.Dir(dir) {
		if n.has(join(dir, "index.html")) {
			n.setOutput(dir, n.at(out)+" builds into "+path.Dir(file)+", beside "+dir+"/index.html")
			return
		}
	}
	n.setOutput(path.Dir(file), n.at(out)+" builds into "+path.Dir(file))
}

func inspectParcel(n *inspection) {
	inspectBundle(n)
	pkg := n.pkg
	if pkg == nil { // without one, the framework was named
		pkg = &manifest{}
	}
	names := make([]string, 0, len(pkg.targets))
	for name := range pkg.targets {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if dir := pkg.targets[name].DistDir; dir != "" && n.run.flag(n.framework.flags...) == "" {
			n.setOutput(dir, "package.json sets targets."+name+".distDir to "+quote(dir))
		}
	}
	if url := n.run.flag("--public-url"); url != "" {
		n.warnBase(`script "`+n.script+`" sets --public-url`, url)
	}
	if n.script == "" {
		page := n.first("src/index.html", "index.html")
		if pkg.source != "" {
			page = ""
		}
		n.command = strings.TrimSpace("parcel build " + page)
	}
}

func inspectElm(n *inspection) {
	if n.run.tool == "elm-app" {
		n.found.OutputDir = "build"
		return
	}
	if out := n.run.flag("--output"); out != "" {
		n.setOutput(path.Dir(out), `script "`+n.script+`" builds into `+out)
		if strings.HasSuffix(out, ".js") {
			if page := n.first("public/index.html", "index.html", "static/index.html"); page != "" {
				n.setOutput(path.Dir(page), page)
			}
		}
	}
}

// inspectEleventy: the folder is in the object that the configuration returns, in an exported constant named config, or set
// by a call (Eleventy documentation, "Configuration").
func inspectEleventy(n *inspection) {
	if n.js == nil || n.run.flag("--output") != "" {
		return
	}
	if v := n.value("dir.output"); v.Exists() {
		return // readOutput has seen it
	}
	if v := n.js.Named("config").Get("dir", "output"); v.Exists() {
		n.outputFrom(v, "dir.output", "")
		return
	}
	for _, name := range []string{"eleventyConfig", "config", "cfg", "eleventy"} {
		if v, ok := n.js.Call(name + ".setOutputDirectory"); ok {
			n.outputFrom(v, "setOutputDirectory", "")
			return
		}
	}
}

func inspectMetalsmith(n *inspection) {
	if s := n.setting("metalsmith.json", "destination"); s.ok {
		n.outputSetting("metalsmith.json", "destination", s)
		return
	}
	if n.pkg != nil && n.script == "" && n.pkg.scripts["build"] == "" {
		n.warn("no script builds the site: give --build-command")
	}
}

func inspectDocsify(n *inspection) {
	n.noBuild = true
	page := n.first("docs/index.html", "index.html")
	n.found.OutputDir = cleanDir(path.Dir(page))
	if page == "" {
		n.found.OutputDir = "docs"
	}
}

// outputNames are the usual names of folders with built files.
var outputNames = []string{"dist", "build", "public", "out", "_site", "www", "site", "html", "output", "_build/html", "target/site", "web", "htdocs"}

// guessOutput looks for the usual names in .gitignore, where built folders are listed, and then in the project.
func (p *probe) guessOutput() (dir, why string) {
	ignored := map[string]bool{}
	for line := range strings.Lines(string(p.read(".gitignore"))) {
		ignored[strings.Trim(strings.TrimSpace(line), "/")] = true
	}
	for _, name := range outputNames {
		if ignored[name] {
			return name, ".gitignore lists " + name
		}
	}
	for _, name := range outputNames {
		if p.has(name + "/index.html") {
			return name, name + "/index.html"
		}
	}
	return "", ""
}
