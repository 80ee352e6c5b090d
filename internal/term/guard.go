package term

import (
	"bytes"
	"io"
	"sync"
	"unicode"
	"unicode/utf8"
)

// A terminal does what the text that is written to it says: it moves its cursor, changes its title, fills the clipboard, answers
// as if the user had typed. Messages of commits, names of branches, errors of servers and the output of builds are text of
// strangers, so nothing reaches the terminal but characters, line breaks, tabs and colours. Characters that turn the direction of
// writing (Unicode's Bidi_Control) are replaced by U+FFFD: others would be read in another order than they are in.

// guard is a terminal that only shows what is written to it. A colour ends with its line at the latest, so that it hides
// nothing of what follows.
type guard struct {
	terminal io.Writer

	mu     sync.Mutex
	filter filter
}

func newGuard(terminal io.Writer, colour bool) *guard {
	return &guard{terminal: terminal, filter: filter{colour: colour}}
}

// Write implements io.Writer.
func (g *guard) Write(p []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if _, err := g.terminal.Write(g.filter.append(nil, p)); err != nil {
		return 0, err
	}
	return len(p), nil
}

// filter takes out of a text what a terminal would act on. The text may come in pieces.
type filter struct {
	// colour lets sequences through that colour.
	colour bool
	// held is the beginning of a sequence, or of a character, whose rest has not come yet.
	held []byte
	// coloured is true after a colour that has not been ended.
	coloured bool
}

const (
	esc = 0x1b
	// maxSequence is the longest sequence that is waited for.
	maxSequence = 256
)

// append appends what is left of the next piece.
func (f *filter) append(out, piece []byte) []byte {
	if len(f.held) > 0 {
		piece = append(f.held, piece...)
		f.held = nil
	}
	for len(piece) > 0 {
		r, size := utf8.DecodeRune(piece)
		switch {
		case r == utf8.RuneError && size == 1 && !utf8.FullRune(piece):
			f.held = bytes.Clone(piece)
			return out
		case r == utf8.RuneError && size == 1:
			out = append(out, "\uFFFD"...)
		case r == esc:
			var k kind
			if size, k = sequence(piece); k == unfinished && len(piece) < maxSequence {
				f.held = bytes.Clone(piece)
				return out
			}
			if k == colours && f.colour {
				out = append(out, piece[:size]...)
				f.coloured = string(piece[:size]) != endColour
			}
		case r == '\n':
			out = append(f.end(out), '\n')
		case r == '\r' && len(piece) > 1 && piece[1] != '\n':
			out = append(out, ' ') // what follows is not to take the place of what came before
		case unicode.Is(unicode.Bidi_Control, r):
			out = append(out, "\uFFFD"...) // what is shown in another order than it is in reads as something else
		case r != '\t' && (r < ' ' || r >= 0x7f && r < 0xa0):
		default:
			out = append(out, piece[:size]...)
		}
		piece = piece[size:]
	}
	return out
}

const endColour = "\x1b[0m"

// end ends a colour.
func (f *filter) end(out []byte) []byte {
	if f.coloured {
		f.coloured = false
		out = append(out, endColour...)
	}
	return out
}

// kind is what a sequence does.
type kind int

const (
	acts kind = iota
	colours
	// unfinished is one whose end is not there; its size is that of the escape character alone.
	unfinished
)

// sequence returns the size of the escape sequence that data begins with (ECMA-48). One that is broken off by a line break or
// another control character ends before it.
func sequence(data []byte) (size int, k kind) {
	if len(data) == 1 {
		return 1, unfinished
	}
	switch data[1] {
	case '[':
		for i, b := range data[2:] {
			switch {
			case b >= 0x40 && b <= 0x7e:
				if b == 'm' && len(bytes.Trim(data[2:2+i], "0123456789;:")) == 0 {
					return i + 3, colours
				}
				return i + 3, acts
			case b < 0x20 || b > 0x3f:
				return i + 2, acts
			}
		}
		return 1, unfinished
	case ']', 'P', 'X', '^', '_': // a text of its own, up to its end
		for i, b := range data[2:] {
			switch {
			case b == '\a':
				return i + 3, acts
			case b == '\n':
				return i + 2, acts
			case b == esc && len(data) == i+3:
				return 1, unfinished
			case b == esc && data[i+3] == '\\':
				return i + 4, acts
			case b == esc:
				return i + 2, acts
			}
		}
		return 1, unfinished
	}
	for i, b := range data[1:] {
		switch {
		case b >= 0x30 && b <= 0x7e:
			return i + 2, acts
		case b < 0x20 || b > 0x2f:
			return i + 1, acts
		}
	}
	return 1, unfinished
}
