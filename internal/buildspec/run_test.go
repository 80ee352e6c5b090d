package buildspec_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/buildspec"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
)

// artifactsOfAll ends the build files of most tests.
const artifactsOfAll = "\nartifacts:\n  files: ['**/*']\n"

// newBuild parses a build file and returns a build of a folder that has an index.html, with its log.
func newBuild(t *testing.T, text string) (*buildspec.Build, *bytes.Buffer) {
	t.Helper()
	spec, err := buildspec.Parse("build.yml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	source, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(source, "index.html"), "<h1>hello</h1>")
	log := &bytes.Buffer{}
	return &buildspec.Build{Spec: spec, Source: source, Work: t.TempDir(), Log: log, Timeout: 2 * time.Minute, Grace: 100 * time.Millisecond}, log
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

var stamp = regexp.MustCompile(`(?m)^\[build\] \d{4}/\d\d/\d\d \d\d:\d\d:\d\d `)

// output is what the commands printed: the log without the toolkit's own lines.
func output(log string) string {
	var out strings.Builder
	own := false
	for line := range strings.Lines(log) {
		if own = stamp.MatchString(line) || own && strings.HasPrefix(line, "    "); !own {
			out.WriteString(line)
		}
	}
	return out.String()
}

// TestSemantics runs small build files for real. Each case names the page of the CodeBuild User Guide that says so; [?] is
// a rule that is weakly sourced.
func TestSemantics(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		spec   string
		output string   // what the commands print
		phases string   // "NAME STATUS" of the report
		err    string   // a part of the error, "" for none
		log    []string // parts of the log
	}{
		"build-spec-ref: phases run in CodeBuild's order": {
			spec:   "phases:\n  post_build: {commands: [echo 4]}\n  build: {commands: [echo 3]}\n  install: {commands: [echo 1]}\n  pre_build: {commands: [echo 2]}",
			output: "1\n2\n3\n4\n",
			phases: "INSTALL SUCCEEDED, PRE_BUILD SUCCEEDED, BUILD SUCCEEDED, POST_BUILD SUCCEEDED, UPLOAD_ARTIFACTS SUCCEEDED",
		},
		"build-spec-ref: the first failed command skips the rest of its phase": {
			spec:   "phases:\n  build: {commands: [echo a, exit 3, echo b]}",
			output: "a\n", err: `phase BUILD: command "exit 3": exit status 3`,
			phases: "BUILD FAILED, UPLOAD_ARTIFACTS SUCCEEDED",
		},
		"build-spec-ref: finally runs after a failure": {
			spec:   "phases:\n  build: {commands: ['false', echo no], finally: [echo always]}",
			output: "always\n", err: `command "false": exit status 1`,
			phases: "BUILD FAILED, UPLOAD_ARTIFACTS SUCCEEDED",
		},
		"build-spec-ref: a failed finally fails the phase": {
			spec:   "phases:\n  build: {commands: [echo ok], finally: [exit 4, echo no]}",
			output: "ok\n", err: `command "exit 4": exit status 4`,
			phases: "BUILD FAILED, UPLOAD_ARTIFACTS SUCCEEDED",
		},
		"view-build-details-phases: post_build runs after a failed build, which it is told": {
			spec:   "phases:\n  build: {commands: [echo $CODEBUILD_BUILD_SUCCEEDING, 'false']}\n  post_build: {commands: [echo $CODEBUILD_BUILD_SUCCEEDING]}",
			output: "1\n0\n", err: `phase BUILD: command "false"`,
			phases: "BUILD FAILED, POST_BUILD SUCCEEDED, UPLOAD_ARTIFACTS SUCCEEDED",
		},
		"view-build-details-phases: a failed install skips the later phases": {
			spec: "phases:\n  install: {commands: ['false'], finally: [echo always]}\n  build: {commands: [echo no]}\n  post_build: {commands: [echo no]}", output: "always\n",
			err: "phase INSTALL", phases: "INSTALL FAILED, UPLOAD_ARTIFACTS SUCCEEDED", log: []string{"phase BUILD is skipped", "phase POST_BUILD is skipped"},
		},
		"view-build-details-phases: a failed pre_build skips the later phases [?]": {
			spec: "phases:\n  pre_build: {commands: ['false']}\n  build: {commands: [echo no]}\n  post_build: {commands: [echo no]}",
			err:  "phase PRE_BUILD", phases: "PRE_BUILD FAILED, UPLOAD_ARTIFACTS SUCCEEDED",
		},
		"view-build-details-phases: artifacts are collected after a failure, and the build has failed": {
			spec: "phases:\n  build: {commands: ['false']}",
			err:  "phase BUILD", phases: "BUILD FAILED, UPLOAD_ARTIFACTS SUCCEEDED", log: []string{"1 file of artifacts"},
		},
		"build-spec-ref: on-failure ABORT skips post_build": {
			spec: "phases:\n  build: {commands: ['false'], on-failure: ABORT}\n  post_build: {commands: [echo no]}",
			err:  "phase BUILD", phases: "BUILD FAILED, UPLOAD_ARTIFACTS SUCCEEDED",
		},
		"build-spec-ref: on-failure CONTINUE goes on, and the build still has failed [?]": {
			spec: "phases:\n  install: {commands: ['false'], on-failure: CONTINUE}\n  build: {commands: [echo $CODEBUILD_BUILD_SUCCEEDING]}", output: "0\n",
			err: "phase INSTALL", phases: "INSTALL FAILED, BUILD SUCCEEDED, UPLOAD_ARTIFACTS SUCCEEDED",
		},
		"build-spec-ref: on-failure RETRY repeats the phase, with the variables that it began with": {
			spec:   "phases:\n  build:\n    on-failure: RETRY-2\n    commands: ['cd /; n=x$n; echo $n $PWD >> $CODEBUILD_SRC_DIR/tries', '[ $(wc -l < $CODEBUILD_SRC_DIR/tries) = 3 ]', cut -c1 $CODEBUILD_SRC_DIR/tries]\n    finally: [echo f]",
			output: "f\nf\nx\nx\nx\nf\n", phases: "BUILD SUCCEEDED x3, UPLOAD_ARTIFACTS SUCCEEDED", log: []string{"retry 1 of 2", "retry 2 of 2"},
		},
		"build-spec-ref: on-failure RETRY gives up": {
			spec: "phases:\n  build: {commands: ['false'], on-failure: RETRY-1}\n  post_build: {commands: [echo no]}",
			err:  "phase BUILD", phases: "BUILD FAILED x2, UPLOAD_ARTIFACTS SUCCEEDED",
		},
		"build-spec-ref: on-failure RETRY-regex repeats only what matches": {
			spec:   "phases:\n  build: {commands: ['echo disk full; false'], on-failure: RETRY-timed out}",
			output: "disk full\n", err: "phase BUILD", phases: "BUILD FAILED, UPLOAD_ARTIFACTS SUCCEEDED", log: []string{"no retry: nothing in the output matches timed out"},
		},
		"build-spec-ref: on-failure RETRY-regex sees the output": {
			spec:   "phases:\n  build: {commands: ['echo it timed out; false'], on-failure: RETRY-1-timed.out}",
			output: "it timed out\nit timed out\n", err: "phase BUILD", phases: "BUILD FAILED x2, UPLOAD_ARTIFACTS SUCCEEDED",
		},
		"build-env-ref-cmd: a command of several lines ends with its last line's status": {
			spec: "phases:\n  build:\n    commands:\n      - |\n        false\n        cat <<EOF\n        it's \"$HOME_X\" here\n        EOF\n        echo end",
			// The block's indentation is the here document's.
			output: "it's \"\" here\nend\n", phases: "BUILD SUCCEEDED, UPLOAD_ARTIFACTS SUCCEEDED",
		},
		"build-spec-ref: run-as is told, not obeyed": {
			spec: "run-as: nobody\nphases:\n  build: {commands: ['true']}", phases: "BUILD SUCCEEDED, UPLOAD_ARTIFACTS SUCCEEDED",
			log: []string{"note: build.yml:2: run-as nobody is ignored here"},
		},
		"build-spec-ref: env.variables are not expanded": {
			spec: "env: {variables: {A: '$HOME:x', B: 'it''s'}}\nphases:\n  build: {commands: ['echo \"$A $B\"; sh -c ''echo $A''']}", output: "$HOME:x it's\n$HOME:x\n",
			phases: "BUILD SUCCEEDED, UPLOAD_ARTIFACTS SUCCEEDED",
		},
		"build-spec-ref: runtime-versions never fail a build": {
			spec: "phases:\n  install: {runtime-versions: {erlang: 99, nodejs: 1}}\n  build: {commands: ['true']}", phases: "INSTALL SUCCEEDED, BUILD SUCCEEDED, UPLOAD_ARTIFACTS SUCCEEDED",
			log: []string{"asks for erlang 99, which is not checked here", "asks for nodejs 1, and this machine has"},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, log := newBuild(t, "version: 0.2\n"+tc.spec+artifactsOfAll)
			report, err := b.Run(context.Background(), filepath.Join(t.TempDir(), "artifacts"))
			checkError(t, err, tc.err)
			if diff := cmp.Diff(tc.output, output(log.String())); diff != "" {
				t.Errorf("output (-want +got):\n%s\nlog:\n%s", diff, log)
			}
			if diff := cmp.Diff(tc.phases, summary(report)); diff != "" {
				t.Errorf("phases (-want +got):\n%s", diff)
			}
			for _, want := range tc.log {
				if !strings.Contains(log.String(), want) {
					t.Errorf("the log lacks %q:\n%s", want, log)
				}
			}
			if report.ArtifactFiles == 0 {
				t.Error("no artifacts were collected")
			}
		})
	}
}

