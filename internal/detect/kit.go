package detect

import (
	"regexp"
	"strings"
)

// kit is how a framework that does not run on Node.js gets its tools. Setup commands do nothing where the tool is there.
type kit struct {
	manager  string
	runtimes map[string]string
	setup    []string
	install  string
	// package and tool of a kit of Python or Ruby, for a project that does not list it.
	wanted string
	cache  []string
}

// Tools that a machine lacks are put into .tools, beside the checked-out files: a build leaves the machine as it was.
const toolsCache = ".tools/**/*"

// fetch is a command that puts a tool into .tools unless the machine has it.
func fetch(tool, into, bin string) string {
	return `export PATH="$PWD/` + bin + `:$PATH"; command -v ` + tool + " >/dev/null || " + into
}

// binary is the kit of a tool that is one file in an archive; member is that file's name, or an option for tar if the
// archive holds a folder with a bin folder.
func binary(tool, url, member string) *kit {
	bin := ".tools"
	if strings.HasPrefix(member, "-") {
		bin = ".tools/bin"
	}
	return &kit{setup: []string{fetch(tool, `{ mkdir -p .tools && curl -fsSL "`+url+`" | tar -xz -C .tools `+member+"; }", bin)}, cache: []string{toolsCache}}
}

// cargo is the kit of a tool that is built with Rust.
func cargo(tool, crate string) *kit {
	return &kit{manager: "cargo", setup: []string{
		`command -v cargo >/dev/null || { export CARGO_HOME="$PWD/.tools/cargo" RUSTUP_HOME="$PWD/.tools/rustup" PATH="$PWD/.tools/cargo/bin:$PATH"; [ -x .tools/cargo/bin/cargo ] || curl -fsSL https://sh.rustup.rs | sh -s -- -y --profile minimal --no-modify-path; }`,
		fetch(tool, "cargo install --locked --root .tools "+crate, ".tools/bin"),
	}, cache: []string{toolsCache, "target/**/*"}}
}

// wasm adds the target that browsers run, where Rust has come by rustup.
func wasm(k *kit) *kit {
	k.setup = append(k.setup, "! command -v rustup >/dev/null || rustup target add wasm32-unknown-unknown")
	return k
}

// notInImage is for tools that CodeBuild's images lack and that cannot be fetched as one file.
func notInImage(tool string, inspect func(*inspection)) func(*inspection) {
	return func(n *inspection) {
		inspect(n)
		n.warn(tool + " is not in CodeBuild's images: to build there, install it in the build file's install phase")
	}
}

// pipTool puts a tool of Python into .tools.
func pipTool(name string) string {
	return fetch(name, "{ python3 -m venv .tools/"+name+" && .tools/"+name+"/bin/pip install "+name+"; }", ".tools/"+name+"/bin")
}

// npmTool puts a tool of Node.js into .tools; version may be empty.
func npmTool(name, version string) string {
	return fetch(name, `npm install --global --prefix "$PWD/.tools" `+strings.TrimSuffix(name+"@"+version, "@"), ".tools/bin")
}

func python(pkg string) *kit {
	return &kit{manager: "pip", wanted: pkg, runtimes: map[string]string{"python": "3.12"}, cache: []string{"/root/.cache/pip/**/*"}}
}

func ruby(gem string) *kit {
	return &kit{manager: "bundler", wanted: gem, runtimes: map[string]string{"ruby": "3.3"}, cache: []string{"vendor/bundle/**/*"}}
}

// supply fills in how the tools of a kit are installed in this project, and returns what stands before its commands.
func (k *kit) supply(p *probe, b *Build) (prefix string) {
	b.PackageManager, b.InstallCommand = k.manager, k.install
	b.Runtimes, b.Cache = map[string]string{}, append(b.Cache, k.cache...)
	b.Setup = append(b.Setup, k.setup...)
	for name, version := range k.runtimes {
		b.Runtimes[name] = version
	}
	switch k.manager {
	case "pip":
		return k.supplyPython(p, b)
	case "bundler":
		return k.supplyRuby(p, b)
	}
	return ""
}

var majorMinor = regexp.MustCompile(`\d+\.\d+`)

