package hosting

// CheckStatus is what a look at one thing found.
type CheckStatus string

// The statuses of a check.
const (
	CheckOK      CheckStatus = "ok"
	CheckWarning CheckStatus = "warning"
	CheckFailed  CheckStatus = "failed"
	// CheckSkipped is a look that could not be taken: its detail says why.
	CheckSkipped CheckStatus = "skipped"
)

// Check is one thing that a deployment needs, and how it stands.
type Check struct {
	Name   string      `json:"name"`
	Status CheckStatus `json:"status"`
	// Detail is what was found, in one or more lines.
	Detail string `json:"detail"`
	// Hint is what mends it, most often a command; empty if nothing has to be done.
	Hint string `json:"hint,omitempty"`
}

// Preview is what a deployment would do.
type Preview struct {
	Site   string `json:"site"`
	Target string `json:"target"`
	// Region is the region of AWS; empty on the local target, or if none is chosen.
	Region string `json:"region,omitempty"`
	// Creates is true if nothing is deployed yet.
	Creates bool      `json:"creates"`
	Changes []Planned `json:"changes"`
	// Notes say what could not be looked at, and what a deployment would do besides.
	Notes []string `json:"notes"`
}

// Planned is what a deployment would do to one thing.
type Planned struct {
	// Action is "add", "change", "REPLACE", "MAY REPLACE" or "REMOVE".
	Action string `json:"action"`
	Name   string `json:"name"`
	Type   string `json:"type"`
	// Causes are the properties that change.
	Causes []string `json:"causes,omitempty"`
}
