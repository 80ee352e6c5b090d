// Package hosting is what every target says of a site's hosting: where it lives, the executions of its pipeline, and how
// it talks while a deployment runs. It holds no behaviour; the targets fill it in and the command line prints it.
package hosting

import "io"

// Info is where a site lives and what it serves.
type Info struct {
	Site   string `json:"site"`
	Target string `json:"target"`
	// URL is the address to open, with its scheme and a trailing slash.
	URL    string `json:"url"`
	Domain string `json:"domain"`
	// DomainState says what the site's own names wait for, in words, and what to do; empty if they are served.
	DomainState string `json:"domainState,omitempty"`
	// Names are all host names that the site answers to, or will, beside the one in its URL.
	Names []Name `json:"names,omitempty"`
	// TryDomain is a command, in words, that asks the site for its domain before DNS leads to it; nil if there is no need.
	TryDomain []string `json:"tryDomain,omitempty"`
	Source    Source   `json:"source"`
	// Release is the id of the live release; empty before the first one.
	Release string `json:"release"`
	// Serving is false when the site cannot answer now, because no `serve` runs. It is always true on AWS.
	Serving bool `json:"serving"`
	// Addresses are where the server of this machine listens; none if it does not run, and on AWS.
	Addresses []string `json:"addresses,omitempty"`
	// Location is where the site's state is kept: a folder, or a stack.
	Location string `json:"location"`
	// PushURL is the bare repository that a push deploys from; local target only.
	PushURL string `json:"pushUrl,omitempty"`
	// Upload is where a zip file is put to release it, of a site that is fed by them: a folder, or s3://BUCKET/PREFIX, each with
	// a separator at its end.
	Upload string `json:"upload,omitempty"`
	// SourceError says why the repository cannot be read at present; empty if it can.
	SourceError string `json:"sourceError,omitempty"`
	// PassedOver names the newest commit of the branch if it is not deployed because it changes nothing within the site's
	// paths: its id, a space, and its subject. Local target only.
	PassedOver string `json:"passedOver,omitempty"`
	// Releases and Bytes are the number of stored releases and their size.
	Releases int   `json:"releases"`
	Bytes    int64 `json:"bytes"`
	// Disk is what all of the site takes in Location, with the build cache, logs and the repository; local target only.
	Disk int64 `json:"disk,omitempty"`
	// BuildCache is what of Disk is kept between builds; local target only.
	BuildCache int64 `json:"buildCache,omitempty"`
	// Differs names what of the project differs from what is deployed: "function", "template", "configuration".
	Differs []string `json:"differs,omitempty"`
	// CIRole is the role with which a CI may publish; nil if there is none. AWS only.
	CIRole *CIRole `json:"ciRole,omitempty"`
}

// CIRole is a role that a CI takes with a token of its own, and that may publish and nothing else.
type CIRole struct {
	ARN string `json:"arn"`
	// Subjects are who may take it, as the CI's tokens tell it; an asterisk stands for anything.
	Subjects []string `json:"subjects"`
	// Workflow is what has to stand in the CI's file for it: lines of YAML.
	Workflow string `json:"workflow"`
}

// Source is the repository and branch that a site is deployed from, or the bucket and path of its zip files.
type Source struct {
	Repository string `json:"repository,omitempty"`
	Branch     string `json:"branch,omitempty"`
	Bucket     string `json:"bucket,omitempty"`
	Path       string `json:"path,omitempty"`
}

// DeployOptions are the choices of one deployment.
type DeployOptions struct {
	// NoWait returns as soon as the execution has been requested.
	NoWait bool
	// EnvFile is the absolute path of a file with variables for the builds of this site on this machine, from now on; "" is
	// none, and nil leaves it as it was. The path is kept, the values are read at each build. Local target only.
	EnvFile *string
	// AwaitUpload waits, where a site is fed by zip files and there is none yet, until somebody has put one where they belong, and
	// follows its release. Without it such a deployment ends with no execution.
	AwaitUpload bool
	// NoServe leaves no server running: the pipeline runs in this process. Local target only.
	NoServe bool
}

// Deployed is what a deployment did.
type Deployed struct {
	Info
	// Execution is the pipeline's run; with NoWait it may still be in progress. Its ID is empty if there was nothing to run for:
	// no zip file yet.
	Execution Execution `json:"execution"`
}

// Removed is what a deletion did, item by item, in words.
type Removed struct {
	Removed []string `json:"removed"`
	// Left lists what stays, and why.
	Left []string `json:"left"`
}

// Reporter is how a target talks while a long operation runs. It is safe for concurrent use.
type Reporter interface {
	// Step begins a step ("Source", "Build", …) and ends the one before it.
	Step(name string)
	// Detail says what the current step is doing or waiting for; each call replaces the one before.
	Detail(format string, args ...any)
	// Output is for the raw output of a build.
	Output() io.Writer
	// Warn tells something that the user should know and that does not stop the operation.
	Warn(format string, args ...any)
	// Confirm asks a question with yes or no. Without a terminal it returns an error that names the flag to give.
	Confirm(question string) (bool, error)
}
