//go:build unix

package wizard_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/term"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/wizard"
)

// menu is what the tests ask about.
type menu map[string]string

func dish(text string) error {
	if strings.Contains(text, "soap") {
		return fmt.Errorf("%q is not to be eaten, whatever it may smell of: name a dish of the kitchen", text)
	}
	return nil
}

func (m menu) page() wizard.Page {
	p := wizard.Page{
		Title: "Tonight", Accept: "Order this",
		Notes: []string{"the kitchen closes at ten", "the cook has been to the market, and has come back with far more than anybody will ever eat"},
		Lines: []wizard.Line{
			{Key: "soup", Label: "Soup", Value: m["soup"], Help: "What to begin with.", Validate: dish},
			{Key: "main", Label: "Main course", Value: m["main"], Options: []wizard.Option{
				{Value: "fish", Label: "Fish, with everything that was on the market this morning and then some more"},
				{Value: "beans", Label: "Beans"}, {Value: "stew"},
			}},
		},
	}
	if m["soup"] == "" {
		p.Problem = "there is no dinner without a soup: choose one"
	}
	if m["was"] != "" {
		p.Differences = "-" + m["was"] + "\n+" + m["soup"] + "\n"
	}
	return p
}

// run asks in the background.
func (m menu) run(ctx context.Context, s *term.Streams) <-chan error {
	done := make(chan error, 1)
	go func() {
		done <- wizard.Run(ctx, s, m.page(), func(key, value string) (wizard.Page, error) {
			if value == "cold" {
				return wizard.Page{}, errors.New("the kitchen has nothing cold")
			}
			m[key] = value
			return m.page(), nil
		})
	}()
	return done
}

func ends(t *testing.T, done <-chan error, want error) {
	t.Helper()
	select {
	case err := <-done:
		if !errors.Is(err, want) {
			t.Errorf("ended with %v, want %v", err, want)
		}
	case <-time.After(time.Minute):
		t.Fatal("it never ends")
	}
}

func TestEnterAccepts(t *testing.T) {
	for _, columns := range []int{80, 60} {
		t.Run(fmt.Sprint(columns), func(t *testing.T) {
			x := newTerminal(t, columns, 24)
			done := menu{"soup": "leek", "main": "beans"}.run(t.Context(), x.streams)
			x.sees("Leave, and write nothing")
			x.golden(fmt.Sprint("page-", columns))
			x.press(enter, "")
			ends(t, done, nil)
			// Nothing of the page stays, and the terminal takes lines again.
			x.golden("nothing")
		})
	}
}

// What is typed after Enter, before the page has gone, does not change what was entered.
func TestNothingIsTakenAfterEnter(t *testing.T) {
	for name, more := range map[string]string{"the last entry": "\x04", "the entry below": down, "a letter": "G", "a paste": "\x1b[200~x\x1b[201~"} {
		t.Run(name, func(t *testing.T) {
			x := newTerminal(t, 80, 24)
			m := menu{"soup": "leek", "main": "beans"}
			done := m.run(t.Context(), x.streams)
			x.sees("Leave, and write nothing")
			x.press(down, "> Soup", enter, "What to begin with.")
			x.press(erase+"onion"+enter+more, "onion")
			x.sees("> Order this")
			x.press(enter+more, "")
			ends(t, done, nil)
			if m["soup"] != "onion" {
				t.Errorf("the soup is %q", m["soup"])
			}
		})
	}
}

// What a project's files say cannot take the page away, or show it in another order.
func TestTextOfStrangersIsShownOnly(t *testing.T) {
	for name, soup := range map[string]string{
		"a title":    "le\x1b]0;owned\x07ek\u202e",
		"no end":     "leek\u202e\x1b]0;owned",
		"the cursor": "leek\x1b[2J\x1b[5A\u202e",
		"no text":    "leek\xff\x9b",
	} {
		t.Run(name, func(t *testing.T) {
			x := newTerminal(t, 80, 24)
			m := menu{"soup": soup, "main": "beans"}
			done := m.run(t.Context(), x.streams)
			x.sees("leek\uFFFD")
			x.sees("Leave, and write nothing")
			x.press(down, "> Soup", enter, "What to begin with.")
			x.sees("> leek")
			x.press(enter, "> Order this", enter, "")
			ends(t, done, nil)
			if got := m["soup"]; !strings.HasPrefix(got, "leek") || strings.Contains(got, "\x1b") {
				t.Errorf("taken as it is not shown: %q", got)
			}
		})
	}
}

func TestLinesAreChanged(t *testing.T) {
	x := newTerminal(t, 60, 24)
	m := menu{"soup": "leek", "main": "beans"}
	done := m.run(t.Context(), x.streams)
	x.sees("> Order this")
	x.press(down, "> Soup", enter, "What to begin with.")
	x.golden("text-60")
	// What is wrong is said while it is typed, and can't be entered.
	x.press(erase+"so", "> so", "ap", "not to be eaten")
	x.golden("wrong-60")
	x.press(enter, "not to be eaten", erase+"cold"+enter, "the kitchen has nothing cold")
	x.press(erase+"onion"+enter, "onion")
	x.sees("> Order this")
	x.press(down+down, "> Main", enter, "Fish, with")
	x.golden("choice-60")
	x.press("/", "/", "st", "> stew", enter, "> Order this")
	x.golden("changed-60")
	x.press(enter, "")
	ends(t, done, nil)
	if m["soup"] != "onion" || m["main"] != "stew" {
		t.Errorf("ordered %v", m)
	}
}

