package functiontest

import (
	"strings"
	"testing"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/routing"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
)

func TestNotRedirected(t *testing.T) {
	own, err := routing.Code(site.RoutingStatic)
	if err != nil {
		t.Fatal(err)
	}
	const (
		upstream = "import cf from 'cloudfront';\nconst kvs = cf.kvs('__KVS_ID__');\nasync function handler(event) {\n" +
			"  event.request.uri = '/' + await kvs.get('path') + event.request.uri;\n  return event.request;\n}\n"
		byHand = "function handler(event) {\n  if (event.request.headers.host.value === 'www.example.com') {\n" +
			"    return { statusCode: 308, headers: { location: { value: 'https://example.com' + event.request.uri } } };\n  }\n  return event.request;\n}\n"
		elsewhere = "function handler(event) {\n  return { statusCode: 302, headers: { location: { value: 'https://example.org/' } } };\n}\n"
		failing   = "function handler(event) {\n  return event.x.y;\n}\n"
	)
	names := site.Config{DomainName: "example.com", DomainNames: []string{"app.example.com"}}.Names()
	tests := map[string]struct {
		code  string
		names []site.Name
		want  string
	}{
		"the toolkit's":         {routing.WithRedirects(own, names), names, ""},
		"by hand":               {byHand, names, ""},
		"upstream's":            {upstream, names, "f.js does not redirect www.example.com to example.com, so that both show the site"},
		"the place is missing":  {strings.Replace(own, "REDIRECTS", "MOVED", 1) + "const REDIRECTS = {};", names, "does not redirect www.example.com"},
		"to another site":       {elsewhere, names, "does not redirect www.example.com"},
		"a function that fails": {failing, names, "does not redirect www.example.com"},
		"no partner":            {upstream, site.Config{DomainName: "app.example.com"}.Names(), ""},
		"no domain":             {upstream, nil, ""},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := notRedirected(t.Context(), Function{Name: "f.js", Code: tc.code}, tc.names, nil)
			if err != nil {
				t.Fatal(err)
			}
			if tc.want == "" && got != "" || !strings.Contains(got, tc.want) || strings.Contains(got, "\n") {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

// The upstream toolkit's function for Angular answers every path with index.html (defect 9): it may be deployed, since it is a
// person's own by now, and it is said.
func TestDefect09_AFunctionThatHidesFilesIsNamed(t *testing.T) {
	code := func(body string) string {
		return "import cf from 'cloudfront';\nasync function handler(event) {\n  const r = event.request;\n  const release = await cf.kvs().get('path');\n" +
			body + "\n  return r;\n}\n"
	}
	tests := map[string]struct{ code, want string }{
		"every path":  {code("r.uri = `/${release}/index.html`;"), "answers every file with index.html"},
		"pages alone": {code("r.uri = `/${release}` + (r.uri.includes('.') ? r.uri : '/index.html');"), ""},
		"no rewrite":  {code(""), ""},
		"an answer":   {code("return { statusCode: 404 };"), ""},
		"it fails":    {code("r.x.y = 1;"), ""},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			f := Function{Name: "f.js", Code: tc.code}
			got, err := HidesFiles(t.Context(), f)
			if err != nil || tc.want == "" && got != "" || !strings.Contains(got, tc.want) {
				t.Errorf("got %q, %v, want %q", got, err, tc.want)
			}
			lines := Advice(t.Context(), f, site.Config{DomainName: "example.com"}.Names(), nil)
			if want := 1 + min(len(tc.want), 1); len(lines) != want {
				t.Errorf("advice %q, want %d lines", lines, want)
			}
		})
	}
}
