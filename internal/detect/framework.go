package detect

import (
	"path"
	"slices"
	"strings"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/detect/jsconfig"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
)

// framework is one entry of the table: how a framework is recognised, built, and where it puts the site.
type framework struct {
	key, title string

	// Recognised by any of: a dependency in package.json; a file (a pattern for the last element); a tool that a build
	// script runs. when, if it is set, has the last word and may add to the evidence.
	deps  []string
	files []string
	tools []string
	when  func(*probe) (evidence string, ok bool)

	// words are the subcommands of the tools that build; "" stands for the bare tool. scripts are names of scripts that
	// are preferred over "build".
	words   []string
	scripts []string

	// build is the command where the project has no script for it. output is the folder it fills. Where the user may have
	// changed the folder: flags of the tool, and keys in a configuration file.
	build  string
	output string
	flags  []string
	config []string // names without the suffix (.js, .ts, …), or with .json
	keys   []string // dotted paths in the configuration's default export
	bases  []string // dotted paths of the folder of the site's address, such as "base"

	routing site.Routing
	reason  string

	// kit is how the tools of a framework that is not built with Node.js are supplied; nil for Node.js.
	kit *kit

	// inspect, if it is set, looks deeper: it may change anything that has been found.
	inspect func(*inspection)
}

// inspection is what a framework's inspect function works on.
type inspection struct {
	*probe
	framework *framework
	found     *Found
	script    string     // the script that builds; "" if there is none
	run       invocation // what it runs; the zero value if that is not known
	command   string     // what runs if there is no script
	then      string     // a script that runs after it
	prefix    string     // what stands before the command: variables
	wanted    string     // the package that a kit installs, instead of the kit's
	noBuild   bool       // the project's files are the site
	file      string     // the configuration file; "" if there is none
	js        *jsconfig.Module
}

func (n *inspection) evidence(text string) {
	if !slices.Contains(n.found.Evidence, text) {
		n.found.Evidence = append(n.found.Evidence, text)
	}
}

func (n *inspection) warn(text string) { n.found.Warnings = append(n.found.Warnings, text) }

func (n *inspection) unsupported(reason, file, change string) {
	n.found.Unsupported = &Unsupported{Reason: reason, File: file, Change: change}
}

func (n *inspection) route(routing site.Routing, reason string) {
	n.found.Routing, n.found.Reason = routing, reason
}

// value is a member of the configuration's default export, by its dotted path.
func (n *inspection) value(dotted string) jsconfig.Value {
	if n.js == nil {
		return jsconfig.Value{}
	}
	return n.js.Default().Get(strings.Split(dotted, ".")...)
}

// flag is a boolean of the configuration: its value, and whether it is there and known.
func (n *inspection) flag(dotted string) (value, known bool) { return n.value(dotted).Bool() }

func (n *inspection) at(v jsconfig.Value) string { return n.file + ":" + itoa(v.Line()) }

// setOutput notes where the output folder was found.
func (n *inspection) setOutput(dir, evidence string) {
	dir = cleanDir(dir)
	if dir != n.found.OutputDir && evidence != "" {
		n.evidence(evidence)
	}
	n.found.OutputDir = dir
}

