// Package wizard asks on a terminal: one page that shows what is about to be done and why, to be accepted with Enter, with
// each line open to change. It knows nothing of what it asks about. Nothing is written to the terminal before Run or Choose
// is called, and everything goes to the error stream.
package wizard

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"charm.land/huh/v2"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/term"
)

// ErrLeft is what Run and Choose return if the person leaves without an answer.
var ErrLeft = errors.New("left without an answer")

// Page is what is shown at one time.
type Page struct {
	Title string
	// Notes are shown under the title, one a line: what was found, and why. They are cut down to what the screen has room for.
	Notes []string
	// Problem says why the page cannot be accepted as it is; empty if it can.
	Problem string
	Lines   []Line
	// Accept is what accepting does, in words.
	Accept string
	// Differences is a text that is shown when it is asked for; empty if there is none.
	Differences string
}

// Line is one value of a page.
type Line struct {
	// Key names the line to the caller.
	Key, Label string
	// Value is the value as it is, Shown what stands for it on the page; Value if that is empty.
	Value, Shown string
	// Help says what the value is for.
	Help string
	// Options are the values that it can have; any text if there are none.
	Options []Option
	// Validate says what is wrong with a text, while it is typed; nil takes any.
	Validate func(string) error
}

// Option is a value to choose.
type Option struct{ Value, Label string }

// The entries of a page that are no lines.
const (
	accept = "\x00accept"
	differ = "\x00differ"
	leave  = "\x00leave"
)

// Run shows the page until it is accepted; it returns ErrLeft if it never is. For each change of a line it calls change, which
// returns the page as it is from then on, or why the value cannot be taken.
func Run(ctx context.Context, s *term.Streams, page Page, change func(key, value string) (Page, error)) error {
	a := asker{ctx: ctx, streams: s}
	at := accept
	for {
		chosen, err := a.page(page, at)
		switch {
		case err != nil:
			return err
		case chosen == accept:
			return nil
		case chosen == leave:
			return ErrLeft
		case chosen == differ:
			at = accept
			fmt.Fprintln(s.Err, strings.TrimRight(page.Differences, "\n")+"\n")
			continue
		}
		at = chosen
		if page, err = a.change(page, chosen, change); err != nil {
			return err
		}
		if page.Problem == "" {
			at = accept
		}
	}
}

// change asks for another value of a line, until one is taken or the person goes back.
func (a *asker) change(page Page, key string, change func(key, value string) (Page, error)) (Page, error) {
	for _, line := range page.Lines {
		if line.Key != key {
			continue
		}
		problem := ""
		for {
			value, err := a.line(line, problem)
			unchanged := value == line.Value && page.Problem == "" // where there is a problem, a value may be meant as it is
			if errors.Is(err, errBack) || err == nil && unchanged {
				return page, nil
			}
			if err != nil {
				return page, err
			}
			next, err := change(key, value)
			if err == nil {
				return next, nil
			}
			if ctx := a.ctx.Err(); ctx != nil {
				return page, ctx
			}
			line.Value, problem = value, err.Error()
		}
	}
	return page, nil
}

// Choose asks for one of the options; it returns ErrLeft if none is chosen.
func Choose(ctx context.Context, s *term.Streams, title, help string, options []Option) (string, error) {
	a := asker{ctx: ctx, streams: s}
	value := options[0].Value
	field := huh.NewSelect[string]().Title(term.Text(title)).Description(term.Text(help)).Options(a.options(options)...).Value(&value)
	err := a.ask(field)
	if errors.Is(err, errBack) {
		err = ErrLeft
	}
	return value, err
}
