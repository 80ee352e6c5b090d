package awstarget_test

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
)

// The whole story: a first deployment ends with the URL answering the release that the pipeline built and published, a push
// flips it, a rollback brings it back, and a second deployment changes nothing but releases again.
func TestStory(t *testing.T) {
	b := newBed(t, true)
	b.account.CompleteNew(3)
	b.account.Do(func() { b.account.Spread = 2 })
	first := b.git("rev-parse", "HEAD")
	r := &recorder{}
	deployed, err := b.deploy(r)
	if err != nil {
		t.Fatalf("%v\n%s", err, r)
	}
	if deployed.Release != first || deployed.Execution.Release != first || deployed.Execution.Status != hosting.Succeeded {
		t.Errorf("release %q, execution %+v, want %s", deployed.Release, deployed.Execution, first)
	}
	if got := strings.Join(r.steps, " "); got != "Check Hosting Connection Upload Pipeline Source Build Release Live" {
		t.Errorf("steps: %s", got)
	}
	if !strings.Contains(r.String(), "built it") || !strings.Contains(r.String(), "add  Distribution") {
		t.Errorf("the build's output or the table of changes is missing:\n%s", r)
	}
	if status, body := b.get(deployed.URL + "users/42"); status != 200 || body != "<title>version one</title>" {
		t.Errorf("the site answers %d %q", status, body)
	}
	if status, _ := b.get(deployed.URL + "assets/missing.js"); status != 404 {
		t.Errorf("a missing file answers %d", status)
	}
	second := b.pushed(deployed.URL)
	b.rolledBack(deployed.URL, second)
	b.deployedAgain(second)
	b.account.Do(func() { checkPolicy(t, b.account.Requests) })
}

// pushed pushes a second version, and follows it until the site answers with it.
func (b *bed) pushed(url string) (second string) {
	t := b.t
	t.Helper()
	second = b.commit("two")
	b.account.Push("Alice/hello")
	h := b.hosting()
	var log bytes.Buffer
	if err := h.Logs(t.Context(), "", true, &log); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(log.String(), "built it") || !strings.Contains(log.String(), "Live") {
		t.Errorf("the log does not have both builds:\n%s", &log)
	}
	e, err := h.Execution(t.Context(), "")
	if err != nil || e.Status != hosting.Succeeded || e.Revision != second || e.Release != second || e.Message != "Version two" || e.Trigger != "push" {
		t.Errorf("execution %+v, %v", e, err)
	}
	if _, body := b.get(url); body != "<title>version two</title>" {
		t.Errorf("after the push the site answers %q", body)
	}
	return second
}

// rolledBack brings the first version back.
func (b *bed) rolledBack(url, second string) {
	t, h := b.t, b.hosting()
	t.Helper()
	p, err := h.Publisher(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	releases, err := p.Releases(t.Context())
	if err != nil || len(releases) != 2 || releases[0].ID != second || !releases[0].Current || releases[0].Commit != second ||
		releases[0].Message != "Version two" || releases[1].Message != "Version one" {
		t.Errorf("releases %+v, %v", releases, err)
	}
	if _, err := p.Rollback(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	if _, body := b.get(url); body != "<title>version one</title>" {
		t.Errorf("after the rollback the site answers %q", body)
	}
}

// deployedAgain deploys once more: nothing of the stack changes, and the newest commit is released.
func (b *bed) deployedAgain(second string) {
	t, h := b.t, b.hosting()
	t.Helper()
	again := &recorder{}
	deployed, err := b.deploy(again)
	if err != nil {
		t.Fatalf("%v\n%s", err, again)
	}
	if got := strings.Join(again.steps, " "); got != "Check Upload Stack Source Build Release Live" {
		t.Errorf("steps of the second deployment: %s", got)
	}
	if deployed.Release != second || len(again.asked) > 0 || !strings.Contains(again.String(), "nothing to change") {
		t.Errorf("second deployment: release %s\n%s", deployed.Release, again)
	}
	info, err := h.Show(t.Context())
	if err != nil || info.Releases != 2 || info.Release != second || len(info.Differs) > 0 || info.URL != deployed.URL {
		t.Errorf("show: %+v, %v", info, err)
	}
	if len(deployed.Execution.Stages) != 3 || deployed.Execution.StartedAt.After(time.Now().Add(time.Minute)) {
		t.Errorf("execution %+v", deployed.Execution)
	}
}

// The command line shows the same site: the real program, in a process of its own, with nothing but the environment.
func TestCommandLine(t *testing.T) {
	b := newBed(t, true)
	b.account.CompleteNew(1)
	b.account.Do(func() { b.account.Quick = true }) // the program looks every two seconds
	run := func(want int, args ...string) string {
		t.Helper()
		cmd := b.command(b.opts.Executable, append([]string{"--dir", b.repo}, args...)...)
		var out, talk bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &talk
		err := cmd.Run()
		if code := cmd.ProcessState.ExitCode(); code != want {
			t.Fatalf("%v: exit code %d, want %d: %v\n%s%s", args, code, want, err, &out, &talk)
		}
		return out.String()
	}
	run(4, "show")
	first := b.git("rev-parse", "HEAD")
	run(0, "deploy", "--no-wait", "--yes")
	if out := run(0, "logs", "--follow"); !strings.Contains(out, "built it") {
		t.Errorf("logs: %s", out)
	}
	for _, tc := range []struct{ want, command string }{
		{`"status": "Succeeded"`, "status"}, {`"release": "` + first + `"`, "show"}, {`"id": "` + first + `"`, "releases"},
	} {
		if out := run(0, tc.command, "--json"); !strings.Contains(out, tc.want) {
			t.Errorf("%s has no %s: %s", tc.command, tc.want, out)
		}
	}
	// A release from a laptop, and back.
	b.write("dist/index.html", "<title>by hand</title>")
	if out := run(0, "publish", filepath.Join(b.repo, "dist"), "--release", "by-hand", "--json"); !strings.Contains(out, `"previous": "`+first) {
		t.Errorf("publish: %s", out)
	}
	if out := run(0, "rollback", "--json"); !strings.Contains(out, `"release": "`+first) {
		t.Errorf("rollback: %s", out)
	}
	if out := run(0, "synth", "--target", "aws"); !strings.Contains(out, "AWSTemplateFormatVersion") {
		t.Errorf("synth: %.100s", out)
	}
	b.write(site.Folder+"/"+site.BuildFile, "version: 0.2\nphases:\n  build:\n    commands: ['exit 3']\nartifacts:\n  files: ['**/*']\n")
	b.commit("broken")
	b.account.Push("Alice/hello")
	run(0, "logs", "--follow")
	run(3, "status") // defect 29: a failed execution has its own exit code, and the failing stage is named
	run(2, "delete") // no terminal to type the site's name into
	if out := run(0, "delete", "--yes"); !strings.Contains(out, "removed stack "+b.site.Name()) || !strings.Contains(out, "left the repository") {
		t.Errorf("delete: %s", out)
	}
	run(4, "show")
	run(4, "delete", "--yes")
}
