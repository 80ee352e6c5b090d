package awstarget_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/double"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/explain"
)

// TestExplain holds what `explain` says of a release on AWS against what it says of the same release on the local target:
// the real program, the template that the stack was made from, the live key-value store and the bucket.
func TestExplain(t *testing.T) {
	b := newBed(t, true)
	b.account.CompleteNew(1)
	b.account.Do(func() { b.account.Quick = true })
	state := t.TempDir()
	run := func(want int, args ...string) (out, talk string) {
		t.Helper()
		cmd := b.command(b.opts.Executable, append([]string{"--dir", b.repo, "--state-dir", state}, args...)...)
		var stdout, stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		err := cmd.Run()
		if code := cmd.ProcessState.ExitCode(); code != want {
			t.Fatalf("%v: exit code %d, want %d: %v\n%s%s", args, code, want, err, &stdout, &stderr)
		}
		return stdout.String(), stderr.String()
	}
	run(4, "explain", "/")
	run(0, "deploy", "--no-wait", "--yes")
	run(0, "logs", "--follow")
	dist := filepath.Join(b.repo, "dist")
	for _, release := range []string{"one", "two"} {
		b.write("dist/index.html", strings.Repeat("<p>release "+release+"</p>\n", 100))
		b.write("dist/404.html", "lost in "+release)
		b.write("dist/assets/app.12345678.js", "// the same in both")
		run(0, "publish", dist, "--release", release)
		run(0, "publish", dist, "--release", release, "--target", "local")
	}
	before := operations(b.account)
	const host = "https://www.example.com"
	for name, args := range map[string][]string{
		"page": {host + "/users/42"}, "asset": {host + "/assets/app.12345678.js"}, "missing": {host + "/assets/gone.js"},
		"range": {host + "/", "-H", "Range: bytes=5-9"}, "head": {host + "/", "-X", "HEAD"}, "post": {host + "/", "-X", "POST"},
		"release": {host + "/", "--release", "one"}, "diff": {host + "/", "--diff", "one", "two"},
	} {
		t.Run(name, func(t *testing.T) {
			args = append([]string{"explain", "--json"}, args...)
			onAWS, _ := run(0, args...)
			here, _ := run(0, append(args, "--target", "local")...)
			if diff := cmp.Diff(comparable(t, here), comparable(t, onAWS)); diff != "" {
				t.Errorf("explain differs (-local +aws):\n%s", diff)
			}
		})
	}
	// A path is one of the distribution's own address, and http is redirected as on CloudFront.
	if out, _ := run(0, "explain", "/"); !strings.Contains(out, "https://") || !strings.Contains(out, ".cloudfront.net/") || !strings.Contains(out, "200 OK") {
		t.Errorf("explain /: %s", out)
	}
	if out, _ := run(0, "explain", "http://www.example.com/a"); !strings.Contains(out, "301") || !strings.Contains(out, "https://www.example.com/a") {
		t.Errorf("explain of http: %s", out)
	}
	if out, _ := run(0, "function", "test", "--url", "/a"); !strings.Contains(out, `path: "two"`) {
		t.Errorf("function test does not read the live key-value store: %s", out)
	}
	if _, talk := run(2, "explain", "/", "--release", "three"); !strings.Contains(talk, `there is no release "three"`) {
		t.Errorf("a release that is not there: %s", talk)
	}
	for operation := range operations(b.account) {
		if _, known := before[operation]; !known {
			t.Errorf("explain made the request %s", operation) // deploy, publish and logs only read with these
		}
	}
	b.refused(run)
}

// operations are the operations that the account was asked for.
func operations(a *double.Account) map[string]int {
	seen := map[string]int{}
	a.Do(func() {
		for operation := range a.Requests {
			seen[operation] = 1
		}
	})
	return seen
}

// refused takes one permission after another away: each is named, and nothing is explained wrongly.
func (b *bed) refused(run func(int, ...string) (string, string)) {
	t := b.t
	t.Helper()
	for name, tc := range map[string]struct {
		arrange func()
		want    string
	}{
		"template": {func() {
			b.account.Fault = func(_, operation string) *double.Fault {
				if operation != "GetTemplate" {
					return nil
				}
				return &double.Fault{Status: 403, Code: "AccessDenied", Message: "not authorized to perform: cloudformation:GetTemplate"}
			}
		}, "cloudformation:GetTemplate"},
		"store": {func() {
			b.account.KVS.Fault = func(operation string) string {
				if operation == "ListKeys" {
					return "AccessDeniedException"
				}
				return ""
			}
		}, "cloudfront-keyvaluestore:DescribeKeyValueStore and ListKeys"},
		"bucket": {func() {
			b.account.S3.Fault = func(r *http.Request) (int, string) {
				if r.Method == http.MethodHead {
					return http.StatusForbidden, "AccessDenied"
				}
				return 0, ""
			}
		}, "s3:GetObject on what is in it"},
	} {
		t.Run("without the permission for the "+name, func(t *testing.T) {
			b.account.Do(tc.arrange)
			_, talk := run(1, "explain", "/")
			if !strings.Contains(talk, tc.want) {
				t.Errorf("it does not name %s: %s", tc.want, talk)
			}
			b.account.Do(func() { b.account.Fault, b.account.KVS.Fault, b.account.S3.Fault = nil, nil, nil })
		})
	}
}

// comparable takes out of an explanation, or of a comparison, what is the store's own: entity tags, times and the name of
// the distribution.
func comparable(t *testing.T, document string) any {
	t.Helper()
	var x explain.Explanation
	if err := json.Unmarshal([]byte(document), &x); err != nil {
		t.Fatalf("%v: %s", err, document)
	}
	if x.Headers == nil {
		var c explain.Comparison
		if err := json.Unmarshal([]byte(document), &c); err != nil {
			t.Fatal(err)
		}
		c.Differences = slices.DeleteFunc(c.Differences, func(d explain.Difference) bool {
			return d.What == "header Etag" || d.What == "header Last-Modified"
		})
		return c
	}
	for _, list := range [][]explain.Header{x.Headers, x.Dropped} {
		for i, h := range list {
			if h.Name == "Etag" || h.Name == "Last-Modified" || h.Name == "Via" {
				list[i].Value = "(its own)"
				list[i].From, _, _ = strings.Cut(h.From, ", in place of")
			}
		}
	}
	for i := range x.Functions {
		x.Functions[i].Utilization = 0
		x.Functions[i].Name = strings.TrimSuffix(strings.TrimSuffix(x.Functions[i].Name, "-local"), "-"+double.Region)
	}
	return x
}
