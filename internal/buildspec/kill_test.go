//go:build unix

package buildspec_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/buildspec"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
)

// witness is a named pipe that a build's processes hold open: reading it ends when the last of them has ended.
type witness struct {
	path  string
	lines chan string   // what they write
	ended chan struct{} // closed when none holds it any more
}

func newWitness(t *testing.T) *witness {
	t.Helper()
	w := &witness{path: filepath.Join(t.TempDir(), "witness"), lines: make(chan string, 10), ended: make(chan struct{})}
	if err := syscall.Mkfifo(w.path, 0o600); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(w.ended)
		f, err := os.Open(w.path) // blocks until a process opens it for writing
		if err != nil {
			return
		}
		defer f.Close()
		buf := make([]byte, 100)
		for {
			n, err := f.Read(buf)
			if n > 0 {
				w.lines <- string(buf[:n])
			}
			if err != nil {
				return
			}
		}
	}()
	return w
}

func await[T any](t *testing.T, what string, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(time.Minute):
		t.Fatalf("%s did not happen within a minute", what)
		panic("unreachable")
	}
}

// holders are commands whose processes outlive an ordinary kill of their parent. %s is the witness.
var holders = map[string]string{
	"a child that ignores SIGTERM":                 `exec 9>%s; sh -c 'trap "" TERM HUP INT; echo ready >&9; while :; do sleep 600; done'`,
	"a background sleeper":                         `exec 9>%s; sleep 600 & sleep 600 & echo ready >&9; wait`,
	"a grandchild that has lost its parent":        `exec 9>%s; (sh -c 'sleep 600 & sleep 600 & echo ready >&9' &); sleep 600`,
	"a child that ignores SIGTERM, without output": `exec 9>%s; sh -c 'trap "" TERM; exec >/dev/null 2>&1; echo ready >&9; sleep 600; sleep 600'`,
}

func TestCancelEndsEveryProcess(t *testing.T) {
	t.Parallel()
	for name, command := range holders {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testCancel(t, command)
		})
	}
}

// A session of its own takes a process out of the build's group.
func TestCancelEndsSessionsOfTheirOwn(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/proc/self/environ"); err != nil {
		t.Skip("needs /proc")
	}
	testCancel(t, `exec 9>%s; setsid sh -c 'trap "" TERM; echo ready >&9; while :; do sleep 600; done' & wait`)
}

func testCancel(t *testing.T, command string) {
	t.Helper()
	w := newWitness(t)
	b, log := newBuild(t, "version: 0.2\nphases: {build: {commands: ['true'], finally: [echo no]}, post_build: {commands: [echo no]}}"+artifactsOfAll)
	b.Spec.Phases[0].Commands[0].Text = fmt.Sprintf(command, w.path)
	reason := errors.New("superseded by a newer commit")
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	type outcome struct {
		report buildspec.Report
		err    error
	}
	done := make(chan outcome, 1)
	go func() {
		report, err := b.Run(ctx, filepath.Join(t.TempDir(), "artifacts"))
		done <- outcome{report, err}
	}()
	await(t, "the command's start", w.lines)
	cancel(reason)
	got := await(t, "the build's end", done)
	await(t, "the end of every process", w.ended)
	if !errors.Is(got.err, reason) || !strings.Contains(got.err.Error(), "exec 9>") {
		t.Errorf("error %v, want the command and the reason", got.err)
	}
	if fault.KindOf(got.err) != fault.Other {
		t.Errorf("kind %v: a build that was stopped has not failed", fault.KindOf(got.err))
	}
	if s := summary(got.report); s != "BUILD STOPPED" {
		t.Errorf("phases %s", s)
	}
	if o := output(log.String()); o != "" {
		t.Errorf("output %q", o)
	}
}

