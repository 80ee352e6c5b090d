package buildspec_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/buildspec"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
)

const phases = "phases:\n  build:\n    commands: [make]\n"

func TestParseRefuses(t *testing.T) {
	tests := map[string]struct{ text, want string }{
		"empty file":                 {"", `b.yml:1:1: the file is empty, expected a buildspec that starts with "version: 0.2"`},
		"only a comment":             {"# nothing\n", `b.yml:1:1: the file is empty, expected a buildspec that starts with "version: 0.2"`},
		"not YAML":                   {"version: 0.2\nphases:\n\tbuild:\n", `b.yml:3:1: not valid YAML: found character that cannot start any token`},
		"not a mapping":              {"- a\n", `b.yml:1:1: the buildspec is a list, expected a mapping of keys and values`},
		"two documents":              {"version: 0.2\n" + phases + "---\nversion: 0.2\n", `b.yml:5:1: a second YAML document, expected one`},
		"no version":                 {phases, `b.yml:1:1: the key "version" is missing, expected "version: 0.2"`},
		"version 0.1":                {"version: 0.1\n" + phases, `b.yml:1:10: version 0.1 is not supported: its commands share no variables and no working directory; write "version: 0.2"`},
		"another version":            {"version: 2\n" + phases, `b.yml:1:10: version is "2", expected 0.2`},
		"no phases":                  {"version: 0.2\n", `b.yml:1:1: the key "phases" is missing, expected at least one of install, pre_build, build, post_build`},
		"empty phases":               {"version: 0.2\nphases: {}\n", `b.yml:2:9: phases is empty, expected at least one of install, pre_build, build, post_build`},
		"unknown key, near one":      {"version: 0.2\nartefacts: {}\n" + phases, `b.yml:2:1: unknown key "artefacts" in the buildspec, did you mean "artifacts"?`},
		"unknown key, far from all":  {"version: 0.2\nstages: {}\n" + phases, `b.yml:2:1: unknown key "stages" in the buildspec, expected one of version, run-as, env, proxy, batch, phases, reports, artifacts, cache`},
		"unknown phase":              {"version: 0.2\nphases:\n  prebuild:\n    commands: [a]\n", `b.yml:3:3: unknown key "prebuild" in phases, did you mean "pre_build"?`},
		"misspelt commands":          {"version: 0.2\nphases:\n  build:\n    comands: [a]\n", `b.yml:4:5: unknown key "comands" in phase build, did you mean "commands"?`},
		"runtimes outside install":   {"version: 0.2\nphases:\n  build:\n    runtime-versions: {nodejs: 20}\n    commands: [a]\n", `b.yml:4:5: unknown key "runtime-versions" in phase build, expected one of commands, finally, on-failure, run-as`},
		"a key twice":                {"version: 0.2\nversion: 0.2\n" + phases, `b.yml:2:1: the key "version" stands in the buildspec twice, first on line 1`},
		"merge key":                  {"version: 0.2\nenv: &e {shell: sh}\ncache:\n  <<: *e\n" + phases, `b.yml:4:3: the merge key << is not supported, write the keys out`},
		"phase without commands":     {"version: 0.2\nphases:\n  build:\n    finally: [a]\n", `b.yml:4:5: phase build has no commands, expected "commands:" with a list`},
		"commands as text":           {"version: 0.2\nphases:\n  build:\n    commands: make\n", `b.yml:4:15: build.commands is "make", expected a list such as "- npm run build"`},
		"a command with a colon":     {"version: 0.2\nphases:\n  build:\n    commands:\n      - echo a: b\n", `b.yml:5:9: a command of build.commands is a mapping, expected text: put quotes around a command that has ": " in it`},
		"an empty command":           {"version: 0.2\nphases:\n  build:\n    commands:\n      -\n", `b.yml:5:8: a command of build.commands is empty, expected text`},
		"a list in commands":         {"version: 0.2\nphases:\n  build:\n    commands:\n      - [a]\n", `b.yml:5:9: a command of build.commands is a list, expected text`},
		"on-failure":                 {"version: 0.2\nphases:\n  build:\n    on-failure: IGNORE\n    commands: [a]\n", `b.yml:4:17: on-failure is "IGNORE", expected ABORT, CONTINUE or RETRY[-count][-regex]`},
		"on-failure count":           {"version: 0.2\nphases:\n  build:\n    on-failure: RETRY-101\n    commands: [a]\n", `b.yml:4:17: on-failure wants 101 retries, expected 0 to 100`},
		"on-failure expression":      {"version: 0.2\nphases:\n  build:\n    on-failure: RETRY-2-(\n    commands: [a]\n", "b.yml:4:17: on-failure has an invalid regular expression \"(\": error parsing regexp: missing closing ): `(`"},
		"Windows shell":              {"version: 0.2\nenv:\n  shell: powershell.exe\n" + phases, `b.yml:3:10: shell powershell.exe is for CodeBuild's Windows images, expected sh or bash`},
		"unknown shell":              {"version: 0.2\nenv:\n  shell: fish\n" + phases, `b.yml:3:10: shell is "fish", expected sh or bash`},
		"reserved variable":          {"version: 0.2\nenv:\n  variables:\n    CODEBUILD_X: 1\n" + phases, `b.yml:4:5: the variable CODEBUILD_X is reserved: names that start with CODEBUILD_ are CodeBuild's own`},
		"variable without value":     {"version: 0.2\nenv:\n  variables:\n    A:\n" + phases, `b.yml:4:7: the variable A is empty, expected text`},
		"not the name of a variable": {"version: 0.2\nenv:\n  variables:\n    a-b: 1\n" + phases, `b.yml:4:5: "a-b" is not the name of a variable, expected letters, digits and _`},
		"exported AWS variable":      {"version: 0.2\nenv:\n  exported-variables: [AWS_X]\n" + phases, `b.yml:3:24: the variable AWS_X can't be exported: CodeBuild exports none that starts with AWS_`},
		"artifacts without files":    {"version: 0.2\n" + phases + "artifacts:\n  base-directory: dist\n", `b.yml:6:3: artifacts has no files, expected "files:" with a list such as "- '**/*'"`},
		"artifacts files as text":    {"version: 0.2\n" + phases + "artifacts:\n  files: '**/*'\n", `b.yml:6:10: artifacts.files is "**/*", expected a list such as "- '**/*'"`},
		"discard-paths":              {"version: 0.2\n" + phases + "artifacts:\n  files: [a]\n  discard-paths: maybe\n", `b.yml:7:18: discard-paths is "maybe", expected yes or no`},
		"invalid pattern":            {"version: 0.2\n" + phases + "artifacts:\n  files: ['[a']\n", `b.yml:6:11: an entry of artifacts.files has an invalid pattern "[a"`},
		"too many fallback keys":     {"version: 0.2\n" + phases + "cache:\n  fallback-keys: [a, b, c, d, e, f]\n", `b.yml:6:18: fallback-keys has 6 keys, expected at most 5`},
		"cache action":               {"version: 0.2\n" + phases + "cache:\n  action: drop\n", `b.yml:6:11: cache.action is "drop", expected restore or save`},
		"all problems at once":       {"version: 3\nenv: []\n" + phases, "b.yml:1:10: version is \"3\", expected 0.2\nb.yml:2:6: env is a list, expected a mapping of keys and values"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := buildspec.Parse("b.yml", []byte(tc.text))
			if err == nil {
				t.Fatal("it was accepted")
			}
			if diff := cmp.Diff(tc.want, err.Error()); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
			if fault.KindOf(err) != fault.Usage || fault.HintOf(err) == "" {
				t.Errorf("kind %v, hint %q", fault.KindOf(err), fault.HintOf(err))
			}
		})
	}
}

