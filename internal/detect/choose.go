package detect

import (
	"cmp"
	"slices"
	"strings"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/detect/jsconfig"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
)

// known looks for a framework of the table; it reports whether there is one.
func (p *probe) known(ws *workspace, top string, f *Found) bool {
	candidates := p.candidates(table)
	if len(candidates) == 0 {
		return false
	}
	c := candidates[0]
	if p.isRoot() && p.named == "" && !p.ownSite(c) {
		return false
	}
	f.Evidence = append(f.Evidence, c.evidence...)
	f.Framework, f.Title = c.key, c.title
	if name := p.anyDep(c.deps...); name != "" {
		f.Version, _ = p.dep(name)
	}
	for _, other := range candidates[1:] {
		if other.score == c.score && c.score == 3 && other.script == "build" && c.script == "build" && !sharesTool(c, other) {
			f.Warnings = append(f.Warnings, `script "build" also runs `+other.run.String()+"; "+c.title+" is taken for the framework")
		}
	}
	n := &inspection{probe: p, framework: c.framework, found: f, script: c.script, run: c.run, command: c.build}
	if n.script == "" && c.kit == nil && p.pkg != nil && p.pkg.scripts["build"] != "" {
		n.script = "build"
	}
	n.inspectAll()
	switch {
	case n.noBuild, f.Unsupported != nil && p.pkg == nil:
	case c.kit != nil:
		n.supplyKit()
	default:
		n.nodeBuild(ws, top)
	}
	return true
}

// ownSite reports whether what speaks for a framework at the root of a monorepo is a site at the root, rather than a
// dependency or a script that serves all packages.
func (p *probe) ownSite(c candidate) bool {
	switch {
	case p.config(c.config...) != "", p.first(c.files...) != "", p.first("index.html", "src/index.html", "angular.json", "project.json") != "":
		return true
	case c.run.tool == "" || c.run.tool == "nx":
		return c.kit != nil
	}
	return true
}

func sharesTool(a, b candidate) bool { return a.run.tool == b.run.tool }

// inspectAll reads the configuration and lets the framework look deeper.
func (n *inspection) inspectAll() {
	c := n.framework
	n.found.OutputDir, n.found.Routing, n.found.Reason = c.output, cmp.Or(c.routing, site.RoutingStatic), c.reason
	if len(c.config) > 0 {
		n.file = n.probe.config(c.config...)
		for _, name := range c.config {
			if n.file == "" && strings.HasSuffix(name, ".json") && n.has(name) {
				n.file = name
			}
		}
		if n.file != "" {
			n.js = n.probe.js(n.file)
			n.evidence(n.file)
		}
	}
	n.readOutput("")
	if c.inspect != nil {
		c.inspect(n)
	}
	n.checkBase()
}

// nodeBuild fills in how the project is built with Node.js.
func (n *inspection) nodeBuild(ws *workspace, top string) {
	root := n.probe
	if ws != nil {
		root = ws.root
	}
	m := root.packageManager(n.found)
	n.found.installed(n.probe, root, m, top)
	n.found.BuildCommand = n.prefix + n.nodeCommand(ws, m)
	if n.then != "" {
		n.found.BuildCommand += " && " + ws.run(m, n.probe, n.then)
	}
	if ws != nil {
		n.found.Paths = ws.paths(n.probe, m, top)
		n.evidence("it is a package of the workspace " + orName(relative(top, root.dir), "at the top of the repository"))
	}
	if n.key() == "nextjs" {
		n.found.Cache = append(n.found.Cache, join(relative(root.dir, n.dir), ".next/cache/**/*"))
	}
}

func (n *inspection) key() string { return n.framework.key }

func (n *inspection) nodeCommand(ws *workspace, m manager) string {
	switch {
	case n.script != "":
		return ws.run(m, n.probe, n.script)
	case n.command != "":
		return ws.exec(m, n.probe, n.command)
	}
	if n.found.Unsupported == nil {
		n.warn("no script builds the site: give --build-command")
	}
	return ""
}

// installed fills in how the packages of Node.js are installed in root, for the project that p looks at.
func (f *Found) installed(p, root *probe, m manager, top string) {
	version, where := p.nodeVersion(root.dir)
	if where == "" {
		version, where = root.nodeVersion(top)
	}
	if where != "" {
		f.Evidence = append(f.Evidence, where)
	}
	f.PackageManager, f.NodeVersion, f.InstallCommand = m.name, itoa(version), m.install()
	f.Setup, f.Cache = m.setup(root), m.cache()
	f.Runtimes = map[string]string{"nodejs": f.NodeVersion}
	if root.pkg == nil { // npx fetches the tool
		f.InstallCommand = ""
	}
	f.Build.Dir = relative(top, root.dir)
}

// supplyKit fills in how a project is built with tools other than Node.js. If there is a package.json as well, its packages
// are installed, and its script builds.
func (n *inspection) supplyKit() {
	f := n.found
	k := *n.framework.kit
	k.wanted = cmp.Or(n.wanted, k.wanted)
	prefix := k.supply(n.probe, &f.Build)
	f.BuildCommand = n.prefix + prefix + n.command
	if n.pkg == nil || len(n.pkg.deps) == 0 && n.script == "" {
		return
	}
	m := n.packageManager(f)
	version, _ := n.nodeVersion(n.dir)
	f.NodeVersion = itoa(version)
	f.Runtimes["nodejs"] = f.NodeVersion
	f.Setup = append(f.Setup, m.setup(n.probe)...)
	f.Cache = append(f.Cache, m.cache()...)
	switch {
	case f.InstallCommand == "":
		f.InstallCommand = m.install()
	default:
		f.Setup = append(f.Setup, m.install())
	}
	if f.PackageManager == "" {
		f.PackageManager = m.name
	}
	if n.script != "" {
		f.BuildCommand = m.run(n.script)
	}
}

