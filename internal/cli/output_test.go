package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/golden"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/publish"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/term"
)

// What a developer sees, on terminals of 80 and 60 columns and in a pipe.
func TestWhatIsShown(t *testing.T) {
	site := func(status hosting.Status, change func(f *fakeTarget)) func() *fakeTarget {
		return func() *fakeTarget {
			f := deployed(status)
			change(f)
			return f
		}
	}
	asIs := func(*fakeTarget) {}
	differs := func(f *fakeTarget) { f.info.Differs = []string{"function", "template"} }
	fresh := func(f *fakeTarget) { f.info.Release, f.info.Serving, f.info.Releases = "", false, 0 }
	folder := func(f *fakeTarget) { f.repository, f.info.Source.Repository = ".", "/home/alice/hello" }
	unserved := func(f *fakeTarget) { f.info.Serving = false }
	removable := func(f *fakeTarget) {
		f.removed = hosting.Removed{Removed: []string{"3 releases (1.2 MB)", "the site's state"}, Left: []string{"the repository /home/alice/hello"}}
	}
	tests := map[string]struct {
		target func() *fakeTarget
		args   []string
		input  string
	}{
		"show":               {target: site(hosting.Succeeded, asIs), args: []string{"show"}},
		"show-differs":       {target: site(hosting.Succeeded, differs), args: []string{"show"}},
		"show-first-time":    {target: site(hosting.InProgress, fresh), args: []string{"show"}},
		"status":             {target: site(hosting.Succeeded, asIs), args: []string{"status"}},
		"status-differs":     {target: site(hosting.Succeeded, differs), args: []string{"status"}},
		"status-failed":      {target: site(hosting.Failed, asIs), args: []string{"status"}},
		"status-in-progress": {target: site(hosting.InProgress, asIs), args: []string{"status"}},
		"deploy":             {target: site(hosting.Succeeded, differs), args: []string{"deploy"}},
		"deploy-local":       {target: site(hosting.Succeeded, folder), args: []string{"deploy"}},
		"deploy-no-wait":     {target: site(hosting.InProgress, asIs), args: []string{"deploy", "--no-wait"}},
		"deploy-no-serve":    {target: site(hosting.Succeeded, unserved), args: []string{"deploy", "--no-serve"}},
		"delete":             {target: site(hosting.Succeeded, removable), args: []string{"delete"}, input: "hello-1a2b3c4d\n"},
		"delete-yes":         {target: site(hosting.Succeeded, removable), args: []string{"delete", "--yes"}},
		"logs":               {target: site(hosting.Succeeded, asIs), args: []string{"logs"}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Setenv("HOME", "/home/alice")
			var all strings.Builder
			for _, width := range []int{80, 60, 0} {
				if width == 0 && tc.input != "" {
					continue
				}
				// In a bubble no time passes, so that what is told of it is always the same.
				synctest.Test(t, func(t *testing.T) {
					r := tc.target().run(t, width, tc.input, tc.args...)
					fmt.Fprintf(&all, "=== %d columns, exit code %d\n--- out\n%s--- err\n%s", width, r.code, r.out, r.err)
				})
			}
			golden.Check(t, name+".txt", all.String())
		})
	}
}

func TestReleasesAreShown(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	releases := []publish.Release{
		{ID: commitA + "-2", Current: true, CreatedAt: now.Add(-2 * time.Minute), Files: 1234, Bytes: 123_456_789, Message: "Add a page with a long message"},
		{ID: commitA, Previous: true, CreatedAt: now.Add(-30 * time.Hour), Files: 100, Bytes: 1_200_000, Message: "Größere Bilder"},
		{ID: "v1.4", CreatedAt: now.Add(-20 * 24 * time.Hour), Files: 7, Bytes: 980},
		{ID: "broken", CreatedAt: now.Add(-21 * 24 * time.Hour), Problem: "manifest is not JSON"},
	}
	var all strings.Builder
	for _, width := range []int{80, 60, 0} {
		streams, _, out, _ := term.Test()
		streams.OutTerminal, streams.Size = width > 0, func() (int, int) { return width, 24 }
		s := &session{Streams: streams}
		if err := s.table(s.releaseTable(releases, now)); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(out.String()) {
			if w := ansi.StringWidth(strings.TrimRight(line, "\n")); width > 0 && w > width {
				t.Errorf("%d columns in a terminal of %d: %s", w, width, line)
			}
		}
		fmt.Fprintf(&all, "=== %d columns\n%s", width, out)
	}
	golden.Check(t, "releases.txt", all.String())
}

// keys returns the keys of a JSON object, or of the first object of a list.
func keys(t *testing.T, text string) map[string]json.RawMessage {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(text))
	var object map[string]json.RawMessage
	if err := decoder.Decode(&object); err != nil {
		t.Fatalf("%v:\n%s", err, text)
	}
	if decoder.More() {
		t.Errorf("more than one document:\n%s", text)
	}
	return object
}

func mustHave(t *testing.T, object map[string]json.RawMessage, names ...string) {
	t.Helper()
	for _, name := range names {
		if _, there := object[name]; !there {
			t.Errorf("no key %q", name)
		}
	}
}

