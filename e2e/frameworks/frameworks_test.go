//go:build e2e

package frameworks

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestFrameworks runs the starters that $FRAMEWORKS names: some names with commas, "ci" (the default) for those that are quick
// enough for every run, or "all".
func TestFrameworks(t *testing.T) {
	bench := newBench(t)
	for _, s := range chosen(t, os.Getenv("FRAMEWORKS")) {
		t.Run(s.name, func(t *testing.T) {
			start := time.Now()
			r := &run{T: t, bench: bench, starter: s, dir: filepath.Join(t.TempDir(), "site")}
			r.all()
			row := fmt.Sprintf("| %s | %s | %s | %d files, %d pages | %s |", s.title, r.version, time.Now().Format("2006-01-02"), r.files, r.pages, time.Since(start).Round(time.Second))
			t.Log(row)
			bench.rows = append(bench.rows, row)
		})
	}
	fmt.Println(strings.Join(bench.rows, "\n"))
}

func chosen(t *testing.T, names string) []starter {
	if names == "" {
		names = "ci"
	}
	var some []starter
	for name := range strings.SplitSeq(names, ",") {
		found := false
		for _, s := range starters {
			if name == "all" || name == "ci" && s.ci || name == s.name {
				some, found = append(some, s), true
			}
		}
		if !found {
			t.Fatalf("FRAMEWORKS: there is no %q", name)
		}
	}
	return some
}

// bench is what all starters share: the tool, and a Node.js that is new enough for their command lines.
type bench struct {
	tool string
	env  []string
	rows []string
}

// nodeMajor is the version of Node.js that the newest starters ask for.
const nodeMajor = 22

func newBench(t *testing.T) *bench {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	cache := filepath.Join(root, ".cache", "e2e")
	if err := os.MkdirAll(cache, 0o755); err != nil {
		t.Fatal(err)
	}
	b := &bench{tool: filepath.Join(cache, "cloudfront-hosting-toolkit"), env: append(os.Environ(),
		"npm_config_yes=true", "npm_config_fund=false", "npm_config_audit=false", "npm_config_update_notifier=false",
		"ASTRO_TELEMETRY_DISABLED=1", "NEXT_TELEMETRY_DISABLED=1", "GATSBY_TELEMETRY_DISABLED=1", "NG_CLI_ANALYTICS=false", "CI=1",
		"GIT_AUTHOR_NAME=E2E", "GIT_AUTHOR_EMAIL=e2e@example.com", "GIT_COMMITTER_NAME=E2E", "GIT_COMMITTER_EMAIL=e2e@example.com",
		"CHT_TEMPLATES=",
	)}
	b.must(t, root, "go", "build", "-o", b.tool, "./cmd/cloudfront-hosting-toolkit")
	if !b.nodeIsNew(t) {
		// The package holds the program itself; npm is the one that is there.
		node := filepath.Join(cache, "node")
		if _, err := os.Stat(filepath.Join(node, "node_modules", ".bin", "node")); err != nil {
			if err := os.MkdirAll(node, 0o755); err != nil {
				t.Fatal(err)
			}
			b.must(t, node, "npm", "install", "--prefix", node, "--no-save", fmt.Sprint("node@", nodeMajor))
		}
		path := filepath.Join(node, "node_modules", ".bin") + string(os.PathListSeparator) + os.Getenv("PATH")
		t.Setenv("PATH", path)
		b.env = append(b.env, "PATH="+path)
		if !b.nodeIsNew(t) {
			t.Fatalf("Node.js %d could not be had from the npm registry", nodeMajor)
		}
	}
	return b
}

func (b *bench) nodeIsNew(t *testing.T) bool {
	out, err := b.exec("", "node", "--version")
	if err != nil {
		t.Fatalf("node is needed: %v", err)
	}
	var major int
	_, _ = fmt.Sscanf(strings.TrimSpace(string(out)), "v%d.", &major)
	return major >= nodeMajor
}

// exec runs a program and returns what it wrote to its standard output.
func (b *bench) exec(dir string, args ...string) ([]byte, error) {
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir, cmd.Env = dir, b.env
	var stdout, all bytes.Buffer
	cmd.Stdout, cmd.Stderr = &tee{&stdout, &all}, &all
	if err := cmd.Run(); err != nil {
		text := all.String()
		return stdout.Bytes(), fmt.Errorf("%s: %w\n%s", strings.Join(args, " "), err, text[max(0, len(text)-3000):])
	}
	return stdout.Bytes(), nil
}

type tee struct{ a, b *bytes.Buffer }

func (w *tee) Write(p []byte) (int, error) {
	w.a.Write(p)
	return w.b.Write(p)
}

