package term_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/term"
)

func TestSize(t *testing.T) {
	tests := map[int64]string{
		0: "0 B", 999: "999 B", 1000: "1.0 kB", 1234: "1.2 kB", 9949: "9.9 kB", 9950: "10 kB", 999_499: "999 kB",
		999_500: "1.0 MB", 34_000_000_000: "34 GB", 1 << 62: "4612 PB",
	}
	for n, want := range tests {
		if got := term.Size(n); got != want {
			t.Errorf("Size(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestElapsed(t *testing.T) {
	tests := map[time.Duration]string{
		-time.Second: "0.0s", 0: "0.0s", 240 * time.Millisecond: "0.2s", 9949 * time.Millisecond: "9.9s", 9950 * time.Millisecond: "10s",
		59499 * time.Millisecond: "59s", 59500 * time.Millisecond: "1m 00s", 65 * time.Second: "1m 05s",
		time.Hour - time.Second: "59m 59s", time.Hour - time.Millisecond: "1h 00m", 62 * time.Minute: "1h 02m", 50 * time.Hour: "50h 00m",
	}
	for d, want := range tests {
		if got := term.Elapsed(d); got != want {
			t.Errorf("Elapsed(%s) = %q, want %q", d, got, want)
		}
	}
}

func TestAgo(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.Local)
	tests := map[time.Duration]string{
		0: "just now", -30 * time.Second: "just now", 59 * time.Second: "just now", 90 * time.Second: "1 min ago",
		5 * time.Hour: "5 h ago", 25 * time.Hour: "1 day ago", 50 * time.Hour: "2 days ago", 8 * 24 * time.Hour: "2026-11-15",
		-time.Hour: "2026-11-23",
	}
	for d, want := range tests {
		if got := term.Ago(now.Add(-d), now); got != want {
			t.Errorf("Ago(%s) = %q, want %q", d, got, want)
		}
	}
	if got := term.Ago(time.Time{}, now); got != "" {
		t.Errorf("Ago(zero) = %q", got)
	}
}

func TestCount(t *testing.T) {
	tests := map[int]string{0: "0 files", 1: "1 file", 100: "100 files", 1200: "1,200 files", 1234567: "1,234,567 files"}
	for n, want := range tests {
		if got := term.Count(n, "file"); got != want {
			t.Errorf("Count(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestTable(t *testing.T) {
	tests := map[string]struct {
		width int
		want  string
	}{
		"a pipe cuts nothing": {0, lines(
			"   RELEASE    FILES  MESSAGE",
			"*  4f2c9e1      100  Größer, und 日本 as well as something long",
			"   b51d3a8-2      7",
		)},
		"a narrow terminal": {40, lines(
			"   RELEASE    FILES  MESSAGE",
			"*  4f2c9e1      100  Größer, und 日本 ..",
			"   b51d3a8-2      7",
		)},
		"narrower than it can be": {20, lines(
			"   RELEASE    FILES  MESSAGE",
			"*  4f2c9e1      100  Größer..",
			"   b51d3a8-2      7",
		)},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			table := term.Table{Columns: []term.Column{{}, {Title: "RELEASE"}, {Title: "FILES", Right: true}, {Title: "MESSAGE", Elastic: true}}}
			table.Row("*", "4f2c9e1", "100", "Größer, und 日本 as well as something long")
			table.Row("", "b51d3a8-2", "7")
			var b strings.Builder
			if err := table.Write(&b, term.Style{}, tc.width); err != nil {
				t.Fatal(err)
			}
			if b.String() != tc.want {
				t.Errorf("got:\n%s\nwant:\n%s", b.String(), tc.want)
			}
		})
	}
}

// A cell is one line that does nothing, on a pipe too: what is in it may be the message of a stranger's commit.
func TestTableOfStrangers(t *testing.T) {
	table := term.Table{Columns: []term.Column{{}, {Title: "MESSAGE"}}}
	table.Row("a", "clear\x1b[2J the\x1b]0;title\a screen\nb  forged")
	var b strings.Builder
	if err := table.Write(&b, term.Style{}, 0); err != nil {
		t.Fatal(err)
	}
	if want := lines("   MESSAGE", "a  clear the screen b  forged"); b.String() != want {
		t.Errorf("got %q, want %q", b.String(), want)
	}
	b.Reset()
	if err := term.Fields(&b, term.Style{}, [][2]string{{"Revision", "clear\x1b[2J it\x1b[8m"}}); err != nil {
		t.Fatal(err)
	}
	if want := "Revision  clear it\n"; b.String() != want {
		t.Errorf("got %q, want %q", b.String(), want)
	}
}

func TestFields(t *testing.T) {
	var b strings.Builder
	if err := term.Fields(&b, term.Style{}, [][2]string{{"Site", "hello"}, {"Domain", ""}, {"Source", "here"}}); err != nil {
		t.Fatal(err)
	}
	if want := "Site    hello\nSource  here\n"; b.String() != want {
		t.Errorf("got %q", b.String())
	}
}

func TestColoursOnlyOnATerminalThatWantsThem(t *testing.T) {
	tests := map[string]struct {
		terminal, colour bool
		want             string
	}{
		"terminal":              {true, true, "\x1b[1mx\x1b[0m"},
		"NO_COLOR or TERM=dumb": {true, false, "x"},
		"pipe":                  {false, true, "x"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			s, _, _, _ := term.Test()
			s.OutTerminal, s.Colour = tc.terminal, tc.colour
			if got := s.OutStyle().Bold("x"); got != tc.want {
				t.Errorf("Bold = %q", got)
			}
		})
	}
}

func TestConfirm(t *testing.T) {
	tests := map[string]struct {
		input         string
		terminal, yes bool
		def, want     bool
		err           bool
	}{
		"yes":                   {input: "y\n", terminal: true, want: true},
		"YES":                   {input: "YES\n", terminal: true, want: true},
		"no":                    {input: "n\n", terminal: true, def: true, want: false},
		"empty means no":        {input: "\n", terminal: true, want: false},
		"empty means yes":       {input: "\n", terminal: true, def: true, want: true},
		"asked again":           {input: "what\nyes\n", terminal: true, want: true},
		"no line break":         {input: "y", terminal: true, want: true},
		"end of input":          {input: "", terminal: true, def: true, err: true},
		"--yes":                 {yes: true, want: true},
		"--yes on a terminal":   {input: "n\n", terminal: true, yes: true, want: true},
		"no terminal, no --yes": {input: "y\n", def: true, err: true},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			s, in, _, errs := term.Test()
			in.WriteString(tc.input)
			s.InTerminal, s.Yes = tc.terminal, tc.yes
			got, err := s.Confirm(t.Context(), "Sure?", tc.def)
			if got != tc.want || (err != nil) != tc.err {
				t.Errorf("Confirm = %v, %v", got, err)
			}
			if asked := errs.Len() > 0; asked != (tc.terminal && !tc.yes) {
				t.Errorf("wrote %q", errs)
			}
		})
	}
}

func TestAsk(t *testing.T) {
	s, in, _, _ := term.Test()
	s.InTerminal = true
	in.WriteString("main\n\n")
	for _, want := range []string{"main", "trunk"} {
		if got, err := s.Ask(t.Context(), "Branch?", "trunk", "--branch"); got != want || err != nil {
			t.Errorf("Ask = %q, %v; want %q", got, err, want)
		}
	}
	s.InTerminal = false
	_, err := s.Ask(t.Context(), "Branch?", "trunk", "--branch")
	if fault.KindOf(err) != fault.Usage || !strings.Contains(fault.HintOf(err), "--branch") {
		t.Errorf("without a terminal: %v, hint %q", err, fault.HintOf(err))
	}
}

func TestAQuestionEndsWithTheContext(t *testing.T) {
	s, _, _, _ := term.Test()
	never, w := io.Pipe()
	defer w.Close()
	s.In, s.InTerminal = never, true
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, cancel)
	if _, err := s.Confirm(ctx, "Sure?", true); !errors.Is(err, context.Canceled) {
		t.Errorf("Confirm = %v", err)
	}
}
