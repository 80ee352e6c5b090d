package detect

import (
	"cmp"
	"path"
	"strings"
)

// inspectYAML reads the output folder, and the folder of the site's address, from a file in YAML.
func inspectYAML(file, key, base string) func(*inspection) {
	return inspectSettings([]string{file}, key, base)
}

// inspectTOML does the same for TOML.
func inspectTOML(file, key, base string) func(*inspection) {
	return inspectSettings([]string{file}, key, base)
}

func inspectSettings(files []string, key, base string) func(*inspection) {
	return func(n *inspection) {
		for _, file := range files {
			n.outputSetting(file, key, n.setting(file, key))
			if s := n.setting(file, base); s.ok {
				n.warnBase(file+" sets "+base, s.value)
			}
		}
	}
}

// inspectPython reads NAME = "folder" from a configuration in Python; inspectRuby one in Ruby.
func inspectPython(file, name string) func(*inspection) {
	return func(n *inspection) { n.outputSetting(file, name, n.assignment(file, name)) }
}

func inspectRuby(file, name string) func(*inspection) { return inspectPython(file, name) }

// placeholder reports whether a site's address is one that nobody serves it from: a starter's example, or a machine's own.
func placeholder(url string) bool {
	_, rest, _ := strings.Cut(url, "://")
	host, _, _ := strings.Cut(rest, "/")
	host, _, _ = strings.Cut(host, ":")
	return url == "" || host == "localhost" || host == "example.org" || host == "example.com" || host == "www.example.com" || host == "www.example.org"
}

// hugoFiles are the names that Hugo looks for, in its order (Hugo documentation, "Configuration").
var hugoFiles = []string{
	"hugo.toml", "hugo.yaml", "hugo.yml", "hugo.json", "config/_default/hugo.toml", "config/_default/hugo.yaml", "config/_default/hugo.json",
	"config.toml", "config.yaml", "config.json", "config/_default/config.toml", "config/_default/config.yaml",
}

func isHugo(p *probe) (string, bool) {
	file := p.first(hugoFiles...)
	if strings.Contains(file, "hugo.") {
		return "", true
	}
	if file == "" || !p.setting(file, "baseURL").ok && p.first("archetypes", "layouts") == "" {
		return "", false
	}
	return "", p.first("content", "layouts", "themes", "archetypes") != ""
}

func inspectHugo(n *inspection) {
	file := n.first(hugoFiles...)
	n.outputSetting(file, "publishDir", n.setting(file, "publishDir"))
	if url := n.setting(file, "baseURL"); placeholder(url.value) && n.script == "" {
		n.command += " --baseURL /"
		n.evidence(cmp.Or(file, "the configuration") + " has no address of the site yet: links are made relative to the root")
	} else {
		n.warnBase(file+" sets baseURL", url.value)
	}
	if n.has(".gitmodules") {
		n.warn("the theme is a git submodule, and a pipeline's source comes without submodules: commit its files, or make it a Hugo module")
	}
}

func isJekyll(p *probe) (string, bool) {
	if p.anyDep("hexo") != "" || p.has("_toc.yml") {
		return "", false
	}
	for _, name := range []string{"jekyll", "github-pages", "just-the-docs"} {
		if p.mentions("Gemfile", name) {
			return "Gemfile names " + name, true
		}
	}
	mark := p.first("_posts", "_layouts", "_includes", "_data", "_sass", "index.md", "index.markdown")
	return mark, mark != ""
}

func inspectJekyll(n *inspection) {
	file := n.first("_config.yml", "_config.yaml", "_config.toml")
	n.outputSetting(file, "destination", n.setting(file, "destination"))
	n.prefix = "JEKYLL_ENV=production "
	if base := n.setting(file, "baseurl"); base.ok && strings.Trim(base.value, "/") != "" && n.script == "" {
		n.command += ` --baseurl ""`
		n.evidence(file + " sets baseurl to " + base.value + ", and the site is served at /: the build overrides it")
	}
}