func TestParseReads(t *testing.T) {
	spec, err := buildspec.Parse("b.yml", []byte(`version: 0.2
run-as: node
env:
  shell: /bin/sh
  variables: {PORT: 80, EMPTY: "", YES: yes}
  git-credential-helper: yes
phases:
  build:
    commands: &steps [make, "true", 1]
    on-failure: Retry-2-.*timed out.*
  install:
    runtime-versions: {nodejs: 20}
    finally: *steps
reports: {unit: {files: [a.xml]}}
batch: {fast-fail: true}
proxy: {logs: yes}
artifacts:
  files: ['**/*']
  discard-paths: no
  enable-symlinks: yes
  name: site
  s3-prefix: x
  secondary-artifacts: {more: {files: [a]}}
cache: {key: k, fallback-keys: [a], action: restore, paths: [node_modules/**/*]}
`))
	if err != nil {
		t.Fatal(err)
	}
	names := []string{}
	for _, p := range spec.Phases {
		names = append(names, p.Name)
	}
	if diff := cmp.Diff([]string{"install", "build"}, names); diff != "" {
		t.Errorf("phases in CodeBuild's order (-want +got):\n%s", diff)
	}
	wantVars := []buildspec.Variable{{Name: "PORT", Value: "80", Line: 5}, {Name: "EMPTY", Line: 5}, {Name: "YES", Value: "yes", Line: 5}}
	if diff := cmp.Diff(wantVars, spec.Env.Variables); diff != "" {
		t.Errorf("variables as they are written (-want +got):\n%s", diff)
	}
	if got := spec.Phases[1].OnFailure; got.Action != buildspec.ActionRetry || got.Retries != 2 || got.Match.String() != ".*timed out.*" {
		t.Errorf("on-failure = %+v", got)
	}
	if len(spec.Phases[0].Finally) != 3 {
		t.Errorf("finally through an alias: %v", spec.Phases[0].Finally)
	}
	if !spec.Cache.NoSave || spec.Cache.NoRestore {
		t.Errorf("cache = %+v", spec.Cache)
	}
	for _, want := range []string{"run-as node", "git-credential-helper", "reports", "batch", "proxy", "secondary-artifacts"} {
		if !strings.Contains(strings.Join(spec.Notices, "\n"), want) {
			t.Errorf("no notice about %s in %q", want, spec.Notices)
		}
	}
}

