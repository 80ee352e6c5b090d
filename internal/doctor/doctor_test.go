package doctor

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/need"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
)

// Looks are told in their order, whichever ends first; one that hangs, panics or does not apply harms no other.
func TestRun(t *testing.T) {
	second := make(chan struct{})
	looks := []Look{
		{"First", func(context.Context) Finding { <-second; return OK("after the second") }},
		{"Second", func(context.Context) Finding { close(second); return Failed("mend it", "broken") }},
		{"Hangs", func(context.Context) Finding { select {} }},
		{"Obeys", func(ctx context.Context) Finding { <-ctx.Done(); return Wrong(ctx.Err()) }},
		{"Does not apply", func(context.Context) Finding { return Finding{} }},
		{"Panics", func(context.Context) Finding { panic("oh") }},
		{"Warns", func(context.Context) Finding { return Warning("", "careful\n") }},
	}
	checks, err := run(t.Context(), looks, 500*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range checks {
		got = append(got, c.Name+" "+string(c.Status)+": "+c.Detail)
	}
	want := []string{
		"First ok: after the second",
		"Second failed: broken",
		"Hangs skipped: not looked at: there was no answer within 500ms",
		"Obeys skipped: not looked at: there was no answer within 500ms",
		"Panics skipped: not looked at: oh",
		"Warns warning: careful",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s", strings.Join(got, "\n"))
	}
	if n := Failures(checks); n != 1 {
		t.Errorf("%d failures", n)
	}
}

func TestRunIsCutOff(t *testing.T) {
	why := errors.New("interrupted")
	ctx, cancel := context.WithCancelCause(t.Context())
	looks := []Look{{"Waits", func(ctx context.Context) Finding { cancel(why); <-ctx.Done(); return Finding{} }}}
	if _, err := run(ctx, looks, time.Minute); !errors.Is(err, why) {
		t.Errorf("got %v", err)
	}
}

func TestOnce(t *testing.T) {
	calls := 0
	value := Once(func(context.Context) (int, error) { calls++; return calls, nil })
	for range 3 {
		if n, err := value(t.Context()); n != 1 || err != nil {
			t.Errorf("got %d, %v", n, err)
		}
	}
}

func TestOlder(t *testing.T) {
	for version, want := range map[string]bool{"2.31": false, "2.31.0": false, "2.30.9": true, "2.4": true, "3.0": false, "1.99": true, "2": true, "10.0": false} {
		if older(version, oldestGit) != want {
			t.Errorf("%s older than %s: want %v", version, oldestGit, want)
		}
	}
}

// project is a site with these files in the toolkit's folder.
func project(t *testing.T, files map[string]string) *site.Site {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "hello")
	if err := os.MkdirAll(filepath.Join(dir, site.Folder), 0o755); err != nil {
		t.Fatal(err)
	}
	files[site.ConfigFile] = `{"repoUrl": "https://github.com/alice/hello.git", "branchName": "main", "routing": "spa"}`
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, site.Folder, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	s, err := site.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

const artifacts = "\nartifacts:\n  base-directory: dist\n  files: ['**/*']\n"

func TestProject(t *testing.T) {
	tests := map[string]struct {
		look   string
		files  map[string]string
		status hosting.CheckStatus
		detail string
	}{
		"configuration":             {"Configuration", nil, hosting.CheckOK, "branch main of https://github.com/alice/hello.git"},
		"no build file":             {"Build file", nil, hosting.CheckOK, "published as they are"},
		"a build file":              {"Build file", map[string]string{site.BuildFile: "version: 0.2\nphases:\n  build:\n    commands: [make, make test]" + artifacts}, hosting.CheckOK, "2 commands"},
		"a broken build file":       {"Build file", map[string]string{site.BuildFile: "version: 0.2\nphases:\n  bild:\n    commands: [make]" + artifacts}, hosting.CheckFailed, "bild"},
		"upstream's build file":     {"Build file", map[string]string{site.BuildFile: "version: 0.2\nphases:\n  build:\n    commands:\n      - aws s3 cp . s3://$DEST_BUCKET_NAME/$CODEBUILD_RESOLVED_SOURCE_VERSION/ --recursive\n"}, hosting.CheckFailed, "upstream toolkit's"},
		"the toolkit's function":    {"Function", nil, hosting.CheckOK, "spa routing; / leads to /<release>/index.html"},
		"a function of one's own":   {"Function", map[string]string{site.FunctionFile: "import cf from 'cloudfront';\nasync function handler(event) { event.request.uri = '/' + await cf.kvs().get('path') + '/start.html'; return event.request; }\n"}, hosting.CheckOK, site.FunctionFile + "; / leads to /<release>/start.html"},
		"a function that redirects": {"Function", map[string]string{site.FunctionFile: "function handler(event) { return { statusCode: 301, headers: { location: { value: '/en/' } } }; }\n"}, hosting.CheckOK, "response 301"},
		"a function that forgets":   {"Function", map[string]string{site.FunctionFile: "function handler(event) { return event.request; }\n"}, hosting.CheckWarning, "in no release"},
		"a function that fails":     {"Function", map[string]string{site.FunctionFile: "function handler(event) { return event.nothing.uri; }\n"}, hosting.CheckFailed, "answers / with an error"},
		"a function with an error":  {"Function", map[string]string{site.FunctionFile: "function handler(event) {\n"}, hosting.CheckFailed, site.FunctionFile},
		"a function with keys":      {"Function", map[string]string{site.FunctionFile: "import cf from 'cloudfront';\nasync function handler(event) { event.request.uri = await cf.kvs().get('mine'); return event.request; }\n"}, hosting.CheckOK, "depends on keys"},
		"a function too large":      {"Function", map[string]string{site.FunctionFile: "function handler(event) { return event.request; }\n//" + strings.Repeat("x", 10240)}, hosting.CheckFailed, "10240"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{}
			for k, v := range tc.files {
				files[k] = v
			}
			for _, look := range Project(project(t, files)) {
				if look.Name != tc.look {
					continue
				}
				f := look.Find(t.Context())
				if f.Status != tc.status || !strings.Contains(f.Detail, tc.detail) {
					t.Errorf("got %s: %s", f.Status, f.Detail)
				}
				if f.Status == hosting.CheckFailed && f.Hint == "" {
					t.Errorf("%s: no hint", f.Detail)
				}
			}
		})
	}
}

