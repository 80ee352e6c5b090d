package wizard

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"
	"charm.land/huh/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/term"
)

// errBack is the person's wish to go back from a line to the page.
var errBack = errors.New("back")

// asker asks on one terminal.
type asker struct {
	ctx     context.Context
	streams *term.Streams
}

// accessible reports whether questions are plain lines, with numbers to choose by: where ACCESSIBLE is set, for screen
// readers, and on terminals without cursor movements.
func (a *asker) accessible() bool {
	return os.Getenv("ACCESSIBLE") != "" || !a.streams.Animated
}

// page shows a page and returns the entry that was chosen; at is the one to begin at.
func (a *asker) page(p Page, at string) (string, error) {
	options := []Option{{accept, p.Accept}}
	width := 0
	for _, line := range p.Lines {
		width = max(width, ansi.StringWidth(line.Label))
	}
	for _, line := range p.Lines {
		shown := line.Shown
		if shown == "" {
			shown = line.Value
		}
		fill := strings.Repeat(" ", width-ansi.StringWidth(line.Label)+2)
		options = append(options, Option{line.Key, line.Label + fill + shown})
	}
	if p.Differences != "" {
		options = append(options, Option{differ, "Show the differences"})
	}
	options = append(options, Option{leave, "Leave, and write nothing"})
	chosen := at
	field := huh.NewSelect[string]().Title(term.Text(p.Title)).Options(a.options(options)...).Value(&chosen).
		Validate(func(entry string) error {
			if entry == accept && p.Problem != "" {
				return errors.New(term.Text(p.Problem))
			}
			return nil
		})
	field.Description(a.notes(p, len(options)))
	if a.accessible() {
		fmt.Fprintln(a.streams.Err, a.notes(p, 0))
	}
	err := a.ask(field)
	if errors.Is(err, errBack) {
		return leave, nil
	}
	return chosen, err
}

// notes is the text between a page's title and its entries, in as many rows as there is room for.
func (a *asker) notes(p Page, entries int) string {
	columns, rows := a.streams.Size()
	width := max(20, min(columns, maxWidth)-2)
	var lines []string
	wrap := func(text, first, rest string) {
		for i, line := range strings.Split(term.Wrap(term.Text(text), width-len(rest)), "\n") {
			if i == 0 {
				lines = append(lines, first+line)
			} else {
				lines = append(lines, rest+line)
			}
		}
	}
	for _, note := range p.Notes {
		wrap(note, "- ", "  ")
	}
	// Title, the hint and the blank lines take five rows, the problem what it needs.
	var problem []string
	if p.Problem != "" {
		notes := lines
		lines = nil
		wrap(p.Problem, "", "")
		problem, lines = append([]string{""}, lines...), notes
	}
	if room := max(2, rows-entries-len(problem)-6); entries > 0 && len(lines) > room {
		lines = append(lines[:room-1], "- and more")
	}
	lines = append(lines, problem...)
	if entries > 0 {
		lines = append(lines, "", hint, "")
	}
	return strings.Join(lines, "\n")
}

// hint says which keys do what; it fits a narrow terminal.
const hint = "Enter takes it. Arrows: a line to change. Ctrl-C leaves."

// below is a text of always the same height, so that what is under it stays where it is.
func (a *asker) below(text string) string {
	const rows = 3
	columns, _ := a.streams.Size()
	lines := strings.Split(term.Wrap(term.Text(text), max(20, min(columns, maxWidth)-2)), "\n")
	return strings.Join(append(lines, make([]string, max(0, rows-len(lines)))...), "\n")
}

// line asks for another value of a line. problem says what was wrong with the one before.
func (a *asker) line(l Line, problem string) (string, error) {
	value := l.Value
	if len(l.Options) > 0 {
		field := huh.NewSelect[string]().Title(l.Label).Options(a.options(l.Options)...).Value(&value)
		field.Description(term.Text(strings.TrimPrefix(problem+"\n"+l.Help, "\n")))
		if _, rows := a.streams.Size(); len(l.Options) > rows-6 && !a.accessible() {
			field.Height(max(8, rows-4)).Description("Type / and a part of the name to find it.")
		}
		err := a.ask(field)
		return value, err
	}
	l.Value = term.Text(l.Value) // as it is shown, so it is taken
	validate := l.Validate
	if validate == nil {
		validate = func(string) error { return nil }
	}
	if a.accessible() {
		return a.plainLine(l, problem, validate)
	}
	field := huh.NewInput().Title(l.Label).Prompt("> ").Validate(func(text string) error { return validate(strings.TrimSpace(text)) })
	typed := &typedText{text: l.Value, changed: func(text string) {
		said := l.Help
		if err := validate(strings.TrimSpace(text)); err != nil {
			said = err.Error()
		} else if text == l.Value && problem != "" {
			said = problem
		}
		field.Description(a.below(said))
	}}
	typed.Set(l.Value)
	field.Accessor(typed)
	err := a.ask(field)
	return strings.TrimSpace(typed.text), err
}

// typedText is a text while it is typed. The form sets it at each key, and changed can change the form there: it runs where the
// form does.
type typedText struct {
	text    string
	changed func(string)
}

var _ huh.Accessor[string] = (*typedText)(nil)

// Get implements huh.Accessor.
func (t *typedText) Get() string { return t.text }

// Set implements huh.Accessor.
func (t *typedText) Set(text string) {
	t.text = text
	t.changed(text)
}

