package pipeline_test

import (
	"errors"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/pipeline"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/state"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/publish"
)

const buildFile = "cloudfront-hosting-toolkit/cloudfront-hosting-toolkit-build.yml"

// TestMain keeps the machine's git configuration out of the tests.
func TestMain(m *testing.M) {
	home, err := os.MkdirTemp("", "home")
	if err != nil {
		panic(err)
	}
	for k, v := range map[string]string{
		"HOME": home, "XDG_CONFIG_HOME": home, "GIT_CONFIG_GLOBAL": os.DevNull, "GIT_CONFIG_NOSYSTEM": "1",
		"GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@example.com", "GIT_COMMITTER_NAME": "A", "GIT_COMMITTER_EMAIL": "a@example.com",
	} {
		if err := os.Setenv(k, v); err != nil {
			panic(err)
		}
	}
	code := m.Run()
	_ = os.RemoveAll(home)
	os.Exit(code)
}

// project is a repository and the state of the site that is deployed from it.
type project struct {
	t    *testing.T
	repo string
	site state.Site
}

func newProject(t *testing.T, subdir string) *project {
	t.Helper()
	p := &project{t: t, repo: t.TempDir(), site: state.Dir(t.TempDir()).Site("site-1")}
	p.git("init", "-q", "-b", "main")
	err := errors.Join(p.site.Create(), p.site.Save(&state.Deployed{Site: "site-1", Repository: p.repo, Branch: "main", Subdir: subdir, Pipeline: true}))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *project) git(args ...string) string {
	p.t.Helper()
	out, err := exec.Command("git", append([]string{"-C", p.repo}, args...)...).CombinedOutput()
	if err != nil {
		p.t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// commit writes files, given as names and contents in turn, and commits them.
func (p *project) commit(files ...string) string {
	p.t.Helper()
	for i := 0; i < len(files); i += 2 {
		name := filepath.Join(p.repo, filepath.FromSlash(files[i]))
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte(files[i+1]), 0o644)); err != nil {
			p.t.Fatal(err)
		}
	}
	p.git("add", "-A")
	p.git("commit", "-q", "-m", "a commit")
	return p.git("rev-parse", "HEAD")
}

// run runs one execution and returns it with its log.
func (p *project) run() (hosting.Execution, string) {
	p.t.Helper()
	records := pipeline.Records{Dir: p.site.Executions()}
	e, err := records.Create(pipeline.TriggerDeploy, "", "")
	if err != nil {
		p.t.Fatal(err)
	}
	running, err := pipeline.Start(p.t.Context(), p.site, "test", time.Second, slog.New(slog.DiscardHandler))
	if err != nil {
		p.t.Fatal(err)
	}
	defer running.Stop()
	var log strings.Builder
	e, err = pipeline.Follower{Records: records, Output: &log}.Follow(p.t.Context(), e.ID)
	if err != nil {
		p.t.Fatal(err)
	}
	return e, log.String()
}

// live returns a file of the live release.
func (p *project) live(name string) string {
	p.t.Helper()
	store := pipeline.Publisher(p.site, &state.Deployed{}, "test")
	now, _, err := store.Pointer.Read(p.t.Context())
	if err != nil {
		p.t.Fatal(err)
	}
	body, _, err := store.Store.Get(p.t.Context(), now.Release+"/"+name)
	if errors.Is(err, publish.ErrNotFound) {
		return ""
	}
	if err != nil {
		p.t.Fatal(err)
	}
	defer body.Close()
	data, err := io.ReadAll(body)
	if err != nil {
		p.t.Fatal(err)
	}
	return string(data)
}

func buildspec(command string) string {
	return "version: 0.2\nphases:\n  build:\n    commands:\n      - " + command + "\nartifacts:\n  base-directory: out\n  files: ['**/*']\n"
}

func TestStagesFromCommitToRelease(t *testing.T) {
	t.Parallel()
	p := newProject(t, "")
	spec := buildspec(`mkdir out && echo "$CODEBUILD_RESOLVED_SOURCE_VERSION $CODEBUILD_BUILD_NUMBER $CODEBUILD_INITIATOR $CODEBUILD_BUILD_ID" > out/index.html`)
	id := p.commit(buildFile, spec, "index.html", "not built")
	for number := 1; number <= 2; number++ {
		e, log := p.run()
		if e.Status != hosting.Succeeded || e.Revision != id || e.Message != "a commit" {
			t.Fatalf("execution = %+v\n%s", e, log)
		}
		want := id + " " + string(rune('0'+number)) + " codepipeline/site-1 site-1-build:" + e.ID + "\n"
		if got := p.live("index.html"); got != want {
			t.Errorf("build %d made %q, want %q", number, got, want)
		}
		if e.Release == id != (number == 1) {
			t.Errorf("build %d made other files, and release %s", number, e.Release)
		}
	}
	if left, err := os.ReadDir(p.site.Work()); err != nil || len(left) > 0 {
		t.Errorf("left in the work folder: %v, %v", left, err)
	}
}

func TestDefect18_ThePushedBuildFileCounts(t *testing.T) {
	t.Parallel()
	p := newProject(t, "")
	if err := os.WriteFile(p.site.Buildspec(), []byte(buildspec("mkdir out && echo deployed > out/index.html")), 0o600); err != nil {
		t.Fatal(err)
	}
	p.commit("index.html", "x")
	if e, log := p.run(); e.Status != hosting.Succeeded || p.live("index.html") != "deployed\n" || !strings.Contains(log, "the copy from the last deploy is used") {
		t.Errorf("without a build file in the commit: %+v\n%s", e, log)
	}
	p.commit(buildFile, buildspec("mkdir out && echo pushed > out/index.html"))
	if e, log := p.run(); e.Status != hosting.Succeeded || p.live("index.html") != "pushed\n" || strings.Contains(log, "the copy") {
		t.Errorf("with one: %+v\n%s", e, log)
	}
	p.commit(buildFile, "version: 0.2\nphases: 7\n")
	if e, log := p.run(); e.Status != hosting.Failed || e.FailedStage().Name != hosting.StageBuild || !strings.Contains(log, buildFile) || p.live("index.html") != "pushed\n" {
		t.Errorf("with a broken one: %+v\n%s", e, log)
	}
}

func TestDefect17_WithoutABuildFileOnlyTheProjectIsPublished(t *testing.T) {
	t.Parallel()
	p := newProject(t, "sites/one")
	p.commit("index.html", "the top", "sites/one/index.html", "one",
		"sites/one/cloudfront-hosting-toolkit/cloudfront-hosting-toolkit-config.json", "{}", "sites/one/.env", "SECRET=1")
	e, log := p.run()
	if e.Status != hosting.Succeeded || p.live("index.html") != "one" {
		t.Errorf("execution = %+v\n%s", e, log)
	}
	for _, name := range []string{"cloudfront-hosting-toolkit/cloudfront-hosting-toolkit-config.json", ".env", ".git/HEAD"} {
		if got := p.live(name); got != "" {
			t.Errorf("%s is public: %q", name, got)
		}
	}
}

func TestASourceThatFailsIsTold(t *testing.T) {
	t.Parallel()
	p := newProject(t, "")
	e, _ := p.run()
	if s := e.FailedStage(); e.Status != hosting.Failed || s.Name != hosting.StageSource || !strings.Contains(s.Error, "no commits yet") {
		t.Errorf("execution = %+v", e)
	}
}