func (b *bench) must(t *testing.T, dir string, args ...string) []byte {
	t.Helper()
	out, err := b.exec(dir, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// run is one starter on its way.
type run struct {
	*testing.T
	*bench
	starter
	dir   string // the repository
	state string
	url   string

	version      string
	files, pages int
	routing      string
	built        string // the release's folder in the bucket
}

func (r *run) all() {
	r.make()
	r.git("init", "-q", "-b", "main")
	r.commit("A starter")
	if r.refused != "" {
		r.isRefused()
		r.change(r)
		r.commit("What init asks for")
	}
	r.init()
	r.commit("Add hosting")
	r.deploy()
	r.check()
	if r.browser {
		r.browse()
	}
}

func (r *run) project() string { return filepath.Join(r.dir, filepath.FromSlash(r.sub)) }

func (r *run) make() {
	if err := os.MkdirAll(filepath.Dir(r.dir), 0o755); err != nil {
		r.Fatal(err)
	}
	if r.create != nil {
		r.must(r.T, filepath.Dir(r.dir), r.create...)
	}
	if err := os.RemoveAll(filepath.Join(r.dir, ".git")); err != nil { // some make one
		r.Fatal(err)
	}
	for name, text := range r.write {
		r.put(name, text)
	}
	if r.prepare != nil {
		r.prepare(r)
	}
	if r.lock == nil {
		r.lock = []string{"npm", "install", "--package-lock-only", "--ignore-scripts"}
	}
	if _, err := os.Stat(filepath.Join(r.dir, "package-lock.json")); err != nil {
		r.must(r.T, r.dir, r.lock...)
	}
	if r.has("package-lock.json") {
		// A registry that lacks packages for other machines makes lock files that npm itself does not take.
		if _, err := r.exec(r.dir, "npm", "ci", "--dry-run", "--ignore-scripts"); err != nil {
			r.Logf("without a lock file: npm does not take the one that it has made")
			if err := os.Remove(filepath.Join(r.dir, "package-lock.json")); err != nil {
				r.Fatal(err)
			}
			r.warnings = append(r.warnings, "there is no lock file")
		}
	}
	if !r.has(".gitignore") {
		r.put(".gitignore", "node_modules\n")
	}
}

func (r *run) has(name string) bool {
	_, err := os.Stat(filepath.Join(r.dir, name))
	return err == nil
}

func (r *run) put(name, text string) {
	r.Helper()
	file := filepath.Join(r.dir, filepath.FromSlash(name))
	if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(text), 0o644)); err != nil {
		r.Fatal(err)
	}
}

func (r *run) git(args ...string) { r.must(r.T, r.dir, append([]string{"git"}, args...)...) }

func (r *run) commit(message string) {
	r.git("add", "-A")
	r.git("commit", "-q", "-m", message)
}

func (r *run) cht(args ...string) ([]byte, error) {
	if r.state == "" {
		r.state = filepath.Join(r.TempDir(), "state")
		r.Cleanup(func() { _, _ = r.cht("serve", "--stop") })
	}
	return r.exec("", append([]string{r.tool, "--dir", r.project(), "--state-dir", r.state, "--yes", "--json"}, args...)...)
}

// isRefused checks that init says what to change, and writes nothing.
func (r *run) isRefused() {
	out, err := r.cht("init")
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 2 || !strings.Contains(string(out), r.refused) {
		r.Fatalf("init says %s, %v; want exit code 2 and %q", out, err, r.refused)
	}
	if r.has("cloudfront-hosting-toolkit") {
		r.Error("init has written files all the same")
	}
}

func (r *run) init() {
	out, err := r.cht("init")
	if err != nil {
		r.Fatal(err)
	}
	var answer struct {
		Config   struct{ Framework, Routing string }
		Detected struct {
			Framework, Version, PackageManager, BuildCommand, OutputDir string
			Warnings                                                    []string
		}
	}
	if err := json.Unmarshal(out, &answer); err != nil {
		r.Fatal(err)
	}
	d := answer.Detected
	r.Logf("found %+v, routing %s", d, answer.Config.Routing)
	if d.Framework != r.framework {
		r.Errorf("framework %q, want %q", d.Framework, r.framework)
	}
	if answer.Config.Routing != r.wantRouting {
		r.Errorf("routing %q, want %q", answer.Config.Routing, r.wantRouting)
	}
	r.routing, r.version = answer.Config.Routing, r.installed(d.Version)
	for _, w := range d.Warnings {
		if !slices.ContainsFunc(r.warnings, func(known string) bool { return strings.Contains(w, known) }) {
			r.Errorf("a fresh starter gets the warning %q", w)
		}
	}
}

// installed is the version that the lock file has of the framework.
func (r *run) installed(asked string) string {
	data, err := os.ReadFile(filepath.Join(r.dir, "package-lock.json"))
	if err != nil {
		var versions []string // one, or a list of those in the range
		out, err := r.exec(r.dir, "npm", "view", r.pkg+"@"+asked, "version", "--json")
		if err == nil && json.Unmarshal(out, &versions) == nil && len(versions) > 0 {
			return versions[len(versions)-1]
		}
		return strings.Trim(strings.TrimSpace(string(out)), `"`)
	}
	var lock struct {
		Packages map[string]struct{ Version string }
	}
	if err := json.Unmarshal(data, &lock); err != nil {
		r.Fatal(err)
	}
	if p, ok := lock.Packages["node_modules/"+r.pkg]; ok {
		return p.Version
	}
	return asked
}

func (r *run) deploy() {
	out, err := r.cht("deploy", "--listen", "127.0.0.1:0")
	if err != nil {
		r.Fatal(err)
	}
	var answer struct{ URL, Location, Release string }
	if err := json.Unmarshal(out, &answer); err != nil {
		r.Fatal(err)
	}
	r.url, r.built = answer.URL, filepath.Join(answer.Location, "bucket", answer.Release)
}
