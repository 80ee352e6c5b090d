package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/publish"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/term"
)

func TestCurrentCI(t *testing.T) {
	tests := map[string]struct {
		env  map[string]string
		want ciJob
	}{
		"none":           {nil, ciJob{}},
		"some CI":        {map[string]string{"CI": "true", "GITHUB_SHA": commitA}, ciJob{}},
		"github actions": {map[string]string{"GITHUB_ACTIONS": "true", "GITHUB_SHA": commitA, "GITHUB_STEP_SUMMARY": "s.md"}, ciJob{commitA, "s.md", true}},
		"gitlab ci":      {map[string]string{"GITLAB_CI": "true", "CI_COMMIT_SHA": commitA}, ciJob{commit: commitA}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			for _, name := range []string{"GITHUB_ACTIONS", "GITHUB_SHA", "GITHUB_STEP_SUMMARY", "GITLAB_CI", "CI_COMMIT_SHA"} {
				t.Setenv(name, tc.env[name])
			}
			if got := currentCI(); got != tc.want {
				t.Errorf("got %+v", got)
			}
		})
	}
}

// An error is one line of GitHub's workflow commands, whatever is in it.
func TestAnnotation(t *testing.T) {
	streams, _, _, errs := term.Test()
	s := &session{Streams: streams, ci: ciJob{annotates: true}}
	s.fail(t.Context(), fault.New(fault.Other, "do this\r\nthen that", "100%% wrong:\n::set-env name=A::b"), nil)
	first, _, _ := strings.Cut(errs.String(), "\n")
	if want := "::error title=cloudfront-hosting-toolkit::100%25 wrong:%0A::set-env name=A::b%0Ado this%0D%0Athen that"; first != want {
		t.Errorf("got  %s\nwant %s", first, want)
	}
}

func TestSummary(t *testing.T) {
	tests := map[string]struct {
		result publish.Result
		want   []string
	}{
		"first":      {publish.Result{Release: commitA, Files: 3, BytesSent: 1200}, []string{"### Published hello", "| Release | `" + commitA + "` |", "| Files | 3 files, 1.2 kB sent |"}},
		"next":       {publish.Result{Release: commitB, Previous: commitA}, []string{"| Previous release | `" + commitA + "` |", "rollback " + commitA + "`"}},
		"again":      {publish.Result{Release: commitA, Previous: commitA}, []string{"### hello was live with this release already"}},
		"superseded": {publish.Result{Release: commitA, Previous: commitB, Superseded: true}, []string{"### Stored a release of hello; a run that started later is live"}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "summary.md")
			if err := os.WriteFile(file, []byte("of another step\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			streams, _, _, _ := term.Test()
			s := &session{Streams: streams, ci: ciJob{summary: file}}
			s.summarize("hello", tc.result, "https://example.com/")
			text, err := os.ReadFile(file)
			if err != nil || !strings.HasPrefix(string(text), "of another step\n") {
				t.Fatalf("%v: %s", err, text)
			}
			for _, want := range tc.want {
				if !strings.Contains(string(text), want) {
					t.Errorf("no %q in\n%s", want, text)
				}
			}
		})
	}
	streams, _, _, errs := term.Test()
	s := &session{Streams: streams, ci: ciJob{summary: filepath.Join(t.TempDir(), "no", "folder")}}
	if s.summarize("hello", publish.Result{Release: commitA}, ""); !strings.Contains(errs.String(), "the summary of the run is left out") {
		t.Errorf("a summary that cannot be written: %s", errs)
	}
}

// What will go is shown before the name is asked for, and with --yes too; nothing goes under another name.
func TestDeleteShowsWhatGoes(t *testing.T) {
	f := deployed(hosting.Succeeded)
	f.doomed = hosting.Doomed{Removes: []string{"stack hello with its 16 resources"}, Leaves: []string{"the repository"}, Notes: []string{"it may be refused"}}
	for name, tc := range map[string]struct {
		input string
		args  []string
		code  int
	}{"another name": {"hello\n", nil, exitUsage}, "with --yes": {"", []string{"--yes", "--uploads", "--retain", "Distribution,CiRole"}, exitDone}} {
		t.Run(name, func(t *testing.T) {
			f.deleted = false
			r := f.run(t, 80, tc.input, append([]string{"delete"}, tc.args...)...)
			if r.code != tc.code || f.deleted != (tc.code == exitDone) {
				t.Fatalf("exit code %d, deleted %t\n%s", r.code, f.deleted, r.err)
			}
			if !strings.Contains(r.err, "It removes:\n  stack hello with its 16 resources\nIt leaves:\n  the repository\nNote:\n  it may be refused\n") {
				t.Errorf("it shows\n%s", r.err)
			}
		})
	}
	if !f.deleteOptions.Uploads || strings.Join(f.deleteOptions.Retain, " ") != "Distribution CiRole" {
		t.Errorf("options %+v", f.deleteOptions)
	}
	f.deleteErr, f.removed = fault.New(fault.Other, "run delete again", "stuck"), hosting.Removed{Removed: []string{"3 objects"}}
	if r := f.run(t, 0, "", "delete", "--yes"); r.code != exitError || !strings.Contains(r.out, "removed 3 objects") {
		t.Errorf("after a failure: %d\n%s%s", r.code, r.out, r.err)
	}
}
