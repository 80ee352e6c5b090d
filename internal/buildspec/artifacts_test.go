package buildspec_test

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/buildspec"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
)

// files lists a folder: path and content.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if !d.Type().IsRegular() {
			t.Errorf("%s is not a regular file", p)
		}
		data, err := os.ReadFile(p)
		rel, _ := filepath.Rel(dir, p)
		out[filepath.ToSlash(rel)] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func names(list ...string) map[string]string {
	out := map[string]string{}
	for _, n := range list {
		out[n] = n
	}
	return out
}

// The tree that TestArtifacts collects from; each file holds its own path.
var tree = []string{
	"index.html", "a.txt", ".hidden", ".git/config", "dist/index.html", "dist/js/app.js", "dist/.well-known/x", "dist/deep/er/z.txt",
	"my-build-1/my-file-1.txt", "my-build-2/my-file-2.txt", "my-build-2/my-subdirectory/my-file-3.txt", "node_modules/p/index.js", "app/node_modules/q/i.js", "app/a b/ü.txt",
}

// TestArtifacts follows build-spec-ref, "artifacts".
func TestArtifacts(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		artifacts string
		commands  string
		want      map[string]string // path: content
		err, hint string
	}{
		"a single file":                      {artifacts: "files: [a.txt]", want: names("a.txt")},
		"a single file in a folder":          {artifacts: "files: [dist/js/app.js]", want: names("dist/js/app.js")},
		"all files of a folder":              {artifacts: "files: ['dist/*']", want: names("dist/index.html")},
		"all files recursively in a folder":  {artifacts: "files: ['dist/**/*']", want: names("dist/index.html", "dist/js/app.js", "dist/.well-known/x", "dist/deep/er/z.txt")},
		"all files, dotfiles too":            {artifacts: "files: ['**/*']", want: names(tree...)},
		"written with ./":                    {artifacts: "files: ['./dist/*']", want: names("dist/index.html")},
		"a pattern in the middle":            {artifacts: "files: ['**/js/*.js']", want: names("dist/js/app.js")},
		"alternatives":                       {artifacts: "files: ['{a.txt,dist/**/*.js}']", want: names("a.txt", "dist/js/app.js")},
		"several patterns, files once":       {artifacts: "files: ['*.txt', a.txt, 'a*']", want: names("a.txt")},
		"spaces and UTF-8":                   {artifacts: "files: ['app/a b/*']", want: names("app/a b/ü.txt")},
		"base-directory is not included":     {artifacts: "files: ['**/*']\n  base-directory: dist", want: map[string]string{"index.html": "dist/index.html", "js/app.js": "dist/js/app.js", ".well-known/x": "dist/.well-known/x", "deep/er/z.txt": "dist/deep/er/z.txt"}},
		"base-directory with ./ and /":       {artifacts: "files: ['*']\n  base-directory: ./dist/", want: map[string]string{"index.html": "dist/index.html"}},
		"base-directory, the page's example": {artifacts: "files: ['*/my-file-3.txt']\n  base-directory: my-build-2", want: map[string]string{"my-subdirectory/my-file-3.txt": "my-build-2/my-subdirectory/my-file-3.txt"}},
		"base-directory as a pattern": {artifacts: "files: ['**/*']\n  base-directory: 'my-build*'\n  discard-paths: yes",
			want: map[string]string{"my-file-1.txt": "my-build-1/my-file-1.txt", "my-file-2.txt": "my-build-2/my-file-2.txt", "my-file-3.txt": "my-build-2/my-subdirectory/my-file-3.txt"}},
		"base-directory from a variable":                     {artifacts: "files: ['*']\n  base-directory: $CODEBUILD_SRC_DIR/$OUT", commands: "OUT=dist", want: map[string]string{"index.html": "dist/index.html"}},
		"discard-paths":                                      {artifacts: "files: ['dist/js/*', a.txt]\n  discard-paths: yes", want: map[string]string{"app.js": "dist/js/app.js", "a.txt": "a.txt"}},
		"discard-paths with one name twice":                  {artifacts: "files: ['**/index.html']\n  discard-paths: yes", err: "build.yml:5: the files dist/index.html and index.html would both be published as index.html", hint: "exclude-paths"},
		"exclude-paths: a file everywhere":                   {artifacts: "files: ['dist/**/*']\n  exclude-paths: ['**/z.txt/**/*']", want: names("dist/index.html", "dist/js/app.js", "dist/.well-known/x")},
		"exclude-paths: all dot folders":                     {artifacts: "files: ['**/.*/**/*', '.hidden']\n  exclude-paths: ['**/.*/**/*']", want: names(".hidden")},
		"exclude-paths: all dot files":                       {artifacts: "files: ['*', '.*']\n  exclude-paths: ['**/.*']", want: names("index.html", "a.txt")},
		"exclude-paths are relative to the base":             {artifacts: "files: ['**/*']\n  base-directory: dist\n  exclude-paths: ['js/**/*', '.well-known/**/*', 'deep/**']", want: map[string]string{"index.html": "dist/index.html"}},
		"defect 16: relative to the source, not to the cwd":  {artifacts: "files: ['**/*']\n  base-directory: dist/js", commands: "cd app", want: map[string]string{"app.js": "dist/js/app.js"}},
		"defect 16: a base-directory relative to the cwd":    {artifacts: "files: ['**/*']\n  base-directory: out", commands: "cd app; mkdir out; touch out/x", err: `base-directory "out" does not exist after the build`, hint: `set base-directory to "app/out", which exists`},
		"defect 16: another generator's folder":              {artifacts: "files: ['**/*']\n  base-directory: build", commands: "true", err: `build.yml:6: base-directory "build" does not exist after the build; the source folder has app/, dist/, my-build-1/, my-build-2/, node_modules/`, hint: `set base-directory to "dist"`},
		"a misspelt base-directory":                          {artifacts: "files: ['**/*']\n  base-directory: dits", err: "does not exist", hint: `set base-directory to "dist"`},
		"base-directory is a file":                           {artifacts: "files: ['**/*']\n  base-directory: a.txt", err: `base-directory "a.txt" is a file, expected a folder`},
		"base-directory leaves the source":                   {artifacts: "files: ['**/*']\n  base-directory: ../x", err: `"../x" leaves the source folder`},
		"files leave the source":                             {artifacts: "files: ['../**/*']", err: `"../**/*" leaves the source folder`},
		"an absolute path elsewhere":                         {artifacts: "files: ['/etc/hosts']", err: `"/etc/hosts" leaves the source folder`},
		"no match":                                           {artifacts: "files: ['*.pdf']\n  base-directory: dist", err: `build.yml:5: artifacts.files match no file in the folder "dist"`},
		"a folder instead of a pattern":                      {artifacts: "files: [dist]", err: "artifacts.files match no file", hint: `"dist" matches no file, it is a folder: write "dist/**/*"`},
		"an empty output folder":                             {artifacts: "files: ['**/*']\n  base-directory: empty", commands: "mkdir empty", err: `artifacts.files match no file in the folder "empty"`},
		"a link inside is followed":                          {artifacts: "files: ['*.lnk', 'd/*']", commands: "ln -s dist/index.html f.lnk; ln -s dist/js d", want: map[string]string{"f.lnk": "dist/index.html", "d/app.js": "dist/js/app.js"}},
		"enable-symlinks: the file that the link leads to":   {artifacts: "files: ['*.lnk']\n  enable-symlinks: yes", commands: "ln -s a.txt f.lnk", want: map[string]string{"f.lnk": "a.txt"}},
		"a link to a folder above ends":                      {artifacts: "files: ['dist/**/*.js']", commands: "ln -s .. dist/up", want: nil},
		"a link out of the source is refused":                {artifacts: "files: ['**/*']", commands: "ln -s /etc/passwd dist/p", err: "the symbolic link dist/p leads out of the source folder"},
		"a folder link out of the source is refused":         {artifacts: "files: ['**/*']\n  base-directory: dist", commands: "ln -s /etc dist/e", err: "the symbolic link dist/e leads out of the source folder"},
		"a base-directory link out of the source is refused": {artifacts: "files: ['**/*']\n  base-directory: e", commands: "ln -s /etc e", err: "the symbolic link e leads out of the source folder"},
		"a link that nothing matches does no harm":           {artifacts: "files: ['dist/*.html']", commands: "ln -s /etc e; ln -s /etc/passwd dist/p", want: names("dist/index.html")},
		"a dangling link is left out":                        {artifacts: "files: ['dist/*']", commands: "ln -s nothing dist/n", want: names("dist/index.html")},
		"a pipe is left out":                                 {artifacts: "files: ['dist/*']", commands: "mkfifo dist/p", want: names("dist/index.html")},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			command := tc.commands
			if command == "" {
				command = "true"
			}
			b, log := newBuild(t, "version: 0.2\nphases:\n  build: {commands: ['true']}\nartifacts:\n  "+tc.artifacts+"\n")
			b.Spec.Phases[0].Commands[0].Text = command
			for _, f := range tree {
				writeFile(t, filepath.Join(b.Source, filepath.FromSlash(f)), f)
			}
			dir := filepath.Join(t.TempDir(), "artifacts")
			report, err := b.Run(context.Background(), dir)
			checkError(t, err, tc.err)
			if !strings.Contains(fault.HintOf(err), tc.hint) {
				t.Errorf("hint %q, want %q", fault.HintOf(err), tc.hint)
			}
			if tc.want == nil {
				return
			}
			got := files(t, dir)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("artifacts (-want +got):\n%s\nlog:\n%s", diff, log)
			}
			if report.ArtifactFiles != len(tc.want) {
				t.Errorf("ArtifactFiles = %d, want %d", report.ArtifactFiles, len(tc.want))
			}
		})
	}
}

