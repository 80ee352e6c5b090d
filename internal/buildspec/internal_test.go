package buildspec

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func testLog(w io.Writer) *buildLog {
	return newBuildLog(w, func() time.Time { return time.Unix(0, 0) })
}

func TestLogMasksAcrossWrites(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		masks, writes []string
		want          string
	}{
		"whole":                       {[]string{"secret"}, []string{"a secret b\n"}, "a *** b\n"},
		"split":                       {[]string{"secret"}, []string{"a se", "cr", "et b\n"}, "a *** b\n"},
		"a start that goes elsewhere": {[]string{"secret"}, []string{"a sec", "ond\n"}, "a second\n"},
		"a start at the end":          {[]string{"secret"}, []string{"a sec"}, "a sec"},
		"overlapping starts":          {[]string{"aab"}, []string{"aa", "ab\n"}, "a***\n"},
		"one within another":          {[]string{"key", "key-long"}, []string{"key-long key\n"}, "*** ***\n"},
		"over lines":                  {[]string{"a\nb"}, []string{"xa\n", "by\n"}, "x***y\n"},
		"empty is no secret":          {[]string{""}, []string{"abc\n"}, "abc\n"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			log := testLog(&out)
			for _, m := range tc.masks {
				log.mask(m)
			}
			for _, w := range tc.writes {
				log.Write([]byte(w))
			}
			log.flush()
			if out.String() != tc.want {
				t.Errorf("got %q, want %q", out.String(), tc.want)
			}
		})
	}
}

func TestLogStreamsWithoutLines(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := testLog(&out)
	log.mask("secret")
	log.Write([]byte("downloading 10%\r"))
	if out.String() != "downloading 10%\r" {
		t.Errorf("got %q before the line's end", out.String())
	}
	log.line("own with secret")
	if want := "downloading 10%\r\n[build] 1970/01/01 00:00:00 own with ***\n"; out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}

func TestLogIsBounded(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := testLog(&out)
	for range maxLog/(1<<20) + 3 {
		log.Write(bytes.Repeat([]byte("x"), 1<<20))
	}
	log.line("own lines still come")
	for line := range bytes.Lines(out.Bytes()) {
		if len(line) > maxLine+1 {
			t.Fatalf("a line of %d bytes", len(line))
		}
	}
	if out.Len() > maxLog+maxLog/maxLine+200 {
		t.Errorf("%d bytes", out.Len())
	}
	if s := out.String()[out.Len()-200:]; strings.Count(out.String(), "longer than 64 MiB") != 1 || !strings.HasSuffix(s, "own lines still come\n") {
		t.Errorf("the log ends with %q", s)
	}
}

// A full disk under the log must not hang a build.
func TestLogRemembersItsError(t *testing.T) {
	t.Parallel()
	full := errors.New("no space left on device")
	log := testLog(failingWriter{full})
	log.Write([]byte("a"))
	log.Write([]byte("b"))
	if !errors.Is(log.Err(), full) {
		t.Errorf("Err = %v", log.Err())
	}
}

type failingWriter struct{ err error }

func (w failingWriter) Write([]byte) (int, error) { return 0, w.err }

