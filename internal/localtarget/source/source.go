// Package source is where a site's files come from: a bare repository beside the site's state that mirrors one branch
// of the user's repository, and accepts pushes itself.
//
// One rule decides what is deployed: whichever moved last. refs/heads/<branch> of the mirror is what a push to it moves,
// and what a fetch moves, but only when the branch has moved in the user's repository since the fetch before
// (refs/remotes/origin/<branch> keeps what that one saw). A branch that was rewound or force-pushed has moved too: what
// it now points at is deployed.
//
// The git program does the work; it is never given to a shell. Submodules are not fetched, as CodePipeline's source
// action does not fetch them either. Files in Git LFS are, if git-lfs is installed and set up.
package source

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
)

// Commit is a commit as far as a release is concerned.
type Commit struct {
	// ID is the full object name.
	ID string
	// Subject is the first line of the message.
	Subject string
	// Time is the committer's.
	Time time.Time
}

// Mirror is the bare repository of one site. Its methods may be called concurrently.
type Mirror struct {
	// Dir is the bare repository; Fetch creates it.
	Dir string
	// Address is a URL or an absolute path that git can fetch.
	Address string
	Branch  string

	mu sync.Mutex
}

// Check says whether the branch of the repository can be deployed, without storing anything. The error says what is
// wrong with the repository, or which branches there are.
func Check(ctx context.Context, address, branch string) (commit string, err error) {
	if err := errors.Join(validAddress(address), validBranch(branch)); err != nil {
		return "", err
	}
	out, err := call{url: address, timeout: askTimeout, args: []string{"ls-remote", "--heads", remote}}.run(ctx)
	if err != nil {
		return "", explain(address, err)
	}
	var branches []string
	for _, line := range strings.Split(out, "\n") {
		id, ref, ok := strings.Cut(line, "\t")
		name := strings.TrimPrefix(ref, "refs/heads/")
		if ok && name == branch {
			return id, nil
		}
		if ok {
			branches = append(branches, name)
		}
	}
	if len(branches) == 0 {
		return "", fault.New(fault.Usage, "commit something to branch "+branch+" first", "repository %s has no commits yet", Printable(address))
	}
	return "", noBranch(address, branch, branches)
}

func noBranch(address, branch string, branches []string) error {
	sort.Strings(branches)
	list := strings.Join(branches[:min(len(branches), 10)], ", ")
	if len(branches) > 10 {
		list += fmt.Sprintf(" and %d more", len(branches)-10)
	}
	return fault.New(fault.Usage, "set branchName in the configuration, or create the branch", "repository %s has no branch %q; it has %s", Printable(address), branch, list)
}

// trusting is the command that git names, with the folder that it means: often not that of the address, but the .git in it.
var trusting = regexp.MustCompile(`git config --global --add safe\.directory [^;\n]+`)

// explain turns what git says of a repository that it cannot read into what is wrong and how to mend it.
func explain(address string, err error) error {
	var said *gitError
	if !errors.As(err, &said) {
		return err
	}
	text := strings.ToLower(said.text)
	has := func(parts ...string) bool {
		for _, p := range parts {
			if strings.Contains(text, p) {
				return true
			}
		}
		return false
	}
	kind, hint := fault.Other, "check that `git ls-remote` reads the repository"
	switch {
	case has("'" + remote + "' does not appear"):
		hint = "the git program is too old: install version 2.31 or newer" // older ones ignore settings in the environment
	case has("no space left"):
		hint = "free some space; the repository is read again by itself"
	case has(".lock': file exists"):
		hint = fmt.Sprintf("another git is at it, or was killed: what it left is removed within %s", staleLock)
	case has("dubious ownership"):
		hint = "the repository belongs to another user: " + cmp.Or(trusting.FindString(said.text), "git config --global --add safe.directory "+address)
	case has("authentication failed", "could not read username", "could not read password", "permission denied (publickey", "terminal prompts disabled", "returned error: 403"):
		hint = "give git access without a prompt: a credential helper for https, an ssh-agent for ssh"
	case has("host key verification failed"):
		hint = "connect once with ssh, to accept the host's key"
	case has("could not resolve host", "could not connect", "connection refused", "timed out", "network is unreachable"):
		hint = "check the network and the host in repoUrl"
	case has("does not appear to be a git repository", "does not exist", "not found", "no such file"):
		kind, hint = fault.Usage, "check repoUrl in the configuration"
	}
	return fault.New(kind, hint, "read repository %s: %w", Printable(address), err)
}

