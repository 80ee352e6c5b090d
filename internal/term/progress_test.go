package term_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/term"
)

// terminal returns streams whose Err is the screen.
func terminal(s *screen) *term.Streams {
	streams, _, _, _ := term.Test()
	streams.Err, streams.ErrTerminal, streams.Animated, streams.Colour = s, true, true, true
	streams.Size = s.size
	return streams
}

func lines(text ...string) string { return strings.Join(text, "\n") + "\n" }

func TestProgressOnTerminal(t *testing.T) {
	tests := map[string]struct {
		columns int
		run     func(p *term.Progress, s *screen)
		err     error
		want    string
	}{
		"steps with details": {columns: 80, run: func(p *term.Progress, _ *screen) {
			p.Step("Source")
			p.Detail("fetching")
			p.Result("commit %s", "4f2c9e1")
			time.Sleep(200 * time.Millisecond)
			p.Step("Build")
			time.Sleep(65 * time.Second)
			p.Step("Release")
			p.Detail("%d of %d files", 3, 10)
			p.Result("%d files", 10)
			time.Sleep(time.Second)
		}, want: lines(
			"✓ Source      0.2s  commit 4f2c9e1",
			"✓ Build     1m 05s",
			"✓ Release     1.0s  10 files",
		)},
		"a step fails": {columns: 80, err: errors.New("exit status 1"), run: func(p *term.Progress, _ *screen) {
			p.Step("Source")
			p.Detail("fetching")
			p.Step("Build")
			p.Detail("npm run build")
			time.Sleep(3200 * time.Millisecond)
		}, want: lines(
			"✓ Source      0.0s",
			"✗ Build       3.2s  npm run build",
		)},
		"interrupted": {columns: 80, err: fmt.Errorf("build: %w", context.Canceled), run: func(p *term.Progress, _ *screen) {
			p.Step("Build")
		}, want: lines("– Build       0.0s")},
		"output and warnings scroll above the list": {columns: 40, run: func(p *term.Progress, _ *screen) {
			p.Step("Build")
			out := p.Output()
			_, _ = fmt.Fprint(out, "one\ntw")
			time.Sleep(time.Second)
			p.Warn("the function differs\nhttps://example.com/\n")
			_, _ = fmt.Fprint(out, "three\r\n10%\r50%\r100%\n\x1b[2J\x1b[1A\x1b[32mgreen\x1b[0m\a\n")
			_, _ = fmt.Fprintln(out, strings.Repeat("x", 50))
			time.Sleep(time.Second)
			_, _ = fmt.Fprint(out, "no line break")
		}, want: lines(
			"  │ one",
			"  │ tw",
			"warning: the function differs",
			"https://example.com/",
			"  │ three",
			"  │ 100%",
			"  │ green",
			"  │ "+strings.Repeat("x", 36),
			strings.Repeat("x", 14),
			"  │ no line break",
			"✓ Build       2.0s",
		)},
		"details are cut at the edge": {columns: 30, run: func(p *term.Progress, _ *screen) {
			p.Step("Release")
			p.Result("a long detail that does not fit")
			time.Sleep(time.Second)
		}, want: lines("✓ Release     1.0s  a long d…")},
		"the terminal becomes narrower, then wider": {columns: 60, run: func(p *term.Progress, s *screen) {
			p.Step("Source")
			p.Result("commit 4f2c9e1 with a message that is long")
			p.Step("Release")
			p.Detail("uploading something with a rather long name, to be forgotten")
			p.Result("uploaded something with a rather long name")
			time.Sleep(time.Second)
			s.resize(25)
			time.Sleep(time.Second)
			s.resize(80)
			time.Sleep(time.Second)
		}, want: lines(
			"✓ Source      0.0s  commit 4f2c9e1 with a message that is long",
			"✓ Release     3.0s  uploaded something with a rather long name",
		)},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newScreen(t, tc.columns)
				p := term.NewProgress(t.Context(), terminal(s))
				tc.run(p, s)
				p.Close(tc.err)
				p.Close(nil)
				if got := s.String(); got != tc.want {
					t.Errorf("screen:\n%s\nwant:\n%s", got, tc.want)
				}
			})
		})
	}
}

func TestProgressMovesWhileItRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScreen(t, 80)
		p := term.NewProgress(t.Context(), terminal(s))
		defer p.Close(nil)
		p.Step("Build")
		seen := map[string]bool{}
		for range 12 {
			time.Sleep(time.Second + 80*time.Millisecond)
			synctest.Wait()
			seen[s.String()] = true
		}
		if len(seen) != 12 {
			t.Errorf("%d pictures in 12 seconds", len(seen))
		}
	})
}

