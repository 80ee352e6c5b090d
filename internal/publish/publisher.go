package publish

import (
	"context"
	"time"
)

// Publisher makes releases in one site's bucket and moves its pointer.
type Publisher struct {
	Store   ObjectStore
	Pointer Pointer
	// Keep is how many releases retention keeps, at least; the live and the previous one always stay. The configuration's
	// default if it is 0. Retention runs before an upload, so there is one more just after it.
	Keep int
	// PropagationGrace is how long retention waits after the pointer has moved, so that every edge has seen it move.
	// DefaultPropagationGrace if it is 0; no wait if it is negative.
	PropagationGrace time.Duration
	// Spared, if it is set, returns releases that retention leaves alone for now, beside those that it keeps.
	Spared func() ([]string, error)
	// PageAliases makes every page that the folder has as about.html available as about/index.html too, which the static
	// routing needs. Aliases are not counted as files.
	PageAliases bool
	// Messages, if it is set, finds the messages of commits whose releases were made without them. It need not find any.
	Messages func(ctx context.Context, commits []string) map[string]string
	// Now is the clock; time.Now if it is nil.
	Now func() time.Time
	// Progress is told of what happens, from one goroutine at a time; it may be nil.
	Progress func(Event)
	// ToolVersion is recorded in the manifest.
	ToolVersion string
}

// Request is a folder to be published.
type Request struct {
	// Dir is the folder with the built files.
	Dir string
	// ID is the wanted release id: the commit id, or a name. If it is empty, it follows from the content: the same
	// files have the same id.
	ID string
	// Commit and Message are recorded in the manifest; both may be empty.
	Commit, Message string
	// StartedAt is when the run that publishes started; now if it is zero.
	StartedAt time.Time
}

// Step is a part of a publication, in order.
type Step string

// The steps of Publish.
const (
	StepScan   Step = "scan"
	StepUpload Step = "upload"
	StepVerify Step = "verify"
	StepSwap   Step = "swap"
	StepPrune  Step = "prune"
)

// Event is one piece of progress: how many files and bytes of a step are done.
type Event struct {
	Step        Step
	Files, Of   int
	Bytes, OfBy int64
}

// DefaultPropagationGrace is how long retention waits after the pointer has moved. CloudFront's key-value store promises
// no bound ("typically within seconds"), hence a generous one.
const DefaultPropagationGrace = time.Minute

// Result is what a publication or a rollback did.
type Result struct {
	// Release is live now, unless Superseded.
	Release string `json:"release"`
	// Previous was live before; empty if nothing was.
	Previous string `json:"previous"`
	// Superseded is true when a run that started later had already made another release live: the release is stored
	// and complete, and the pointer was left alone.
	Superseded bool `json:"superseded,omitempty"`
	// Files is the number of files of the release; Uploaded were sent, Copied were taken from an earlier release inside
	// the store, Unchanged were already in place.
	Files     int `json:"files"`
	Uploaded  int `json:"uploaded"`
	Copied    int `json:"copied"`
	Unchanged int `json:"unchanged"`
	// BytesSent is the size of what was uploaded.
	BytesSent int64 `json:"bytesSent"`
	// LeftOut lists paths of the folder that are never published: dotfiles other than .well-known, and the toolkit's own folder.
	LeftOut []string `json:"leftOut,omitempty"`
	// Pruned lists the releases that retention removed on the way.
	Pruned []string `json:"pruned,omitempty"`
	// Warnings tell what was not as it should be and did not keep the release from going live.
	Warnings []string `json:"warnings,omitempty"`
}

// Release is one complete release in the bucket.
type Release struct {
	ID      string `json:"id"`
	Current bool   `json:"current"`
	// Previous is true for the release that a rollback without a name returns to.
	Previous  bool      `json:"previous"`
	CreatedAt time.Time `json:"createdAt"`
	Files     int       `json:"files"`
	Bytes     int64     `json:"bytes"`
	Commit    string    `json:"commit"`
	Message   string    `json:"message"`
	// Problem says what is wrong: a manifest that cannot be read, or, for the current release, a damaged pointer.
	Problem string `json:"problem,omitempty"`
}
