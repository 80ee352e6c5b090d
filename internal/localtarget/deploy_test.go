package localtarget_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/server"
)

func TestDeployInThisProcess(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	h := b.hosting("")
	if _, err := h.Show(t.Context()); fault.KindOf(err) != fault.NotDeployed {
		t.Errorf("Show before = %v", err)
	}
	if _, err := h.Execution(t.Context(), ""); fault.KindOf(err) != fault.NotDeployed {
		t.Errorf("Execution before = %v", err)
	}
	head := b.git("rev-parse", "HEAD")
	d, r := b.mustDeploy(here)
	if d.Execution.Status != hosting.Succeeded || d.Execution.Revision != head || d.Release != head || d.Serving {
		t.Errorf("deployed = %+v", d)
	}
	if got := strings.Join(r.steps, " "); got != "Check Source Build Release" {
		t.Errorf("steps = %s", got)
	}
	if len(r.warns) > 0 {
		t.Errorf("warnings: %q", r.warns)
	}
	info, err := h.Show(t.Context())
	if err != nil || info.Release != head || info.Releases != 1 || info.Bytes != 5 || info.Source.Branch != "main" || info.PushURL == "" ||
		len(info.Differs) > 0 || !strings.HasSuffix(info.URL, ".localhost:8080/") {
		t.Errorf("Show = %+v, %v", info, err)
	}
	e, err := h.Execution(t.Context(), "")
	if err != nil || e.ID != d.Execution.ID {
		t.Errorf("Execution = %+v, %v", e, err)
	}
	for _, follow := range []bool{false, true} {
		var log bytes.Buffer
		if err := h.Logs(t.Context(), "", follow, &log); err != nil || log.String() != r.out.String() || !strings.Contains(log.String(), head) {
			t.Errorf("Logs = %v %q, deploy had %q", err, log.String(), r.out.String())
		}
	}
	if _, err := h.Execution(t.Context(), "nope"); fault.KindOf(err) != fault.Usage {
		t.Errorf("Execution(nope) = %v", err)
	}

	// The same commit again is the same release; the changed function is told and deployed.
	b.write("cloudfront-hosting-toolkit/cloudfront-hosting-toolkit-cff.js", "async function handler(event) { return event.request; }\n")
	if info, err := h.Show(t.Context()); err != nil || strings.Join(info.Differs, " ") != "function" {
		t.Errorf("Differs = %v, %v", info.Differs, err)
	}
	d, r = b.mustDeploy(here)
	if d.Release != head || !r.warned("the function has changed") || len(d.Differs) > 0 {
		t.Errorf("second deploy: %+v, warnings %q", d, r.warns)
	}
}

func TestDeployInTheBackground(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	d, r := b.mustDeploy(hosting.DeployOptions{})
	if got := strings.Join(r.steps, " "); got != "Check Server Source Build Release Live" {
		t.Errorf("steps = %s", got)
	}
	if !d.Serving {
		t.Errorf("deployed = %+v, want it to be served", d)
	}
	await(t, d.URL, "first")
	begin := time.Now()
	b.commit("second")
	await(t, d.URL, "second")
	t.Logf("commit → live: %s", time.Since(begin))

	again, _ := b.mustDeploy(hosting.DeployOptions{})
	if again.URL != d.URL || again.Execution.ID <= d.Execution.ID {
		t.Errorf("second deploy = %+v", again)
	}
	waitless, _ := b.mustDeploy(hosting.DeployOptions{NoWait: true})
	var log bytes.Buffer
	if err := b.hosting("").Logs(t.Context(), waitless.Execution.ID, true, &log); err != nil || log.Len() == 0 {
		t.Errorf("logs --follow: %v %q", err, log.String())
	}
	// --no-serve leaves the work to the server that runs.
	there, _ := b.mustDeploy(here)
	if !there.Serving || there.Execution.Status != hosting.Succeeded {
		t.Errorf("deploy --no-serve beside a server = %+v", there)
	}

	removed, err := b.hosting("").Delete(t.Context(), hosting.DeleteOptions{}, &report{})
	if err != nil || len(removed.Removed) != 1 || !strings.Contains(strings.Join(removed.Left, "\n"), "serve --stop") {
		t.Fatalf("Delete = %+v, %v", removed, err)
	}
	if _, err := os.Stat(filepath.Join(b.repo, "index.html")); err != nil {
		t.Errorf("the project was touched: %v", err)
	}
	if _, err := b.hosting("").Delete(t.Context(), hosting.DeleteOptions{}, &report{}); fault.KindOf(err) != fault.NotDeployed {
		t.Errorf("second Delete = %v", err)
	}
	b.mustDeploy(hosting.DeployOptions{})
	await(t, d.URL, "second")
	if _, err := server.Stop(t.Context(), b.state); err != nil {
		t.Fatal(err)
	}
	// The next server has the same address.
	d2, _ := b.mustDeploy(hosting.DeployOptions{})
	_ = d2
}

