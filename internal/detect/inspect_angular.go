package detect

import (
	"strings"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/detect/jsconfig"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
)

// inspectAngular reads angular.json: the application that is built, its builder and outputPath. The builder "application"
// writes the site into a folder browser/ below it (Angular documentation, "Output path configuration").
func inspectAngular(n *inspection) {
	file := n.first("angular.json", ".angular.json", "workspace.json", "project.json")
	if file == "" {
		n.legacyAngular()
		return
	}
	n.file, n.js = file, n.probe.js(file)
	root := n.js.Default()
	name, project := n.angularProject(root)
	if file == "project.json" {
		project = root
		name, _ = root.Get("name").String()
	}
	target := project.Get("architect", "build")
	if !target.Exists() {
		target = project.Get("targets", "build")
	}
	if !target.Exists() {
		n.warn(file + " has no build target; " + n.found.OutputDir + " is assumed: give --output-dir if it is another")
		return
	}
	n.angularOutput(name, target)
	n.angularServer(target.Get("options"))
	if v := target.Get("options", "baseHref"); v.Exists() {
		base, _ := v.String()
		n.warnBase(n.at(v)+" sets baseHref", base)
	}
}

// angularProject is the project that `ng build` builds: the one it names, the default one, or the only application.
func (n *inspection) angularProject(root jsconfig.Value) (string, jsconfig.Value) {
	projects := root.Get("projects")
	wanted := n.run.flag("--project")
	if words := n.run.words(); wanted == "" && len(words) > 1 {
		wanted, _, _ = strings.Cut(words[1], ":")
	}
	if wanted == "" {
		wanted, _ = root.Get("defaultProject").String()
	}
	var applications []string
	for _, name := range projects.Keys() {
		kind, _ := projects.Get(name, "projectType").String()
		if name == wanted {
			return name, projects.Get(name)
		}
		if kind == "application" && !strings.HasSuffix(name, "-e2e") {
			applications = append(applications, name)
		}
	}
	if len(applications) == 0 {
		return "", jsconfig.Value{}
	}
	if len(applications) > 1 {
		n.warn("angular.json has the applications " + strings.Join(applications, ", ") + "; " + applications[0] + " is built: name another with --build-command and --output-dir")
		n.script, n.command = "", "ng build "+applications[0]
	}
	return applications[0], projects.Get(applications[0])
}

func (n *inspection) angularOutput(name string, target jsconfig.Value) {
	by := target.Get("builder")
	if !by.Exists() {
		by = target.Get("executor")
	}
	builder, _ := by.String()
	n.evidence(n.at(by) + " uses " + builder)
	out := target.Get("options", "outputPath")
	if production := target.Get("configurations", "production", "outputPath"); production.Exists() {
		out = production
	}
	base, browser := "dist/"+name, "browser"
	if dir, ok := out.Path(); ok {
		base = dir
	} else if dir, ok := out.Get("base").Path(); ok {
		base = dir
		if sub, ok := out.Get("browser").String(); ok {
			browser = sub
		}
	}
	flag := n.run.flag("--output-path")
	if flag != "" {
		base = flag
	}
	if !strings.HasSuffix(builder, ":application") {
		browser = ""
	}
	why := ""
	if out.Exists() && flag == "" {
		why = n.at(out) + " sets outputPath"
	}
	n.setOutput(join(base, browser), why)
	if browser != "" {
		n.evidence("the builder application writes the site into " + n.found.OutputDir)
	}
}

// angularServer tells rendering on a server from rendering at build time.
func (n *inspection) angularServer(options jsconfig.Value) {
	mode, _ := options.Get("outputMode").String()
	ssr := options.Get("ssr")
	prerender := options.Get("prerender")
	switch {
	case mode == "static":
		n.route(site.RoutingStatic, pageByPath)
	case mode == "server":
		n.unsupported(n.at(options.Get("outputMode"))+` sets outputMode to "server"`, n.file, `"outputMode": "static"`)
	case ssr.Exists() && enabled(ssr) && !(prerender.Exists() && enabled(prerender)):
		change := `"outputMode": "static"`
		if v := majorOf(strings.TrimLeft(n.found.Version, "^~>=v ")); v > 0 && v < 19 {
			change = `"prerender": true`
		}
		n.unsupported(n.at(ssr)+" renders pages on a server, and leaves no index.html", n.file, change)
	case prerender.Exists() && enabled(prerender):
		n.route(site.RoutingStatic, pageByPath)
	}
	if v := options.Get("localize"); v.Exists() && enabled(v) {
		n.warn(n.at(v) + ": each language gets a folder of its own, and there is no index.html above them")
	}
}

