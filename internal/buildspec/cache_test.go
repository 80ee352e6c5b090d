package buildspec_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/buildspec"
)

// site is a sequence of builds with one cache folder; each build gets a fresh source folder, as in the pipeline.
type site struct {
	t     *testing.T
	cache string
	limit int64 // of the cache
	now   time.Time
}

func newSite(t *testing.T) *site {
	return &site{t: t, cache: filepath.Join(t.TempDir(), "cache"), now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
}

// build runs one build and returns what its command printed, and its log.
func (s *site) build(cache, command string) (string, string) {
	s.t.Helper()
	var log bytes.Buffer
	b, _ := newBuild(s.t, "version: 0.2\nphases: {build: {commands: ['true']}}\ncache: "+cache+artifactsOfAll)
	s.now = s.now.Add(time.Minute)
	b.Spec.Phases[0].Commands[0].Text, b.Cache, b.CacheBytes, b.Log, b.Now = command, s.cache, s.limit, &log, func() time.Time { return s.now }
	_, err := b.Run(context.Background(), filepath.Join(s.t.TempDir(), "artifacts"))
	if err != nil && !strings.Contains(command, "false") {
		s.t.Errorf("build %q: %v", command, err)
	}
	return output(log.String()), log.String()
}

// TestCache follows build-spec-ref, "cache", and caching-s3. A command that ends in false fails its build.
func TestCache(t *testing.T) {
	t.Parallel()
	const modules = "{paths: ['node_modules/**/*']}"
	const seen = "; ls node_modules 2>/dev/null | tr '\\n' ' '; "
	type step struct{ cache, command, output string }
	tests := map[string][]step{
		"a folder comes back": {
			{modules, "echo" + seen + "mkdir -p node_modules/p/.bin; ln -s ../x node_modules/p/.bin/l; chmod 700 node_modules/p", "\n"},
			{modules, "readlink node_modules/p/.bin/l; ls -ld node_modules/p | cut -c1-10", "../x\ndrwx------\n"},
			{modules, "readlink node_modules/p/.bin/l", "../x\n"},
		},
		"a folder in any folder": {
			{"{paths: ['packages/*/node_modules/**/*', '.cache/*.json']}", "mkdir -p packages/a/node_modules packages/b/node_modules .cache; touch packages/a/node_modules/x packages/a/y .cache/c.json .cache/d", ""},
			{"{paths: ['packages/*/node_modules/**/*', '.cache/*.json']}", "find packages .cache | sort | tr '\\n' ' '", ".cache .cache/c.json packages packages/a packages/a/node_modules packages/a/node_modules/x packages/b packages/b/node_modules "},
		},
		"other paths are another cache": {
			{modules, "mkdir node_modules; touch node_modules/a", ""},
			{"{paths: ['node_modules/*']}", "echo" + seen, "\n"},
		},
		"a failed build gives it back": {
			{modules, "mkdir node_modules; touch node_modules/a", ""},
			{modules, "echo" + seen + "false", "\na "},
			{modules, "echo" + seen, "\na "},
		},
		"two failed builds drop it": {
			{modules, "mkdir node_modules; touch node_modules/a", ""},
			{modules, "echo" + seen + "false", "\na "},
			{modules, "echo" + seen + "false", "\na "},
			{modules, "echo" + seen, "\n"},
		},
		"action restore does not save": {
			{modules, "mkdir node_modules; touch node_modules/a", ""},
			{"{action: restore, paths: ['node_modules/**/*']}", "touch node_modules/b" + seen, "a b "},
			{"{action: restore, paths: ['node_modules/**/*']}", "echo" + seen, "\na "},
			{modules, "echo" + seen, "\na "},
		},
		"action save does not restore": {
			{modules, "mkdir node_modules; touch node_modules/a", ""},
			{"{action: save, paths: ['node_modules/**/*']}", "echo" + seen, "\n"},
		},
		"a key of the files' content": {
			{"{key: 'npm-$(codebuild-hash-files index.html)', paths: ['node_modules/**/*']}", "mkdir node_modules; touch node_modules/a", ""},
			{"{key: 'npm-$(codebuild-hash-files index.html)', paths: ['node_modules/**/*']}", "echo" + seen, "\na "},
			{"{key: 'npm-$(codebuild-hash-files other)', paths: ['node_modules/**/*']}", "echo" + seen, "\n"},
		},
		"the key is exact, fallback keys are prefixes": {
			{"{key: npm-1, paths: ['node_modules/**/*']}", "mkdir node_modules; touch node_modules/a", ""},
			{"{key: npm-2, paths: ['node_modules/**/*']}", "echo" + seen, "\n"},
			{"{key: npm-, paths: ['node_modules/**/*']}", "echo" + seen, "\n"},
			{"{key: npm-3, fallback-keys: [yarn-, npm-1], paths: ['node_modules/**/*']}", "echo" + seen, "\na "},
			{"{key: npm-3, paths: ['node_modules/**/*']}", "echo" + seen, "\na "},
		},
		"a key with a variable and a command": {
			{"{key: 'x-$CODEBUILD_CI-$(echo 1)', paths: ['node_modules/**/*']}", "mkdir node_modules; touch node_modules/a", ""},
			{"{key: x-true-1, paths: ['node_modules/**/*']}", "echo" + seen, "\na "},
		},
		"a checked-out file wins over a cached one": {
			{"{paths: [index.html, 'd/**/*']}", "echo cached > index.html; mkdir d; echo c > d/f", ""},
			{"{paths: [index.html, 'd/**/*']}", "cat index.html; cat d/f", "<h1>hello</h1>c\n"},
		},
	}
	for name, steps := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			for i, step := range steps {
				out, log := s.build(step.cache, step.command)
				if diff := cmp.Diff(strings.TrimRight(step.output, " \n"), strings.TrimRight(out, " \n")); diff != "" {
					t.Fatalf("build %d (-want +got):\n%s\nlog:\n%s", i+1, diff, log)
				}
			}
		})
	}
}