// Fetch brings the mirror up to date with the user's repository, and creates it first if need be. It leaves the mirror's
// branch alone unless the branch has moved in the user's repository since the last Fetch.
func (m *Mirror) Fetch(ctx context.Context) error {
	if err := errors.Join(validAddress(m.Address), validBranch(m.Branch)); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.create(ctx); err != nil {
		return err
	}
	fetch := call{url: m.Address, timeout: fetchTimeout, args: []string{
		"fetch", "--quiet", "--force", "--no-tags", "--no-prune", "--no-write-fetch-head", "--no-recurse-submodules",
		"--refmap=", remote, "+refs/heads/" + m.Branch + ":" + fetchedRef,
	}}
	_, err := m.git(ctx, fetch)
	if err != nil && m.removeStaleLocks() {
		_, err = m.git(ctx, fetch)
	}
	var said *gitError
	if errors.As(err, &said) && strings.Contains(said.text, "No space left") {
		// What git could not finish would keep the disk full.
		_, _ = m.git(ctx, call{args: []string{"prune", "--expire=now"}})
	}
	if errors.As(err, &said) && strings.Contains(said.text, "couldn't find remote ref") {
		if _, why := Check(ctx, m.Address, m.Branch); why != nil {
			return why
		}
	}
	if err != nil {
		return explain(m.Address, err)
	}
	return m.follow(ctx)
}

// staleLock is the age from which a lock file on a ref is not held any more: git holds one for milliseconds, or for as long as
// the disk takes to write it down.
const staleLock = 10 * time.Second

// removeStaleLocks removes the lock files that a git which was killed, or a machine which went down, has left in the mirror,
// and reports whether there were any.
func (m *Mirror) removeStaleLocks() (removed bool) {
	try := func(name string, info fs.FileInfo) {
		if strings.HasSuffix(name, ".lock") && time.Since(info.ModTime()) > staleLock && os.Remove(name) == nil {
			removed = true
		}
	}
	for _, name := range []string{"HEAD.lock", "config.lock", "packed-refs.lock"} {
		if info, err := os.Stat(filepath.Join(m.Dir, name)); err == nil {
			try(filepath.Join(m.Dir, name), info)
		}
	}
	_ = filepath.WalkDir(filepath.Join(m.Dir, "refs"), func(name string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() {
			if info, err := e.Info(); err == nil {
				try(name, info)
			}
		}
		return nil // what cannot be read cannot be mended either
	})
	return removed
}

// fetchedRef is where the last fetch put the branch, before follow looks at it.
const fetchedRef = "refs/toolkit/fetched"

