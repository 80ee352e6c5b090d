package awstarget_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
)

// A project of the upstream tool is deployed by the real program: refused as it is, since its builds would upload to a bucket
// that nobody names (defect 4); a commit that still has its build file fails; converted by init, it answers, with its own
// function, which has the key-value store's id in the place of upstream's placeholder.
func TestDefect04_TakingOver(t *testing.T) {
	const (
		upload   = "aws s3 cp ./ s3://$DEST_BUCKET_NAME/$CODEBUILD_RESOLVED_SOURCE_VERSION/ --recursive #don't change this line\n"
		theirs   = "version: 0.2\n\nphases:\n  build:\n    commands:\n      - mkdir build && cp -r src/. build\n      - cd build\n      - echo " + upload + "      - " + upload
		function = "import cf from 'cloudfront';\n\nconst kvsId = '__KVS_ID__';\nconst kvsHandle = cf.kvs(kvsId);\n\nasync function handler(event) {\n" +
			"  var request = event.request;\n  const release = await kvsHandle.get(\"path\");\n" +
			"  request.uri = `/${release}` + (/\\.[^/]+$/.test(request.uri) ? request.uri : '/index.html');\n  return request;\n}\n"
	)
	b := newBed(t, true)
	b.account.CompleteNew(1)
	b.account.Do(func() { b.account.Quick = true })
	b.write(site.Folder+"/"+site.ConfigFile, "{\n  \"repoUrl\": \"https://github.com/Alice/hello.git\",\n  \"branchName\": \"main\",\n  \"framework\": \"reactjs\"\n}")
	b.write(site.Folder+"/"+site.BuildFile, theirs)
	b.write(site.Folder+"/"+site.FunctionFile, function)
	b.commit("one")
	run := func(want int, args ...string) string {
		t.Helper()
		cmd := b.command(b.opts.Executable, append([]string{"--dir", b.repo, "--target", "aws"}, args...)...)
		var out, talk bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &talk
		err := cmd.Run()
		if code := cmd.ProcessState.ExitCode(); code != want {
			t.Fatalf("%v: exit code %d, want %d: %v\n%s%s", args, code, want, err, &out, &talk)
		}
		return out.String() + talk.String()
	}
	if out := run(2, "deploy", "--yes"); !strings.Contains(out, "is still the upstream toolkit's") || !strings.Contains(out, "init") {
		t.Errorf("deploy: %s", out)
	}
	run(4, "show") // nothing was made

	if out := run(0, "init", "--yes"); !strings.Contains(out, "+  base-directory: build") || !strings.Contains(out, ".bak") {
		t.Errorf("init: %s", out)
	}
	if data, err := os.ReadFile(filepath.Join(b.repo, site.Folder, site.BuildFile+".bak")); err != nil || string(data) != theirs {
		t.Errorf("the old build file: %v\n%s", err, data)
	}
	if out := run(3, "deploy", "--yes"); strings.Contains(out, "Release  ") && strings.Contains(out, "To release a change") {
		t.Errorf("a commit with upstream's build file is deployed:\n%s", out)
	}
	b.commit("two")
	b.load()
	r := &recorder{} // the program itself could not resolve the site's name
	deployed, err := b.deploy(r)
	if err != nil || len(r.warnings) > 0 {
		t.Fatalf("%v\n%s", err, r)
	}
	for path, want := range map[string]string{"": "<title>version two</title>", "users/42": "<title>version two</title>", "assets/app.js": "// version two"} {
		if status, body := b.get(deployed.URL + path); status != 200 || body != want {
			t.Errorf("%s answers %d %q", path, status, body)
		}
	}
	if out := run(0, "status"); !strings.Contains(out, "ucceeded") {
		t.Errorf("status: %s", out)
	}
}
