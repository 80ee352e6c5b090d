package cli

import (
	"context"
	"os/exec"
	"path/filepath"
	"strings"
)

// headCommit returns the commit that is checked out in dir's repository, and the first line of its message, if nothing
// differs from it; otherwise, and where there is no git or no repository, it returns nothing.
func headCommit(ctx context.Context, dir string) (commit, subject string) {
	git := func(args ...string) (string, bool) {
		out, err := exec.CommandContext(ctx, "git", append([]string{"-C", filepath.Clean(dir)}, args...)...).Output()
		return strings.TrimSpace(string(out)), err == nil
	}
	head, ok := git("log", "-1", "--format=%H%n%s")
	if !ok {
		return "", ""
	}
	if changes, ok := git("status", "--porcelain"); !ok || changes != "" {
		return "", ""
	}
	commit, subject, _ = strings.Cut(head, "\n")
	return commit, subject
}