// plainLine asks for a text in a plain line. An empty answer leaves the value, a hyphen empties it.
func (a *asker) plainLine(l Line, problem string, validate func(string) error) (string, error) {
	if problem != "" {
		fmt.Fprintln(a.streams.Err, problem)
	}
	if l.Help != "" {
		fmt.Fprintln(a.streams.Err, l.Help)
	}
	value := l.Value
	title := l.Label
	if value != "" {
		title += " [" + value + ", - for none]"
	}
	resolve := func(answer string) string {
		switch answer = strings.TrimSpace(answer); answer {
		case "":
			return l.Value
		case "-":
			return ""
		}
		return answer
	}
	field := huh.NewInput().Title(title + ":").Value(&value).Validate(func(answer string) error { return validate(resolve(answer)) })
	err := a.ask(field)
	return resolve(value), err
}

// options are the options as fields take them, none wider than the screen.
func (a *asker) options(options []Option) []huh.Option[string] {
	columns, _ := a.streams.Size()
	all := make([]huh.Option[string], len(options))
	for i, o := range options {
		label := o.Label
		if label == "" {
			label = o.Value
		}
		if label = term.Text(label); !a.accessible() {
			label = a.streams.ErrStyle().Cut(label, max(20, min(columns, maxWidth)-4))
		}
		all[i] = huh.NewOption(label, o.Value)
	}
	return all
}

// ask shows one field until it is answered. It returns errBack for Escape and ErrLeft for Ctrl-C.
func (a *asker) ask(field huh.Field) error {
	form := huh.NewForm(huh.NewGroup(field)).WithShowHelp(false).WithTheme(theme(a.accessible()))
	if a.accessible() {
		return a.askPlainly(form)
	}
	if columns, _ := a.streams.Size(); columns > maxWidth {
		form.WithWidth(maxWidth)
	}
	form.WithKeyMap(keyMap())
	form.SubmitCmd, form.CancelCmd = tea.Quit, tea.Quit
	interrupted := false
	program := tea.NewProgram(&screen{form: form, field: field}, tea.WithInput(a.streams.In), tea.WithOutput(a.streams.Screen()), tea.WithoutSignalHandler(),
		tea.WithFilter(func(_ tea.Model, msg tea.Msg) tea.Msg {
			if press, ok := msg.(tea.KeyPressMsg); ok && press.String() == "ctrl+c" {
				interrupted = true
			}
			return msg
		}),
	)
	// Not tea.WithContext: it leaves without waiting for the terminal's reader, which would then take the next one's keys.
	defer context.AfterFunc(a.ctx, program.Quit)()
	_, err := program.Run()
	switch {
	case a.ctx.Err() != nil:
		return context.Cause(a.ctx)
	case err != nil:
		return fmt.Errorf("ask: %w", err)
	case form.State == huh.StateAborted && interrupted:
		return ErrLeft
	case form.State == huh.StateAborted:
		return errBack
	}
	return nil
}

// screen is a form of one field as a whole program.
type screen struct {
	form  *huh.Form
	field huh.Field
	// answered is true once the field has been entered. The form ends some messages later, and would take what is typed until then for
	// another answer.
	answered bool
}

func (s *screen) Init() tea.Cmd { return s.form.Init() }

func (s *screen) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	press, pressed := msg.(tea.KeyPressMsg)
	_, pasted := msg.(tea.PasteMsg)
	if s.answered && (pressed || pasted) {
		return s, nil
	}
	list, ok := s.field.(interface{ GetFiltering() bool })
	enters := pressed && key.Matches(press, enterKeys) && !(ok && list.GetFiltering())
	_, cmd := s.form.Update(msg) // a form changes itself
	s.answered = s.answered || enters && s.field.Error() == nil
	return s, cmd
}

func (s *screen) View() tea.View {
	v := tea.NewView(s.form.View())
	v.ReportFocus = true
	return v
}

// enterKeys enter a field.
var enterKeys = key.NewBinding(key.WithKeys("enter", "tab", "ctrl+j"))

// keyMap is huh's, where Escape leaves a form. Programs that type for a person send a line feed for Enter.
func keyMap() *huh.KeyMap {
	keys := huh.NewDefaultKeyMap()
	keys.Quit = key.NewBinding(key.WithKeys("ctrl+c", "esc"))
	keys.Select.Down.SetKeys("down", "j", "ctrl+n") // without Ctrl-J, which is the line feed
	for _, binding := range []*key.Binding{&keys.Select.Next, &keys.Select.Submit, &keys.Select.SetFilter, &keys.Input.Next, &keys.Input.Submit} {
		binding.SetKeys(append(binding.Keys(), "ctrl+j")...)
	}
	return keys
}

// askPlainly asks in plain lines. When ctx ends first the reading goroutine stays behind: a read of a terminal cannot be cut
// off, and the process is about to end.
func (a *asker) askPlainly(form *huh.Form) error {
	in := &lineReader{from: a.streams.In}
	done := make(chan error, 1)
	go func() {
		defer func() {
			// huh takes a wrong number for the answer where the input ends after it.
			if p := recover(); p != nil && in.ended {
				done <- nil
			} else if p != nil {
				panic(p)
			}
		}()
		done <- form.WithAccessible(true).WithInput(in).WithOutput(a.streams.Err).RunWithContext(a.ctx)
	}()
	select {
	case <-a.ctx.Done():
		fmt.Fprintln(a.streams.Err)
		return context.Cause(a.ctx)
	case err := <-done:
		if err == nil && in.ended {
			err = ErrLeft
		}
		return err
	}
}
