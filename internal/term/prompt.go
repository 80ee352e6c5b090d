package term

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
)

// Confirm asks a question with yes or no; an empty answer means def. With Yes it answers yes without asking; without a
// terminal to ask on it returns a usage fault that names --yes.
func (s *Streams) Confirm(ctx context.Context, question string, def bool) (bool, error) {
	if s.Yes {
		return true, nil
	}
	if !s.InTerminal {
		return false, fault.New(fault.Usage, "give --yes to answer yes", "cannot ask %q: the input is not a terminal", question)
	}
	choices := "[y/N]"
	if def {
		choices = "[Y/n]"
	}
	for {
		answer, err := s.ask(ctx, question+" "+s.ErrStyle().Dim(choices)+" ")
		if err != nil {
			return false, err
		}
		switch strings.ToLower(answer) {
		case "":
			return def, nil
		case "y", "yes":
			return true, nil
		case "n", "no":
			return false, nil
		}
	}
}

// Ask asks for a line of text; an empty answer means def. Where nothing may be asked, because of Yes or for want of a terminal, it
// returns a usage fault that names the flag which gives the answer.
func (s *Streams) Ask(ctx context.Context, question, def, flag string) (string, error) {
	if s.Yes || !s.InTerminal {
		return "", fault.New(fault.Usage, "give "+flag, "cannot ask %q: the input is not a terminal, or --yes was given", question)
	}
	prompt := question + " "
	if def != "" {
		prompt += s.ErrStyle().Dim("["+def+"]") + " "
	}
	answer, err := s.ask(ctx, prompt)
	if err == nil && answer == "" {
		answer = def
	}
	return answer, err
}

// ask reads one line. When ctx ends first the reading goroutine stays behind: a read of a terminal cannot be cut off, and
// the process is about to end.
func (s *Streams) ask(ctx context.Context, prompt string) (string, error) {
	s.once.Do(func() { s.lines = bufio.NewReader(s.In) })
	if _, err := io.WriteString(s.Err, prompt); err != nil {
		return "", fmt.Errorf("ask: %w", err)
	}
	type result struct {
		line string
		err  error
	}
	got := make(chan result, 1)
	go func() {
		line, err := s.lines.ReadString('\n')
		got <- result{line, err}
	}()
	select {
	case <-ctx.Done():
		fmt.Fprintln(s.Err)
		return "", context.Cause(ctx)
	case r := <-got:
		if r.err != nil && r.line == "" {
			fmt.Fprintln(s.Err)
			return "", fmt.Errorf("read the answer: %w", r.err)
		}
		return strings.TrimSpace(r.line), nil
	}
}
