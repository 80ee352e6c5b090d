package wizard

import (
	"io"

	"charm.land/huh/v2"
	"charm.land/lipgloss/v2"
)

// maxWidth is how wide a page is at most: longer lines are hard to read.
const maxWidth = 100

// theme is the terminal's own colours, and no frames: it looks the same on light and dark backgrounds, and copies well. Plain
// has no styles at all.
func theme(plain bool) huh.Theme {
	return huh.ThemeFunc(func(bool) *huh.Styles {
		t := huh.ThemeBase(false)
		if plain {
			t.Focused.Title = lipgloss.NewStyle()
			return t
		}
		t.Focused.Base = lipgloss.NewStyle()
		t.Focused.Title = lipgloss.NewStyle().Bold(true)
		t.Focused.Description = lipgloss.NewStyle().Faint(true)
		t.Focused.SelectSelector = lipgloss.NewStyle().SetString("> ").Foreground(lipgloss.Cyan)
		t.Focused.SelectedOption = lipgloss.NewStyle().Foreground(lipgloss.Cyan)
		t.Focused.TextInput.Prompt = lipgloss.NewStyle().Foreground(lipgloss.Cyan)
		t.Focused.ErrorIndicator = lipgloss.NewStyle()
		t.Focused.ErrorMessage = lipgloss.NewStyle().Foreground(lipgloss.Red)
		t.Blurred = t.Focused
		return t
	})
}

// lineReader hands out what it reads line by line, and takes no more from the stream than it hands out: the rest is for the
// next question.
type lineReader struct {
	from  io.Reader
	ended bool
}

// Read implements io.Reader.
func (r *lineReader) Read(buf []byte) (n int, err error) {
	for n < len(buf) {
		k, err := r.from.Read(buf[n : n+1])
		n += k
		if err != nil {
			r.ended = n == 0
			return n, err
		}
		if k > 0 && buf[n-1] == '\n' {
			break
		}
	}
	return n, nil
}
