package source

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/watch"
)

const (
	// glance is how often the files of a branch are looked at even if the file system has reported nothing: network file
	// systems and exhausted watch limits do not report.
	glance = 500 * time.Millisecond
	// firstRetry and lastRetry bound the waiting between attempts to read a repository that cannot be read.
	firstRetry = time.Second
	lastRetry  = 5 * time.Minute
)

// Update is the state of a watched repository.
type Update struct {
	// Commit is the one to deploy; zero if none is known yet.
	Commit Commit
	// Err says why the repository cannot be read; nil if it can. A push to the mirror brings a new Commit all the same.
	Err error
}

// Watch calls report at the start, whenever another commit is to be deployed, and whenever the repository stops or begins
// to be readable. Commits in a repository on this machine and pushes to the mirror are noticed at once, by the file
// system's events or within half a second; any repository is fetched from every poll. Reports come one after the other.
// Watch returns when ctx ends.
func (m *Mirror) Watch(ctx context.Context, poll time.Duration, report func(Update)) {
	w := &watcher{mirror: m, poll: poll, report: report, changes: watch.New(nil)}
	defer w.changes.Close()
	w.run(ctx)
}

type watcher struct {
	mirror  *Mirror
	poll    time.Duration
	report  func(Update)
	changes *watch.Watcher

	origin, pushed refFiles
	seen           [2]string // what origin's and the mirror's files looked like
	told           bool
	last           Update
	retry          time.Duration
}

func (w *watcher) run(ctx context.Context) {
	glances := time.NewTicker(glance)
	defer glances.Stop()
	next := time.NewTimer(0)
	defer next.Stop()
	for {
		due := false
		select {
		case <-ctx.Done():
			return
		case <-next.C:
			due = true
		case <-glances.C:
		case <-w.changes.C:
		}
		moved, pushed := w.changed(ctx)
		if !due && !moved && !pushed {
			continue
		}
		w.look(ctx, due || moved)
		if due || moved {
			next.Reset(w.wait())
		}
	}
}

// look reports what is new. With fetch, the user's repository is asked; without, only the mirror is.
func (w *watcher) look(ctx context.Context, fetch bool) {
	now := w.last
	if fetch {
		now.Err = w.mirror.Fetch(ctx)
	}
	if c, err := w.mirror.Newest(ctx); err == nil {
		now.Commit = c
	} else if now.Err == nil && fetch {
		now.Err = err
	}
	if ctx.Err() != nil {
		return
	}
	if now.Err == nil {
		w.retry = 0
	} else if fetch {
		w.retry = min(max(2*w.retry, firstRetry), lastRetry)
	}
	if w.told && now.Commit.ID == w.last.Commit.ID && text(now.Err) == text(w.last.Err) {
		return
	}
	w.told, w.last = true, now
	w.report(now)
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// wait returns the time until the repository is asked again.
func (w *watcher) wait() time.Duration {
	if w.last.Err == nil {
		return w.poll
	}
	if w.origin.gitDir != "" {
		return min(w.retry, w.poll)
	}
	return max(w.retry, w.poll)
}

// changed compares the files that hold the branch with how they looked the last time.
func (w *watcher) changed(ctx context.Context) (moved, pushed bool) {
	if w.origin.gitDir == "" {
		w.origin = refFiles{gitDir: gitDir(ctx, w.mirror.Address), branch: w.mirror.Branch}
	}
	w.pushed = refFiles{gitDir: w.mirror.Dir, branch: w.mirror.Branch}
	w.subscribe(w.origin)
	w.subscribe(w.pushed)
	now := [2]string{w.origin.look(), w.pushed.look()}
	moved, pushed = now[0] != w.seen[0], now[1] != w.seen[1]
	w.seen = now
	return moved, pushed
}

// subscribe asks for events of the folders that exist; asking again for one is cheap, and covers those that are new.
func (w *watcher) subscribe(r refFiles) {
	if r.gitDir == "" {
		return
	}
	for _, dir := range r.dirs() {
		w.changes.Add(dir) // a folder that is missing now is asked for again at the next glance
	}
}

// gitDir returns the folder with the refs of the repository at address, if that is on this machine. Linked working trees
// share the one of their main repository.
func gitDir(ctx context.Context, address string) string {
	path := localPath(address)
	if path == "" {
		return ""
	}
	for _, dir := range []string{filepath.Join(path, ".git"), path} {
		if _, err := os.Stat(filepath.Join(dir, "HEAD")); err != nil {
			continue
		}
		if _, err := os.Stat(filepath.Join(dir, "commondir")); err != nil {
			return dir
		}
	}
	if info, err := os.Stat(filepath.Join(path, ".git")); err != nil || !info.Mode().IsRegular() {
		return ""
	}
	out, err := call{workDir: path, timeout: askTimeout, env: []string{"GIT_DIR=" + filepath.Join(path, ".git")},
		args: []string{"rev-parse", "--path-format=absolute", "--git-common-dir"}}.run(ctx)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(out)
}

// refFiles are the files of a repository that change when a branch moves: the loose ref, the packed refs, or the list of
// tables in a repository with reftables.
type refFiles struct{ gitDir, branch string }

func (r refFiles) dirs() []string {
	dirs := []string{r.gitDir, filepath.Join(r.gitDir, "reftable")}
	for dir := "refs/heads/" + r.branch; dir != "refs"; {
		dir = dir[:strings.LastIndexByte(dir, '/')]
		dirs = append(dirs, filepath.Join(r.gitDir, filepath.FromSlash(dir)))
	}
	return dirs
}

// look returns a text that changes when one of the files does. The loose ref is small and is read, because two commits
// within the resolution of a file time leave size and time alike.
func (r refFiles) look() string {
	if r.gitDir == "" {
		return ""
	}
	var b strings.Builder
	loose, _ := os.ReadFile(filepath.Join(r.gitDir, "refs", "heads", filepath.FromSlash(r.branch)))
	b.Write(loose)
	for _, name := range []string{"packed-refs", "reftable/tables.list"} {
		info, err := os.Stat(filepath.Join(r.gitDir, filepath.FromSlash(name)))
		if err != nil {
			b.WriteString("|-")
			continue
		}
		b.WriteString("|" + info.ModTime().Format(time.RFC3339Nano))
	}
	return b.String()
}