// legacyAngular reads the configuration of Angular CLI 1.
func (n *inspection) legacyAngular() {
	if !n.has(".angular-cli.json") {
		return
	}
	n.file, n.js = ".angular-cli.json", jsconfig.ParseJSON(n.read(".angular-cli.json"))
	for _, app := range n.value("apps").Items() {
		if v := app.Get("outDir"); v.Exists() {
			n.outputFrom(v, "outDir", "")
			return
		}
	}
}

// inspectAnalog: Analog writes files for a server unless static is set, or ssr is off.
func inspectAnalog(n *inspection) {
	options := jsconfig.Value{}
	if n.js != nil {
		options, _ = n.js.Call("@analogjs/platform")
	}
	static, _ := options.Get("static").Bool()
	ssr, known := options.Get("ssr").Bool()
	switch {
	case static:
		n.evidence(n.at(options.Get("static")) + " sets static")
	case known && !ssr:
		n.evidence(n.at(options.Get("ssr")) + " sets ssr to false")
		n.route(site.RoutingSPA, ownsPaths)
	default:
		n.unsupported("Analog renders its pages on a server unless it is told not to", orName(n.file, "vite.config.ts"), "analog({ static: true })")
	}
}

func orName(file, name string) string {
	if file == "" {
		return name
	}
	return file
}

func inspectTanStack(n *inspection) {
	options := jsconfig.Value{}
	if n.js != nil {
		for _, module := range []string{"@tanstack/react-start/plugin/vite", "@tanstack/solid-start/plugin/vite", "tanstackStart"} {
			if v, ok := n.js.Call(module); ok {
				options = v
				break
			}
		}
	}
	prerender, _ := options.Get("prerender", "enabled").Bool()
	spa, _ := options.Get("spa", "enabled").Bool()
	switch {
	case prerender:
		n.evidence(n.at(options.Get("prerender")) + " prerenders the pages")
	case spa:
		n.evidence(n.at(options.Get("spa")) + " builds a single page")
		n.route(site.RoutingSPA, ownsPaths)
		if out, _ := options.Get("spa", "prerender", "outputPath").String(); !strings.HasPrefix(strings.Trim(out, "/"), "index") {
			n.unsupported("the single page is written as _shell.html, not as index.html", n.file, "spa: { enabled: true, prerender: { outputPath: '/index' } }")
		}
	default:
		n.unsupported("TanStack Start renders its pages on a server unless they are prerendered", orName(n.file, "vite.config.ts"), "tanstackStart({ prerender: { enabled: true } })")
	}
}

func inspectSolidStart(n *inspection) {
	preset, _ := n.value("server.preset").String()
	if preset != "static" {
		n.unsupported("SolidStart renders its pages on a server unless its preset is static", orName(n.file, "app.config.ts"), `server: { preset: "static", prerender: { crawlLinks: true } }`)
		return
	}
	n.evidence(n.at(n.value("server.preset")) + ` sets server.preset to "static"`)
	if ssr, known := n.flag("ssr"); known && !ssr {
		n.route(site.RoutingSPA, ownsPaths)
	}
}

func inspectQwikCity(n *inspection) {
	if dir := n.first("adapters/static", "adapters/ssg", "adaptors/static"); dir != "" {
		n.evidence(dir)
		return
	}
	n.unsupported("Qwik City renders its pages on a server unless it has the static adapter", "package.json", "npm run qwik add static")
}

func inspectMarko(n *inspection) {
	if n.anyDep("@marko/run-adapter-static") == "" {
		n.unsupported("Marko Run makes a server unless it has the static adapter", orName(n.file, "vite.config.js"), "marko({ adapter: staticAdapter() }) // from @marko/run-adapter-static")
	}
}

func inspectStencil(n *inspection) {
	for _, target := range n.value("outputTargets").Items() {
		if kind, _ := target.Get("type").String(); kind == "www" {
			if v := target.Get("dir"); v.Exists() {
				n.outputFrom(v, "outputTargets.dir", "")
			}
			return
		}
	}
	if n.value("outputTargets").Exists() {
		n.unsupported("this is a library of components: no output target is a site", n.file, "{ type: 'www' }")
	}
}
