// Package detect tells what a project folder is: where its repository is and which branch is checked out, what it is built
// with and how, where the built files end up, and how its pages are routed, each with the evidence. It reads
// configuration files of the project and never runs them, never writes, and never opens node_modules.
package detect

import (
	"context"
	"fmt"
	"path"
	"path/filepath"
	"strings"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
)

// Basic is the framework of a project without a build step.
const Basic = "basic"

// Found is what a project folder tells. The JSON keys are those of `init --json`.
type Found struct {
	// Repository is the remote that the project is fetched from, without credentials, or "." if it has none; Branch is the
	// branch that is checked out. Where one of them cannot be told it is empty, and SourceError says why.
	Repository string `json:"repository"`
	Branch     string `json:"branch"`
	// Subdir is the project folder inside its repository, with slashes; empty for the repository's top.
	Subdir string `json:"subdir,omitempty"`
	// Framework is the short name of what the project is built with: the key of an entry of the table, or Basic.
	Framework string `json:"framework"`
	// Title and Version are the framework's name for people and its version as the project states it; they may be empty.
	Title   string `json:"title,omitempty"`
	Version string `json:"version,omitempty"`
	Build
	Routing site.Routing `json:"routing"`
	// Reason says why the routing is what it is.
	Reason string `json:"routingReason,omitempty"`
	// Evidence is what the detection rests on, one fact an entry, the strongest first.
	Evidence []string `json:"evidence"`
	// Warnings are what the user should know or check; none of them stands in the way.
	Warnings []string `json:"warnings"`
	// EnvFiles are the names of the project's .env files. They are never read.
	EnvFiles []string `json:"envFiles,omitempty"`
	// Unsupported is set if the project, as it is configured, cannot be hosted as files.
	Unsupported *Unsupported `json:"unsupported,omitempty"`
	// Paths are what the site depends on, globs relative to the top of the repository: a change elsewhere need not deploy
	// it. Empty if that is the whole repository.
	Paths []string `json:"paths,omitempty"`
	// Apps are the deployable projects of a monorepo, if the folder is the root of one.
	Apps []App `json:"apps,omitempty"`
	// SourceError is a fault.Usage that says why Repository or Branch is empty; nil if both are known.
	SourceError error `json:"-"`
}

// Build is how a project is built. The zero value is a project without a build step.
type Build struct {
	PackageManager string `json:"packageManager"`
	// NodeVersion is the major version of Node.js that the build asks CodeBuild for; empty if it needs none.
	NodeVersion string `json:"nodeVersion,omitempty"`
	// InstallCommand and BuildCommand are single shell commands; either may be empty.
	InstallCommand string `json:"installCommand,omitempty"`
	BuildCommand   string `json:"buildCommand"`
	// OutputDir is the folder of the built files, relative to the project folder, with slashes; empty if the project folder
	// itself is published.
	OutputDir string `json:"outputDir"`
	// Dir is the folder in which the commands run, relative to the top of the repository, with slashes; empty for the top.
	// It is the project folder, or the root of the workspace that the project belongs to.
	Dir string `json:"buildDir,omitempty"`
	// Runtimes are CodeBuild's runtime-versions, by name.
	Runtimes map[string]string `json:"runtimes,omitempty"`
	// Setup are the commands that supply the tools of the build where a build image lacks them.
	Setup []string `json:"setup,omitempty"`
	// Cache are the paths to keep between builds: globs relative to Dir, or below /root, the home folder on CodeBuild.
	Cache []string `json:"cache,omitempty"`
}

// Unsupported says why a project cannot be hosted as files, and what to change.
type Unsupported struct {
	Reason string `json:"reason"`
	// File and Change are the exact lines to write, and where.
	File   string `json:"file"`
	Change string `json:"change"`
}

// App is one deployable project of a monorepo.
type App struct {
	// Dir is the app's folder, relative to the root, with slashes.
	Dir       string `json:"dir"`
	Name      string `json:"name"`
	Framework string `json:"framework"`
}

