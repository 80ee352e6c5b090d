package buildspec_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/buildspec"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/golden"
)

// TestConvert converts testdata/convert/*.yml, files in the form of upstream's, and compares with *.golden.
func TestConvert(t *testing.T) {
	t.Parallel()
	inputs, err := filepath.Glob("testdata/convert/*.yml")
	if err != nil || len(inputs) == 0 {
		t.Fatal(err, inputs)
	}
	for _, input := range inputs {
		t.Run(filepath.Base(input), func(t *testing.T) {
			data, err := os.ReadFile(input)
			if err != nil {
				t.Fatal(err)
			}
			if !buildspec.Upstream(data) {
				t.Error("it is not recognised")
			}
			got, changes, err := buildspec.Convert(data)
			if err != nil {
				t.Fatal(err)
			}
			golden.Check(t, strings.TrimPrefix(strings.TrimSuffix(filepath.ToSlash(input), ".yml"), "testdata/")+".golden", string(got)+"--- changes\n"+strings.Join(changes, "\n")+"\n")
			if _, err := buildspec.Parse("b.yml", got); err != nil {
				t.Error(err)
			}
			// Line ends stay as they are.
			windows, _, err := buildspec.Convert(bytes.ReplaceAll(data, []byte("\n"), []byte("\r\n")))
			if err == nil && bytes.Contains(data, []byte("$SRC_BUCKET_NAME")) {
				return
			}
			if want := bytes.ReplaceAll(got, []byte("\n"), []byte("\r\n")); err != nil || !bytes.Equal(windows, want) {
				t.Errorf("with CRLF: %v %q", err, windows)
			}
		})
	}
}

func TestConvertRefuses(t *testing.T) {
	t.Parallel()
	const copyAll = " s3://$DEST_BUCKET_NAME/$CODEBUILD_RESOLVED_SOURCE_VERSION/ --recursive"
	tests := map[string]struct{ commands, want string }{
		"not upstream's":      {"make", "it does not copy to the bucket"},
		"a variable folder":   {"cd $OUT\n      - aws s3 cp ./" + copyAll, "line 6: the folder that is copied can't be told from the text"},
		"a computed folder":   {"cd $(ls -d build*)\n      - aws s3 cp ./" + copyAll, "line 6: the folder that is copied can't be told from the text"},
		"a computed folder 2": {"cd $(ls -d build*) && aws s3 cp ./" + copyAll, "line 5: the folder that is copied can't be told from the text"},
		"one of two folders":  {"cd build || cd dist\n      - aws s3 cp ./" + copyAll, "line 6: the folder that is copied can't be told from the text"},
		"a folder, perhaps":   {"if [ -d build ]; then cd build; fi\n      - aws s3 cp ./" + copyAll, "line 6: the folder that is copied can't be told from the text"},
		"a folder, pushed":    {"pushd build\n      - aws s3 cp ./" + copyAll, "line 6: the folder that is copied can't be told from the text"},
		"outside":             {"cd ..\n      - aws s3 cp ./" + copyAll, "line 6: the folder that is copied is outside of the project"},
		"two folders":         {"aws s3 cp a" + copyAll + "\n      - aws s3 cp b" + copyAll, `line 6: two folders are copied, "a" and "b"`},
		"part of a condition": {"if true; then aws s3 cp ./" + copyAll + "; fi", "line 5: the copy is part of a longer command"},
		"not a buildspec":     {"aws s3 cp ./" + copyAll + "\nphasen: 1", `unknown key "phasen"`},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			_, _, err := buildspec.Convert([]byte("version: 0.2\nphases:\n  build:\n    commands:\n      - " + tc.commands + "\n"))
			if err == nil || !strings.Contains(err.Error(), tc.want) || fault.KindOf(err) != fault.Usage {
				t.Errorf("error %v, want %q", err, tc.want)
			}
		})
	}
}

func FuzzConvert(f *testing.F) {
	inputs, _ := filepath.Glob("testdata/convert/*.yml")
	for _, input := range inputs {
		data, err := os.ReadFile(input)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(data))
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, _, err := buildspec.Convert([]byte(text))
		if err != nil {
			return
		}
		if _, err := buildspec.Parse("b.yml", got); err != nil || buildspec.Upstream(got) {
			t.Errorf("%q became %q: %v", text, got, err)
		}
	})
}

// TestLogGolden holds the look of a whole log.
func TestLogGolden(t *testing.T) {
	t.Parallel()
	b, log := newBuild(t, `version: 0.2
env: {git-credential-helper: yes}
phases:
  install: {runtime-versions: {scala: 3}, commands: ['printf "no end of line"']}
  build:
    commands:
      - |
        for f in a b; do
          echo "<p>$f</p>" > $f.html
        done
      - echo done
  post_build: {commands: [ls, 'exit 3', echo never], finally: [echo always]}
artifacts: {files: ['*.html', '*.css']}
`)
	b.Run(context.Background(), filepath.Join(t.TempDir(), "artifacts"))
	text := stamp.ReplaceAllString(log.String(), "[build] DATE ")
	golden.Check(t, "log.golden", regexp.MustCompile(`(in|after) [0-9.]+(µs|ms|s)`).ReplaceAllString(text, "$1 TIME"))
}