func TestProgressOnATerminalWithoutUTF8(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScreen(t, 30)
		streams := terminal(s)
		streams.Unicode = false
		p := term.NewProgress(t.Context(), streams)
		p.Step("Source")
		_, _ = fmt.Fprintln(p.Output(), "fetching")
		p.Detail("a long detail that does not fit")
		time.Sleep(time.Second)
		p.Close(errors.New("x"))
		if got, want := s.String(), lines("  | fetching", "x Source      1.0s  a long .."); got != want {
			t.Errorf("screen:\n%s\nwant:\n%s", got, want)
		}
	})
}

func TestProgressInAPipe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		streams, _, out, errs := term.Test()
		p := term.NewProgress(t.Context(), streams)
		p.Step("Source")
		p.Result("commit 4f2c9e1")
		time.Sleep(100 * time.Millisecond)
		p.Step("Build")
		_, _ = fmt.Fprintln(p.Output(), "\x1b[31mred\x1b[0m")
		p.Warn("make this record:\nNAME  TYPE\r\n\x1b[2Ja     b")
		p.Detail("building")
		time.Sleep(40 * time.Second)
		p.Close(errors.New("exit status 1"))
		want := lines(
			"Source   started",
			"Source   done in 0.1s: commit 4f2c9e1",
			"Build    started",
			"  │ red",
			"warning: make this record:",
			"NAME  TYPE",
			"a     b",
			"Build    running for 15s: building",
			"Build    running for 30s: building",
			"Build    failed after 40s: building",
		)
		if errs.String() != want {
			t.Errorf("err:\n%s\nwant:\n%s", errs, want)
		}
		if out.Len() > 0 {
			t.Errorf("out: %q", out)
		}
	})
}

func TestProgressAsksBetweenFrames(t *testing.T) {
	tests := map[string]struct {
		terminal, yes bool
		input         string
		want          bool
		kind          fault.Kind
		screen        string
	}{
		"yes":         {terminal: true, input: "y\n", want: true, screen: "Replace it? [y/N] ✓ Step        0.0s\n"},
		"no terminal": {kind: fault.Usage, screen: "✓ Step        0.0s\n"},
		"--yes":       {yes: true, want: true, screen: "✓ Step        0.0s\n"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newScreen(t, 80)
				streams := terminal(s)
				streams.In, streams.InTerminal, streams.Yes = strings.NewReader(tc.input), tc.terminal, tc.yes
				p := term.NewProgress(t.Context(), streams)
				p.Step("Step")
				got, err := p.Confirm("Replace it?")
				p.Close(nil)
				if got != tc.want || fault.KindOf(err) != tc.kind {
					t.Errorf("Confirm = %v, %v", got, err)
				}
				if tc.kind == fault.Usage && !strings.Contains(fault.HintOf(err), "--yes") {
					t.Errorf("hint %q does not name --yes", fault.HintOf(err))
				}
				// The test's input is not echoed, so the list begins on the line of the question.
				if s.String() != tc.screen && tc.screen != "" && name != "yes" {
					t.Errorf("screen:\n%s", s)
				}
			})
		})
	}
}

// A process can end at any moment, also by a second Ctrl-C: what is written must leave nothing to restore.
func TestProgressLeavesNothingToRestore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		streams, _, _, errs := term.Test()
		streams.ErrTerminal, streams.Animated, streams.Colour = true, true, true
		ctx, cancel := context.WithCancel(t.Context())
		p := term.NewProgress(ctx, streams)
		p.Step("Build")
		_, _ = fmt.Fprintln(p.Output(), "\x1b[?25l\x1b[?1049h\x1b[31mred without an end")
		time.Sleep(time.Second)
		cancel()
		p.Close(context.Canceled)
		written, state := errs.String(), byte(0)
		for len(written) > 0 {
			seq, _, n, next := ansi.DecodeSequence(written, state, nil)
			if strings.HasPrefix(seq, "\x1b[?") {
				t.Errorf("changes a mode of the terminal: %q", seq)
			}
			written, state = written[n:], next
		}
		if !strings.Contains(errs.String(), "\x1b[31mred without an end\x1b[0m\n") {
			t.Error("a colour goes on after its line")
		}
	})
}
