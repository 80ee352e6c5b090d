package detect

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/golden"
)

// TestProjects runs every archive in testdata: a project's files, and, in the file "want", what is found in it. Lines of
// the archive's comment say what the case is about; "in DIR" looks at a folder of it rather than at its top, "as NAME"
// names the framework.
func TestProjects(t *testing.T) {
	archives, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	if len(archives) < 120 {
		t.Errorf("there are only %d cases", len(archives))
	}
	for _, file := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			dir, named, want := unpack(t, archive)
			found, err := look(dir, named)
			got := describe(found, err)
			if golden.Updating() {
				archive.Files = append(slices.DeleteFunc(archive.Files, func(f txtar.File) bool { return f.Name == "want" }), txtar.File{Name: "want", Data: []byte(got)})
				if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// unpack writes a project and returns the folder to look at, and what should be found there.
func unpack(t *testing.T, archive *txtar.Archive) (dir, named, want string) {
	t.Helper()
	top := t.TempDir()
	if err := os.Mkdir(filepath.Join(top, ".git"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, f := range archive.Files {
		if f.Name == "want" {
			want = string(f.Data)
			continue
		}
		path := filepath.Join(top, filepath.FromSlash(f.Name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	dir = top
	for line := range strings.Lines(string(archive.Comment)) {
		if sub, ok := strings.CutPrefix(strings.TrimSpace(line), "in "); ok {
			dir = filepath.Join(top, filepath.FromSlash(sub))
		}
		if key, ok := strings.CutPrefix(strings.TrimSpace(line), "as "); ok {
			named = canonical(key)
		}
	}
	return dir, named, want
}

// describe is what was found, one fact a line, without what is empty.
func describe(f Found, err error) string {
	var b strings.Builder
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%s: %s\n", name, value)
		}
	}
	if err != nil {
		_, text, _ := strings.Cut(err.Error(), "package.json")
		line("error", "package.json"+text)
		return b.String()
	}
	line("framework", strings.TrimSpace(f.Framework+" "+f.Version))
	line("subdir", f.Subdir)
	line("manager", f.PackageManager)
	for _, name := range slices.Sorted(maps.Keys(f.Runtimes)) {
		line("runtime", name+" "+f.Runtimes[name])
	}
	line("dir", f.Build.Dir)
	for _, s := range f.Setup {
		line("setup", s)
	}
	line("install", f.InstallCommand)
	line("build", f.BuildCommand)
	line("output", f.OutputDir)
	line("routing", string(f.Routing)+", "+f.Reason)
	line("cache", strings.Join(f.Cache, " "))
	line("paths", strings.Join(f.Paths, " "))
	line("env files", strings.Join(f.EnvFiles, " "))
	for _, e := range f.Evidence {
		line("evidence", e)
	}
	for _, w := range f.Warnings {
		line("warning", w)
	}
	for _, a := range f.Apps {
		line("app", a.Dir+" "+a.Name+" "+a.Framework)
	}
	if u := f.Unsupported; u != nil {
		line("unsupported", u.Reason)
		for change := range strings.Lines(u.Change) {
			line("  in "+u.File, strings.TrimSpace(change))
		}
	}
	return b.String()
}

func TestTable(t *testing.T) {
	keys := map[string]bool{}
	for _, f := range table {
		if keys[f.key] || f.key == "" || f.title == "" {
			t.Errorf("entry %q %q is not named, or named twice", f.key, f.title)
		}
		keys[f.key] = true
		if len(f.deps)+len(f.files)+len(f.tools) == 0 {
			t.Errorf("%s cannot be recognised", f.key)
		}
		if f.build == "" && f.inspect == nil {
			t.Errorf("%s has no build command", f.key)
		}
		if f.routing == "" && f.inspect == nil {
			t.Errorf("%s has no routing", f.key)
		}
	}
	if len(table) < 45 {
		t.Errorf("%d frameworks are known", len(table))
	}
	t.Logf("%d frameworks", len(table))
}

// TestEveryFrameworkHasACase holds the table against the archives.
func TestEveryFrameworkHasACase(t *testing.T) {
	archives, _ := filepath.Glob("testdata/*.txtar")
	seen := map[string]bool{}
	for _, file := range archives {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range archive.Files {
			if first, _, ok := strings.Cut(string(f.Data), "\n"); ok && f.Name == "want" {
				seen[strings.Fields(first)[1]] = true
			}
		}
	}
	for _, f := range table {
		if !seen[f.key] {
			t.Errorf("no archive in testdata is a project of %s", f.key)
		}
	}
}

func TestHasWord(t *testing.T) {
	for _, tc := range []struct {
		text, word string
		want       bool
	}{
		{"ng build", "ng", true}, {"(ng)", "ng", true}, {"vite build --mode staging", "ng", false}, {"eslint --max-warnings 0", "ng", false},
		{"npm publish --tag next", "next", true}, {"nextjs", "next", false}, {"my-next", "next", false}, {"", "x", false}, {"ngng ng", "ng", true},
	} {
		if got := hasWord(tc.text, tc.word); got != tc.want {
			t.Errorf("hasWord(%q, %q) = %t", tc.text, tc.word, got)
		}
	}
}

func TestInvocations(t *testing.T) {
	m := &manifest{scripts: map[string]string{
		"vite": "vite build --outDir www", "types": "vue-tsc --noEmit", "build:css": "postcss a", "build:js": "esbuild b", "loop": "npm run loop",
	}}
	for text, want := range map[string]string{
		"next build":           "next build",
		"tsc -b && vite build": "tsc -b|vite build",
		"NODE_ENV=production CI= react-scripts build":                           "react-scripts build",
		"cross-env NODE_ENV=production webpack":                                 "webpack",
		"cross-env-shell A=b \"ng build\"":                                      "ng build",
		"dotenv -e .env.prod -- next build":                                     "next build",
		"env-cmd -f .env.prod react-scripts build":                              "react-scripts build",
		"npx --yes @11ty/eleventy@3.0.0 --output=x":                             "@11ty/eleventy --output=x",
		"npx -p vite vite build":                                                "vite build",
		"./node_modules/.bin/vite build":                                        "vite build",
		"node node_modules/vite/bin/vite.js build":                              "vite build",
		"node --max-old-space-size=4096 node_modules/@angular/cli/bin/ng build": "@angular/cli build",
		"node scripts/build.js":                                                 "node scripts/build.js",
		"npm run vite":                                                          "vite build --outDir www",
		"npm run vite -- --base=/x":                                             "vite build --outDir www --base=/x",
		"yarn vite && yarn tsc":                                                 "vite build --outDir www|tsc",
		"pnpm exec astro build":                                                 "astro build",
		"bun --bun run vite":                                                    "vite build --outDir www",
		"bun x vite build":                                                      "vite build",
		"run-s types vite":                                                      "vue-tsc --noEmit|vite build --outDir www",
		"npm-run-all -p build:*":                                                "postcss a|esbuild b",
		`concurrently "npm:types" 'vite build'`:                                 "vue-tsc --noEmit|vite build",
		"run-p type-check \"build-only {@}\" --":                                "",
		"npm run loop":                                                          "",
		"echo \"ng build\"; # next build":                                       "echo ng build",
		"rimraf dist; (cd web && vite build) || exit 1":                         "rimraf dist|vite build|exit 1",
		"npm publish --tag next":                                                "publish --tag next",
	} {
		var got []string
		for _, v := range m.expand(text, nil) {
			got = append(got, v.String())
		}
		if strings.Join(got, "|") != want {
			t.Errorf("%s\n got  %s\n want %s", text, strings.Join(got, "|"), want)
		}
	}
}

func TestNodeVersions(t *testing.T) {
	for text, want := range map[string]int{
		"20": 20, "v18.19.0": 18, "22.x": 22, "lts/*": 22, "lts/iron": 20, "lts/krypton": 24, "jod": 22, "node": 22, ">=18": 22, ">=20.9.0": 22,
		"^20.11.0": 20, "~18.2": 18, "18 || 20": 20, "18.x || >=20": 22, ">=16 <21": 20, ">=18.0.0 <=20": 20, "14 - 18": 18, "16": 16, "^16.0.0": 16,
		">=23": 24, ">22": 24, "<20": 18, "*": 22, "": 0, "x": 22, "latest": 22, "nonsense": 0, "^18.18.0 || ^20.9.0 || >= 21.1.0": 22, "=20": 20, ">=24": 24, "26": 26,
	} {
		if got := matchNode(text); got != want {
			t.Errorf("matchNode(%q) = %d, want %d", text, got, want)
		}
	}
}

// TestManyFiles: node_modules is never looked into, and neither is anything else below what the questions need.
func TestManyFiles(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"package.json": `{"scripts": {"build": "vite build"}, "devDependencies": {"vite": "^5.0.0"}}`, "index.html": "", "package-lock.json": "{}"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 100 {
		sub := filepath.Join(dir, "node_modules", fmt.Sprint("p", i))
		if err := os.MkdirAll(sub, 0o755); err != nil {
			t.Fatal(err)
		}
		for j := range 20 {
			// Links, because some file systems are slow to make new files where others have just been deleted.
			if err := os.Link(filepath.Join(dir, "index.html"), filepath.Join(sub, fmt.Sprint(j, ".js"))); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := os.Chmod(filepath.Join(dir, "node_modules"), 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(filepath.Join(dir, "node_modules"), 0o755) })
	start := time.Now()
	found, err := look(dir, "")
	if err != nil || found.Framework != "vite" {
		t.Errorf("found %+v, %v", found, err)
	}
	t.Logf("took %v", time.Since(start))
}
