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