// checkError compares an error of Run with a part of its text; a failed build is a fault.Failed with a hint.
func checkError(t *testing.T, err error, want string) {
	t.Helper()
	switch {
	case want == "" && err != nil:
		t.Errorf("error: %v", err)
	case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
		t.Errorf("error %v, want %q", err, want)
	case want != "" && fault.KindOf(err) != fault.Failed:
		t.Errorf("kind %v", fault.KindOf(err))
	}
}

func summary(r buildspec.Report) string {
	var out []string
	for _, p := range r.Phases {
		text := p.Name + " " + string(p.Status)
		if p.Attempts > 1 {
			text += " x" + string(rune('0'+p.Attempts))
		}
		out = append(out, text)
	}
	return strings.Join(out, ", ")
}

// TestPersistence holds what is carried over from one command to the next against both shells.
func TestPersistence(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		commands []string
		output   string
		only     string // a shell
		err      string
	}{
		"exported variable":                        {commands: []string{`export A="a b"`, `sh -c 'echo "$A"'`}, output: "a b\n"},
		"variable that is not exported":            {commands: []string{`A=1`, `echo "$A"; sh -c 'echo "<$A>"'`}, output: "1\n<>\n"},
		"a value with quotes and newlines":         {commands: []string{"A='it'\\''s \"q\" `x` $y \\\\\n\nB=2'", `printf '%s|' "$A" "${B-unset}"; echo`}, output: "it's \"q\" `x` $y \\\\\n\nB=2|unset|\n"},
		"a value with other bytes":                 {commands: []string{`A=$(printf '\001\t\r\303\244\377 x')`, `printf %s "$A" | od -An -tx1 | tr -d ' \n'; echo`}, output: "01090dc3a4ff2078\n"},
		"an empty value":                           {commands: []string{`export A=`, `echo "${A-unset}|"`}, output: "|\n"},
		"unset":                                    {commands: []string{`A=1`, `unset A; unset HOME`, `echo "${A-unset} ${HOME-unset}"`}, output: "unset unset\n"},
		"readonly keeps the value":                 {commands: []string{`readonly A=1`, `echo $A`, `A=2`, `echo $A`}, output: "1\n2\n"},
		"IFS":                                      {commands: []string{`IFS=:`, `A=1`, `X=a:b; set -- $X; echo $2 $A`}, output: "b 1\n"},
		"the working directory":                    {commands: []string{`mkdir -p "a b'c"`, `cd "a b'c"`, `basename "$PWD"; basename "$(pwd)"`, `cd -`, `ls`}, output: "a b'c\na b'c\nROOT\na b'c\nindex.html\n"},
		"the working directory of a link":          {commands: []string{`mkdir real; ln -s real link; cd link`, `basename "$PWD"; cd ..; ls`}, output: "link\nindex.html\nlink\nreal\n"},
		"functions do not persist [?]":             {commands: []string{`f() { echo f; }; f`, `f 2>/dev/null || echo none`}, output: "f\nnone\n"},
		"aliases do not persist [?]":               {commands: []string{`alias al='echo a'`, `alias al 2>/dev/null || echo none`}, output: "none\n"},
		"options do not persist [?]":               {commands: []string{`set -e -u`, `false; echo "go on $NOT_SET"`}, output: "go on \n"},
		"noclobber and noglob do not hurt":         {commands: []string{`set -C -f; A=1`, `echo $A *`}, output: "1 index.html\n"},
		"tracing is the command's own":             {only: "sh", commands: []string{`set -x; A=1`, `echo $A`}, output: "+ A=1\n1\n"},
		"set -e ends the command, variables stay":  {commands: []string{`A=1; set -e; true`, `echo $A`}, output: "1\n"},
		"exit 0 ends the command, variables stay":  {commands: []string{`A=1; exit 0; echo no`, `echo $A`}, output: "1\n"},
		"an EXIT trap runs, variables stay":        {commands: []string{`trap 'echo bye' EXIT; A=1`, `echo $A`}, output: "bye\n1\n"},
		"exec replaces the shell":                  {commands: []string{`A=1`, `A=2; exec echo hi`, `echo $A`}, output: "hi\n1\n"},
		"exec redirects its own command only":      {commands: []string{`A=1; exec >/dev/null 2>&1; echo hidden`, `echo $A`}, output: "1\n"},
		"closed output":                            {commands: []string{`A=1; exec 1>&- 2>&-`, `echo $A`}, output: "1\n"},
		"standard input is empty":                  {commands: []string{`cat; read x; echo "$?<$x>"`}, output: "1<>\n"},
		"a background process does not hold it up": {commands: []string{`sleep 60 & A=1`, `echo $A`}, output: "1\n"},
		"background output arrives":                {commands: []string{`mkfifo f; { read x; echo "late $x"; echo . > g; } < f & `, `mkfifo g; echo 1 > f; read y < g`}, output: "late 1\n"},
		"a syntax error ends the command":          {commands: []string{`A=1`, `if then`}, err: `command "if then": exit status`},
		"an open quote ends the command":           {commands: []string{`echo "x`}, err: `exit status`},
		"a killed shell":                           {commands: []string{`kill -9 $$`}, err: `ended by a signal: killed`},
		"a killed group, and the build goes on":    {commands: []string{`A=1`, `kill -9 0`}, err: "killed"},
		"the working directory is deleted":         {commands: []string{`mkdir d; cd d; rmdir ../d`, `echo no`}, err: "exit status 1"},
		"a command that does not exist":            {commands: []string{`no-such-command`}, err: "exit status 127"},
		"bash: arrays and attributes":              {only: "bash", commands: []string{`declare -a A=(x "y z"); declare -i N=1`, `N+=1; echo "${A[1]} $N"`}, output: "y z 2\n"},
		"bash: exported functions do not persist":  {only: "bash", commands: []string{`f() { echo f; }; export -f f`, `f 2>/dev/null || echo none`}, output: "none\n"},
	}
	for _, shell := range []string{"sh", "bash"} {
		for name, tc := range tests {
			if tc.only != "" && tc.only != shell {
				continue
			}
			t.Run(shell+"/"+name, func(t *testing.T) {
				t.Parallel()
				b, log := newBuild(t, "version: 0.2\nphases: {build: {commands: ['true']}}"+artifactsOfAll)
				b.Spec.Shell = shell
				var commands []buildspec.Command
				for _, c := range tc.commands {
					commands = append(commands, buildspec.Command{Text: c})
				}
				b.Spec.Phases[0].Commands = commands
				_, err := b.Run(context.Background(), filepath.Join(t.TempDir(), "artifacts"))
				checkError(t, err, tc.err)
				got := strings.NewReplacer(b.Source, "ROOT").Replace(output(log.String()))
				if tc.err == "" {
					if diff := cmp.Diff(tc.output, got); diff != "" {
						t.Errorf("output (-want +got):\n%s\nlog:\n%s", diff, log)
					}
				}
			})
		}
	}
}
