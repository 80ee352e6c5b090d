package detect

import (
	"regexp"
	"slices"
	"strings"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
)

// inspectNext: files come out of Next.js only with output: "export" (or, before 14, with `next export`), into "out", or
// into distDir if that is set (Next.js documentation, "Static Exports").
func inspectNext(n *inspection) {
	exported := n.exportScript()
	output, known := n.value("output").String()
	switch {
	case known && output == "export":
		n.evidence(n.at(n.value("output")) + ` sets output to "export"`)
		if dist := n.value("distDir"); dist.Exists() {
			if dir, ok := dist.Path(); !ok || dir != ".next" {
				n.outputFrom(dist, "distDir", "")
			}
		}
	case exported:
	case n.value("output").Exists() && !known:
		n.warn(n.at(n.value("output")) + ` computes output: it must be "export" in the build`)
	default:
		n.nextWithoutExport()
	}
	if dir := n.run.flag("-o", "--outdir"); dir != "" && slices.Contains(n.run.words(), "export") {
		n.setOutput(dir, `script "`+n.script+`" exports into `+dir)
	}
	n.nextWarnings()
}

// exportScript finds `next export`, and runs it after the build where the build does not run it.
func (n *inspection) exportScript() bool {
	for _, s := range n.buildScripts() {
		for _, run := range s.runs {
			if run.tool == "next" && slices.Contains(run.words(), "export") {
				n.run = run
				if s.name != "build" && !slices.ContainsFunc(s.runs, func(r invocation) bool { return r.tool == "next" && slices.Contains(r.words(), "build") }) {
					n.then = s.name
				} else {
					n.script = s.name
				}
				n.evidence(`script "` + s.name + `" runs ` + run.String())
				return true
			}
		}
	}
	return false
}

func (n *inspection) nextWithoutExport() {
	if v := majorOf(strings.TrimLeft(n.found.Version, "^~>=v ")); v > 0 && v < 13 {
		n.unsupported("Next.js writes files only if it is told to export them", "package.json",
			`"build": "next build && next export"`)
		return
	}
	reason := "Next.js runs a server unless its output is set to export"
	if v := n.value("output"); v.Exists() {
		output, _ := v.String()
		reason = n.at(v) + " sets output to " + quote(output) + ", which needs a server"
	}
	if n.file == "" {
		n.unsupported(reason, "next.config.mjs", "export default { output: 'export', images: { unoptimized: true } };")
		return
	}
	n.unsupported(reason, n.file, "output: 'export', images: { unoptimized: true },")
}

func (n *inspection) nextWarnings() {
	if n.found.Unsupported != nil {
		return
	}
	if unoptimized, _ := n.flag("images.unoptimized"); !unoptimized && !n.value("images.loader").Exists() {
		n.warn("if the site uses next/image, set images: { unoptimized: true }: the build fails otherwise")
	}
	for _, key := range []string{"rewrites", "redirects", "headers"} {
		if v := n.value(key); v.Exists() {
			n.warn(n.at(v) + ": " + key + " have no effect on exported files")
		}
	}
	if v := n.value("i18n"); v.Exists() {
		n.warn(n.at(v) + ": i18n routing does not work with exported files, the build fails")
	}
	for _, name := range []string{"pages/api", "src/pages/api"} {
		if n.isDir(name) {
			n.warn(name + " is not exported: there is no server to run it")
		}
	}
	for _, name := range []string{"middleware.ts", "middleware.js", "src/middleware.ts", "src/middleware.js", "proxy.ts", "src/proxy.ts"} {
		if n.has(name) {
			n.warn(name + " does not run: there is no server")
		}
	}
}

