package source

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
)

// Touches reports whether the files that match one of the globs differ between two commits of the mirror. The globs are
// relative to the top of the repository; `*` stays within a folder, `**` does not. Both commits must be in the mirror.
func (m *Mirror) Touches(ctx context.Context, from, to string, globs []string) (bool, error) {
	args := []string{"diff-tree", "-r", "--quiet", "--no-renames", "--end-of-options", from, to, "--"}
	for _, glob := range globs {
		args = append(args, ":(top,glob)"+glob)
	}
	_, err := m.git(ctx, call{args: args})
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 1 {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("compare commits %.12s and %.12s: %w", from, to, err)
	}
	return false, nil
}
