package term

import (
	"regexp"
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// unbroken stands for a hyphen while a text is wrapped. It is of Unicode's private use, so no text has it.
const unbroken = "\uE000"

var word = regexp.MustCompile(`\S+`)

// Wrap breaks a text into lines of at most width columns, at spaces and at the line breaks that it has. A flag or a file name with
// hyphens stays whole, so that it can be copied; only a word that is wider than a line is broken at its hyphens.
func Wrap(text string, width int) string {
	kept := word.ReplaceAllStringFunc(text, func(w string) string {
		if ansi.StringWidth(w) > width {
			return w
		}
		return strings.ReplaceAll(w, "-", unbroken)
	})
	return strings.ReplaceAll(ansi.Wordwrap(kept, width, ""), unbroken, "-")
}
