// Package term is the terminal as the commands see it: the three streams and what may be written to them, and on top of
// them tables, prompts and the progress of a long operation. Data goes to Out, talk and progress to Err.
package term

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"runtime"
	"strings"
	"sync"

	"golang.org/x/term"
)

// Streams are the standard streams of a command, with what it has to know before it writes to them.
type Streams struct {
	In io.Reader
	// Out, where it is a terminal, and Err show what is written to them and let it do nothing else: see Screen.
	Out io.Writer
	Err io.Writer

	// InTerminal, OutTerminal and ErrTerminal say which of the streams are a terminal.
	InTerminal, OutTerminal, ErrTerminal bool
	// Animated says that the terminal behind Err understands cursor movements.
	Animated bool
	// Colour says that colours are wanted; a stream that is not a terminal gets none all the same.
	Colour bool
	// Unicode says that symbols beyond ASCII can be shown.
	Unicode bool
	// Yes answers every confirmation with yes, so that nothing is asked.
	Yes bool
	// Size returns the terminal's columns and rows at this moment.
	Size func() (columns, rows int)

	once  sync.Once
	lines *bufio.Reader
}

// System returns the streams of this process.
func System() *Streams {
	s := &Streams{
		In: os.Stdin, Out: os.Stdout, Err: os.Stderr,
		InTerminal:  term.IsTerminal(int(os.Stdin.Fd())),
		OutTerminal: term.IsTerminal(int(os.Stdout.Fd())),
		ErrTerminal: term.IsTerminal(int(os.Stderr.Fd())),
		Size:        systemSize,
	}
	escapes := (!s.OutTerminal || enableEscapes(os.Stdout)) && (!s.ErrTerminal || enableEscapes(os.Stderr))
	s.configure(os.Getenv, escapes)
	s.protect()
	return s
}

// protect lets nothing but text and colours reach a terminal by way of Out and Err. Talk is read on a terminal sooner or later,
// as the log of a CI for example, so Err is guarded wherever it leads; what goes to Out elsewhere is data.
func (s *Streams) protect() {
	if s.OutTerminal {
		s.Out = newGuard(s.Out, true)
	}
	s.Err = newGuard(s.Err, s.ErrTerminal)
}

// Screen is Err for whoever moves the cursor of its terminal, and cares for the text of strangers himself.
func (s *Streams) Screen() io.Writer {
	if g, ok := s.Err.(*guard); ok {
		return g.terminal
	}
	return s.Err
}

// Test returns streams that are not terminals: an input to fill, and what has been written.
func Test() (s *Streams, in, out, err *bytes.Buffer) {
	in, out, err = &bytes.Buffer{}, &bytes.Buffer{}, &bytes.Buffer{}
	return &Streams{In: in, Out: out, Err: err, Unicode: true, Size: defaultSize}, in, out, err
}

// configure sets what follows from the environment. NO_COLOR: https://no-color.org.
func (s *Streams) configure(env func(string) string, escapes bool) {
	capable := escapes && env("TERM") != "dumb"
	s.Animated = s.ErrTerminal && capable
	s.Colour = capable && env("NO_COLOR") == ""
	s.Unicode = unicodeLocale(env)
}

// unicodeLocale tells whether the locale's character set is UTF-8. The first variable that is set decides, as in setlocale(3).
// Windows has no such variables; its console is written to in UTF-16.
func unicodeLocale(env func(string) string) bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if v := strings.ToLower(env(name)); v != "" {
			return strings.Contains(v, "utf-8") || strings.Contains(v, "utf8")
		}
	}
	return runtime.GOOS == "windows"
}

func systemSize() (columns, rows int) {
	for _, f := range []*os.File{os.Stdout, os.Stderr} {
		if w, h, err := term.GetSize(int(f.Fd())); err == nil && w > 0 && h > 0 {
			return w, h
		}
	}
	return defaultSize()
}

func defaultSize() (columns, rows int) { return 80, 24 }

// OutWidth is how many columns a line of Out may take; 0 means any number, because Out is not a terminal.
func (s *Streams) OutWidth() int {
	if !s.OutTerminal {
		return 0
	}
	w, _ := s.Size()
	return w
}

// OutStyle is how words on Out are styled.
func (s *Streams) OutStyle() Style {
	return Style{colour: s.Colour && s.OutTerminal, unicode: s.Unicode}
}

// ErrStyle is how words on Err are styled.
func (s *Streams) ErrStyle() Style {
	return Style{colour: s.Colour && s.ErrTerminal, unicode: s.Unicode}
}