// The forms in which shells print variables: dash and ash, bash in POSIX mode, ksh and mksh, zsh.
func TestRestoreSh(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ variables, exports, want string }{
		"dash":                    {"A='it'\"'\"'s'\nB='x\ny'\nPPID='1'\n", "export A='it'\"'\"'s'\nexport C\n", "export A='it'\\''s'\nB='x\ny'\n"},
		"bash in POSIX mode":      {"A=plain\nB=$'x\\ny\\'s\\303\\244'\nC=\nBASH_VERSINFO=([0]=\"5\")\nEUID=0\n", "export A=\"plain\"\n", "export A='plain'\nB='x\ny'\\''sä'\nC=''\n"},
		"ksh":                     {"A='a b'\nB=$'\\tx'\n", "typeset -x A='a b'\n", "export A='a b'\nB='\tx'\n"},
		"zsh":                     {"'#'=0\nA='it'\\''s'\npath=( /bin /usr/bin )\n", "export A='it'\\''s'\n", "export A='it'\\''s'\n"},
		"a value like a variable": {"A='x\nB=1'\n", "", "A='x\nB=1'\n"},
		"the toolkit's own":       {"__cht_status='0'\nA='1'\n", "", "A='1'\n"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			got, ok := restoreSh([]byte(tc.variables+dumpEnd+"\n"), []byte(tc.exports))
			if diff := cmp.Diff(tc.want, got); diff != "" || !ok {
				t.Errorf("ok %v (-want +got):\n%s", ok, diff)
			}
		})
	}
	for _, broken := range []string{"A='x", "A=\"x", "A=$'x"} {
		if got, ok := restoreSh([]byte(broken+"\n"+dumpEnd+"\n"), nil); ok {
			t.Errorf("%q was read as %q", broken, got)
		}
	}
	if got, ok := restoreSh([]byte("A='1'\n"), nil); ok {
		t.Errorf("a dump without its end was read as %q", got)
	}
}

func TestRestoreBash(t *testing.T) {
	t.Parallel()
	dump := "\x00declare -x A=\"it's\"\n\x00declare -r B=\"2\"\n\x00declare -ir N=\"1\"\n\x00declare -r BASHOPTS=\"x\"\n\x00declare -a L=([0]=\"a\nb\")\n\x00\x00declare -- E\n\x00end"
	want := "declare -x A=\"it's\"\ndeclare -- B=\"2\"\ndeclare -i N=\"1\"\ndeclare -a L=([0]=\"a\nb\")\ndeclare -- E\n"
	got, ok := restoreBash([]byte(dump))
	if diff := cmp.Diff(want, got); diff != "" || !ok {
		t.Errorf("ok %v (-want +got):\n%s", ok, diff)
	}
	if _, ok := restoreBash([]byte(strings.TrimSuffix(dump, "end"))); ok {
		t.Error("a dump without its end was taken for whole")
	}
}

func FuzzRestoreSh(f *testing.F) {
	f.Add("A='it'\"'\"'s'\n", "export A\n")
	f.Add("A=$'\\777'\nB=\"\\\\\"", "")
	f.Fuzz(func(t *testing.T, variables, exports string) {
		got, ok := restoreSh([]byte(variables+dumpEnd+"\n"), []byte(exports))
		if !ok {
			return
		}
		// What is restored reads back as itself.
		plain := strings.ReplaceAll("\n"+got, "\nexport ", "\n")[1:]
		again, ok := restoreSh([]byte(plain+dumpEnd+"\n"), nil)
		if !ok || again != plain {
			t.Errorf("%q read back as %q, ok %v", plain, again, ok)
		}
	})
}

func TestRuntimeMatches(t *testing.T) {
	t.Parallel()
	tests := []struct {
		wanted, printed string
		want            bool
	}{
		{"20", "v20.11.1", true}, {"20.x", "v20.11.1", true}, {"18", "v20.11.1", false}, {"2", "v20.11.1", false},
		{"latest", "v1", true}, {"$NODE", "v1", true}, {"3.12", "Python 3.12.4", true}, {"1.22", "go version go1.23.4 linux/amd64", false},
		{"corretto21", `openjdk version "21.0.2" 2024-01-16`, true}, {"8.2", "PHP 8.2.7 (cli)", true}, {"20", "no version", false},
	}
	for _, tc := range tests {
		if got := runtimeMatches(tc.wanted, tc.printed); got != tc.want {
			t.Errorf("runtimeMatches(%q, %q) = %v", tc.wanted, tc.printed, got)
		}
	}
}

func TestWindowsAndUnixPathsOfPatterns(t *testing.T) {
	t.Parallel()
	for glob, want := range map[string]string{"./a/": "a", "a//b": "a/b", "/a/b": "/a/b", ".": "", "./": "", "a/./b": "a/b", "**/*": "**/*"} {
		if got := cleanGlob(glob); got != want {
			t.Errorf("cleanGlob(%q) = %q, want %q", glob, got, want)
		}
	}
}
