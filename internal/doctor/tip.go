package doctor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// ErrNoBranch says that a repository has not the branch.
var ErrNoBranch = errors.New("no such branch")

// Tip asks a repository for the commit of a branch, with the git program and the user's own access to it. It asks nobody for
// a password. The address may hold a token: it is given to git in the environment, where other users do not see it.
func Tip(ctx context.Context, address, branch string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", "ls-remote", "--heads", "looked-at", "refs/heads/"+branch)
	cmd.Dir = os.TempDir()
	cmd.Env = append(os.Environ(),
		"GIT_TERMINAL_PROMPT=0", "GCM_INTERACTIVE=never", "SSH_ASKPASS_REQUIRE=never", "GIT_ALLOW_PROTOCOL=file:git:http:https:ssh",
		"GIT_DIR="+os.DevNull, "LC_ALL=C", "GIT_CONFIG_COUNT=2", "GIT_CONFIG_KEY_0=remote.looked-at.url", "GIT_CONFIG_VALUE_0="+address,
		"GIT_CONFIG_KEY_1=credential.interactive", "GIT_CONFIG_VALUE_1=never",
	)
	if os.Getenv("GIT_SSH_COMMAND") == "" {
		cmd.Env = append(cmd.Env, "GIT_SSH_COMMAND=ssh -o BatchMode=yes -o ConnectTimeout=10")
	}
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	cmd.WaitDelay = time.Second // helpers that outlive git keep the pipes open
	if err := cmd.Run(); err != nil {
		if words := lastLine(said.String()); words != "" {
			return "", errors.New(words)
		}
		return "", fmt.Errorf("git ls-remote: %w", err)
	}
	id, _, found := strings.Cut(out.String(), "\t")
	if !found {
		return "", ErrNoBranch
	}
	return id, nil
}

// lastLine is what git said in the end, without the advice that follows it.
func lastLine(said string) string {
	words := ""
	for _, line := range strings.Split(said, "\n") {
		line = strings.TrimSpace(line)
		for _, prefix := range []string{"fatal: ", "error: ", "ERROR: ", "remote: "} {
			line = strings.TrimPrefix(line, prefix)
		}
		if line != "" && !strings.HasPrefix(line, "Please make sure") && !strings.HasPrefix(line, "and the repository exists") {
			words = line
		}
	}
	return words
}
