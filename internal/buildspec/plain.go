package buildspec

import (
	"bytes"
	_ "embed"
	"slices"
	"strings"
)

//go:embed plain.yml
var plain []byte

// Plain returns the build file of a site without a build step: it publishes the project's files as they are. It is valid
// on CodeBuild as well.
func Plain() []byte { return append([]byte(nil), plain...) }

// IsPlain reports whether a build file says the same as Plain: comments, empty lines and line endings do not count.
func IsPlain(data []byte) bool { return slices.Equal(meant(data), meant(plain)) }

// meant are the lines of a build file that mean something.
func meant(data []byte) (lines []string) {
	for line := range bytes.Lines(data) {
		text := strings.TrimRight(string(line), " \t\r\n")
		if text != "" && !strings.HasPrefix(strings.TrimLeft(text, " "), "#") {
			lines = append(lines, text)
		}
	}
	return lines
}