func cleanDir(dir string) string {
	dir = path.Clean(strings.ReplaceAll(dir, `\`, "/"))
	if dir == "." {
		return ""
	}
	return dir
}

// readOutput looks for the output folder where the user may have changed it: the tool's flag in the build script, else the
// configuration. rel is what a folder in the configuration is relative to, "" for the project folder.
func (n *inspection) readOutput(rel string) {
	if dir := n.run.flag(n.framework.flags...); dir != "" && len(n.framework.flags) > 0 {
		n.setOutput(path.Join(n.run.dir, rel, dir), `script "`+n.script+`" builds into `+dir)
		return
	}
	for _, key := range n.framework.keys {
		if v := n.value(key); v.Exists() {
			n.outputFrom(v, key, rel)
			return
		}
	}
}

// outputFrom takes the output folder from a value of the configuration.
func (n *inspection) outputFrom(v jsconfig.Value, key, rel string) {
	dir, ok := v.Path()
	switch {
	case !ok:
		n.warn(n.at(v) + " computes " + key + "; " + orProject(n.found.OutputDir) + " is assumed: give --output-dir if it is another")
	case path.IsAbs(dir):
		n.warn(n.at(v) + " sets " + key + " to the absolute path " + dir + ": give --output-dir, relative to the project")
	default:
		n.setOutput(path.Join(rel, dir), n.at(v)+" sets "+key+" to "+quote(dir))
	}
}

func orProject(dir string) string {
	if dir == "" {
		return "the project folder"
	}
	return dir
}

// checkBase warns of a site that expects to live in a folder of its host, as on GitHub Pages: here it lives at the root.
func (n *inspection) checkBase() {
	for _, key := range n.framework.bases {
		v := n.value(key)
		base, ok := v.String()
		if !ok {
			continue
		}
		n.warnBase(n.at(v)+" sets "+key, base)
	}
}

func (n *inspection) warnBase(where, base string) {
	if i := strings.Index(base, "://"); i >= 0 {
		_, after, _ := strings.Cut(base[i+3:], "/")
		base = "/" + after
	}
	if base = strings.Trim(base, "/"); base != "" && base != "." {
		n.warn(where + " to /" + base + "/: links and assets will point below it, and the site is served at /")
	}
}

func quote(s string) string { return `"` + s + `"` }

// candidate is a framework that the project shows signs of.
type candidate struct {
	*framework
	evidence []string
	script   string
	run      invocation
	score    int // what speaks for it: 3 the script "build" runs it, 2 another build script does, 1 a dependency or file
}

// candidates are the frameworks of the table that the project shows signs of, the most likely first.
func (p *probe) candidates(table []*framework) []candidate {
	scripts := p.buildScripts()
	var all []candidate
	for _, f := range table {
		c := candidate{framework: f}
		if name := p.anyDep(f.deps...); name != "" {
			version, _ := p.dep(name)
			c.score, c.evidence = 1, append(c.evidence, strings.TrimSpace("package.json depends on "+name+" "+version))
		}
		if file := p.first(f.files...); file != "" {
			c.score, c.evidence = 1, append(c.evidence, file)
		}
		if script, run, ok := f.builtBy(scripts); ok && (c.score > 0 || f.alone(run.tool)) {
			c.script, c.run = script.name, run
			c.evidence = append(c.evidence, `script "`+script.name+`" runs `+run.String())
			c.score = 2
			if script.name == "build" || slices.Contains(f.scripts, script.name) {
				c.score = 3
			}
		}
		if p.named == f.key {
			c.score, c.evidence = 4, append(c.evidence, "you named it")
		} else if c.score == 0 || p.named != "" {
			continue
		}
		if f.when != nil && p.named == "" {
			evidence, ok := f.when(p)
			if !ok {
				continue
			}
			if evidence != "" {
				c.evidence = append(c.evidence, evidence)
			}
		}
		all = append(all, c)
	}
	slices.SortStableFunc(all, func(a, b candidate) int { return b.score - a.score })
	return all
}

// alone reports whether a script that runs the tool is a sign by itself: the tool carries the framework's name, rather than
// that of one of its parts.
func (f *framework) alone(tool string) bool { return f.kit != nil || slices.Contains(f.deps, tool) }

type buildScript struct {
	name string
	runs []invocation
}

// scriptOrder are names of scripts that build a site, the likeliest first.
var scriptOrder = []string{
	"build", "build:prod", "build:production", "build-prod", "build:static", "build:web", "build:site", "build:client", "build:app",
	"generate", "export", "docs:build", "build:docs", "build-docs", "site:build", "docs", "production", "prod", "static", "compile",
	"storybook:build", "build-storybook", "build:storybook",
}

// notBuilds are words in the names of scripts that do not build for production.
var notBuilds = []string{"dev", "start", "serve", "watch", "preview", "test", "lint", "clean", "deploy", "release", "publish", "prepare", "postinstall", "typecheck", "format", "ssr", "server"}

// buildScripts are the project's scripts that may build, in the order in which they are preferred.
func (p *probe) buildScripts() []buildScript {
	if p.pkg == nil {
		return nil
	}
	var rest []string
	for name := range p.pkg.scripts {
		dull := slices.ContainsFunc(notBuilds, func(w string) bool { return slices.Contains(strings.FieldsFunc(name, separator), w) })
		if !slices.Contains(scriptOrder, name) && !dull {
			rest = append(rest, name)
		}
	}
	slices.Sort(rest)
	var all []buildScript
	for _, name := range slices.Concat(scriptOrder, rest) {
		if _, ok := p.pkg.scripts[name]; ok {
			all = append(all, buildScript{name, p.pkg.invocations(name)})
		}
	}
	return all
}

func separator(r rune) bool { return r == ':' || r == '-' || r == '_' || r == '.' }

// builtBy returns the script that builds with one of the framework's tools. Scripts that the framework prefers come first.
func (f *framework) builtBy(scripts []buildScript) (buildScript, invocation, bool) {
	for _, preferred := range []bool{true, false} {
		for _, s := range scripts {
			if slices.Contains(f.scripts, s.name) != preferred {
				continue
			}
			for _, run := range s.runs {
				if f.builds(run) {
					return s, run, true
				}
			}
		}
	}
	return buildScript{}, invocation{}, false
}

// serving are words and flags that make a tool serve or watch rather than build.
var serving = []string{
	"serve", "server", "start", "dev", "develop", "watch", "preview", "test", "lint", "new", "init", "--serve", "--watch", "-w", "--version", "--help",
}

// builds reports whether a command is one of the framework's tools, at building.
func (f *framework) builds(run invocation) bool {
	if !slices.Contains(f.tools, run.tool) || slices.ContainsFunc(run.args, func(a string) bool { return slices.Contains(serving, a) }) {
		return false
	}
	if len(f.words) == 0 {
		return true
	}
	words := run.words()
	if len(words) == 0 {
		return slices.Contains(f.words, "")
	}
	return slices.Contains(f.words, words[0]) || slices.ContainsFunc(run.args, func(a string) bool { return slices.Contains(f.words, a) && strings.HasPrefix(a, "-") })
}