func TestJSONHasEveryKeyOfTheContract(t *testing.T) {
	empty := &fakeTarget{info: &hosting.Info{}, execution: &hosting.Execution{Stages: []hosting.Stage{{}}}}
	for name, f := range map[string]*fakeTarget{"a full site": deployed(hosting.Failed), "a site with nothing": empty} {
		t.Run(name, func(t *testing.T) {
			show := keys(t, f.run(t, 0, "", "show", "--json").out)
			mustHave(t, show, "site", "target", "url", "domain", "source", "release")
			mustHave(t, keys(t, string(show["source"])), "repository", "branch")

			status := keys(t, f.run(t, 0, "", "status", "--json").out)
			mustHave(t, status, "execution", "status", "revision", "startedAt", "endedAt", "stages")
			var stages []map[string]json.RawMessage
			if err := json.Unmarshal(status["stages"], &stages); err != nil {
				t.Fatal(err)
			}
			mustHave(t, stages[0], "name", "status", "startedAt", "endedAt", "error")

			mustHave(t, keys(t, f.run(t, 0, "", "deploy", "--json").out), "url", "release", "execution")
			mustHave(t, keys(t, f.run(t, 0, "", "logs", "--json").out), "execution", "log")
			mustHave(t, keys(t, f.run(t, 0, "", "delete", "--yes", "--json").out), "removed", "left")
			mustHave(t, keys(t, f.run(t, 0, "", "version", "--json").out), "version", "commit", "go")
			mustHave(t, keys(t, f.run(t, 0, "", "synth", "--json").out), "template", "parameters")
		})
	}
	var view bytes.Buffer
	s := &session{Streams: &term.Streams{Out: &view}}
	if err := s.printJSON(publishedView{}); err != nil {
		t.Fatal(err)
	}
	mustHave(t, keys(t, view.String()), "release", "previous", "url", "files", "uploaded", "copied", "unchanged", "bytesSent")
}

func TestNothingIsAskedWithoutATerminal(t *testing.T) {
	f := deployed(hosting.Succeeded)
	r := f.run(t, 0, "hello-1a2b3c4d\n", "delete")
	if r.code != 2 || !strings.Contains(r.err, "--yes") || f.deleted {
		t.Errorf("delete: exit code %d, deleted %v:\n%s", r.code, f.deleted, r.err)
	}
	r = f.run(t, 80, "hello\n", "delete")
	if r.code != 2 || f.deleted {
		t.Errorf("delete after a wrong name: exit code %d, deleted %v:\n%s", r.code, f.deleted, r.err)
	}
}

func TestHintsNameTheProject(t *testing.T) {
	s := &session{dir: "my site", stateDir: "/tmp/s"}
	if got, want := s.command("deploy"), "cloudfront-hosting-toolkit --dir 'my site' --state-dir /tmp/s deploy"; got != want {
		t.Errorf("command = %s", got)
	}
}

func TestFindRelease(t *testing.T) {
	releases := []publish.Release{{ID: commitA}, {ID: commitA + "-2"}, {ID: commitB}, {ID: "v1"}, {ID: "v10"}}
	tests := map[string]struct{ given, want string }{
		"the whole id":                 {commitA, commitA},
		"its short form":               {"4f2c9e1ab3c4", commitA},
		"the short form of a rebuild":  {"4f2c9e1ab3c4-2", commitA + "-2"},
		"the beginning of just one":    {"b51d", commitB},
		"a name that begins another":   {"v1", "v1"},
		"the beginning of two":         {"4f2c", ""},
		"none, for the publisher":      {"nope", "nope"},
		"not the beginning: no prefix": {"51d3", "51d3"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := findRelease(releases, tc.given)
			if got != tc.want || (err != nil) != (tc.want == "") {
				t.Errorf("findRelease(%s) = %q, %v", tc.given, got, err)
			}
		})
	}
}

func TestShort(t *testing.T) {
	tests := map[string]string{
		commitA: "4f2c9e1ab3c4", commitA + "-12": "4f2c9e1ab3c4-12", strings.Repeat("a", 64): "aaaaaaaaaaaa",
		"v1.4": "v1.4", "": "", strings.Repeat("x", 40): strings.Repeat("x", 40),
	}
	for id, want := range tests {
		if got := short(id); got != want {
			t.Errorf("short(%q) = %q", id, got)
		}
	}
}

func TestHelpOfEveryCommand(t *testing.T) {
	streams, _, out, _ := term.Test()
	s := &session{Streams: streams}
	for _, c := range newRoot(s).Commands() {
		out.Reset()
		if code := s.run(t.Context(), []string{c.Name(), "--help"}); code != 0 {
			t.Errorf("%s --help: exit code %d", c.Name(), code)
		}
		sections := []string{"Usage\n", "Exit codes\n"}
		if c.Name() != "help" && c.Name() != "version" {
			sections = append(sections, "Examples\n")
		}
		for _, section := range sections {
			if !strings.Contains(out.String(), "\n"+section) {
				t.Errorf("%s --help has no section %q:\n%s", c.Name(), trimmed(section), out)
			}
		}
		for line := range strings.Lines(out.String()) {
			if ansi.StringWidth(line) > 110 {
				t.Errorf("%s --help has a line of %d columns: %s", c.Name(), ansi.StringWidth(line), line)
			}
		}
	}
}

func TestCompletionsOfEveryShell(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		r := (&fakeTarget{}).run(t, 0, "", "completion", shell)
		if r.code != 0 || !strings.Contains(r.out, name) {
			t.Errorf("completion %s: exit code %d, %d bytes", shell, r.code, len(r.out))
		}
	}
	r := deployed(hosting.Succeeded).run(t, 0, "", "__complete", "status", "")
	if !slices.Contains(strings.Split(r.out, "\n"), "20261123-064500-1\tAdd a page with a rather long message that goes on") {
		t.Errorf("completion of an execution:\n%s", r.out)
	}
}
