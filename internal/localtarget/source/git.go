package source

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
)

// Time limits of git's work. A large first fetch over a slow line may well take many minutes; a connection that is
// stuck is ended much earlier by lowSpeed and by ssh's own keep-alive.
const (
	localTimeout = 5 * time.Minute
	askTimeout   = time.Minute
	fetchTimeout = time.Hour
)

// remote is the name that the repository's address has for git. The address is given in the environment, because
// every user of the machine can read a command line, and an address may hold a token.
const remote = "toolkit-source"

// settings are git's settings for every call. Hooks never run, and nothing may wait for a person.
var settings = [][2]string{
	{"core.hooksPath", "/dev/null"},
	{"core.fsmonitor", "false"},
	{"core.autocrlf", "false"},
	{"core.sparseCheckout", "false"},
	{"core.fsync", "reference"}, // beside git's defaults: a branch must not be empty after a power cut
	{"credential.interactive", "never"},
	{"fetch.fsckObjects", "false"},
	{"gc.autoDetach", "false"},
	{"maintenance.autoDetach", "false"},
	{"http.lowSpeedLimit", "1000"},
	{"http.lowSpeedTime", "60"},
	{"advice.detachedHead", "false"},
}

// transports are the ones that git may use; "ext" and other helpers would run any command that an address names.
const transports = "file:git:http:https:ssh"

// aliases are schemes that git takes for ssh.
const aliases = "git+ssh:ssh+git"

// call is one call of the git program.
type call struct {
	// dir is the bare repository to work on; none if empty.
	dir string
	// discover lets git find the repository that workDir is in.
	discover bool
	// url is what the remote named by the constant remote stands for.
	url     string
	env     []string
	workDir string
	stdin   string
	timeout time.Duration
	args    []string
}

// run returns what git wrote to stdout. The error holds git's own words, without credentials.
func (c call) run(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, "git", c.args...)
	cmd.Dir = c.workDir
	if cmd.Dir == "" {
		cmd.Dir = os.TempDir()
	}
	cmd.Env = c.environ()
	cmd.Stdin = strings.NewReader(c.stdin)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	confine(cmd)
	// Helpers of git that outlive it keep the pipes open; they are not waited for.
	cmd.WaitDelay = 2 * time.Second
	err := cmd.Run()
	if err == nil {
		return stdout.String(), nil
	}
	if ctx.Err() != nil {
		sweep(cmd)
	}
	if errors.Is(err, exec.ErrNotFound) {
		return "", fault.New(fault.Other, "install git, version 2.31 or newer", "run git: %w", err)
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return "", fmt.Errorf("git %s gave no answer within %s", c.command(), c.timeout)
	}
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	return "", &gitError{command: c.command(), text: Printable(lastWords(stderr.String())), err: err}
}

// command is git's command, behind the settings that go before it.
func (c call) command() string {
	args := c.args
	for len(args) > 2 && args[0] == "-c" {
		args = args[2:]
	}
	return args[0]
}

// gitError is a call of git that ended with an error.
type gitError struct {
	command, text string
	err           error
}

func (e *gitError) Error() string {
	if e.text == "" {
		return fmt.Sprintf("git %s: %v", e.command, e.err)
	}
	return fmt.Sprintf("git %s: %s", e.command, e.text)
}

func (e *gitError) Unwrap() error { return e.err }

