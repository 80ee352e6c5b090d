package source

import (
	"context"
	"strings"
)

// WorkTree is what the user's own working copy holds that a deployment does not.
type WorkTree struct {
	// Changed counts files with changes that are not committed, new files included.
	Changed int
	// Head is the commit of the branch in the working copy's repository; empty if it has no such branch.
	Head string
	// Branch is the branch that is checked out; empty if none is.
	Branch string
}

// LookAtWorkTree looks at the working copy that dir is in. Files below without, which is relative to dir, do not count.
// A folder that is in no repository has the zero WorkTree: this is for advice only.
func LookAtWorkTree(ctx context.Context, dir, branch, without string) WorkTree {
	var w WorkTree
	status := call{workDir: dir, discover: true, timeout: askTimeout, args: []string{
		"status", "--porcelain", "--untracked-files=normal", "--ignore-submodules", "--", ".", ":(exclude)" + without}}
	if out, err := status.run(ctx); err == nil {
		w.Changed = strings.Count(out, "\n")
	}
	current := call{workDir: dir, discover: true, timeout: askTimeout, args: []string{"symbolic-ref", "--quiet", "--short", "HEAD"}}
	if out, err := current.run(ctx); err == nil {
		w.Branch = strings.TrimSpace(out)
	}
	if validBranch(branch) != nil {
		return w
	}
	head := call{workDir: dir, discover: true, timeout: askTimeout, args: []string{"rev-parse", "--verify", "--quiet", "refs/heads/" + branch}}
	if out, err := head.run(ctx); err == nil {
		w.Head = strings.TrimSpace(out)
	}
	return w
}