// follow moves the mirror's branch to what was fetched, if that differs from what was fetched before.
func (m *Mirror) follow(ctx context.Context) error {
	heads, origin := "refs/heads/"+m.Branch, "refs/remotes/origin/"+m.Branch
	refs, err := m.refs(ctx, fetchedRef, heads, origin)
	if err != nil {
		return err
	}
	fetched := refs[fetchedRef]
	if fetched.ID == refs[origin].ID && refs[heads].ID != "" {
		return nil
	}
	// One transaction: a crash cannot leave the two apart. A push that moves the branch right now holds its lock.
	move := call{args: []string{"update-ref", "--stdin"}, stdin: "start\n" +
		"update " + origin + " " + fetched.ID + "\n" +
		"update " + heads + " " + fetched.ID + "\n" +
		"prepare\ncommit\n"}
	for try := 0; ; try++ {
		_, err = m.git(ctx, move)
		if err == nil {
			return nil
		}
		if try == 5 || !strings.Contains(err.Error(), "lock") {
			return fmt.Errorf("move branch %s of %s: %w", m.Branch, m.Dir, err)
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Newest returns the commit to deploy: the mirror's branch, which moved last by a fetch or by a push.
func (m *Mirror) Newest(ctx context.Context) (Commit, error) {
	heads := "refs/heads/" + m.Branch
	refs, err := m.refs(ctx, heads)
	if err != nil {
		return Commit{}, err
	}
	c, ok := refs[heads]
	if !ok {
		return Commit{}, fault.New(fault.Other, "run deploy", "repository %s has no branch %q yet", m.Dir, m.Branch)
	}
	return c, nil
}

// refs returns those of the named refs that exist.
func (m *Mirror) refs(ctx context.Context, names ...string) (map[string]Commit, error) {
	out, err := m.git(ctx, call{args: append([]string{
		"for-each-ref", "--format=%(refname)%00%(objectname)%00%(committerdate:unix)%00%(contents:subject)", "--"}, names...)})
	if err != nil {
		return nil, fmt.Errorf("read refs of %s: %w", m.Dir, err)
	}
	refs := map[string]Commit{}
	for _, line := range strings.Split(strings.TrimSuffix(out, "\n"), "\n") {
		f := strings.SplitN(line, "\x00", 4)
		if len(f) != 4 {
			continue
		}
		seconds, _ := strconv.ParseInt(f[2], 10, 64) // 0 for a ref that is not a commit
		refs[f[0]] = Commit{ID: f[1], Subject: f[3], Time: time.Unix(seconds, 0).UTC()}
	}
	return refs, nil
}

// create makes the bare repository: one that takes pushes of the branch, forced ones too, but not its deletion, and that
// shows pushers nothing of the toolkit's own refs. Running it again mends an unfinished one.
func (m *Mirror) create(ctx context.Context) error {
	marker := filepath.Join(m.Dir, "toolkit-ready")
	if data, err := os.ReadFile(marker); err == nil && string(data) == m.Branch {
		return nil
	}
	if err := os.MkdirAll(m.Dir, 0o700); err != nil {
		return fmt.Errorf("create repository: %w", err)
	}
	steps := [][]string{
		{"init", "--quiet", "--bare", "--template=", "--", m.Dir},
		{"symbolic-ref", "HEAD", "refs/heads/" + m.Branch},
		{"config", "core.hooksPath", "/dev/null"},
		{"config", "receive.denyDeletes", "true"},
		{"config", "receive.denyNonFastForwards", "false"},
		{"config", "receive.autogc", "false"},
		{"config", "--replace-all", "transfer.hideRefs", "refs/toolkit"},
	}
	for _, args := range steps {
		if _, err := m.git(ctx, call{args: args}); err != nil {
			return fmt.Errorf("create repository %s: %w", m.Dir, err)
		}
	}
	if err := os.WriteFile(marker, []byte(m.Branch), 0o600); err != nil {
		return fmt.Errorf("create repository %s: %w", m.Dir, err)
	}
	return nil
}

// git runs a call on the mirror.
func (m *Mirror) git(ctx context.Context, c call) (string, error) {
	c.dir = m.Dir
	if c.timeout == 0 {
		c.timeout = localTimeout
	}
	return c.run(ctx)
}

// Has reports whether a commit of the mirror holds a file. The name is relative to the top of the repository, with slashes.
func (m *Mirror) Has(ctx context.Context, commit, name string) bool {
	_, err := m.git(ctx, call{args: []string{"cat-file", "-e", commit + ":" + name}})
	return err == nil
}