func inspectMkDocs(n *inspection) {
	file := n.first("mkdocs.yml", "mkdocs.yaml")
	n.outputSetting(file, "site_dir", n.setting(file, "site_dir"))
	theme := n.setting(file, "theme")
	if name := n.setting(file, "theme.name"); name.ok {
		theme = name
	}
	if theme.value == "material" {
		n.wanted = "mkdocs-material"
	}
}

func isSphinx(p *probe) (string, bool) {
	file := p.first("conf.py", "docs/conf.py", "docs/source/conf.py", "doc/conf.py", "source/conf.py")
	for _, word := range []string{"extensions", "html_theme", "sphinx"} {
		if p.mentions(file, word) && !p.mentions(file, "BLOG_TITLE") {
			return file + " sets " + word, true
		}
	}
	return "", false
}

func inspectSphinx(n *inspection) {
	dir := path.Dir(n.first(n.framework.files...))
	out := join(dir, "_build/html")
	if path.Base(dir) == "source" {
		out = join(path.Dir(dir), "build/html")
	}
	n.found.OutputDir, n.command = out, "sphinx-build -b html "+dir+" "+out
}

// inspectInFolder is for tools that are told the folder of their configuration.
func inspectInFolder(file, command, output string) func(*inspection) {
	return func(n *inspection) {
		dir := path.Dir(n.first(n.framework.files...))
		n.command, n.found.OutputDir = command+dir, join(dir, output)
	}
}

func inspectPelican(n *inspection) {
	for _, file := range []string{"pelicanconf.py", "publishconf.py"} {
		if s := n.assignment(file, "OUTPUT_PATH"); s.ok {
			n.outputSetting(file, "OUTPUT_PATH", s)
		}
	}
	content := "content"
	if s := n.assignment("pelicanconf.py", "PATH"); s.ok {
		content = s.value
	}
	n.command = "pelican " + content
	if n.has("publishconf.py") {
		n.command += " --settings publishconf.py"
		url := n.assignment("publishconf.py", "SITEURL")
		if url.ok && placeholder(url.value) {
			n.warn("publishconf.py sets no SITEURL yet: set it to the address of the site, or links are relative")
		}
	}
}

func isZola(p *probe) (string, bool) {
	if p.has("zola.toml") {
		return "", true
	}
	return "config.toml sets base_url", p.setting("config.toml", "base_url").ok && p.first("content", "templates", "themes", "sass") != ""
}

func inspectZola(n *inspection) {
	file := n.first("zola.toml", "config.toml")
	n.outputSetting(file, "output_dir", n.setting(file, "output_dir"))
	if url := n.setting(file, "base_url"); placeholder(url.value) && n.script == "" {
		n.command += " --base-url /"
		n.evidence(cmp.Or(file, "the configuration") + " has no address of the site yet: links are made relative to the root")
	} else {
		n.warnBase(file+" sets base_url", url.value)
	}
}

func inspectQuarto(n *inspection) {
	file := n.first("_quarto.yml", "_quarto.yaml")
	if kind := n.setting(file, "project.type"); kind.value == "book" {
		n.found.OutputDir = "_book"
	}
	n.outputSetting(file, "project.output-dir", n.setting(file, "project.output-dir"))
}

func isBlazor(p *probe) (string, bool) {
	file := p.first("*.csproj")
	return file + " is for Blazor WebAssembly", p.contains(file, "Microsoft.NET.Sdk.BlazorWebAssembly")
}

func isLume(p *probe) (string, bool) {
	for _, file := range []string{"deno.json", "deno.jsonc", "_config.ts", "_config.js", "import_map.json"} {
		if p.contains(file, "lume") {
			return file + " names lume", true
		}
	}
	return "", false
}

func inspectLume(n *inspection) {
	file := n.probe.config("_config")
	if v, ok := n.probe.js(file).Call("lume"); ok {
		if dest := v.Get("dest"); dest.Exists() {
			n.file = file
			n.outputFrom(dest, "dest", "")
		}
	}
}

func inspectDoxygen(n *inspection) {
	out, html := n.assignment("Doxyfile", "OUTPUT_DIRECTORY").value, n.assignment("Doxyfile", "HTML_OUTPUT").value
	if html == "" {
		html = "html"
	}
	n.setOutput(join(out, html), "Doxyfile")
}
