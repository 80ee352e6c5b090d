package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/buildspec"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
)

// A site that is fed by zip files: with a bucket that is there, or one that deploy makes, and from each to the other and to a
// repository and back.
func TestInitZips(t *testing.T) {
	const vite = `{"scripts": {"build": "vite build"}, "devDependencies": {"vite": "^7"}}`
	initProject(t, map[string]string{"index.html": "", "package.json": vite, "package-lock.json": "{}"})
	run := func(args string) site.Config {
		t.Helper()
		streamed := answer(t, nil, "", strings.Fields("init --yes "+args)...)
		if streamed.code != exitDone {
			t.Fatalf("init %s: exit code %d\n%s", args, streamed.code, streamed.err)
		}
		return configured(t)
	}
	made := run("--s3 --prefix in/")
	if made.SiteName == "" || made.S3Bucket != "" || made.RepoURL != "" || made.BranchName != "" || made.S3Path == "" {
		t.Errorf("a bucket to be made: %+v", made)
	}
	build, err := os.ReadFile(filepath.Join(site.Folder, site.BuildFile))
	if err != nil || !buildspec.IsPlain(build) {
		t.Errorf("what is uploaded has been built: %v\n%s", err, build)
	}
	if again := run("--s3"); again.SiteName != made.SiteName || again.S3Path != made.S3Path {
		t.Errorf("again: %+v", again)
	}
	if c := run("--bucket my-bucket"); c.S3Bucket != "my-bucket" || c.SiteName != "" {
		t.Errorf("an existing bucket: %+v", c)
	}
	if c := run("--bucket= --prefix="); c.S3Bucket != "" || c.SiteName == "" || c.S3Path != "" {
		t.Errorf("a bucket to be made, after all: %+v", c)
	}
	if c := run("--repo . --branch main"); c.RepoURL != "." || c.S3Bucket+c.SiteName+c.S3Path != "" {
		t.Errorf("a repository: %+v", c)
	}
	if c := run("--s3 --build-command make --output-dir out"); c.SiteName == "" || c.RepoURL != "" {
		t.Errorf("sources in zip files: %+v", c)
	}
	if build, err = os.ReadFile(filepath.Join(site.Folder, site.BuildFile)); err != nil || !strings.Contains(string(build), "make") {
		t.Errorf("a build was asked for: %v\n%s", err, build)
	}
}

// On init's page the bucket may stay empty.
func TestAskingForZips(t *testing.T) {
	initProject(t, page)
	r := answer(t, nil, "6\nno bucket!\nmy-bucket\n1\n", "init", "--s3")
	if c := configured(t); r.code != exitDone || c.S3Bucket != "my-bucket" || c.SiteName != "" || !strings.Contains(r.err+r.out, "deploy makes one") {
		t.Errorf("exit code %d, %+v\n%s", r.code, c, r.err)
	}
}