// Project looks at the project in dir. It fails, with a fault.Usage, only if the folder cannot be read or its package.json
// is not valid; whatever cannot be told is left empty, and a warning says so. At the root of a monorepo that has no site of
// its own, Framework is empty and Apps lists the projects to choose from.
//
// framework is empty, or what the user has named: a key of Frameworks, one of upstream's names, or a name that is not known,
// which leaves the choice to what is seen, too. A framework that was named needs no evidence.
func Project(ctx context.Context, dir, framework string) (Found, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return Found{}, fmt.Errorf("find project folder %s: %w", dir, err)
	}
	asked := make(chan Source, 1)
	go func() { asked <- Git(ctx, abs) }()
	found, err := look(abs, canonical(framework))
	source := <-asked
	if err != nil {
		return Found{}, err
	}
	found.Repository, found.Branch, found.SourceError = source.Repository, source.Branch, source.Err
	found.Warnings = append(source.Warnings, found.Warnings...)
	return found, nil
}

// upstream's names of frameworks that mean exactly one of ours. Its reactjs and vuejs may be any of several.
var upstream = map[string]string{"angularjs": "angular", "nextjs": "nextjs", "astro": "astro", "basic": Basic}

// canonical is the key of a framework that was named; "" if the name leaves a choice.
func canonical(name string) string {
	if key, ok := upstream[name]; ok {
		return key
	}
	for _, f := range table {
		if f.key == name {
			return name
		}
	}
	return ""
}

// Frameworks are the keys of the frameworks that are known, with the names that people know them by, in the order of the table.
func Frameworks() (all []struct{ Key, Title string }) {
	for _, f := range table {
		all = append(all, struct{ Key, Title string }{f.key, f.title})
	}
	return all
}

// Known reports whether a name is that of a framework that is known here or to upstream.
func Known(name string) bool { return canonical(name) != "" || name == "reactjs" || name == "vuejs" }

// look is Project without git.
func look(dir, framework string) (Found, error) {
	found := Found{Framework: Basic, Routing: site.RoutingStatic, Evidence: []string{}, Warnings: []string{}}
	p, err := newProbe(dir)
	if err != nil {
		return found, err
	}
	top := topOf(dir)
	found.Subdir = relative(top, dir)
	found.Build.Dir = found.Subdir
	if found.Subdir != "" {
		found.Paths = []string{found.Subdir + "/**"}
	}
	found.EnvFiles = p.envFiles()
	p.named = framework
	ws := p.workspace(top)
	switch {
	case framework == Basic:
		p.folder(&found)
	case p.nx(ws, top, &found):
	case p.known(ws, top, &found):
	case p.isRoot() && p.apps(top, &found):
	default:
		p.unknown(ws, top, &found)
	}
	if len(found.EnvFiles) > 0 && found.BuildCommand != "" {
		found.Warnings = append(found.Warnings, "left out of the configuration: "+strings.Join(found.EnvFiles, ", ")+"; name the variables that the build needs in the build file's env section")
	}
	return found, nil
}

// topOf is the top of the repository that a folder is in, or the folder itself.
func topOf(dir string) string {
	for top := dir; ; top = filepath.Dir(top) {
		if exists(filepath.Join(top, ".git")) {
			return top
		}
		if top == filepath.Dir(top) {
			return dir
		}
	}
}

// relative is the path from one folder to another, with slashes; "" for the same.
func relative(from, to string) string {
	rel, err := filepath.Rel(from, to)
	if err != nil || rel == "." {
		return ""
	}
	return filepath.ToSlash(rel)
}

// envFiles are the names of the files with variables; examples of them are left out.
func (p *probe) envFiles() []string {
	var names []string
	for _, name := range p.names {
		if name != ".env" && !strings.HasPrefix(name, ".env.") {
			continue
		}
		switch path.Ext(name) {
		case ".example", ".sample", ".template", ".dist", ".defaults":
		default:
			names = append(names, name)
		}
	}
	return names
}

// Means reports whether a name that a configuration has for its framework can stand for one that was found: the same, or
// upstream's name for it.
func Means(name, found string) bool {
	switch name {
	case "reactjs":
		return found == "create-react-app" || found == "vite" || found == "webpack" || found == "parcel"
	case "vuejs":
		return found == "vue-cli" || found == "vite"
	}
	return name == found || canonical(name) == found
}