func TestGoingBackChangesNothing(t *testing.T) {
	x := newTerminal(t, 80, 24)
	m := menu{"soup": "leek", "main": "beans"}
	done := m.run(t.Context(), x.streams)
	x.sees("> Order this")
	x.press(down, "> Soup", enter, "What to begin with.", "xyz", "leekxyz", escape, "Order this")
	x.golden("page-80")
	x.press(escape, "")
	ends(t, done, wizard.ErrLeft)
	if m["soup"] != "leek" {
		t.Errorf("ordered %v", m)
	}
}

func TestCtrlCLeaves(t *testing.T) {
	for name, keys := range map[string][]string{
		"from the page": {ctrlC, ""}, "from a line": {down, "> Soup", enter, "What to begin with.", ctrlC, ""}, "by its entry": {up, "> Leave", enter, ""},
	} {
		t.Run(name, func(t *testing.T) {
			x := newTerminal(t, 80, 24)
			done := menu{"soup": "leek"}.run(t.Context(), x.streams)
			x.sees("> Order this")
			x.press(keys...)
			ends(t, done, wizard.ErrLeft)
			x.golden("nothing")
		})
	}
}

func TestProblemsCannotBeAccepted(t *testing.T) {
	x := newTerminal(t, 60, 14)
	m := menu{}
	done := m.run(t.Context(), x.streams)
	x.sees("there is no dinner")
	x.press(enter, "there is no dinner")
	x.golden("problem-60")
	x.press(down, "> Soup", enter, "What to begin", "leek"+enter, "Soup         leek")
	x.press(enter, "")
	ends(t, done, nil)
}

func TestDifferencesAreShown(t *testing.T) {
	x := newTerminal(t, 60, 24)
	done := menu{"was": "turnip", "soup": "leek"}.run(t.Context(), x.streams)
	x.sees("Show the differences")
	x.press(up+up, "> Show", enter, "-turnip", "", "> Order this")
	x.golden("differences-60")
	x.press(enter, "")
	ends(t, done, nil)
}

func TestTheEndOfTheContextEndsIt(t *testing.T) {
	x := newTerminal(t, 60, 24)
	ctx, cancel := context.WithCancel(t.Context())
	done := menu{"soup": "leek"}.run(ctx, x.streams)
	x.sees("> Order this")
	cancel()
	ends(t, done, context.Canceled)
}

func TestChoose(t *testing.T) {
	x := newTerminal(t, 60, 24)
	done := make(chan error, 1)
	chosen := ""
	go func() {
		var err error
		chosen, err = wizard.Choose(t.Context(), x.streams, "Which one?", "There are two.", []wizard.Option{{Value: "a", Label: "One"}, {Value: "b", Label: "Two"}})
		done <- err
	}()
	x.sees("> One")
	x.press(down, "> Two", enter, "")
	ends(t, done, nil)
	if chosen != "b" {
		t.Errorf("chose %q", chosen)
	}
}

// Plain lines, for screen readers and simple terminals: no escape sequence, each question a line, an empty answer the default.
func TestPlainLines(t *testing.T) {
	tests := map[string]struct {
		answers string
		want    error
		soup    string
	}{
		"accept":                 {"\n", nil, "leek"},
		"change":                 {"2\nonion\n1\n", nil, "onion"},
		"wrong, then right":      {"2\nsoap\nonion\n1\n", nil, "onion"},
		"refused, then left":     {"2\ncold\n\n1\n", nil, "leek"},
		"emptied, then mended":   {"2\n-\n1\n2\npea\n1\n", nil, "pea"},
		"no number":              {"soup\n99\n1\n", nil, "leek"},
		"a choice":               {"3\n3\n1\n", nil, "leek"},
		"left":                   {"4\n", wizard.ErrLeft, "leek"},
		"nobody there":           {"", wizard.ErrLeft, "leek"},
		"gone in between":        {"2\n", wizard.ErrLeft, "leek"},
		"gone after a number":    {"99\n", wizard.ErrLeft, "leek"},
		"gone after the problem": {"2\n-\n1\n", wizard.ErrLeft, ""},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Setenv("ACCESSIBLE", "1")
			streams, in, _, out := term.Test()
			streams.InTerminal, streams.ErrTerminal, streams.Animated = true, true, true
			in.WriteString(tc.answers)
			m := menu{"soup": "leek", "main": "beans"}
			ends(t, m.run(t.Context(), streams), tc.want)
			if m["soup"] != tc.soup {
				t.Errorf("soup %q, want %q\n%s", m["soup"], tc.soup, out)
			}
			if bytes.ContainsRune(out.Bytes(), 0x1b) {
				t.Errorf("escape sequences in %q", out)
			}
			if in.Len() > 0 {
				t.Errorf("left unread: %q", in)
			}
		})
	}
}
