package detect

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
)

// Source is the repository of a project and the branch that is checked out.
type Source struct {
	// Repository is a remote's URL without credentials, a path, or "." for the folder's own repository.
	Repository string
	Branch     string
	// Top is the absolute path of the repository's top level; Subdir is the project's place in it, with slashes.
	Top, Subdir string
	Warnings    []string
	// Err is a fault.Usage that says why Repository or Branch is empty; nil if both are known.
	Err error
}

// Git asks git about the folder dir. The branch is HEAD's, also before its first commit. The repository is the remote
// "origin", else the one that the branch follows, else the only one; without a remote it is ".".
func Git(ctx context.Context, dir string) Source {
	s := Source{Warnings: []string{}}
	var head, remotes string
	var unborn bool
	var topErr, headErr, remoteErr error
	var g errgroup.Group
	g.Go(func() error { s.Top, topErr = git(ctx, dir, "rev-parse", "--show-toplevel"); return nil })
	g.Go(func() error { s.Subdir, _ = git(ctx, dir, "rev-parse", "--show-prefix"); return nil })
	g.Go(func() error { head, headErr = git(ctx, dir, "symbolic-ref", "--quiet", "HEAD"); return nil })
	g.Go(func() error { remotes, remoteErr = git(ctx, dir, "remote", "-v"); return nil })
	g.Go(func() error {
		_, err := git(ctx, dir, "rev-parse", "--verify", "--quiet", "HEAD")
		unborn = err != nil
		return nil
	})
	_ = g.Wait()
	if topErr != nil {
		return Source{Warnings: s.Warnings, Err: noRepository(ctx, dir, topErr)}
	}
	s.Top, s.Subdir = filepath.FromSlash(s.Top), strings.TrimSuffix(s.Subdir, "/")
	s.Branch = strings.TrimPrefix(head, "refs/heads/")
	if headErr != nil || s.Branch == head {
		s.Branch = ""
		s.Err = fault.New(fault.Usage, "give the branch to deploy with --branch, or check one out with: git switch BRANCH",
			"%s is not on a branch: HEAD is detached%s", dir, at(ctx, dir))
	} else if unborn {
		s.Warnings = append(s.Warnings, fmt.Sprintf("branch %s has no commit yet: commit before you deploy", s.Branch))
	}
	if remoteErr != nil {
		s.Err = fault.New(fault.Usage, "give the repository with --repo", "list the remotes of %s: %w", dir, remoteErr)
		return s
	}
	if err := s.chooseRemote(ctx, dir, parseRemotes(remotes)); err != nil {
		s.Err = errors.Join(s.Err, err)
	}
	return s
}

// remote is a remote with the URL that git fetches from, after url.<base>.insteadOf.
type remote struct{ name, url string }

// HasBranch reports whether the repository of dir knows a branch, as its own or as one that was fetched. It asks no other
// machine, and says yes where git cannot tell.
func HasBranch(ctx context.Context, dir, branch string) bool {
	refs, err := git(ctx, dir, "for-each-ref", "--count=1", "refs/heads/"+branch, "refs/remotes/*/"+branch)
	return err != nil || refs != ""
}

// parseRemotes reads the fetch lines of `git remote -v`: name, tab, URL, " (fetch)" and, for a partial clone, a filter.
func parseRemotes(text string) []remote {
	var remotes []remote
	for line := range strings.Lines(text) {
		name, rest, ok := strings.Cut(strings.TrimRight(line, "\r\n"), "\t")
		if i := strings.LastIndex(rest, " (fetch)"); ok && i >= 0 {
			remotes = append(remotes, remote{name, rest[:i]})
		}
	}
	return remotes
}

func (s *Source) chooseRemote(ctx context.Context, dir string, remotes []remote) error {
	if len(remotes) == 0 {
		s.Repository = "."
		return nil
	}
	named := func(name string) int {
		return slices.IndexFunc(remotes, func(r remote) bool { return r.name == name })
	}
	i := named("origin")
	if i < 0 && s.Branch != "" {
		upstream, _ := git(ctx, dir, "config", "--get", "branch."+s.Branch+".remote")
		i = named(upstream)
	}
	if i < 0 && len(remotes) == 1 {
		i = 0
	}
	if i < 0 {
		names := make([]string, len(remotes))
		for j, r := range remotes {
			names[j] = r.name
		}
		return fault.New(fault.Usage, "give the repository to deploy from with --repo",
			"%s has the remotes %s, none of them is \"origin\", and the branch follows none", dir, strings.Join(names, ", "))
	}
	s.Repository = s.written(remotes[i].url)
	if s.Repository != remotes[i].url && strings.Contains(s.Repository, "://") {
		s.Warnings = append(s.Warnings, fmt.Sprintf("the URL of remote %s holds credentials; they are left out of the configuration", remotes[i].name))
	}
	return nil
}

// written is the form in which a remote goes into the configuration. git takes a relative path from the top of the
// repository, the configuration from the project folder.
func (s *Source) written(url string) string {
	if strings.HasPrefix(url, "./") || strings.HasPrefix(url, "../") || url == ".." {
		if rel, err := filepath.Rel(filepath.FromSlash(s.Subdir), filepath.FromSlash(url)); err == nil {
			return filepath.ToSlash(rel)
		}
	}
	return site.StripCredentials(url)
}

// trusting is the command with which git says that somebody may use another user's repository.
var trusting = regexp.MustCompile(`git config --global --add safe\.directory .+`)

// noRepository says why git knows no repository in dir.
func noRepository(ctx context.Context, dir string, cause error) error {
	if errors.Is(cause, exec.ErrNotFound) {
		return fault.New(fault.Usage, "install git, from https://git-scm.com/downloads or your system's packages", "git is not installed")
	}
	if bare, err := git(ctx, dir, "rev-parse", "--is-bare-repository"); err == nil && bare == "true" {
		return fault.New(fault.Usage, "clone it, and run the command in the clone", "%s is a bare repository", dir)
	}
	if strings.Contains(cause.Error(), "dubious ownership") {
		// git names the folder that it means: dir may be one inside it.
		command := cmp.Or(trusting.FindString(cause.Error()), "git config --global --add safe.directory "+dir)
		return fault.New(fault.Usage, "run: "+command, "the repository of %s belongs to another user", dir)
	}
	if _, err := os.Stat(dir); err != nil {
		return fault.New(fault.Usage, "is --dir right?", "find project folder: %w", err)
	}
	return fault.New(fault.Usage, "run: git init && git add . && git commit -m \"first\"; or name a repository with --repo and --branch",
		"%s is not in a git repository", dir)
}

// at is " at <commit>", or "" if that cannot be told.
func at(ctx context.Context, dir string) string {
	id, err := git(ctx, dir, "rev-parse", "--short", "HEAD")
	if err != nil {
		return ""
	}
	return " at " + id
}

// git runs git in dir and returns its output without the last newline. The error holds what git said.
func git(ctx context.Context, dir string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir = dir
	cmd.Env = gitEnv()
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("git %s: %w: %s", args[0], err, bytes.TrimSpace(stderr.Bytes()))
	}
	return strings.TrimSuffix(strings.TrimSuffix(string(out), "\n"), "\r"), nil
}

// gitEnv is the environment without the variables that point git at a repository: they are set inside git's own hooks, and
// the folder is what was asked about.
func gitEnv() []string {
	env := slices.DeleteFunc(os.Environ(), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		switch name {
		case "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY", "GIT_NAMESPACE", "LANGUAGE":
			return true
		}
		return false
	})
	return append(env, "LC_ALL=C", "GIT_OPTIONAL_LOCKS=0")
}
