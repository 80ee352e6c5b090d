package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/term"
)

func TestExitCodes(t *testing.T) {
	failed := deployed(hosting.Failed)
	failed.deployErr = fault.New(fault.Failed, "", "build %s failed", failed.execution.ID)
	broken := deployed(hosting.Succeeded)
	broken.deployErr = errors.New("disk full")
	misconfigured := deployed(hosting.Succeeded)
	misconfigured.deployErr = fmt.Errorf("deploy: %w", fault.New(fault.Usage, "", "bad buildspec"))
	tests := map[string]struct {
		target *fakeTarget
		args   string
		code   int
		err    string
	}{
		"done":                           {deployed(hosting.Succeeded), "deploy", 0, ""},
		"an error without a kind":        {broken, "deploy", 1, "error: disk full"},
		"invalid configuration":          {misconfigured, "deploy", 2, "error: deploy: bad buildspec"},
		"a failed build":                 {failed, "deploy", 3, "hint: see: cloudfront-hosting-toolkit logs\n      the site stays on release 4f2c9e1ab3c4"},
		"nothing deployed: show":         {&fakeTarget{}, "show", 4, "hint: run: deploy"},
		"nothing deployed: status":       {&fakeTarget{}, "status", 4, ""},
		"nothing deployed: releases":     {&fakeTarget{}, "releases", 4, ""},
		"nothing deployed: rollback":     {&fakeTarget{}, "rollback", 4, ""},
		"nothing deployed: delete":       {&fakeTarget{}, "delete --yes", 4, ""},
		"unknown command":                {nil, "deplyo", 2, `error: unknown command "deplyo"` + "\nhint: did you mean: cloudfront-hosting-toolkit deploy"},
		"a word that is like no command": {nil, "xyzzy", 2, "hint: see: cloudfront-hosting-toolkit --help"},
		"unknown flag":                   {nil, "deploy --no-wiat", 2, "hint: did you mean --no-wait?"},
		"unknown global flag":            {nil, "--jsno show", 2, "hint: did you mean --json?"},
		"a flag's value is missing":      {nil, "show --dir", 2, "error: flag needs an argument: --dir"},
		"a target that does not exist":   {nil, "show --target azure", 2, "it is one of local, aws"},
		"a routing that does not exist":  {nil, "init --routing magic", 2, "it is one of spa, static, custom"},
		"too many arguments":             {nil, "rollback a b", 2, `error: rollback takes one release, got "b" as well`},
		"an argument where none goes":    {nil, "show all", 2, `error: show takes no arguments, got "all"`},
		"an argument is missing":         {nil, "publish", 2, "error: publish needs one folder or zip file"},
		"an empty release id":            {nil, "rollback ''", 2, "error: the release id is empty"},
		"an invalid release id":          {nil, "publish . --release ../x", 2, "error: --release:"},
		"contradictory sources":          {nil, "init --s3 --repo .", 2, "error: a site has one source"},
		"help of an unknown command":     {nil, "help deplyo", 2, "error: unknown command"},
		"an unknown shell":               {nil, "completion csh", 2, `error: unknown shell "csh"`},
		"--json and --follow":            {deployed(hosting.Succeeded), "logs --json --follow", 2, ""},
		"a folder that does not exist":   {nil, "init --dir nowhere", 2, "nowhere is not a folder"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if tc.target == nil {
				tc.target = &fakeTarget{}
			}
			args := strings.Fields(tc.args)
			for i, a := range args {
				args[i] = strings.Trim(a, "'")
			}
			r := tc.target.run(t, 0, "", args...)
			if r.code != tc.code || !strings.Contains(r.err, tc.err) {
				t.Errorf("exit code %d, want %d; err:\n%s", r.code, tc.code, r.err)
			}
			if r.code != 0 && r.out != "" && !slices.Contains(args, "--json") {
				t.Errorf("out: %q", r.out)
			}

			// The same with --json: one document on standard output, whether or not the flag has been reached.
			r = tc.target.run(t, 0, "", append(args, "--json")...)
			if r.code != tc.code {
				t.Errorf("with --json: exit code %d", r.code)
			}
			if tc.code == 0 || strings.HasSuffix(tc.args, "--dir") {
				return
			}
			var document struct {
				Error *struct{ Message, Hint *string }
			}
			if err := json.Unmarshal([]byte(r.out), &document); err != nil {
				t.Fatalf("with --json: %v:\n%s", err, r.out)
			}
			if document.Error == nil || document.Error.Message == nil || document.Error.Hint == nil {
				t.Errorf("with --json:\n%s", r.out)
			}
		})
	}
}

// Upstream's status and deploy exit 0 when the pipeline failed, and name the last stage.
func TestDefect29_AFailedPipelineIsAFailure(t *testing.T) {
	f := deployed(hosting.Failed)
	f.deployErr = fault.New(fault.Failed, "", "Build failed: npm run build: exit status 1")
	for _, args := range [][]string{{"deploy"}, {"status"}, {"status", "--json"}} {
		r := f.run(t, 0, "", args...)
		if r.code != 3 {
			t.Errorf("%s: exit code %d", args, r.code)
		}
		if !strings.Contains(r.out+r.err, "npm run build: exit status 1") {
			t.Errorf("%s does not tell why:\n%s%s", args, r.out, r.err)
		}
		if args[0] == "status" && strings.Contains(r.err, "error:") {
			t.Errorf("%s: the answer and an error:\n%s", args, r.err)
		}
	}
	r := f.run(t, 0, "", "status")
	if !strings.Contains(r.out, "✗  Build") || !strings.Contains(r.out, "·  Release") {
		t.Errorf("status does not name the stage that failed:\n%s", r.out)
	}
}

func TestAnInterruptedCommandSaysSo(t *testing.T) {
	f := deployed(hosting.InProgress)
	f.deployErr = fmt.Errorf("wait for the execution: %w", context.Canceled)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	streams, _, _, errs := term.Test()
	s := &session{Streams: streams}
	if code := s.fail(ctx, f.deployErr, nil); code != exitError || errs.String() != "error: interrupted\n" {
		t.Errorf("exit code %d, err %q", code, errs)
	}
}

func TestErrorsOfSeveralLinesAreAligned(t *testing.T) {
	streams, _, _, errs := term.Test()
	s := &session{Streams: streams}
	s.fail(t.Context(), fault.New(fault.Usage, "one\ntwo", "a.json:1:2: first\na.json:3:4: second"), nil)
	if want := "error: a.json:1:2: first\n       a.json:3:4: second\nhint: one\n      two\n"; errs.String() != want {
		t.Errorf("got %q", errs)
	}
}