func (k *kit) supplyPython(p *probe, b *Build) (prefix string) {
	if v := majorMinor.FindString(string(p.read(".python-version"))); v != "" {
		b.Runtimes["python"] = v
	}
	switch {
	case p.has("uv.lock"):
		b.PackageManager, b.InstallCommand = "uv", "uv sync --frozen"
		b.Setup = append(b.Setup, pipTool("uv"))
		return "uv run "
	case p.has("poetry.lock"):
		b.PackageManager, b.InstallCommand = "poetry", "poetry install --no-interaction"
		b.Setup = append(b.Setup, pipTool("poetry"))
		return "poetry run "
	case p.has("Pipfile.lock"):
		b.PackageManager, b.InstallCommand = "pipenv", "pipenv sync"
		b.Setup = append(b.Setup, pipTool("pipenv"))
		return "pipenv run "
	}
	b.Setup = append(b.Setup, "python3 -m venv .venv", `export PATH="$PWD/.venv/bin:$PATH"`)
	b.InstallCommand = "pip install " + shellWord(k.wanted)
	for _, file := range []string{"requirements.txt", "docs/requirements.txt", "requirements-docs.txt"} {
		if p.has(file) {
			b.InstallCommand = "pip install -r " + file
			if !mentionsPackage(string(p.read(file)), k.wanted) {
				b.InstallCommand += " " + shellWord(k.wanted)
			}
			break
		}
	}
	return ""
}

// mentionsPackage reports whether requirements name a package, or one that is built around it (mkdocs-material).
func mentionsPackage(requirements, wanted string) bool {
	name, _, _ := strings.Cut(strings.ToLower(wanted), "[")
	name, _, _ = strings.Cut(name, "<")
	for line := range strings.Lines(strings.ToLower(requirements)) {
		if strings.HasPrefix(strings.TrimSpace(line), name) {
			return true
		}
	}
	return false
}

func shellWord(s string) string {
	if strings.ContainsAny(s, "[]<> ") {
		return "'" + s + "'"
	}
	return s
}

func (k *kit) supplyRuby(p *probe, b *Build) (prefix string) {
	if v := majorMinor.FindString(string(p.read(".ruby-version"))); v != "" {
		b.Runtimes["ruby"] = v
	}
	if !p.has("Gemfile") {
		b.PackageManager = "gem"
		b.Setup = append(b.Setup, "command -v "+k.wanted+` >/dev/null || export GEM_HOME="$PWD/.tools/gems" PATH="$PWD/.tools/gems/bin:$PATH"`)
		b.InstallCommand, b.Cache = "command -v "+k.wanted+" >/dev/null || gem install "+k.wanted, []string{toolsCache}
		return ""
	}
	b.Setup = append(b.Setup, "bundle config set --local path vendor/bundle")
	if p.has("Gemfile.lock") {
		b.Setup = append(b.Setup, "bundle config set --local frozen true")
	}
	b.InstallCommand = "bundle install"
	return "bundle exec "
}

// The conditions of entries of the table.

func hasFile(name string) func(*probe) (string, bool) {
	return func(p *probe) (string, bool) { return "", p.has(name) }
}

func fileMentions(name, word string) func(*probe) (string, bool) {
	return func(p *probe) (string, bool) { return name + " mentions " + word, p.mentions(name, word) }
}

func gem(name string) func(*probe) (string, bool) {
	return func(p *probe) (string, bool) { return "Gemfile names " + name, p.mentions("Gemfile", name) }
}

func either(conditions ...func(*probe) (string, bool)) func(*probe) (string, bool) {
	return func(p *probe) (string, bool) {
		for _, c := range conditions {
			if evidence, ok := c(p); ok {
				return evidence, true
			}
		}
		return "", false
	}
}

// onlyScript is for tools that projects have beside their framework: a dependency is no sign, a script is.
func onlyScript(names ...string) func(*probe) (string, bool) {
	return func(p *probe) (string, bool) {
		for _, name := range names {
			if p.pkg != nil && p.pkg.scripts[name] != "" {
				return "", true
			}
		}
		return "", false
	}
}
