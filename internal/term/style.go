package term

import (
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// Style gives words their colours and symbols. Its zero value writes plain ASCII.
type Style struct{ colour, unicode bool }

func (s Style) sgr(code, text string) string {
	if !s.colour || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// Bold, Dim and the colours return the text in that style, or as it is where there are no colours.
func (s Style) Bold(text string) string { return s.sgr("1", text) }

// Dim is for what matters less.
func (s Style) Dim(text string) string { return s.sgr("2", text) }

// Red is for failures.
func (s Style) Red(text string) string { return s.sgr("31", text) }

// Green is for success.
func (s Style) Green(text string) string { return s.sgr("32", text) }

// Yellow is for warnings.
func (s Style) Yellow(text string) string { return s.sgr("33", text) }

// Cyan is for what is under way, and for commands to type.
func (s Style) Cyan(text string) string { return s.sgr("36", text) }

func (s Style) pick(symbol, ascii string) string {
	if s.unicode {
		return symbol
	}
	return ascii
}

// Tick marks what succeeded.
func (s Style) Tick() string { return s.Green(s.pick("✓", "+")) }

// Cross marks what failed.
func (s Style) Cross() string { return s.Red(s.pick("✗", "x")) }

// Mark points at the current one of several.
func (s Style) Mark() string { return s.Green(s.pick("●", "*")) }

// Waiting marks what has not started.
func (s Style) Waiting() string { return s.Dim(s.pick("·", ".")) }

// Dash stands for what ended without success or failure, and for an absent value.
func (s Style) Dash() string { return s.Dim(s.pick("–", "-")) }

// Arrow leads from the old to the new.
func (s Style) Arrow() string { return s.pick("→", "->") }

func (s Style) ellipsis() string { return s.pick("…", "..") }

func (s Style) gutter() string { return s.Dim(s.pick("│", "|")) }

var spinner = []string{"⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"}

func (s Style) spin(frame int) string {
	if s.unicode {
		return s.Cyan(spinner[frame%len(spinner)])
	}
	return s.Cyan(string(`|/-\`[frame%4]))
}

// Cut returns the text with at most width columns, ending in an ellipsis where something is missing. Width 0 is no limit.
func (s Style) Cut(text string, width int) string {
	if width <= 0 || ansi.StringWidth(text) <= width {
		return text
	}
	return ansi.Truncate(text, width, s.ellipsis())
}

// pad fills the text with spaces up to width columns.
func pad(text string, width int, right bool) string {
	fill := strings.Repeat(" ", max(0, width-ansi.StringWidth(text)))
	if right {
		return fill + text
	}
	return text + fill
}
