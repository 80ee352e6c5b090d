package term

import (
	"bytes"
	"io"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestGuard(t *testing.T) {
	for name, tc := range map[string]struct{ in, want string }{
		"text":                           {"Grüße ✓\tz\n", "Grüße ✓\tz\n"},
		"colours":                        {"\x1b[1;31mred\x1b[0m\n", "\x1b[1;31mred\x1b[0m\n"},
		"a colour ends with its line":    {"\x1b[8mhidden\nshown\n", "\x1b[8mhidden\x1b[0m\nshown\n"},
		"the cursor":                     {"a\x1b[2J\x1b[1;1Hb\x1b[?25l\x1b[>4m\n", "ab\n"},
		"the title":                      {"a\x1b]0;owned\ab\n", "ab\n"},
		"the clipboard":                  {"a\x1b]52;c;cm0gLXJm\x1b\\b\n", "ab\n"},
		"a link":                         {"\x1b]8;;https://bad.example\x1b\\text\x1b]8;;\x1b\\\n", "text\n"},
		"a device's answer":              {"a\x1bP$q\"p\x1b\\b\x1b[cc\x1b[6n\n", "abc\n"},
		"a reset":                        {"a\x1bcb\x1b(0c\n", "abc\n"},
		"a text without an end":          {"a\x1b]0;owned\nb\n", "a\nb\n"},
		"a sequence without an end":      {"a\x1b[12\nb\n", "a\nb\n"},
		"a sequence in a sequence":       {"a\x1b[1\x1b[2Jb\x1b]0;\x1b[2Jc\n", "abc\n"},
		"the control characters of 8859": {"a\u009b2Jb\u009d0;c\u009cd\n", "a2Jb0;cd\n"},
		"bytes that are no characters":   {"a\x9b2J\xffb\n", "a\uFFFD2J\uFFFDb\n"},
		"a carriage return":              {"real\rfake\r\nb\r", "real fake\nb"},
		"others":                         {"a\a\b\x00\x7f\x0e\vb\n", "ab\n"},
		"directions":                     {"a\u202etxt.exe\u202c \u2066b\u2069\u200f\u061c שלום\n", "a\uFFFDtxt.exe\uFFFD \uFFFDb\uFFFD\uFFFD\uFFFD שלום\n"},
		"a text that is too long":        {"a\x1b]52;c;" + strings.Repeat("A", 2*maxSequence), "a]52;c;" + strings.Repeat("A", 2*maxSequence)},
	} {
		t.Run(name, func(t *testing.T) {
			var whole, pieces bytes.Buffer
			_, _ = io.WriteString(newGuard(&whole, true), tc.in)
			if got := whole.String(); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
			if len(tc.in) > maxSequence || strings.HasSuffix(tc.in, "\r") || strings.Contains(tc.in, "\r") {
				return // what a piece ends with decides there
			}
			g := newGuard(&pieces, true)
			for i := range len(tc.in) {
				_, _ = g.Write([]byte{tc.in[i]})
			}
			if got := pieces.String(); got != tc.want {
				t.Errorf("byte by byte: got %q, want %q", got, tc.want)
			}
		})
	}
}

// What goes to a pipe is data and stays as it is, talk is guarded everywhere, and whoever draws on the terminal gets it as it is.
func TestProtect(t *testing.T) {
	const text = "\x1b[2J\x1b[1ma\x1b[0m\n"
	for name, tc := range map[string]struct {
		terminal  bool
		data, say string
	}{"a terminal": {true, "\x1b[1ma\x1b[0m\n", "\x1b[1ma\x1b[0m\n"}, "a pipe": {false, text, "a\n"}} {
		t.Run(name, func(t *testing.T) {
			var out, err bytes.Buffer
			s := &Streams{Out: &out, Err: &err, OutTerminal: tc.terminal, ErrTerminal: tc.terminal}
			s.protect()
			_, _ = io.WriteString(s.Out, text)
			_, _ = io.WriteString(s.Err, text)
			if out.String() != tc.data || err.String() != tc.say {
				t.Errorf("got %q and %q, want %q and %q", out.String(), err.String(), tc.data, tc.say)
			}
			if s.Screen() != &err {
				t.Error("the screen is not what is behind Err")
			}
		})
	}
}

func FuzzGuard(f *testing.F) {
	f.Add([]byte("a\x1b[1mb\x1b]0;x\a\u009b\r\n"), 3)
	f.Add([]byte("\x1b[\x1b\\\xc2"), 1)
	harmless := regexp.MustCompile(`\x1b\[[0-9;:]*m`)
	f.Fuzz(func(t *testing.T, text []byte, cut int) {
		cut = max(0, min(cut, len(text)))
		var got bytes.Buffer
		g := newGuard(&got, true)
		_, _ = g.Write(text[:cut])
		_, _ = g.Write(text[cut:])
		if rest := harmless.ReplaceAllString(got.String(), ""); !utf8.ValidString(rest) || strings.ContainsFunc(rest, func(r rune) bool {
			return r < ' ' && r != '\n' && r != '\t' || r >= 0x7f && r < 0xa0
		}) {
			t.Fatalf("%q became %q", text, got.String())
		}
	})
}
