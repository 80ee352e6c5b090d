package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/cfjs"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/edge"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/explain"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/functiontest"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/golden"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/routing"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/template"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/term"
)

// edgedTarget is a target whose site has two releases.
type edgedTarget struct {
	*fakeTarget
	err error
}

var _ edged = edgedTarget{}

// pages is a bucket in memory.
type pages map[string]string

func (p pages) Get(_ context.Context, key string) (*edge.Object, error) {
	body, ok := p[key]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return &edge.Object{Body: noClose{bytes.NewReader([]byte(body))}, Size: int64(len(body)), ContentType: "text/html; charset=utf-8",
		CacheControl: "public, max-age=0, s-maxage=31536000, must-revalidate", ETag: `"0123456789abcdef"`,
		Modified: time.Date(2026, 11, 1, 10, 0, 0, 0, time.UTC)}, nil
}

type noClose struct{ *bytes.Reader }

func (noClose) Close() error { return nil }

func (t edgedTarget) Edge(context.Context) (edge.Options, error) {
	if t.err != nil {
		return edge.Options{}, t.err
	}
	code, err := routing.Code(site.RoutingStatic)
	if err != nil {
		return edge.Options{}, err
	}
	rendered, err := template.Render(template.Input{FunctionCode: code, Parameters: template.Parameters{
		template.ParamSiteName: "hello-1a2b3c4d", template.ParamPipelineName: "hello-1a2b3c4d"}})
	if err != nil {
		return edge.Options{}, err
	}
	config, err := template.Compile(rendered, nil)
	files := pages{"_releases/one.json": "{}", "_releases/two.json": "{}", "_errors/404.html": "lost", "one/index.html": "one",
		"two/index.html": "number two", "one/about/index.html": strings.Repeat("<p>about us</p>\n", 100)}
	return edge.Options{Config: config, Origins: map[string]edge.Origin{template.OriginID: files},
		KV: func() (cfjs.KV, error) { return functiontest.Store{"path": "one"}, nil }}, err
}

// runEdged runs a command line on the target, on a terminal if it has a width.
func (t edgedTarget) run(test *testing.T, width int, args ...string) result {
	test.Helper()
	streams, _, out, errs := term.Test()
	if width > 0 {
		streams.OutTerminal, streams.ErrTerminal = true, true
		streams.Size = func() (int, int) { return width, 24 }
	}
	dir := writeProject(test, site.Config{RepoURL: "https://example.com/a/hello.git", BranchName: "main", Framework: "basic"})
	s := &session{Streams: streams, open: func(*session, *site.Site) (target, error) { return t, nil }}
	code := s.run(test.Context(), append([]string{"--dir", dir}, args...))
	return result{code, out.String(), errs.String()}
}

// What a developer sees of an explanation, on a terminal of 100 columns and in a pipe. The measured utilization is left out.
func TestExplanationsAreShown(t *testing.T) {
	tests := map[string][]string{
		"explain-page":    {"explain", "/about"},
		"explain-missing": {"explain", "/nothing", "--release", "two"},
		"explain-diff":    {"explain", "/", "--diff", "one", "two"},
		"explain-same":    {"explain", "--diff", "one", "one", "http://hello.localhost:8080/"},
		"explain-post":    {"explain", "/", "-X", "POST"},
	}
	for name, args := range tests {
		t.Run(name, func(t *testing.T) {
			var all strings.Builder
			for _, width := range []int{100, 0} {
				r := edgedTarget{fakeTarget: deployed(hosting.Succeeded)}.run(t, width, args...)
				fmt.Fprintf(&all, "=== %d columns, exit code %d\n--- out\n%s--- err\n%s", width, r.code, utilization.ReplaceAllString(r.out, "N %"), r.err)
			}
			golden.Check(t, name+".txt", all.String())
		})
	}
}

func TestExplainJSON(t *testing.T) {
	target := edgedTarget{fakeTarget: deployed(hosting.Succeeded)}
	var x explain.Explanation
	r := target.run(t, 0, "explain", "/about", "--json")
	if err := json.Unmarshal([]byte(r.out), &x); err != nil || x.Status != 200 || x.Key != "one/about/index.html" || !x.Live || r.err != "" {
		t.Errorf("%v, %s%s", err, r.out, r.err)
	}
	var c explain.Comparison
	r = target.run(t, 0, "explain", "/about", "--diff", "one", "two", "--json")
	if err := json.Unmarshal([]byte(r.out), &c); err != nil || c.Before != "one" || len(c.Differences) == 0 {
		t.Errorf("%v, %s%s", err, r.out, r.err)
	}
}

func TestExplainUsage(t *testing.T) {
	tests := map[string]struct {
		args []string
		code int
		want string
	}{
		"no URL":            {[]string{"explain"}, exitUsage, "needs a URL"},
		"not a URL":         {[]string{"explain", "about"}, exitUsage, "neither a URL nor a path"},
		"two URLs":          {[]string{"explain", "/a", "/b"}, exitUsage, `got "/b" as well`},
		"one release":       {[]string{"explain", "/a", "--diff", "one"}, exitUsage, "--diff takes two releases"},
		"no URL to compare": {[]string{"explain", "--diff", "one", "two"}, exitUsage, "needs a URL or a path"},
		"both":              {[]string{"explain", "/a", "--diff", "one", "two", "--release", "one"}, exitUsage, "names its releases itself"},
		"unknown release":   {[]string{"explain", "/a", "--release", "three"}, exitUsage, `no release "three"`},
		"not a header":      {[]string{"explain", "/a", "-H", "gzip"}, exitUsage, "is not a header"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			r := edgedTarget{fakeTarget: deployed(hosting.Succeeded)}.run(t, 0, tc.args...)
			if r.code != tc.code || !strings.Contains(r.err, tc.want) {
				t.Errorf("exit code %d, %s", r.code, r.err)
			}
		})
	}
	r := edgedTarget{err: fault.New(fault.NotDeployed, "run deploy", "site hello is not deployed")}.run(t, 0, "explain", "/")
	if r.code != exitNotDeployed {
		t.Errorf("exit code %d, %s", r.code, r.err)
	}
}
