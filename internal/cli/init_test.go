package cli

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/term"
)

// fakeZones is an account's hosted zones.
type fakeZones struct {
	zones []hostedZone
	err   error
	asked int
}

func (f *fakeZones) HostedZones(context.Context) ([]hostedZone, error) {
	f.asked++
	return f.zones, f.err
}

// initProject is a small project in a repository; the test runs in it.
func initProject(t *testing.T, files map[string]string) {
	t.Helper()
	dir := t.TempDir()
	if out, err := exec.Command("git", "-C", dir, "init", "-q", "-b", "main").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for name, text := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	t.Setenv("ACCESSIBLE", "1")
	t.Setenv("CHT_TEMPLATES", "")
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
}

// answer runs a command with somebody at the terminal who gives answers, line by line.
func answer(t *testing.T, zones zoneLister, answers string, args ...string) result {
	t.Helper()
	streams, in, out, errs := term.Test()
	streams.InTerminal, streams.OutTerminal, streams.ErrTerminal = true, true, true
	in.WriteString(answers)
	s := &session{Streams: streams, open: openTarget, zones: zones}
	return result{s.run(t.Context(), args), out.String(), errs.String()}
}

func configured(t *testing.T) site.Config {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(site.Folder, site.ConfigFile))
	if err != nil {
		t.Fatal(err)
	}
	config, err := site.Parse("", data)
	if err != nil {
		t.Fatal(err)
	}
	return config
}

var page = map[string]string{"index.html": "<title>Hello</title>"}

func TestHostedZoneIsChosen(t *testing.T) {
	two := []hostedZone{{"Z0123456789ABC", "example.com"}, {"Z0123456789DEF", "www.example.com"}}
	tests := map[string]struct {
		zones   *fakeZones
		answers string
		want    string
	}{
		"from the list": {&fakeZones{zones: two}, "8\n2\n9\nwww.example.com\n10\n3\n1\n", "Z0123456789DEF"},
		"none of them":  {&fakeZones{zones: two}, "8\n2\n9\nwww.example.com\n10\n1\n1\n", ""},
		"typed":         {nil, "8\n2\n9\nwww.example.com\n10\nno zone\nZ0123456789GHI\n1\n", "Z0123456789GHI"},
		"typed, where the list cannot be had": {&fakeZones{err: errors.New("access denied")},
			"8\n2\n9\nwww.example.com\n10\nZ0123456789GHI\n1\n", "Z0123456789GHI"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			initProject(t, page)
			var zones zoneLister
			if tc.zones != nil {
				zones = tc.zones
			}
			r := answer(t, zones, tc.answers, "init")
			if r.code != exitDone {
				t.Fatalf("exit code %d\n%s", r.code, r.err)
			}
			c := configured(t)
			if c.Target != site.AWS || c.DomainName != "www.example.com" || c.HostedZoneID != tc.want {
				t.Errorf("configuration %+v\n%s", c, r.err)
			}
			if tc.zones != nil && len(tc.zones.zones) > 0 && tc.zones.asked != 1 {
				t.Errorf("the zones were listed %d times", tc.zones.asked)
			}
		})
	}
}

// What stands in the way is shown on the page, and what mends it can be chosen there.
func TestAskingMendsWhatIsMissing(t *testing.T) {
	t.Run("no repository", func(t *testing.T) {
		initProject(t, page)
		if err := os.RemoveAll(".git"); err != nil {
			t.Fatal(err)
		}
		r := answer(t, nil, "1\n6\nhttps://github.com/alice/hello.git\n7\nmain\n1\n", "init")
		if c := configured(t); r.code != exitDone || c.RepoURL != "https://github.com/alice/hello.git" || c.BranchName != "main" {
			t.Errorf("exit code %d, %+v\n%s", r.code, c, r.err)
		}
	})
	t.Run("no bucket", func(t *testing.T) {
		initProject(t, page)
		r := answer(t, nil, "6\nmy-bucket\n1\n", "init", "--s3")
		if c := configured(t); r.code != exitDone || c.S3Bucket != "my-bucket" {
			t.Errorf("exit code %d, %+v\n%s", r.code, c, r.err)
		}
	})
	t.Run("what is published all the same", func(t *testing.T) {
		initProject(t, map[string]string{"package.json": `{"scripts": {"build": "next build"}, "dependencies": {"next": "16.0.0"}}`, "package-lock.json": "{}"})
		r := answer(t, nil, "3\nmake site\n4\n\n1\n", "init") // the folder is right as it is
		build, err := os.ReadFile(filepath.Join(site.Folder, site.BuildFile))
		if r.code != exitDone || err != nil || !strings.Contains(string(build), "make site") || !strings.Contains(string(build), "base-directory: out") {
			t.Errorf("exit code %d, %v\n%s\n%s", r.code, err, build, r.err)
		}
	})
	t.Run("a server", func(t *testing.T) {
		initProject(t, map[string]string{"package.json": `{"scripts": {"build": "next build"}, "dependencies": {"next": "16.0.0"}}`, "package-lock.json": "{}"})
		r := answer(t, nil, "1\n10\n", "init")
		if r.code != exitError || !strings.Contains(r.err, "output: 'export'") || !strings.Contains(r.err, "nothing was written") {
			t.Errorf("exit code %d\n%s", r.code, r.err)
		}
		if _, err := os.Stat(site.Folder); err == nil {
			t.Error("files were written")
		}
	})
}

func TestProjectOfAMonorepoIsChosen(t *testing.T) {
	initProject(t, map[string]string{
		"package.json":           `{"private": true, "workspaces": ["apps/*"]}`,
		"package-lock.json":      "{}",
		"apps/docs/package.json": `{"name": "docs", "scripts": {"build": "vitepress build"}, "devDependencies": {"vitepress": "^1"}}`,
		"apps/web/package.json":  `{"name": "web", "scripts": {"build": "vite build"}, "devDependencies": {"vite": "^7"}}`,
		"apps/web/index.html":    "",
	})
	r := answer(t, nil, "2\n1\n", "init")
	if r.code != exitDone || !strings.Contains(r.err, "--dir apps/web deploy") {
		t.Fatalf("exit code %d\n%s", r.code, r.err)
	}
	t.Chdir("apps/web")
	if c := configured(t); c.Framework != "vite" || !slices.Contains(c.Paths, "apps/web/**") {
		t.Errorf("configuration %+v", c)
	}
}

func TestFewPaths(t *testing.T) {
	var many []string
	for _, name := range strings.Split("a b c d e f g h", " ") {
		many = append(many, "packages/"+name+"/**")
	}
	tests := map[string]struct{ paths, want []string }{
		"few":        {many[:3], many[:3]},
		"many":       {append([]string{"apps/web/**", "package.json"}, many...), []string{"apps/web/**", "package.json", "packages/**"}},
		"not joined": {strings.Split("1 2 3 4 5 6 7 8 9", " "), nil},
	}
	for name, tc := range tests {
		if got := fewPaths(tc.paths); !slices.Equal(got, tc.want) {
			t.Errorf("%s: %v, want %v", name, got, tc.want)
		}
	}
}
