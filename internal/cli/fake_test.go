package cli

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/publish"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/term"
)

// fakeTarget answers with what it holds.
type fakeTarget struct {
	info      *hosting.Info
	execution *hosting.Execution
	deployErr error
	removed   hosting.Removed
	deleted   bool
	doomed    hosting.Doomed
	deleteErr error
	// deleteOptions are those that a deletion was called with.
	deleteOptions hosting.DeleteOptions
	checks        []hosting.Check
	preview       hosting.Preview
	// repository is the project's; a remote one if it is empty.
	repository string
}

var _ target = (*fakeTarget)(nil)

func (f *fakeTarget) Show(context.Context) (hosting.Info, error) {
	if f.info == nil {
		return hosting.Info{}, fault.New(fault.NotDeployed, "run: deploy", "nothing is deployed")
	}
	return *f.info, nil
}

func (f *fakeTarget) Deploy(_ context.Context, _ hosting.DeployOptions, report hosting.Reporter) (hosting.Deployed, error) {
	report.Step(hosting.StageSource)
	report.Step(hosting.StageBuild)
	fmt.Fprintln(report.Output(), "building")
	if f.info == nil {
		return hosting.Deployed{}, f.deployErr
	}
	return hosting.Deployed{Info: *f.info, Execution: *f.execution}, f.deployErr
}

func (f *fakeTarget) Doomed(ctx context.Context, _ hosting.DeleteOptions) (hosting.Doomed, error) {
	info, err := f.Show(ctx)
	f.doomed.Releases, f.doomed.URL = info.Releases, info.URL
	return f.doomed, err
}

func (f *fakeTarget) Delete(_ context.Context, options hosting.DeleteOptions, _ hosting.Reporter) (hosting.Removed, error) {
	f.deleted, f.deleteOptions = true, options
	return f.removed, f.deleteErr
}

func (f *fakeTarget) Doctor(context.Context, hosting.Reporter) ([]hosting.Check, error) {
	return f.checks, nil
}

func (f *fakeTarget) Preview(context.Context, hosting.Reporter) (hosting.Preview, error) {
	return f.preview, nil
}

func (f *fakeTarget) Execution(_ context.Context, id string) (hosting.Execution, error) {
	if f.execution == nil || id != "" && id != f.execution.ID {
		return hosting.Execution{}, fault.New(fault.Other, "", "no execution %q", id)
	}
	return *f.execution, nil
}

func (f *fakeTarget) Logs(_ context.Context, _ string, _ bool, w io.Writer) error {
	_, err := io.WriteString(w, "line one\nline two\n")
	return err
}

func (f *fakeTarget) Publisher(context.Context) (*publish.Publisher, error) {
	return nil, fault.New(fault.Other, "", "the fake has no publisher")
}

// result is what a command left.
type result struct {
	code     int
	out, err string
}

// run runs a command line on the fake target in a project folder of its own. A width makes the streams a terminal, whose
// input is given.
func (f *fakeTarget) run(t *testing.T, width int, input string, args ...string) result {
	t.Helper()
	dir := t.TempDir()
	config := site.Config{RepoURL: cmp.Or(f.repository, "https://example.com/alice/hello.git"), BranchName: "main", Framework: "basic"}
	if err := os.MkdirAll(filepath.Join(dir, site.Folder), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, site.Folder, site.ConfigFile), config.Marshal(), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	streams, in, out, errs := term.Test()
	in.WriteString(input)
	if width > 0 {
		streams.InTerminal, streams.OutTerminal, streams.ErrTerminal = true, true, true
		streams.Size = func() (int, int) { return width, 24 }
	}
	return runWith(t, f, streams, out, errs, args)
}

func runWith(t *testing.T, f *fakeTarget, streams *term.Streams, out, errs *bytes.Buffer, args []string) result {
	t.Helper()
	s := &session{Streams: streams, open: func(*session, *site.Site) (target, error) { return f, nil }}
	code := s.run(t.Context(), args)
	return result{code, out.String(), errs.String()}
}

const (
	commitA = "4f2c9e1ab3c4d5e6f708192a3b4c5d6e7f809102"
	commitB = "b51d3a8c00112233445566778899aabbccddeeff"
)

// deployed is a fake target with a site, whose newest execution has the given status.
func deployed(status hosting.Status) *fakeTarget {
	start := time.Now().Add(-3*time.Minute - 4*time.Second)
	at := func(d time.Duration) *time.Time { t := start.Add(d); return &t }
	e := &hosting.Execution{
		ID: "20261123-064500-1", Status: status, Revision: commitA, Message: "Add a page with a rather long message that goes on",
		Trigger: "push", StartedAt: start, Stages: []hosting.Stage{
			{Name: hosting.StageSource, Status: hosting.Succeeded, StartedAt: at(0), EndedAt: at(100 * time.Millisecond)},
			{Name: hosting.StageBuild, Status: hosting.InProgress, StartedAt: at(100 * time.Millisecond)},
			{Name: hosting.StageRelease},
		},
	}
	switch status {
	case hosting.Succeeded:
		e.Stages[1].Status, e.Stages[1].EndedAt = hosting.Succeeded, at(3300*time.Millisecond)
		e.Stages[2] = hosting.Stage{Name: hosting.StageRelease, Status: hosting.Succeeded, StartedAt: at(3300 * time.Millisecond), EndedAt: at(4 * time.Second)}
		e.EndedAt, e.Release = at(4*time.Second), commitA
	case hosting.Failed:
		e.Stages[1].Status, e.Stages[1].EndedAt = hosting.Failed, at(3300*time.Millisecond)
		e.Stages[1].Error = "npm run build: exit status 1"
		e.EndedAt = at(3300 * time.Millisecond)
	}
	return &fakeTarget{execution: e, info: &hosting.Info{
		Site: "hello-1a2b3c4d", Target: "local", URL: "http://hello-1a2b3c4d.localhost:8080/", Release: commitA, Serving: true,
		Source:   hosting.Source{Repository: "https://example.com/alice/hello.git", Branch: "main"},
		Location: "/home/alice/.local/state/cloudfront-hosting-toolkit/sites/hello-1a2b3c4d",
		PushURL:  "/home/alice/.local/state/cloudfront-hosting-toolkit/sites/hello-1a2b3c4d/source.git",
		Releases: 3, Bytes: 1_234_567,
	}}
}

func trimmed(lines string) string { return strings.TrimSpace(lines) }