// unknown settles a project that no framework of the table is seen in.
func (p *probe) unknown(ws *workspace, top string, f *Found) {
	switch {
	case p.server(f):
	case p.pkg != nil && p.pkg.scripts["build"] != "" && !p.pageless():
		p.scripted(ws, top, f)
	case p.first("index.html", "index.htm") == "" && p.makefile(f):
	default:
		p.folder(f)
	}
}

// pageless reports whether a project with a build script is one whose script builds something else: a page of its own lies
// in the project folder, and the script's output is not known.
func (p *probe) pageless() bool {
	dir, _ := p.guessOutput()
	return dir == "" && p.has("index.html")
}

// servers are dependencies of programs that answer requests themselves.
var servers = []string{"express", "fastify", "koa", "hapi", "@hapi/hapi", "@nestjs/core", "hono", "@adonisjs/core", "sails", "@feathersjs/feathers", "strapi", "@strapi/strapi", "keystone", "@keystone-6/core", "payload"}

// server tells a program for Node.js that has no pages to host.
func (p *probe) server(f *Found) bool {
	name := p.anyDep(servers...)
	if name == "" || p.first("index.html", "public/index.html", "dist/index.html") != "" || p.pkg.scripts["build"] == "" && p.pkg.scripts["start"] == "" {
		return false
	}
	if lib := p.anyDep(browserLibraries...); lib != "" {
		return false
	}
	f.Framework, f.Title = "server", "Node.js server"
	f.Evidence = append(f.Evidence, "package.json depends on "+name)
	f.Unsupported = &Unsupported{Reason: name + " answers requests itself: there are no files to host", File: "package.json",
		Change: "host it where a Node.js server runs, or name the front end's folder with --dir"}
	return true
}

// scripted is a project with a build script of which nothing more is known.
func (p *probe) scripted(ws *workspace, top string, f *Found) {
	f.Framework, f.Title = "node", "Node.js project"
	f.Evidence = append(f.Evidence, `script "build" runs `+p.pkg.scripts["build"])
	n := &inspection{probe: p, framework: &framework{key: "node"}, found: f, script: "build"}
	if p.library() {
		n.unsupported("the build starts from no page: it makes a library, or the assets of a server", "package.json",
			"name the site's folder with --dir, or its build with --build-command and --output-dir")
	}
	dir, why := p.guessOutput()
	for _, run := range p.pkg.invocations("build") {
		if out := run.flag("--outdir", "--out-dir", "--outDir", "--dist-dir", "--output", "--dist", "-o", "-d"); out != "" {
			dir, why = join(run.dir, out), "it builds into "+out
		}
	}
	if dir == "" {
		dir = "dist"
		n.warn("it cannot be told into which folder the build writes; dist is assumed: give --output-dir if it is another")
	} else {
		n.setOutput(dir, why)
	}
	f.OutputDir = cleanDir(dir)
	inspectBundle(n)
	n.nodeBuild(ws, top)
}

// compilers are tools that make libraries as well as sites.
var compilers = []string{
	"tsc", "vue-tsc", "vite", "rollup", "tsup", "tsdown", "unbuild", "microbundle", "swc", "babel", "esbuild", "webpack", "parcel", "pkgroll",
	"svelte-package", "ng-packagr", "preconstruct", "bunchee", "rslib", "tsc-alias", "rimraf", "rm", "cp", "mkdir", "cpy", "copyfiles",
}

// library reports whether the build only compiles, and there is no page for it to start from.
func (p *probe) library() bool {
	if p.first("index.html", "public/index.html", "src/index.html", "static/index.html", "app/index.html", "client/index.html", "www/index.html") != "" {
		return false
	}
	runs := p.pkg.invocations("build")
	return len(runs) > 0 && !slices.ContainsFunc(runs, func(run invocation) bool { return !slices.Contains(compilers, run.tool) })
}

// folders are where pages lie that are not built, or were built elsewhere.
var folders = []string{"public", "dist", "build", "out", "_site", "www", "docs", "site", "html", "htdocs", "static", "web", "src", "public_html"}

// folder looks for the folder with the page of a project without a build: the project's own, or one of the usual names.
func (p *probe) folder(f *Found) {
	f.Title, f.Reason = "Plain files", "each page is a file"
	if page := p.first("index.html", "index.htm"); page != "" {
		f.Evidence = append(f.Evidence, page)
		return
	}
	for _, name := range folders {
		if !p.has(name + "/index.html") {
			continue
		}
		f.OutputDir = name
		f.Evidence = append(f.Evidence, name+"/index.html")
		for line := range strings.Lines(string(p.read(".gitignore"))) {
			if strings.Trim(strings.TrimSpace(line), "/") == name {
				f.Warnings = append(f.Warnings, ".gitignore lists "+name+": it is in no commit, so publish it with `publish "+name+"`, or name a build with --build-command")
			}
		}
		return
	}
	f.Warnings = append(f.Warnings, "there is no index.html: name the site's folder with --output-dir, or the build with --build-command")
}

// jsValue parses a configuration in JSON.
func (p *probe) jsonFile(name string) jsconfig.Value {
	return jsconfig.ParseJSON(p.read(name)).Default()
}
