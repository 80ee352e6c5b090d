package detect

import (
	"slices"
	"strconv"
	"strings"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/detect/jsconfig"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
)

// inspectNuxt: `nuxt generate` writes every page; `nuxt build` does so only with a static preset. Nuxt 3 and 4 write into
// .output/public, Nuxt 2 into dist (Nuxt documentation, "Static Hosting").
func inspectNuxt(n *inspection) {
	ssr, known := n.flag("ssr")
	single := known && !ssr
	if mode, _ := n.value("mode").String(); mode == "spa" {
		single = true
	}
	if single {
		n.route(site.RoutingSPA, ownsPaths)
	}
	two := strings.HasPrefix(strings.TrimLeft(n.found.Version, "^~>=v "), "2")
	if two {
		n.found.OutputDir = "dist"
		if v := n.value("generate.dir"); v.Exists() {
			n.outputFrom(v, "generate.dir", "")
		}
	}
	if slices.Contains(n.run.words(), "generate") || slices.Contains(n.run.words(), "export") {
		n.nuxtServer()
		return
	}
	preset, _ := n.value("nitro.preset").String()
	target, _ := n.value("target").String()
	switch {
	case strings.Contains(preset, "static") || strings.Contains(preset, "pages"):
		n.evidence(n.at(n.value("nitro.preset")) + " sets nitro.preset to " + quote(preset))
	case single || target == "static":
		n.script, n.command = "", "nuxt generate"
	default:
		n.unsupported("`nuxt build` makes a server; `nuxt generate` makes files", "package.json", `"generate": "nuxt generate"`)
	}
	n.nuxtServer()
}

func (n *inspection) nuxtServer() {
	for _, dir := range []string{"server/api", "server/routes", "server/middleware", "serverMiddleware"} {
		if n.isDir(dir) {
			n.warn(dir + " does not run: there is no server")
		}
	}
}

// inspectPress reads the configuration of VitePress and VuePress, which lies in a folder of the documentation's root. The
// root is an argument of the build command.
func inspectPress(folder, key string) func(*inspection) {
	return func(n *inspection) {
		root := ""
		if words := n.run.words(); len(words) > 1 {
			root = cleanDir(words[1])
		} else if n.run.tool == "" {
			for _, dir := range []string{"docs", "", "doc", "website", "documentation"} {
				if n.isDir(join(dir, folder)) {
					root = dir
					break
				}
			}
			n.command = strings.TrimSuffix(n.framework.tools[0]+" build "+root, " ")
			if folder == ".vuepress" && root == "" {
				n.command += " ."
			}
		}
		n.found.OutputDir = join(root, folder, "dist")
		n.file = n.probe.config(join(root, folder, "config"), join(root, folder, "config/index"))
		if n.file == "" {
			return
		}
		n.js = n.probe.js(n.file)
		rel := root
		if folder == ".vuepress" { // dest is relative to the folder in which the tool runs
			rel = ""
		}
		if dir := n.run.flag(n.framework.flags...); dir != "" {
			n.setOutput(dir, `script "`+n.script+`" builds into `+dir)
		} else if v := n.value(key); v.Exists() {
			n.pressOutput(v, key, join(root, folder), rel)
		}
		if base, ok := n.value("base").String(); ok {
			n.warnBase(n.at(n.value("base"))+" sets base", base)
		}
	}
}

// pressOutput takes care of paths that are made from the folder of the configuration file, below the root.
func (n *inspection) pressOutput(v jsconfig.Value, key, here, rel string) {
	if plain, ok := v.String(); ok {
		n.setOutput(join(rel, plain), n.at(v)+" sets "+key+" to "+quote(plain))
		return
	}
	n.outputFrom(v, key, here)
}

func inspectQuasar(n *inspection) {
	mode := n.run.flag("-m", "--mode")
	switch mode {
	case "", "spa":
	case "ssr":
		n.unsupported("Quasar's mode ssr needs a server", "package.json", `"build": "quasar build"`)
	default:
		if !n.value("build.distDir").Exists() {
			n.setOutput("dist/"+mode, `script "`+n.script+`" builds the mode `+mode)
		}
	}
}

// inspectSvelteKit: files come out of SvelteKit with @sveltejs/adapter-static (its page in the SvelteKit documentation).
func inspectSvelteKit(n *inspection) {
	const adapter = "@sveltejs/adapter-static"
	file := n.file
	if file == "" {
		// Since SvelteKit 2.6x the options may stand in Vite's configuration.
		if vite := n.probe.config("vite.config"); vite != "" && n.probe.mentions(vite, "adapter") {
			file, n.file, n.js = vite, vite, n.probe.js(vite)
		} else {
			file = "svelte.config.js"
		}
	}
	if n.js == nil || !n.js.ImportsFrom(adapter) {
		change := "import adapter from '" + adapter + "';"
		if n.anyDep(adapter) == "" {
			change += " // npm install --save-dev " + adapter + adapterFor(n.found.Version)
		}
		change += "\nadapter: adapter({ fallback: 'index.html' }),"
		n.unsupported("SvelteKit makes files only with "+adapter, file, change)
		return
	}
	n.evidence(file + " uses " + adapter)
	options, called := n.js.Call(adapter)
	if !called {
		return
	}
	if v := options.Get("pages"); v.Exists() {
		n.outputFrom(v, "pages", "")
	}
	fallback, ok := options.Get("fallback").String()
	if !ok || fallback == "404.html" {
		return
	}
	n.route(site.RoutingSPA, "the adapter writes "+fallback+" for paths without a page")
	if fallback != "index.html" {
		n.warn(file + ":" + strconv.Itoa(options.Get("fallback").Line()) + " sets fallback to " + quote(fallback) + ": paths without a page get index.html here, so set it to that")
	}
}

// adapterFor is the version of the static adapter that a SvelteKit of an earlier line takes: npm would install the newest, and
// refuse.
func adapterFor(kit string) string {
	switch majorOf(strings.TrimLeft(kit, "^~>=v ")) {
	case 1:
		return "@2"
	case 2:
		return "@3"
	}
	return ""
}

// inspectAstro: output "static" is the default (Astro documentation, "On-demand rendering").
func inspectAstro(n *inspection) {
	output, known := n.value("output").String()
	if known && (output == "server" || output == "hybrid") {
		n.unsupported(n.at(n.value("output"))+" sets output to "+quote(output)+", which needs a server", n.file, "output: 'static',")
		return
	}
	if v := n.value("adapter"); v.Exists() {
		n.warn(n.at(v) + ": pages with prerender = false need the adapter's server, and are not hosted")
	}
}

// inspectVike: only prerendered pages are files (Vike documentation, "Pre-rendering").
func inspectVike(n *inspection) {
	if n.js != nil {
		for _, module := range []string{"vike/plugin", "vite-plugin-ssr/plugin"} {
			if options, ok := n.js.Call(module); ok && enabled(options.Get("prerender")) {
				n.evidence(n.file + " sets prerender")
				return
			}
		}
	}
	file := n.probe.config("pages/+config", "src/pages/+config", "renderer/+config", "+config")
	if file != "" && enabled(n.probe.js(file).Default().Get("prerender")) {
		n.evidence(file + " sets prerender")
		return
	}
	if file == "" {
		file = "pages/+config.ts"
	}
	n.unsupported("Vike renders its pages on a server unless they are prerendered", file, "prerender: true,")
}

// enabled reports whether an option is on: true, or an object of further options.
func enabled(v jsconfig.Value) bool {
	on, known := v.Bool()
	return v.Exists() && (!known || on)
}