func TestTools(t *testing.T) {
	bin := t.TempDir()
	for name, says := range map[string]string{"node": "v22.3.0", "npm": "10.0.0"} {
		if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\necho "+says+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := exec.LookPath(filepath.Join(bin, "node")); err != nil {
		t.Skip("scripts are no programs here")
	}
	t.Setenv("PATH", bin)
	tests := map[string]struct {
		file   string
		status hosting.CheckStatus
		detail string
	}{
		"all there":         {"  install:\n    runtime-versions:\n      nodejs: 22\n  build:\n    commands: [npm ci, npm run build]", hosting.CheckOK, "nodejs 22, npm"},
		"another version":   {"  install:\n    runtime-versions:\n      nodejs: 18\n  build:\n    commands: [npm ci]", hosting.CheckWarning, "nodejs 18 (it has v22.3.0)"},
		"a runtime missing": {"  install:\n    runtime-versions:\n      python: 3.12\n  build:\n    commands: [npm ci]", hosting.CheckFailed, "without python 3.12"},
		"a program missing": {"  build:\n    commands: [hugo --minify]", hosting.CheckFailed, "without hugo"},
		"installed first":   {"  install:\n    commands: [npm install -g hugo-bin]\n  build:\n    commands: [hugo --minify]", hosting.CheckOK, "npm"},
		"only the shell":    {"  build:\n    commands: ['cd app && ls', './build.sh', 'NODE_ENV=production echo yes', '$TOOL x']", hosting.CheckOK, "needs none"},
		"with a variable":   {"  build:\n    commands: ['NODE_ENV=production npm run build']", hosting.CheckOK, "npm"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			p := project(t, map[string]string{site.BuildFile: "version: 0.2\nphases:\n" + tc.file + artifacts})
			if f := Tools(p).Find(t.Context()); f.Status != tc.status || !strings.Contains(f.Detail, tc.detail) {
				t.Errorf("got %s: %s", f.Status, f.Detail)
			}
		})
	}
}

func TestNewest(t *testing.T) {
	a, b := strings.Repeat("a", 40), strings.Repeat("b", 40)
	tests := map[string]struct {
		live, tip string
		status    hosting.CheckStatus
		detail    string
	}{
		"nothing": {"", a, hosting.CheckWarning, "nothing is released yet"},
		"newest":  {a, a, hosting.CheckOK, "aaaaaaa, the newest commit of main, is live"},
		"rebuilt": {a + "-2", a, hosting.CheckOK, "aaaaaaa-2, the newest"},
		"behind":  {a, b, hosting.CheckWarning, "aaaaaaa is live, and the newest commit of main is bbbbbbb"},
		"no tip":  {"by-hand", "", hosting.CheckOK, "by-hand is live"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if f := Newest(tc.live, tc.tip, "main"); f.Status != tc.status || !strings.Contains(f.Detail, tc.detail) {
				t.Errorf("got %s: %s", f.Status, f.Detail)
			}
		})
	}
}

func TestTip(t *testing.T) {
	need.Program(t, "git", "apt-get install git")
	dir := t.TempDir()
	for k, v := range map[string]string{"GIT_CONFIG_GLOBAL": os.DevNull, "GIT_CONFIG_NOSYSTEM": "1"} {
		t.Setenv(k, v)
	}
	git := func(args ...string) string {
		t.Helper()
		out, err := exec.Command("git", append([]string{"-C", dir, "-c", "user.name=a", "-c", "user.email=a@example.com"}, args...)...).CombinedOutput()
		if err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	git("init", "-q", "-b", "main")
	git("commit", "-q", "--allow-empty", "-m", "one")
	if tip, err := Tip(t.Context(), dir, "main"); err != nil || tip != git("rev-parse", "HEAD") {
		t.Errorf("got %s, %v", tip, err)
	}
	if _, err := Tip(t.Context(), dir, "next"); !errors.Is(err, ErrNoBranch) {
		t.Errorf("no branch: %v", err)
	}
	if _, err := Tip(t.Context(), filepath.Join(dir, "nothing"), "main"); err == nil || strings.Contains(err.Error(), "Please") {
		t.Errorf("no repository: %v", err)
	}
}