func TestDefect29_AFailedBuildIsAnErrorThatNamesItsStage(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.mustDeploy(here)
	live := b.git("rev-parse", "HEAD")
	b.write(buildFile, build("echo no way; exit 3"))
	b.commit("broken")
	d, r, err := b.deploy(here)
	if fault.KindOf(err) != fault.Failed || !strings.Contains(err.Error(), "failed in stage Build") || !strings.Contains(fault.HintOf(err), "logs") {
		t.Errorf("error = %v (hint %q)", err, fault.HintOf(err))
	}
	if d.Execution.Status != hosting.Failed || d.Release != live || !strings.Contains(r.out.String(), "no way") {
		t.Errorf("deployed = %+v, output %q", d, r.out.String())
	}
	// A build that makes nothing: the release stage never sees a folder.
	b.write(buildFile, build("mkdir out"))
	b.commit("empty")
	if d, _, err = b.deploy(here); fault.KindOf(err) != fault.Failed || d.Release != live {
		t.Errorf("empty output: %v, live %s", err, d.Release)
	}
	b.write(buildFile, build("mkdir out && cp index.html out/"))
	want := b.commit("good")
	if d, _ := b.mustDeploy(here); d.Release != want {
		t.Errorf("live = %s, want %s", d.Release, want)
	}
}

func TestABuildFileThatIsNotCommittedIsUsedWithANotice(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.write(buildFile, build("mkdir out && echo built > out/index.html"))
	d, r := b.mustDeploy(here)
	if !r.warned("has no "+buildFile) || !strings.Contains(r.out.String(), "the copy from the last deploy is used") {
		t.Errorf("warnings %q, output %q", r.warns, r.out.String())
	}
	if r.warned("not committed; only") {
		t.Errorf("the toolkit's own files count as changes: %q", r.warns)
	}
	if d.Bytes != 6 {
		t.Errorf("the build file was not used: %+v", d)
	}
	b.write("new.html", "x")
	if _, r := b.mustDeploy(here); !r.warned("changes that are not committed") {
		t.Errorf("warnings = %q", r.warns)
	}
	if err := os.Remove(filepath.Join(b.repo, filepath.FromSlash(buildFile))); err != nil {
		t.Fatal(err)
	}
	if _, r := b.mustDeploy(here); !r.warned("gone since the last deploy") {
		t.Errorf("warnings = %q", r.warns)
	}
}

func TestWhatIsWrongIsFoundBeforeAnythingIsWritten(t *testing.T) {
	t.Parallel()
	folder := "cloudfront-hosting-toolkit/cloudfront-hosting-toolkit-"
	tests := map[string]struct{ file, text, want string }{
		"branch":    {folder + "config.json", `{"repoUrl":".","branchName":"none"}`, `no branch "none"; it has main`},
		"function":  {folder + "cff.js", "function handler(event) {\n  return event.\n}", "3"},
		"buildspec": {folder + "build.yml", "version: 0.2\nphases: [", "build.yml"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBed(t)
			b.write(tc.file, tc.text)
			_, _, err := b.deploy(hosting.DeployOptions{})
			if fault.KindOf(err) != fault.Usage || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error = %v, want a fault.Usage with %q", err, tc.want)
			}
			if _, err := os.Stat(b.state); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the state folder was made: %v", err)
			}
		})
	}
}

func TestAFunctionThatFailsDoesNotTakeTheSiteDown(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	d, _ := b.mustDeploy(here)
	deployed := filepath.Join(b.state, "sites", d.Site, "template.yaml")
	before, err := os.ReadFile(deployed)
	if err != nil {
		t.Fatal(err)
	}
	b.write("cloudfront-hosting-toolkit/cloudfront-hosting-toolkit-cff.js", "function handler(event) { throw new Error('oops'); }\n")
	_, _, err = b.deploy(here)
	if fault.KindOf(err) != fault.Usage || !strings.Contains(err.Error(), "oops") || !strings.Contains(fault.HintOf(err), "function test") {
		t.Errorf("error = %v, hint %q", err, fault.HintOf(err))
	}
	after, err := os.ReadFile(deployed)
	if err != nil || string(after) != string(before) {
		t.Errorf("the deployed template was changed: %v", err)
	}
}
