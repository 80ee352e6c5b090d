//go:build unix

package wizard_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/google/go-cmp/cmp"
	"github.com/hinshun/vt10x"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/golden"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/need"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/term"
)

// terminal is a terminal with a person in front of it.
type terminal struct {
	t       *testing.T
	keys    *os.File
	screen  vt10x.Terminal
	streams *term.Streams
}

// open are the terminals' two sides. A form that has ended may still ask for its size, so none is closed.
var open []*os.File

func newTerminal(t *testing.T, columns, rows int) *terminal {
	t.Helper()
	t.Setenv("TERM", "xterm-256color")
	t.Setenv("NO_COLOR", "1")
	t.Setenv("ACCESSIBLE", "")
	outside, inside, err := pty.Open()
	if err != nil {
		need.Missing(t, "no pseudo-terminals here: %v", err)
	}
	if err := pty.Setsize(inside, &pty.Winsize{Cols: uint16(columns), Rows: uint16(rows)}); err != nil {
		t.Fatal(err)
	}
	x := &terminal{t: t, keys: outside, screen: vt10x.New(vt10x.WithSize(columns, rows))}
	x.streams = &term.Streams{
		In: inside, Out: inside, Err: inside, InTerminal: true, OutTerminal: true, ErrTerminal: true, Animated: true, Unicode: true,
		Size: func() (int, int) { return columns, rows },
	}
	go func() {
		buf, rest := make([]byte, 4096), []byte(nil)
		for {
			n, err := outside.Read(buf)
			text := append(rest, buf[:n]...)
			end := len(text)
			if at := unfinished.FindIndex(text); at != nil {
				end = at[0]
			}
			if _, werr := x.screen.Write(keyboard.ReplaceAll(text[:end], nil)); err != nil || werr != nil {
				return
			}
			rest = append([]byte(nil), text[end:]...)
		}
	}()
	open = append(open, inside, outside)
	return x
}

// The emulator takes the keyboard protocol's sequences for ones that move the cursor.
var (
	keyboard   = regexp.MustCompile(`\x1b\[[<>=?][0-9;]*u`)
	unfinished = regexp.MustCompile(`\x1b(\[[<>=?]?[0-9;]*)?$`)
)

const (
	enter  = "\r"
	escape = "\x1b"
	up     = "\x1b[A"
	down   = "\x1b[B"
	ctrlC  = "\x03"
	erase  = "\x15" // Ctrl-U
)

// press types keys, each once the screen shows what has come of the ones before, which is the text that stands after it.
func (x *terminal) press(keysAndTexts ...string) {
	x.t.Helper()
	for i := 0; i+1 < len(keysAndTexts); i += 2 {
		if _, err := x.keys.WriteString(keysAndTexts[i]); err != nil {
			x.t.Fatal(err)
		}
		x.sees(keysAndTexts[i+1])
	}
}

// sees waits until the screen shows a text.
func (x *terminal) sees(text string) {
	x.t.Helper()
	deadline := time.Now().Add(time.Minute)
	for !strings.Contains(x.shown(), text) {
		if time.Now().After(deadline) {
			x.t.Fatalf("never shown: %q\n%s", text, x.shown())
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// shown is the screen, without the blanks at the ends.
func (x *terminal) shown() string {
	var lines []string
	for line := range strings.Lines(x.screen.String()) {
		lines = append(lines, strings.TrimRight(line, " \n"))
	}
	return strings.Trim(strings.Join(lines, "\n"), "\n") + "\n"
}

// golden compares the screen with a picture of it.
func (x *terminal) golden(name string) {
	x.t.Helper()
	file := filepath.Join("testdata", name+".txt")
	if golden.Updating() {
		time.Sleep(time.Second) // the last of it may still be on its way
		if err := os.WriteFile(file, []byte(x.shown()), 0o644); err != nil {
			x.t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		x.t.Fatal(err)
	}
	// A screen is drawn in more than one step: it counts once it stays.
	deadline := time.Now().Add(time.Minute)
	for x.shown() != string(want) && time.Now().Before(deadline) {
		time.Sleep(10 * time.Millisecond)
	}
	if diff := cmp.Diff(string(want), x.shown()); diff != "" {
		x.t.Errorf("%s (-want +got)\n%s", file, diff)
	}
}
