package source_test

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/source"
)

// watch starts watching and returns the updates.
func watch(t *testing.T, m *source.Mirror, poll time.Duration) <-chan source.Update {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	updates, done := make(chan source.Update, 10), make(chan struct{})
	go func() {
		defer close(done)
		m.Watch(ctx, poll, func(u source.Update) { updates <- u })
	}()
	t.Cleanup(func() { cancel(); <-done })
	return updates
}

func await(t *testing.T, updates <-chan source.Update, ok func(source.Update) bool) source.Update {
	t.Helper()
	deadline := time.After(time.Minute)
	for {
		select {
		case u := <-updates:
			if ok(u) {
				return u
			}
		case <-deadline:
			t.Fatal("no such update came")
		}
	}
}

func at(id string) func(source.Update) bool {
	return func(u source.Update) bool { return u.Commit.ID == id && u.Err == nil }
}

func TestWatchNoticesByItself(t *testing.T) {
	t.Parallel()
	tests := map[string]func(t *testing.T, repo, mirror string) string{
		"commit": func(t *testing.T, repo, _ string) string { return commit(t, repo, "second") },
		"commit in a linked working tree": func(t *testing.T, repo, _ string) string {
			tree := filepath.Join(t.TempDir(), "tree")
			git(t, repo, "checkout", "-q", "--detach")
			git(t, repo, "worktree", "add", "-q", tree, "main")
			return commit(t, tree, "in the tree")
		},
		"packed branch": func(t *testing.T, repo, _ string) string {
			git(t, repo, "pack-refs", "--all")
			return commit(t, repo, "after packing")
		},
		"rewound branch": func(t *testing.T, repo, _ string) string {
			git(t, repo, "reset", "-q", "--hard", "HEAD~1")
			return git(t, repo, "rev-parse", "HEAD")
		},
		"push to the mirror": func(t *testing.T, repo, mirror string) string {
			git(t, repo, "checkout", "-q", "-b", "side")
			id := commit(t, repo, "side")
			git(t, repo, "push", "-q", mirror, "side:main")
			return id
		},
	}
	for name, move := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			repo := repository(t)
			second := commit(t, repo, "base")
			m := mirror(t, repo)
			updates := watch(t, m, time.Hour) // so that polling cannot be what notices
			await(t, updates, at(second))
			want := move(t, repo, m.Dir)
			moved := time.Now()
			await(t, updates, at(want))
			t.Logf("noticed after %s", time.Since(moved))
		})
	}
}

func TestWatchOfALinkedWorkingTree(t *testing.T) {
	t.Parallel()
	repo := repository(t)
	git(t, repo, "checkout", "-q", "--detach")
	tree := filepath.Join(t.TempDir(), "tree")
	git(t, repo, "worktree", "add", "-q", tree, "main")
	m := mirror(t, tree)
	updates := watch(t, m, time.Hour)
	await(t, updates, at(git(t, tree, "rev-parse", "HEAD")))
	await(t, updates, at(commit(t, tree, "second")))
}

func TestWatchTellsAnErrorAndItsMending(t *testing.T) {
	t.Parallel()
	repo := repository(t)
	first := git(t, repo, "rev-parse", "HEAD")
	m := mirror(t, repo)
	updates := watch(t, m, time.Hour)
	await(t, updates, at(first))
	away := repo + ".away"
	if err := os.Rename(repo, away); err != nil {
		t.Fatal(err)
	}
	u := await(t, updates, func(u source.Update) bool { return u.Err != nil })
	if !strings.Contains(u.Err.Error(), "my site") || u.Commit.ID != first {
		t.Errorf("update = %+v, want an error that names the repository, and the commit that is known", u)
	}
	if err := os.Rename(away, repo); err != nil {
		t.Fatal(err)
	}
	await(t, updates, at(first))
	await(t, updates, at(commit(t, repo, "second")))
}

// overSSH gives the address of a repository on a host that ssh would reach, with a stand-in for ssh that reaches it here.
func overSSH(t *testing.T, repo string) string {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("the stand-in for ssh is a shell script")
	}
	ssh := filepath.Join(t.TempDir(), "ssh")
	if err := os.WriteFile(ssh, []byte("#!/bin/sh\nshift\nexec sh -c \"$1\"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("GIT_SSH_COMMAND", ssh)
	t.Setenv("GIT_SSH_VARIANT", "simple")
	return "git@host.example:" + repo
}

func TestWatchPollsARemote(t *testing.T) {
	repo := repository(t)
	m := mirror(t, overSSH(t, repo))
	first := git(t, repo, "rev-parse", "HEAD")
	updates := watch(t, m, 100*time.Millisecond)
	await(t, updates, at(first))
	await(t, updates, at(commit(t, repo, "second")))
	git(t, repo, "reset", "-q", "--hard", first)
	await(t, updates, at(first))

	// While the remote cannot be reached, a push to the mirror deploys all the same.
	away := repo + ".away"
	if err := os.Rename(repo, away); err != nil {
		t.Fatal(err)
	}
	await(t, updates, func(u source.Update) bool { return u.Err != nil })
	pushed := commit(t, away, "pushed")
	git(t, away, "push", "-q", m.Dir, "main")
	u := await(t, updates, func(u source.Update) bool { return u.Commit.ID == pushed })
	if u.Err == nil {
		t.Error("the push hides that the remote cannot be read")
	}
	if err := os.Rename(away, repo); err != nil {
		t.Fatal(err)
	}
	await(t, updates, at(pushed))
}
