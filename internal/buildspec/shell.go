package buildspec

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
)

// shell runs the commands of one build, each in a process of its own, and carries over from one to the next what
// CodeBuild carries over: the working directory and all variables, exported or not. Functions, aliases, traps and options
// such as `set -e` end with the command that made them.
//
// A process for each command is what makes a build sturdy: `exit`, `exec`, `set -e`, a syntax error or a killed shell end
// that command and nothing else. What a command leaves behind is written to files by an exit trap. A command that ends
// without one (`exec`, a kill, an EXIT trap of its own followed by `exit`) leaves variables as they were before it.
type shell struct {
	path   string // the program
	bash   bool   // it is bash, under whatever name
	dir    string // scratch folder for scripts
	source string // where the first command starts
	out    *outputPipe
	group  *processGroup

	cwd string
	// vars are the statements that restore the variables.
	vars string
	// fixed are environment entries that a shell can't hold as variables ("ProgramFiles(x86)").
	fixed []string
}

// newShell finds the shell and prepares its state. Nothing is started in the group yet.
func newShell(name, dir, source string, env map[string]string) (*shell, error) {
	path, err := findShell(name)
	if err != nil {
		return nil, err
	}
	s := &shell{path: path, dir: dir, source: source, cwd: filepath.ToSlash(source)}
	var vars strings.Builder
	for _, k := range slices.Sorted(maps.Keys(env)) {
		if !identifier.MatchString(k) {
			s.fixed = append(s.fixed, k+"="+env[k])
			continue
		}
		fmt.Fprintf(&vars, "export %s=%s\n", k, quote(env[k]))
	}
	s.vars = vars.String()
	s.fixed = append(s.fixed, tokenVariable+"="+env[tokenVariable])
	if root := os.Getenv("SYSTEMROOT"); root != "" {
		s.fixed = append(s.fixed, "SYSTEMROOT="+root)
	}
	probe := exec.Command(path, "-c", `printf %s "${BASH_VERSION-}"`)
	probe.Env = s.fixed
	version, err := probe.Output()
	if err != nil {
		return nil, fmt.Errorf("run the shell %s: %w", path, err)
	}
	s.bash = len(version) > 0
	return s, nil
}

// findShell finds sh or bash. On Windows they come with Git and are not always on the PATH.
func findShell(name string) (string, error) {
	path, err := exec.LookPath(name)
	if err == nil && runtime.GOOS != "windows" {
		return path, nil
	}
	if runtime.GOOS == "windows" {
		// Windows has a bash of its own that runs commands inside WSL: Git's comes first.
		if git, gitErr := exec.LookPath("git"); gitErr == nil {
			for _, rel := range []string{"../bin", "../usr/bin", "../../usr/bin", "../../bin"} {
				p := filepath.Join(filepath.Dir(git), rel, name+".exe")
				if _, statErr := os.Stat(p); statErr == nil {
					return p, nil
				}
			}
		}
		if err == nil {
			return path, nil
		}
		return "", fault.New(fault.Other, "install Git for Windows, which brings sh and bash", "find the shell %s: %w", name, err)
	}
	return "", fault.New(fault.Other, "install "+name+", or remove env.shell from the buildspec", "find the shell %s: %w", name, err)
}

// commandError is a command that ran and failed.
type commandError struct {
	command Command
	reason  string
}

func (e *commandError) Error() string {
	return fmt.Sprintf("command %q: %s", firstLine(e.command.Text), e.reason)
}

// stoppedError is a command that was ended because the build's context ended.
type stoppedError struct {
	command Command
	after   time.Duration
	cause   error
}

func (e *stoppedError) Error() string {
	return fmt.Sprintf("command %q ended after %s: %v", firstLine(e.command.Text), round(e.after), e.cause)
}
func (e *stoppedError) Unwrap() error { return e.cause }

