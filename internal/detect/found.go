// Package detect tells what a project folder is: where its repository is and which branch is checked out, what it is built
// with and how, where the built files end up, and how its pages are routed, each with the evidence. It reads
// configuration files of the project and never runs them, never writes, and never opens node_modules.
package detect

import (
	"context"
	"path/filepath"

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

// Project looks at the project in dir. It fails only if the folder cannot be read or a file of it that must be understood
// cannot be parsed; whatever cannot be told is left empty.
func Project(ctx context.Context, dir string) (Found, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return Found{}, err
	}
	source := Git(ctx, abs)
	found := Found{
		Repository: source.Repository, Branch: source.Branch, Subdir: source.Subdir, SourceError: source.Err,
		Framework: Basic, Routing: site.RoutingStatic, Evidence: []string{}, Warnings: source.Warnings,
	}
	found.Build.Dir = source.Subdir
	return found, nil
}