func TestOnFailureForms(t *testing.T) {
	tests := map[string]struct {
		action  buildspec.Action
		retries int
		match   string
	}{
		"ABORT":          {buildspec.ActionAbort, 0, ""},
		"CONTINUE":       {buildspec.ActionContinue, 0, ""},
		"RETRY":          {buildspec.ActionRetry, 3, ""},
		"RETRY-4":        {buildspec.ActionRetry, 4, ""},
		"RETRY-invalid+": {buildspec.ActionRetry, 3, "invalid+"},
		"RETRY-8-a-b":    {buildspec.ActionRetry, 8, "a-b"},
	}
	for text, want := range tests {
		t.Run(text, func(t *testing.T) {
			spec, err := buildspec.Parse("b.yml", []byte("version: 0.2\nphases:\n  build:\n    on-failure: "+text+"\n    commands: [a]\n"))
			if err != nil {
				t.Fatal(err)
			}
			got := spec.Phases[0].OnFailure
			if got.Action != want.action || got.Retries != want.retries || got.Match != nil && got.Match.String() != want.match {
				t.Errorf("got %+v, want %+v", got, want)
			}
		})
	}
}

func TestPlainIsValid(t *testing.T) {
	spec, err := buildspec.Parse("plain.yml", buildspec.Plain())
	if err != nil {
		t.Fatal(err)
	}
	if len(spec.Notices) > 0 || spec.Artifacts == nil || len(spec.Phases) == 0 {
		t.Errorf("plain buildspec: %+v", spec)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(string(buildspec.Plain()))
	f.Add("version: 0.2\nenv: &a {variables: {A: b}}\nphases:\n  build: {commands: [a, *a], on-failure: RETRY-3-x}\n")
	f.Add("a: &a [*a]\n")
	f.Add("version: 0.2\nphases: {install: {runtime-versions: {nodejs: 20}}}\nartifacts: {files: ['**/*'], base-directory: '{a,b}'}\ncache: {paths: [a]}")
	f.Fuzz(func(t *testing.T, text string) {
		spec, err := buildspec.Parse("b.yml", []byte(text))
		if (spec == nil) == (err == nil) {
			t.Fatalf("spec %v, error %v", spec, err)
		}
		if err != nil && fault.KindOf(err) != fault.Usage {
			t.Fatalf("not a usage fault: %v", err)
		}
	})
}