// run runs one command. Its error is a *commandError if the command failed, a *stoppedError if ctx ended it, and
// something else if the command could not be run. grace is the time between SIGTERM and SIGKILL.
func (s *shell) run(ctx context.Context, c Command, grace time.Duration) error {
	if err := ctx.Err(); err != nil {
		return &stoppedError{command: c, cause: context.Cause(ctx)}
	}
	cmd, err := s.prepare(c.Text)
	if err != nil {
		return err
	}
	cmd.Stdout, cmd.Stderr = s.out.w, s.out.w
	started := time.Now()
	if err := s.group.start(cmd); err != nil {
		return fmt.Errorf("start the shell %s: %w", s.path, err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err = <-ended:
	case <-ctx.Done():
		s.group.end(grace)
		<-ended
		return errors.Join(&stoppedError{c, time.Since(started), context.Cause(ctx)}, s.out.sync())
	}
	if err := s.out.sync(); err != nil {
		return err
	}
	s.keep()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return nil
	case !errors.As(err, &exit):
		return fmt.Errorf("wait for the command %q: %w", firstLine(c.Text), err)
	}
	if name := signalled(exit); name != "" {
		return &commandError{c, "ended by a signal: " + name}
	}
	return &commandError{c, fmt.Sprintf("exit status %d", exit.ExitCode())}
}

func (s *shell) file(name string) string { return filepath.Join(s.dir, name) }

// prepare writes the scripts of a command. Its standard input is empty.
func (s *shell) prepare(text string) (*exec.Cmd, error) {
	for _, name := range []string{"variables", "exports", "directory"} {
		if err := os.Remove(s.file(name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("prepare a command: %w", err)
		}
	}
	if err := os.WriteFile(s.file("script.sh"), []byte(text+"\n"), 0o600); err != nil {
		return nil, fmt.Errorf("prepare a command: %w", err)
	}
	if err := os.WriteFile(s.file("run.sh"), []byte(s.wrapper()), 0o600); err != nil {
		return nil, fmt.Errorf("prepare a command: %w", err)
	}
	cmd := exec.Command(s.path, filepath.ToSlash(s.file("run.sh")))
	cmd.Dir, cmd.Env = s.source, s.fixed
	return cmd, nil
}

// keep takes over what the last command left behind. What is missing or broken stays as it was.
func (s *shell) keep() {
	if dir, err := os.ReadFile(s.file("directory")); err == nil {
		if d := strings.TrimSuffix(string(dir), "\n"); d != "" {
			s.cwd = d
		}
	}
	variables, err := os.ReadFile(s.file("variables"))
	if err != nil {
		return
	}
	if s.bash {
		if vars, ok := restoreBash(variables); ok {
			s.vars = vars
		}
		return
	}
	exports, err := os.ReadFile(s.file("exports"))
	if err != nil {
		return
	}
	if vars, ok := restoreSh(variables, exports); ok {
		s.vars = vars
	}
}

// set gives an exported variable a value for the commands to come.
func (s *shell) set(name, value string) {
	s.vars += "export " + name + "=" + quote(value) + "\n"
}

// evaluate runs a small script of the toolkit's own with the build's variables and returns what it prints.
func (s *shell) evaluate(ctx context.Context, script string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, s.path, "-c", s.vars+script)
	cmd.Dir, cmd.Env = s.source, s.fixed
	var out, problems bytes.Buffer
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = &out, &problems, time.Second
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, strings.TrimSpace(problems.String()))
	}
	return out.Bytes(), nil
}

// values returns those of the named variables that are set now.
func (s *shell) values(ctx context.Context, names []string) (map[string]string, error) {
	out := map[string]string{}
	if len(names) == 0 {
		return out, nil
	}
	var script strings.Builder
	for _, n := range names {
		fmt.Fprintf(&script, "if [ \"${%s+x}\" ]; then printf '%s=%%s\\0' \"$%s\"; fi\n", n, n, n)
	}
	text, err := s.evaluate(ctx, script.String())
	if err != nil {
		return nil, fmt.Errorf("read the build's variables: %w", err)
	}
	for entry := range strings.SplitSeq(string(text), "\x00") {
		if name, value, ok := strings.Cut(entry, "="); ok {
			out[name] = value
		}
	}
	return out, nil
}

// firstLine shortens a command for a message.
func firstLine(text string) string {
	line, rest, _ := strings.Cut(strings.TrimSpace(text), "\n")
	if len(line) > 200 {
		return strings.ToValidUTF8(line[:200], "") + " …"
	}
	if strings.TrimSpace(rest) != "" {
		return line + " …"
	}
	return line
}

func round(d time.Duration) time.Duration {
	if d > time.Minute {
		return d.Round(time.Second)
	}
	return d.Round(time.Millisecond)
}