func TestCacheOutsideOfTheSource(t *testing.T) {
	t.Parallel()
	home, err := os.UserHomeDir()
	if err != nil {
		t.Skipf("SKIPPED: this user has no home folder: %v", err)
	}
	tests := map[string]string{
		"/root/.npm/**/*":   "is kept between builds by itself",
		"~/.npm/**/*":       "is kept between builds by itself",
		"$HOME/.npm/**/*":   "is kept between builds by itself",
		home + "/.npm/**/*": "is kept between builds by itself",
		"/opt/cache/**/*":   "is outside of the source folder, it is not cached here",
		"../cache/**/*":     "is outside of the source folder, it is not cached here",
	}
	for path, want := range tests {
		t.Run(path, func(t *testing.T) {
			_, log := newSite(t).build(fmt.Sprintf("{paths: [%q]}", path), "true")
			if !strings.Contains(log, "note: build.yml:3: the cache path "+path+" "+want) {
				t.Errorf("log:\n%s", log)
			}
		})
	}
}

// A build that is stopped leaves no cache behind rather than half of one, and the next build is not hindered.
func TestCacheAfterAnInterruptedBuild(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	const cache = "{paths: ['node_modules/**/*']}"
	s.build(cache, "mkdir node_modules; touch node_modules/a")
	b, _ := newBuild(t, "version: 0.2\nphases: {build: {commands: ['sleep 60']}}\ncache: "+cache+artifactsOfAll)
	b.Cache, b.Timeout = s.cache, 200*time.Millisecond
	if _, err := b.Run(context.Background(), filepath.Join(t.TempDir(), "artifacts")); err == nil {
		t.Fatal("the build did not time out")
	}
	// What a save leaves behind when the machine goes down in the middle of it:
	writeFile(t, filepath.Join(s.cache, "new-half", "files", "node_modules", "half"), "")
	writeFile(t, filepath.Join(s.cache, "0123", "entry.json"), "{")
	out, _ := s.build(cache, "ls node_modules 2>/dev/null || echo none")
	if out != "none\n" {
		t.Errorf("output %q", out)
	}
	if _, err := os.Stat(filepath.Join(s.cache, "new-half")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the half entry is still there: %v", err)
	}
}