func TestTimeoutNamesTheCommand(t *testing.T) {
	t.Parallel()
	b, log := newBuild(t, "version: 0.2\nphases: {build: {commands: ['true', 'echo begin; sleep 600'], finally: [echo no]}}"+artifactsOfAll)
	b.Timeout = 3 * time.Second // in which the command begins on a busy machine too
	report, err := b.Run(context.Background(), filepath.Join(t.TempDir(), "artifacts"))
	checkError(t, err, `the time limit of 3s is over`)
	checkError(t, err, `phase BUILD: command "echo begin; sleep 600" ended after `)
	if s := summary(report); s != "BUILD TIMED_OUT" {
		t.Errorf("phases %s", s)
	}
	if o := output(log.String()); o != "begin\n" {
		t.Errorf("output %q", o)
	}
	if !strings.Contains(fault.HintOf(err), "buildTimeoutMinutes") {
		t.Errorf("hint %q", fault.HintOf(err))
	}
}

// What a finished build left running in the background is ended before the artifacts are collected.
func TestSuccessEndsBackgroundProcesses(t *testing.T) {
	t.Parallel()
	w := newWitness(t)
	b, log := newBuild(t, "version: 0.2\nphases: {build: {commands: ['true']}}"+artifactsOfAll)
	b.Spec.Phases[0].Commands[0].Text = fmt.Sprintf(`exec 9>%s; sleep 600 & echo ready >&9`, w.path)
	if _, err := b.Run(context.Background(), filepath.Join(t.TempDir(), "artifacts")); err != nil {
		t.Fatal(err)
	}
	await(t, "the end of every process", w.ended)
	if !strings.Contains(log.String(), "processes that the build left running were ended") {
		t.Errorf("log:\n%s", log)
	}
}

// kill -9 0 takes the group's leader along; the next command gets a new group.
func TestKilledGroupIsReplaced(t *testing.T) {
	t.Parallel()
	b, log := newBuild(t, "version: 0.2\nphases: {build: {commands: ['kill -9 0']}, post_build: {commands: [echo again]}}"+artifactsOfAll)
	_, err := b.Run(context.Background(), filepath.Join(t.TempDir(), "artifacts"))
	checkError(t, err, "killed")
	if o := output(log.String()); o != "again\n" {
		t.Errorf("output %q", o)
	}
}

// A toolkit that is killed takes its build along.
func TestBuildDiesWithTheToolkit(t *testing.T) {
	if os.Getenv("BUILDSPEC_TEST_DIE") != "" {
		spec, err := buildspec.Parse("b.yml", []byte("version: 0.2\nphases: {build: {commands: ['true']}}"+artifactsOfAll))
		if err != nil {
			panic(err)
		}
		spec.Phases[0].Commands[0].Text = fmt.Sprintf(holders["a background sleeper"], os.Getenv("BUILDSPEC_TEST_DIE"))
		dir := os.Getenv("BUILDSPEC_TEST_DIR")
		b := &buildspec.Build{Spec: spec, Source: dir, Work: filepath.Join(dir, "work"), Log: io.Discard}
		b.Run(context.Background(), filepath.Join(dir, "artifacts"))
		return
	}
	w := newWitness(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	env := append(os.Environ(), "BUILDSPEC_TEST_DIE="+w.path, "BUILDSPEC_TEST_DIR="+t.TempDir())
	toolkit, err := os.StartProcess(self, []string{self, "-test.run=^TestBuildDiesWithTheToolkit$"}, &os.ProcAttr{Env: env})
	if err != nil {
		t.Fatal(err)
	}
	defer toolkit.Wait()
	await(t, "the command's start", w.lines)
	if err := toolkit.Kill(); err != nil {
		t.Fatal(err)
	}
	await(t, "the end of every process", w.ended)
}

// A process that got away must not write to the log after Run has returned; the log may be closed by then.
func TestNoOutputAfterRun(t *testing.T) {
	t.Parallel()
	b, _ := newBuild(t, "version: 0.2\nphases: {build: {commands: ['while :; do echo x; done & sleep 0.1']}}"+artifactsOfAll)
	var log closingWriter
	b.Log = &log
	if _, err := b.Run(context.Background(), filepath.Join(t.TempDir(), "artifacts")); err != nil {
		t.Fatal(err)
	}
	log.buf = bytes.Buffer{} // the race detector sees a late write
}

type closingWriter struct{ buf bytes.Buffer }

func (w *closingWriter) Write(p []byte) (int, error) { return w.buf.Write(p) }