// Defect 4: upstream's own build files upload nothing here, and a build that publishes nothing must not pass.
func TestDefect04_NothingToPublishFails(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ spec, err, hint string }{
		"upstream's copy command": {"phases:\n  build:\n    commands:\n      - touch ran\n      - aws s3 cp ./ s3://$DEST_BUCKET_NAME/$CODEBUILD_RESOLVED_SOURCE_VERSION/ --recursive #don't change this line\n",
			"build.yml copies the site into the bucket itself and names no artifacts: nothing would be published", "artifacts:\n  base-directory: dist"},
		"no artifacts at all": {"phases: {build: {commands: [touch ran]}}\n", "build.yml has no artifacts section: nothing would be published", "artifacts:"},
		"no file":             {"phases: {build: {commands: ['rm index.html']}}" + artifactsOfAll, "artifacts.files match no file in the source folder", ""},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			b, _ := newBuild(t, "version: 0.2\n"+tc.spec)
			_, err := b.Run(context.Background(), filepath.Join(t.TempDir(), "artifacts"))
			checkError(t, err, tc.err)
			if !strings.Contains(fault.HintOf(err), tc.hint) {
				t.Errorf("hint %q", fault.HintOf(err))
			}
			if _, err := os.Stat(filepath.Join(b.Source, "ran")); err == nil {
				t.Error("the commands ran, although the build could not succeed")
			}
		})
	}
}

