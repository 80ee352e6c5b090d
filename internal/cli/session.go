package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/term"
)

// session is what every command starts from: the streams, the global flags, and the way to a target.
type session struct {
	*term.Streams
	dir      string
	target   site.Target
	stateDir string
	json     bool
	verbose  bool
	// listen is the address of the local target's server: a flag of serve and deploy.
	listen string
	// aws are the choices that concern the aws target only.
	aws awsChoices
	// ci is the job of a CI that this is.
	ci ciJob

	// zones lists the account's hosted zones for the wizard; nil where nothing can.
	zones zoneLister
	// open returns the target that hosts the site.
	open func(s *session, project *site.Site) (target, error)
}

func (s *session) addFlags(flags *pflag.FlagSet) {
	flags.StringVar(&s.dir, "dir", ".", "the project's `folder`")
	flags.Var(s.targets(), "target", "where to host, instead of the configuration's target")
	flags.StringVar(&s.stateDir, "state-dir", "", "`folder` in which the local target keeps everything (also $CHT_STATE_DIR)")
	flags.StringVar(&s.aws.profile, "profile", "", "aws: `profile` of the AWS configuration (also $AWS_PROFILE)")
	flags.StringVar(&s.aws.region, "region", "", "aws: `region` of the site's stack (also $AWS_REGION)")
	flags.BoolVar(&s.json, "json", false, "print one JSON document")
	flags.BoolVarP(&s.Yes, "yes", "y", false, "ask nothing; confirm what would be asked")
	flags.BoolVarP(&s.verbose, "verbose", "v", false, "say more on standard error")
}

// targets is the value of --target; without it the configuration decides.
func (s *session) targets() choice[site.Target] {
	return choice[site.Target]{&s.target, []site.Target{site.Local, site.AWS}}
}

// hosting loads the project and opens the target that it is hosted on. In the release step of a pipeline on AWS there is no
// project, and the target is what the environment names.
func (s *session) hosting() (target, *site.Site, error) {
	if step := releaseStep(s); step != nil {
		return step, nil, nil
	}
	project, err := site.Load(s.dir)
	if err != nil {
		return nil, nil, err
	}
	s.debug("project  %s", project.Dir)
	s.debug("site     %s", project.Name())
	t, err := s.open(s, project)
	return t, project, err
}

// progress returns the reporter of a long operation. The caller closes it.
func (s *session) progress(ctx context.Context) *term.Progress {
	return term.NewProgress(ctx, s.Streams)
}

// debug says something with --verbose only.
func (s *session) debug(format string, args ...any) {
	if s.verbose {
		fmt.Fprintln(s.Err, s.ErrStyle().Dim(fmt.Sprintf(format, args...)))
	}
}

// warn says something that the user should know.
func (s *session) warn(format string, args ...any) {
	fmt.Fprintf(s.Err, "%s %s\n", s.ErrStyle().Yellow("warning:"), fmt.Sprintf(format, args...))
}

// gap leaves a line free where talk and data meet on one terminal.
func (s *session) gap() {
	if s.OutTerminal && s.ErrTerminal && !s.json {
		fmt.Fprintln(s.Err)
	}
}

// next names the next useful commands, each with what it is for; it says nothing with --json.
func (s *session) next(steps ...[2]string) {
	if s.json || len(steps) == 0 {
		return
	}
	s.gap()
	style := s.ErrStyle()
	rows := make([][2]string, len(steps))
	for i, step := range steps {
		rows[i] = [2]string{step[0] + ":", style.Cyan(step[1])}
	}
	_ = term.Fields(s.Err, style, rows)
}

// command is the command line of one of the tool's own commands, for this project and state folder.
func (s *session) command(args ...string) string {
	words := []string{name}
	if s.dir != "." && s.dir != "" {
		words = append(words, "--dir", shellWord(s.dir))
	}
	if s.stateDir != "" {
		words = append(words, "--state-dir", shellWord(s.stateDir))
	}
	words = append(words, s.aws.words()...)
	return strings.Join(append(words, args...), " ")
}

// shellWord quotes a word where a shell would take it apart.
func shellWord(word string) string {
	if word != "" && !strings.ContainsAny(word, " \t\n'\"\\$`&|;<>()*?[]#~!{}") {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// printJSON writes the one document of a command.
func (s *session) printJSON(document any) error {
	encoder := json.NewEncoder(s.Out)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(document); err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	return nil
}

// fields writes names and values to standard output.
func (s *session) fields(fields ...[2]string) error {
	if err := term.Fields(s.Out, s.OutStyle(), fields); err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	return nil
}

// table writes a table to standard output.
func (s *session) table(t *term.Table) error {
	if err := t.Write(s.Out, s.OutStyle(), s.OutWidth()); err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	return nil
}

// usage is a fault of wrong usage.
func usage(hint, format string, args ...any) error {
	return fault.New(fault.Usage, hint, format, args...)
}
