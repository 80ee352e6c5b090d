package scaffold_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/scaffold"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
)

const (
	goodBuild    = "version: 0.2\nphases: {build: {commands: [make]}}\nartifacts: {files: ['**/*']}\n"
	goodFunction = "function handler(event) { return event.request; }\n"
)

func TestTemplates(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "both/"+site.BuildFile, goodBuild)
	put(t, dir, "both/"+site.FunctionFile, goodFunction)
	put(t, dir, "a function/"+site.FunctionFile, goodFunction)
	put(t, dir, "nothing/readme.md", "")
	put(t, dir, ".hidden/"+site.BuildFile, goodBuild)
	put(t, dir, "loose.yml", goodBuild)
	names, err := scaffold.Templates(dir)
	if diff := cmp.Diff([]string{"a function", "both"}, names); err != nil || diff != "" {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
	if names, err := scaffold.Templates(filepath.Join(dir, "none")); err != nil || names != nil {
		t.Errorf("no folder: %v, %v", names, err)
	}
	for _, name := range []string{"nothing", "missing", "../both", ".hidden", ""} {
		if tmpl, err := scaffold.LoadTemplate(dir, name); tmpl != nil || err != nil {
			t.Errorf("%q: %v, %v", name, tmpl, err)
		}
	}
	tmpl, err := scaffold.LoadTemplate(dir, "a function")
	if err != nil || tmpl.Build != nil || string(tmpl.Function) != goodFunction {
		t.Errorf("%+v, %v", tmpl, err)
	}
}

func TestBadTemplates(t *testing.T) {
	tests := map[string]struct{ build, function, want string }{
		"no buildspec":  {"phasen: 1\n", "", "phasen"},
		"no artifacts":  {"version: 0.2\nphases: {build: {commands: [make]}}\n", "", "there is no artifacts section"},
		"no JavaScript": {"", "function (", site.FunctionFile + ":1"},
		"upstream's, and not to be converted": {"version: 0.2\nphases:\n  build:\n    commands:\n      - cd $(ls)\n" +
			"      - aws s3 cp ./ s3://$DEST_BUCKET_NAME/$CODEBUILD_RESOLVED_SOURCE_VERSION/ --recursive\n", "", "can't be told"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if tc.build != "" {
				put(t, dir, "x/"+site.BuildFile, tc.build)
			}
			if tc.function != "" {
				put(t, dir, "x/"+site.FunctionFile, tc.function)
			}
			_, err := scaffold.LoadTemplate(dir, "x")
			if fault.KindOf(err) != fault.Usage || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%v, want %q", err, tc.want)
			}
		})
	}
}

// A template's files are written, replaced as long as nobody has edited them, and kept from then on. One that came out of a
// project, with its first line, is the same template.
func TestTemplateFilesAreWritten(t *testing.T) {
	dir := t.TempDir()
	choices := basic
	choices.Config.Framework, choices.Config.Routing = "mine", site.RoutingCustom
	choices.Template = &scaffold.Template{Name: "mine", Build: []byte(goodBuild), Function: []byte(goodFunction)}
	write(t, prepare(t, dir, choices))
	if text := read(t, dir, buildFile); !strings.HasSuffix(text, "\n"+goodBuild) || !strings.HasPrefix(text, "# Written by") {
		t.Errorf("build file:\n%s", text)
	}
	choices.Template = &scaffold.Template{Name: "mine", Build: []byte(read(t, dir, buildFile)), Function: []byte(read(t, dir, functionFile))}
	for _, f := range prepare(t, dir, choices).Files {
		if f.Status != scaffold.Unchanged {
			t.Errorf("%s is %s:\n%s", f.Path, f.Status, f.Diff)
		}
	}
	put(t, dir, functionFile, "function handler(event) { return event.request; } // mine\n")
	choices.Template = &scaffold.Template{Name: "mine", Build: []byte(strings.ReplaceAll(goodBuild, "make", "make all")), Function: []byte(goodFunction)}
	want := []string{configFile + " unchanged", buildFile + " changed", functionFile + " kept", ".gitignore unchanged"}
	if diff := cmp.Diff(want, statuses(prepare(t, dir, choices))); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestKeysAreCleared(t *testing.T) {
	dir := t.TempDir()
	choices := basic
	choices.Config.DomainName, choices.Config.HostedZoneID = "example.com", "Z0123456789ABC"
	write(t, prepare(t, dir, choices))
	if p := prepare(t, dir, basic); p.Config.DomainName != "example.com" {
		t.Errorf("what is not chosen is lost: %+v", p.Config)
	}
	cleared := basic
	cleared.Clear = []string{"hostedZoneId"}
	if p := prepare(t, dir, cleared); p.Config.DomainName != "example.com" || p.Config.HostedZoneID != "" {
		t.Errorf("hosted zone: %+v", p.Config)
	}
	cleared.Clear = []string{"domainName"}
	if p := prepare(t, dir, cleared); p.Config.DomainName != "" || p.Config.HostedZoneID != "" {
		t.Errorf("domain: %+v", p.Config)
	}
}