// inspectReactRouter: `ssr: false` writes an index.html into build/client (React Router documentation, "Single Page App").
func inspectReactRouter(n *inspection) {
	base := "build"
	if dir, ok := n.value("buildDirectory").Path(); ok {
		base = dir
		n.evidence(n.at(n.value("buildDirectory")) + " sets buildDirectory to " + quote(dir))
	}
	n.found.OutputDir = join(base, "client")
	prerender := n.value("prerender")
	no, isFalse := prerender.Bool()
	prerenders := prerender.Exists() && (!isFalse || no)
	ssr, known := n.flag("ssr")
	switch {
	case known && !ssr:
		n.evidence(n.at(n.value("ssr")) + " sets ssr to false")
		if prerenders {
			n.evidence(n.at(prerender) + " sets prerender")
		}
	case prerenders:
		n.evidence(n.at(prerender) + " sets prerender")
		n.route(site.RoutingStatic, "the listed paths are prerendered")
		n.warn("only the paths in prerender exist; add ssr: false for an application whose other paths run in the browser")
	default:
		file := n.file
		if file == "" {
			file = "react-router.config.ts"
		}
		n.unsupported("React Router renders its pages on a server unless ssr is false", file, "ssr: false,")
	}
}

// inspectRemix: Remix builds files only in its single-page mode, with Vite.
func inspectRemix(n *inspection) {
	if n.file != "" {
		options, ok := n.js.Call("@remix-run/dev")
		if ssr, known := options.Get("ssr").Bool(); ok && known && !ssr {
			n.evidence(n.at(options.Get("ssr")) + " sets ssr to false")
			base := "build"
			if dir, ok := options.Get("buildDirectory").Path(); ok {
				base = dir
			}
			n.found.OutputDir = join(base, "client")
			return
		}
		n.unsupported("Remix renders its pages on a server unless ssr is false", n.file, "remix({ ssr: false })")
		return
	}
	n.unsupported("Remix renders its pages on a server; only with Vite has it a single-page mode", "vite.config.ts", "plugins: [remix({ ssr: false })]")
}

func inspectGatsby(n *inspection) {
	if slices.Contains(n.run.args, "--prefix-paths") {
		v := n.value("pathPrefix")
		prefix, _ := v.String()
		n.warnBase(`script "`+n.script+`" runs gatsby with --prefix-paths, and `+n.at(v)+" sets pathPrefix", prefix)
	}
}

// inspectCRA: the folder is "build", or what the variable BUILD_PATH says (Create React App, "Advanced Configuration").
func inspectCRA(n *inspection) {
	if dir := n.run.env["BUILD_PATH"]; dir != "" {
		n.setOutput(dir, `script "`+n.script+`" sets BUILD_PATH to `+dir)
	}
	if n.pkg != nil { // without one, the framework was named
		n.warnBase("package.json sets homepage", n.pkg.homepage)
	}
}

var webOutput = regexp.MustCompile(`"output"\s*:\s*"(single|static|server)"`)

// inspectExpo: web.output is single, static or server (Expo documentation, "Publish websites").
func inspectExpo(n *inspection) {
	if n.anyDep("react-native-web") == "" {
		n.unsupported("the app is not set up for the web", "package.json", "npx expo install react-dom react-native-web")
		return
	}
	if slices.Contains(n.run.words(), "export:web") {
		n.found.OutputDir = "web-build"
		return
	}
	output := ""
	if m := webOutput.FindSubmatch(n.read("app.json")); m != nil {
		output = string(m[1])
		n.evidence(`app.json sets web.output to "` + output + `"`)
	} else if v := n.value("web.output"); v.Exists() {
		output, _ = v.String()
	} else if v := n.value("expo.web.output"); v.Exists() {
		output, _ = v.String()
	}
	switch output {
	case "static":
		n.route(site.RoutingStatic, pageByPath)
	case "server":
		n.unsupported(`web.output is "server"`, "app.json", `"output": "static"`)
	}
}

func inspectGuess(n *inspection) {
	inspectBundle(n)
	if dir, why := n.guessOutput(); dir != "" {
		n.setOutput(dir, why)
		return
	}
	n.warn(n.framework.title + " can write anywhere; " + n.found.OutputDir + " is assumed: give --output-dir if it is another")
}

func inspectRedwood(n *inspection) {
	n.script, n.command = "", "rw build web"
	if n.isDir("api") {
		n.warn("only the web side is hosted; the api side needs a server elsewhere")
	}
}

func serverOnly(reason, change string) func(*inspection) {
	return func(n *inspection) {
		n.unsupported(reason, n.first("package.json", "deno.json", "fresh.config.ts"), change)
	}
}