// A cache entry is trusted to name only paths inside of the source folder.
func TestCacheStaysInTheSource(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	outside := t.TempDir()
	s.build("{paths: ['d/sub/**/*']}", "mkdir -p d/sub; touch d/sub/f")
	b, log := newBuild(t, "version: 0.2\nphases: {build: {commands: ['true']}}\ncache: {paths: ['d/sub/**/*']}"+artifactsOfAll)
	b.Cache = s.cache
	b.Spec.Artifacts.Files[0].Glob = "index.html"
	if err := os.Symlink(outside, filepath.Join(b.Source, "d")); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Run(context.Background(), filepath.Join(t.TempDir(), "artifacts")); err != nil {
		t.Fatal(err)
	}
	if got := files(t, outside); len(got) > 0 || !strings.Contains(log.String(), "cache: restored in part") {
		t.Errorf("restored %v through a link\nlog:\n%s", got, log)
	}
}

func TestCacheKeepsFewEntries(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for i := range 7 {
		s.build(fmt.Sprintf("{key: k%d, paths: ['d/**/*']}", i), "mkdir d; touch d/f")
	}
	entries, err := os.ReadDir(s.cache)
	if err != nil || len(entries) != 4 {
		t.Errorf("%d entries, error %v", len(entries), err)
	}
	if out, _ := s.build("{key: k6, paths: ['d/**/*']}", "ls d"); out != "f\n" {
		t.Errorf("the newest entry is gone: %q", out)
	}
}

func TestCacheIsBounded(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.limit = 1000
	build := func(key string, bytes int) string {
		t.Helper()
		_, log := s.build(fmt.Sprintf("{key: %s, paths: ['d/**/*']}", key), fmt.Sprintf("mkdir -p d; head -c %d /dev/zero > d/f", bytes))
		return log
	}
	has := func(key string) bool {
		t.Helper()
		out, _ := s.build(fmt.Sprintf("{key: %s, paths: ['d/**/*'], action: restore}", key), "ls d 2>/dev/null || true")
		return out == "f\n"
	}
	build("a", 400)
	build("b", 400)
	build("a", 400) // used again
	if log := build("c", 400); !strings.Contains(log, `removed the one with the key "b"`) {
		t.Errorf("the log does not say what was removed:\n%s", log)
	}
	if log := build("d", 2000); !strings.Contains(log, "cache: not saved: its 2.0 kB are more than the 1.0 kB") {
		t.Errorf("the log does not say why it was not saved:\n%s", log)
	}
	for key, want := range map[string]bool{"a": true, "b": false, "c": true, "d": false} {
		if got := has(key); got != want {
			t.Errorf("%s is there: %t, want %t", key, got, want)
		}
	}
}

// BenchmarkCache shows that the size of a cached folder does not matter.
func BenchmarkCache(b *testing.B) {
	dir := b.TempDir()
	source := filepath.Join(dir, "source")
	for i := range 50_000 {
		folder := filepath.Join(source, "node_modules", fmt.Sprint(i/100))
		if i%100 == 0 {
			if err := os.MkdirAll(folder, 0o755); err != nil {
				b.Fatal(err)
			}
		}
		if err := os.WriteFile(filepath.Join(folder, fmt.Sprint(i)), nil, 0o644); err != nil {
			b.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(source, "index.html"), nil, 0o644); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		spec, err := buildspec.Parse("b.yml", []byte("version: 0.2\nphases: {build: {commands: ['true']}}\nartifacts: {files: [index.html]}\ncache: {paths: ['node_modules/**/*']}\n"))
		if err != nil {
			b.Fatal(err)
		}
		build := &buildspec.Build{Spec: spec, Source: source, Work: b.TempDir(), Cache: filepath.Join(dir, "cache")}
		if _, err := build.Run(context.Background(), filepath.Join(b.TempDir(), "artifacts")); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkArtifacts collects 5,000 files of 4 KiB.
func BenchmarkArtifacts(b *testing.B) {
	source := b.TempDir()
	text := bytes.Repeat([]byte("x"), 4096)
	for i := range 5_000 {
		folder := filepath.Join(source, fmt.Sprint(i/100))
		if err := os.MkdirAll(folder, 0o755); err != nil {
			b.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, fmt.Sprint(i)), text, 0o644); err != nil {
			b.Fatal(err)
		}
	}
	spec, err := buildspec.Parse("b.yml", []byte("version: 0.2\nphases: {build: {commands: ['true']}}"+artifactsOfAll))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		build := &buildspec.Build{Spec: spec, Source: source, Work: b.TempDir()}
		if _, err := build.Run(context.Background(), filepath.Join(b.TempDir(), "artifacts")); err != nil {
			b.Fatal(err)
		}
	}
}
