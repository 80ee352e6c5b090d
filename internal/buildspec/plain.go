package buildspec

import _ "embed"

//go:embed plain.yml
var plain []byte

// Plain returns the build file of a site without a build step: it publishes the project's files as they are. It is valid
// on CodeBuild as well.
func Plain() []byte { return append([]byte(nil), plain...) }