func (c call) environ() []string {
	env := inherited()
	env = append(env,
		"GIT_TERMINAL_PROMPT=0",
		"GIT_ALLOW_PROTOCOL="+transports,
		"GIT_OPTIONAL_LOCKS=0",
		"GIT_NO_REPLACE_OBJECTS=1",
		"GCM_INTERACTIVE=never",
		"SSH_ASKPASS_REQUIRE=never",
		"LC_ALL=C",
	)
	switch {
	case c.dir != "":
		// With the repository named outright, git neither searches for one nor minds who owns the folder.
		env = append(env, "GIT_DIR="+c.dir)
	case !c.discover:
		env = append(env, "GIT_DIR="+os.DevNull)
	}
	if batch := batchSSH(); batch != "" {
		env = append(env, "GIT_SSH_COMMAND="+batch)
	}
	all := settings
	if c.url != "" {
		all = append(all[:len(all):len(all)], [2]string{"remote." + remote + ".url", c.url})
	}
	env = append(env, "GIT_CONFIG_COUNT="+strconv.Itoa(len(all)))
	for i, s := range all {
		env = append(env, fmt.Sprintf("GIT_CONFIG_KEY_%d=%s", i, s[0]), fmt.Sprintf("GIT_CONFIG_VALUE_%d=%s", i, s[1]))
	}
	return append(env, c.env...)
}

// repositoryVariables are those that tie git to a repository. They are set when a command is run from a hook, say, and
// must not lead git elsewhere. The user's other variables, for credentials and proxies, stay.
var repositoryVariables = map[string]bool{
	"GIT_DIR": true, "GIT_WORK_TREE": true, "GIT_INDEX_FILE": true, "GIT_INDEX_VERSION": true, "GIT_COMMON_DIR": true,
	"GIT_OBJECT_DIRECTORY": true, "GIT_ALTERNATE_OBJECT_DIRECTORIES": true, "GIT_NAMESPACE": true, "GIT_PREFIX": true,
	"GIT_CONFIG": true, "GIT_CONFIG_PARAMETERS": true, "GIT_CONFIG_COUNT": true, "GIT_GRAFT_FILE": true,
	"GIT_SHALLOW_FILE": true, "GIT_REPLACE_REF_BASE": true, "GIT_QUARANTINE_PATH": true, "GIT_INTERNAL_SUPER_PREFIX": true,
	"GIT_TRACE": true, "GIT_LITERAL_PATHSPECS": true, "GIT_DEFAULT_REF_FORMAT": true, "LC_ALL": true, "LANGUAGE": true,
}

func inherited() []string {
	var env []string
	for _, kv := range os.Environ() {
		name, _, _ := strings.Cut(kv, "=")
		if !repositoryVariables[strings.ToUpper(name)] {
			env = append(env, kv)
		}
	}
	return env
}

// batchSSH returns an ssh command that fails instead of asking, or "" if the user has chosen one.
func batchSSH() string {
	if os.Getenv("GIT_SSH_COMMAND") != "" || os.Getenv("GIT_SSH") != "" || configuredSSH() {
		return ""
	}
	return "ssh -o BatchMode=yes -o ConnectTimeout=30 -o ServerAliveInterval=15"
}

var configuredSSH = sync.OnceValue(func() bool {
	cmd := exec.Command("git", "config", "--get", "core.sshCommand")
	cmd.Dir = os.TempDir()
	cmd.Env = inherited()
	out, err := cmd.Output()
	return err == nil && len(bytes.TrimSpace(out)) > 0
})

// lastWords shortens what git wrote to stderr to the lines that say why.
func lastWords(stderr string) string {
	stderr, _, _ = strings.Cut(stderr, "\nAnother git process seems to be running") // advice for somebody at a work tree
	var said []string
	for _, line := range strings.Split(stderr, "\n") {
		line = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), "remote:"))
		for _, p := range []string{"fatal: ", "error: ", "ERROR: "} {
			line = strings.TrimPrefix(line, p)
		}
		if line == "" || strings.HasPrefix(line, "hint:") || strings.HasPrefix(line, "warning: ") ||
			strings.HasPrefix(line, "Please make sure you have") || strings.HasPrefix(line, "and the repository exists") {
			continue
		}
		said = append(said, strings.TrimSuffix(line, "."))
	}
	if len(said) > 4 {
		said = said[len(said)-4:]
	}
	return strings.Join(said, "; ")
}
