// Package buildspec reads a CodeBuild build file (version 0.2) and runs it on this machine with CodeBuild's semantics, so
// that one file builds the site here and on AWS alike.
//
// What is documented follows the CodeBuild User Guide; the page is named where a rule is applied:
//
//	build-spec-ref            the keys, phases, finally, on-failure, artifacts and cache
//	build-env-ref-env-vars    the CODEBUILD_* variables
//	build-env-ref-cmd         the shell
//	view-build-details-phases which phase follows a failed one
//	caching-s3                cache keys
//
// Running a build is not a sandbox: commands run as the user who runs the toolkit, in a scrubbed environment.
package buildspec

import "regexp"

// Spec is a parsed build file. Positions of what may later fail (a missing folder, say) are kept for the message.
type Spec struct {
	// File is the name that Parse was given; messages start with it.
	File string
	// Shell is "sh" or "bash".
	Shell string
	Env   Env
	// Phases are in CodeBuild's order; a phase that the file leaves out is not in the list.
	Phases []PhaseSpec
	// Artifacts is nil if the file has none.
	Artifacts *Artifacts
	// Cache is nil if the file has none.
	Cache *Cache
	// Notices are about keys that are accepted and have no meaning on this machine; Run writes them to the log.
	Notices []string

	upstream bool
}

// Env is the file's env section.
type Env struct {
	// Variables are plain values; nothing in them is expanded.
	Variables []Variable
	// Parameters come from Parameter Store; Value is the parameter's name.
	Parameters []Variable
	// Secrets come from Secrets Manager; Value is "id:json-key:version-stage:version-id".
	Secrets []Variable
	// Exported names the variables that the build hands on.
	Exported []string
}

// Variable is one environment variable and where it stands in the file.
type Variable struct {
	Name, Value string
	Line        int
}

// The names of the phases as they are written, in the order in which they run.
const (
	PhaseInstall   = "install"
	PhasePreBuild  = "pre_build"
	PhaseBuild     = "build"
	PhasePostBuild = "post_build"
)

// phaseOrder is the order of CodeBuild's phases, whatever the order in the file.
var phaseOrder = []string{PhaseInstall, PhasePreBuild, PhaseBuild, PhasePostBuild}

// PhaseSpec is one phase of the file.
type PhaseSpec struct {
	Name string
	// Commands run one by one until one fails; Finally runs after them in any case.
	Commands, Finally []Command
	OnFailure         OnFailure
	// Runtimes are install's runtime-versions: name and wanted version.
	Runtimes []Variable
}

// Command is one command, possibly of several lines.
type Command struct {
	Text string
	Line int
}

// Action is what a failed phase leads to.
type Action string

// The actions of on-failure. ActionDefault is the transition that view-build-details-phases shows.
const (
	ActionDefault  Action = ""
	ActionAbort    Action = "ABORT"
	ActionContinue Action = "CONTINUE"
	ActionRetry    Action = "RETRY"
)

// OnFailure is a phase's on-failure.
type OnFailure struct {
	Action Action
	// Retries is how many times a failed phase runs again; Match is what its output must match for that.
	Retries int
	Match   *regexp.Regexp
}

// Artifacts is the file's artifacts section.
type Artifacts struct {
	Files, Exclude []Pattern
	// Base is the base-directory, "" if there is none.
	Base         Pattern
	DiscardPaths bool
	Line         int
}

// Pattern is a glob and the line on which it stands.
type Pattern struct {
	Glob string
	Line int
}

// Cache is the file's cache section.
type Cache struct {
	Key       string
	Fallbacks []string
	Paths     []Pattern
	// NoRestore and NoSave come from the key `action`.
	NoRestore, NoSave bool
}
