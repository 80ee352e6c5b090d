package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/functiontest"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/golden"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
)

// utilization matches what is measured in an output.
var utilization = regexp.MustCompile(`\d+ %`)

// writeProject makes a project folder with a configuration, and files as name, content pairs.
func writeProject(t *testing.T, config site.Config, files ...string) string {
	t.Helper()
	dir := t.TempDir()
	files = append(files, site.Folder+"/"+site.ConfigFile, string(config.Marshal()))
	for i := 0; i < len(files); i += 2 {
		file := filepath.Join(dir, filepath.FromSlash(files[i]))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(files[i+1]), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestFunctionTestOnce(t *testing.T) {
	dir := writeProject(t, site.Config{RepoURL: "https://example.com/a/hello.git", BranchName: "main", Framework: "basic"},
		"event.json", `{"version":"1.0","context":{"eventType":"viewer-request"},"viewer":{"ip":"1.2.3.4"},"request":{"method":"GET","uri":"/docs/"}}`,
		"kvs.json", `{"path":"r9"}`,
		"clock.js", "function handler(event) { console.log(Date.now()); return { statusCode: 204 }; }\n",
		"throws.js", "function handler(event) {\n  throw new Error('no');\n}\n",
		"syntax.js", "function handler(event) {\n  return event?.request;\n}\n")
	at := func(name string) string { return filepath.Join(dir, name) }
	target := edgedTarget{fakeTarget: deployed(hosting.Succeeded)}
	tests := map[string]struct {
		args   []string
		output string
		log    string
		error  string
	}{
		"routing and deployed store": {args: []string{"--url", "/about"}, output: `"uri":"/one/about/index.html"`},
		"event and store":            {args: []string{"--event", at("event.json"), "--kvs", at("kvs.json")}, output: `"uri":"/r9/docs/index.html"`},
		"code and clock":             {args: []string{"--code", at("clock.js"), "--now", "1767225600"}, output: `"statusCode":204`, log: "1767225600000"},
		"failure is an answer":       {args: []string{"--code", at("throws.js")}, error: "throws.js:2:"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			r := target.run(t, 0, append([]string{"function", "test", "--json"}, tc.args...)...)
			var a functiontest.Answer
			if err := json.Unmarshal([]byte(r.out), &a); err != nil || r.code != 0 {
				t.Fatalf("exit code %d, %v: %s%s", r.code, err, r.out, r.err)
			}
			res := a.TestResult
			if !strings.Contains(res.FunctionOutput, tc.output) || !strings.Contains(strings.Join(res.FunctionExecutionLogs, "\n"), tc.log) ||
				!strings.Contains(res.FunctionErrorMessage, tc.error) || res.ComputeUtilization == "" || (tc.error == "") != (res.FunctionErrorMessage == "") {
				t.Errorf("%+v", res)
			}
		})
	}
	for name, tc := range map[string]struct {
		args []string
		want string
	}{
		"refused code":  {[]string{"--code", at("syntax.js")}, "syntax.js:2:"},
		"no such code":  {[]string{"--code", at("nothing.js")}, "read the function"},
		"broken store":  {[]string{"--kvs", at("clock.js")}, "clock.js: line 1, column"},
		"broken event":  {[]string{"--event", at("kvs.json")}, `unknown field "path"`},
		"two events":    {[]string{"--event", at("event.json"), "--url", "/"}, "holds the whole request"},
		"clock":         {[]string{"--now", "yesterday"}, "--now"},
		"not a path":    {[]string{"--url", "about"}, "neither a URL nor a path"},
		"unknown cases": {[]string{at("cases")}, "read cases"},
		"runtime":       {[]string{"--runtime", "nodejs20.x"}, "unknown runtime"},
	} {
		t.Run(name, func(t *testing.T) {
			if r := target.run(t, 0, append([]string{"function", "test"}, tc.args...)...); r.code != exitUsage || !strings.Contains(r.err, tc.want) {
				t.Errorf("exit code %d, %s%s", r.code, r.out, r.err)
			}
		})
	}
}

// Without a deployed site, the store names a release RELEASE; without a project, --code is enough.
func TestFunctionTestStandsAlone(t *testing.T) {
	target := edgedTarget{fakeTarget: deployed(hosting.Succeeded), err: fault.New(fault.NotDeployed, "", "nothing is deployed")}
	if r := target.run(t, 0, "function", "test", "--url", "/x.js"); !strings.Contains(r.out, "/RELEASE/x.js") {
		t.Errorf("exit code %d, %s%s", r.code, r.out, r.err)
	}
	dir := t.TempDir()
	code := filepath.Join(dir, "f.js")
	if err := os.WriteFile(code, []byte("function handler(event) { return event.request; }"), 0o644); err != nil {
		t.Fatal(err)
	}
	if r := target.run(t, 0, "--dir", dir, "function", "test", "--code", code); r.code != 0 || !strings.Contains(r.out, `"uri": "/"`) {
		t.Errorf("exit code %d, %s%s", r.code, r.out, r.err)
	}
	if r := target.run(t, 0, "--dir", dir, "function", "test"); r.code != exitUsage || !strings.Contains(r.err, "--code") {
		t.Errorf("exit code %d, %s%s", r.code, r.out, r.err)
	}
}

func TestFunctionTestCases(t *testing.T) {
	dir := writeProject(t, site.Config{RepoURL: "https://example.com/a/hello.git", BranchName: "main", Framework: "basic"},
		"cases/pages.json", `[{"name":"about","url":"/about","kvs":{"path":"r1"},"expected":{"request":{"uri":"/r1/about/index.html"},"reads":["path"]}},
			{"name":"wrong","url":"/about","kvs":{"path":"r1"},"expected":{"request":{"uri":"/r1/about.html","headers":{"x-a":{"value":"1"}}}}}]`,
		"cases/deep/own.txtar", "A function of its own.\n-- function.js --\nfunction handler(e) { return { statusCode: 301, headers: { location: { value: '/b' } } }; }\n"+
			"-- case.json --\n{\"url\":\"/a\"}\n-- expected.json --\n{\"response\":{\"statusCode\":301,\"headers\":{\"location\":{\"value\":\"/b\"}},\"body\":null}}\n",
		"good/one.json", `{"url":"/a.js","expected":{"request":{"uri":"/one/a.js"}}}`)
	target := edgedTarget{fakeTarget: deployed(hosting.Succeeded)}
	r := target.run(t, 0, "function", "test", filepath.Join(dir, "cases"))
	golden.Check(t, "function-cases.txt", r.out+r.err)
	if r.code != exitError {
		t.Errorf("exit code %d", r.code)
	}
	r = target.run(t, 0, "function", "test", "--json", filepath.Join(dir, "cases"))
	if r.code != exitError || !strings.Contains(r.out, `"failed": 1`) {
		t.Errorf("exit code %d, %s", r.code, r.out)
	}
	if r := target.run(t, 0, "function", "test", filepath.Join(dir, "good")); r.code != 0 || !strings.Contains(r.out, "1 passed, 0 failed") {
		t.Errorf("exit code %d, %s%s", r.code, r.out, r.err)
	}
}

func TestFunctionTestForPeople(t *testing.T) {
	r := edgedTarget{fakeTarget: deployed(hosting.Succeeded)}.run(t, 100, "function", "test", "--url", "/about?x=1", "-H", "Cookie: a=b")
	golden.Check(t, "function-once.txt", utilization.ReplaceAllString(r.out, "N %")+r.err)
}
