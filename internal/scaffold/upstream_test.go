package scaffold_test

import (
	"strings"
	"testing"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/scaffold"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
)

// TestDefect04_UpstreamsBuildFileIsNotDeployed: its builds would upload to a bucket that nobody names, and publish nothing.
func TestDefect04_UpstreamsBuildFileIsNotDeployed(t *testing.T) {
	const (
		head      = "version: 0.2\nphases:\n  build:\n    commands:\n      - npm run build\n"
		copies    = "      - aws s3 cp ./ s3://$DEST_BUCKET_NAME/$CODEBUILD_RESOLVED_SOURCE_VERSION/ --recursive\n"
		commented = "      # - aws s3 cp ./ s3://$DEST_BUCKET_NAME/$CODEBUILD_RESOLVED_SOURCE_VERSION/ --recursive\n"
		artifacts = "artifacts:\n  files: ['**/*']\n"
	)
	tests := map[string]struct {
		text    string
		refused bool
	}{
		"upstream's":         {head + copies, true},
		"with carriage ends": {strings.ReplaceAll(head+copies, "\n", "\r\n"), true},
		"converted":          {head + artifacts, false},
		"commented out":      {head + commented + artifacts, false},
		"both":               {head + copies + artifacts, false}, // it fails or does not, and publishes what it names
		"no buildspec":       {copies + "phasen: 1\n", false},    // that is said elsewhere
		"none":               {"", false},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if tc.text != "" {
				put(t, dir, buildFile, tc.text)
			}
			err := scaffold.Unconverted(site.New(dir, site.Config{RepoURL: ".", BranchName: "main"}))
			if (err != nil) != tc.refused {
				t.Fatalf("got %v", err)
			}
			if tc.refused && (fault.KindOf(err) != fault.Usage || !strings.Contains(fault.HintOf(err), "init")) {
				t.Errorf("%v, hint %q", err, fault.HintOf(err))
			}
		})
	}
}

func TestUpstreamsFunctionThatHidesFiles(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, functionFile, "import cf from 'cloudfront';\nconst kvs = cf.kvs('__KVS_ID__');\nasync function handler(event) {\n"+
		"  event.request.uri = `/${await kvs.get('path')}/index.html`;\n  return event.request;\n}\n")
	f := prepare(t, dir, vite).Files[2]
	if f.Status != scaffold.Kept || !strings.Contains(f.Reason, "answers every file with index.html") {
		t.Errorf("%s: %s", f.Status, f.Reason)
	}
}

// TestDefect21_EditsAreKeptBesideAnotherFramework: a change of the framework changes both files, and loses nothing.
func TestDefect21_EditsAreKeptBesideAnotherFramework(t *testing.T) {
	const (
		upstreamBuild    = "version: 0.2\nphases:\n  build:\n    commands:\n      - cd build\n      - aws s3 cp ./ s3://$DEST_BUCKET_NAME/$CODEBUILD_RESOLVED_SOURCE_VERSION/ --recursive\n"
		upstreamFunction = "import cf from 'cloudfront';\nconst kvsId = '__KVS_ID__';\n"
	)
	tests := map[string]func(dir string) (build, function string){
		"a person's": func(dir string) (string, string) {
			write(t, prepare(t, dir, vite))
			return strings.Replace(read(t, dir, buildFile), "npm run build", "npm run build:mine", 1), read(t, dir, functionFile) + "// mine\n"
		},
		"upstream's": func(string) (string, string) { return upstreamBuild, upstreamFunction },
	}
	for name, edit := range tests {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			build, function := edit(dir)
			put(t, dir, buildFile, build)
			put(t, dir, functionFile, function)
			reframed := basic
			reframed.Reframed = true
			p := prepare(t, dir, reframed)
			for i, f := range p.Files[1:3] {
				if f.Status != scaffold.Changed || f.Backup != []string{buildFile, functionFile}[i]+".bak" || !strings.Contains(f.Reason, "framework has changed") {
					t.Errorf("%+v", f)
				}
			}
			write(t, p)
			if read(t, dir, buildFile+".bak") != build || read(t, dir, functionFile+".bak") != function {
				t.Error("an edit is lost")
			}
			for _, again := range []scaffold.Choices{reframed, basic} {
				for _, f := range prepare(t, dir, again).Files[1:3] {
					if f.Status != scaffold.Unchanged || f.Backup != "" {
						t.Errorf("run again: %+v", f)
					}
				}
			}
		})
	}
}
