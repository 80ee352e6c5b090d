package awstarget_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/double"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/need"
)

// What synth prints deploys by hand: the commands are carried out as they stand, by the AWS CLI. The site that comes of it is
// then the toolkit's like any other.
func TestByHand(t *testing.T) {
	need.Program(t, "aws", "apt-get install awscli")
	b := newBed(t, true)
	b.account.Do(func() { b.account.Quick = true })
	dir := t.TempDir()
	var template, told bytes.Buffer
	synth := b.command(b.opts.Executable, "--dir", b.repo, "synth")
	synth.Stdout, synth.Stderr = &template, &told
	if err := synth.Run(); err != nil {
		t.Fatalf("%v\n%s", err, &told)
	}
	program, err := os.ReadFile(b.opts.Executable)
	if err := errors.Join(err, os.WriteFile(filepath.Join(dir, "hosting.yaml"), template.Bytes(), 0o644),
		os.WriteFile(filepath.Join(dir, "cloudfront-hosting-toolkit"), program, 0o755)); err != nil {
		t.Fatal(err)
	}
	_, commands, ok := strings.Cut(told.String(), "\n\n")
	before, after, connects := strings.Cut(commands, "# now complete the connection")
	if !ok || !connects {
		t.Fatalf("the commands are not there:\n%s", &told)
	}
	b.shell(dir, before)
	b.account.CompleteAll()
	b.shell(dir, "# now complete the connection"+after)

	var e hosting.Execution
	for deadline := time.Now().Add(2 * time.Minute); !e.Status.Done(); time.Sleep(20 * time.Millisecond) {
		if e, err = b.hosting().Execution(t.Context(), ""); err != nil || time.Now().After(deadline) {
			t.Fatalf("execution %+v, %v %v %v", e, err, b.account.Status(b.site.Name()), b.account.Outputs(b.site.Name()))
		}
	}
	info, err := b.hosting().Show(t.Context())
	if err != nil || e.Status != hosting.Succeeded || info.Release != e.Revision || len(info.Differs) > 0 {
		t.Errorf("execution %+v, site %+v, %v", e, info, err)
	}
	if status, body := b.get(info.URL); status != 200 || body != "<title>version one</title>" {
		t.Errorf("the site answers %d %q", status, body)
	}
	r := &recorder{}
	if _, err := b.deploy(r); err != nil {
		t.Errorf("deploy over it: %v\n%s", err, r)
	}
}

// shell runs commands as they would be pasted.
func (b *bed) shell(dir, commands string) {
	b.t.Helper()
	cmd := b.command("sh", "-eu")
	cmd.Dir, cmd.Stdin = dir, strings.NewReader(commands)
	// An empty variable is one for the AWS CLI, which is not for the SDK for Go.
	cmd.Env = append(slices.DeleteFunc(cmd.Env, func(v string) bool { return strings.HasPrefix(v, "AWS_") && strings.HasSuffix(v, "=") }),
		"AWS_DEFAULT_REGION="+double.Region) // the CLI before version 2 knows no AWS_REGION
	out, err := cmd.CombinedOutput()
	if err != nil {
		b.t.Fatalf("%v\n%s\n%s", err, commands, out)
	}
	b.t.Logf("%s", out)
}