// Defect 17: a basic site publishes its files, not the toolkit's folder, the repository's data or installed packages.
func TestDefect17_PlainPublishesTheSiteOnly(t *testing.T) {
	t.Parallel()
	b, log := newBuild(t, string(buildspec.Plain()))
	for _, f := range []string{"css/a.css", ".well-known/security.txt", ".git/config", "cloudfront-hosting-toolkit/cloudfront-hosting-toolkit-config.json", "node_modules/p/i.js", "blog/node_modules/p/i.js"} {
		writeFile(t, filepath.Join(b.Source, filepath.FromSlash(f)), "x")
	}
	dir := filepath.Join(t.TempDir(), "artifacts")
	if _, err := b.Run(context.Background(), dir); err != nil {
		t.Fatal(err, log)
	}
	want := map[string]string{"index.html": "<h1>hello</h1>", "css/a.css": "x", ".well-known/security.txt": "x"}
	if diff := cmp.Diff(want, files(t, dir)); diff != "" {
		t.Errorf("artifacts (-want +got):\n%s", diff)
	}
}

// Defect 18: the build file is read for each build; a pushed edit counts at once.
func TestDefect18_TheFileOfTheCommitCounts(t *testing.T) {
	t.Parallel()
	for _, word := range []string{"one", "two"} {
		b, log := newBuild(t, "version: 0.2\nphases: {build: {commands: [echo "+word+"]}}"+artifactsOfAll)
		if out, err := runOne(t, b, log); err != nil || out != word+"\n" {
			t.Errorf("output %q, error %v", out, err)
		}
	}
}

// Artifacts share no inode with the source: a later build that writes into a cached file must not change a release.
func TestArtifactsAreCopies(t *testing.T) {
	t.Parallel()
	b, _ := newBuild(t, "version: 0.2\nphases: {build: {commands: ['chmod 400 index.html']}}"+artifactsOfAll)
	dir := filepath.Join(t.TempDir(), "artifacts")
	if _, err := b.Run(context.Background(), dir); err != nil {
		t.Fatal(err)
	}
	source, err := os.Stat(filepath.Join(b.Source, "index.html"))
	if err != nil {
		t.Fatal(err)
	}
	artifact, err := os.Stat(filepath.Join(dir, "index.html"))
	if err != nil {
		t.Fatal(err)
	}
	if os.SameFile(source, artifact) || artifact.Mode().Perm() != 0o644 {
		t.Errorf("same file: %v, mode %v", os.SameFile(source, artifact), artifact.Mode())
	}
}

func TestArtifactsFolderMustBeEmpty(t *testing.T) {
	t.Parallel()
	b, _ := newBuild(t, "version: 0.2\nphases: {build: {commands: ['true']}}"+artifactsOfAll)
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "stale.html"), "")
	_, err := b.Run(context.Background(), dir)
	checkError(t, err, "is not empty")
}

// An artifacts folder inside of the source is not an artifact of itself.
func TestArtifactsFolderInTheSource(t *testing.T) {
	t.Parallel()
	b, _ := newBuild(t, "version: 0.2\nphases: {build: {commands: ['true']}}"+artifactsOfAll)
	dir := filepath.Join(b.Source, "out")
	if _, err := b.Run(context.Background(), dir); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"index.html": "<h1>hello</h1>"}, files(t, dir)); diff != "" {
		t.Errorf("artifacts (-want +got):\n%s", diff)
	}
}
