package server

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/edge"
)

func TestLogIsBounded(t *testing.T) {
	name := filepath.Join(t.TempDir(), "access.log")
	l, err := openLog(name, 100)
	if err != nil {
		t.Fatal(err)
	}
	line := strings.Repeat("x", 39) + "\n"
	for range 5 {
		if n, err := l.Write([]byte(line)); n != 40 || err != nil {
			t.Fatal(n, err)
		}
	}
	l.Close()
	if n, err := l.Write([]byte(line)); n != 40 || err != nil {
		t.Errorf("write after close: %d, %v", n, err)
	}
	for file, want := range map[string]int64{name: 40, name + ".1": 80} {
		if info, err := os.Stat(file); err != nil || info.Size() != want {
			t.Errorf("%s: %v %v, want %d bytes", file, info.Size(), err, want)
		}
	}
}

// A log that cannot be renamed is still bounded, and still written.
func TestLogIsBoundedWithoutRename(t *testing.T) {
	name := filepath.Join(t.TempDir(), "access.log")
	if err := os.MkdirAll(filepath.Join(name+".1", "in the way"), 0o700); err != nil {
		t.Fatal(err)
	}
	l, err := openLog(name, 100)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		if _, err := l.Write([]byte(strings.Repeat(strconv.Itoa(i), 39) + "\n")); err != nil {
			t.Fatal(err)
		}
	}
	l.Close()
	if data, err := os.ReadFile(name); err != nil || string(data) != strings.Repeat("4", 39)+"\n" {
		t.Errorf("%v, log:\n%s", err, data)
	}
}

func TestFunctionEventsAreLines(t *testing.T) {
	name := filepath.Join(t.TempDir(), "function.log")
	l, err := openLog(name, 1000)
	if err != nil {
		t.Fatal(err)
	}
	writeEvent(l, edge.FunctionEvent{Time: time.Unix(0, 0), RequestID: "r1", Type: "viewer-request", URI: "/a\nb",
		Logs: []string{"one", "two\nlines"}, Err: errors.New("boom"), Status: 503})
	l.Close()
	data, _ := os.ReadFile(name)
	want := "1970-01-01T00:00:00Z r1 viewer-request /a\\nb: one\n" +
		"1970-01-01T00:00:00Z r1 viewer-request /a\\nb: two\\nlines\n" +
		"1970-01-01T00:00:00Z r1 viewer-request /a\\nb: answered 503: boom\n"
	if string(data) != want {
		t.Errorf("log:\n%swant:\n%s", data, want)
	}
	writeEvent(nil, edge.FunctionEvent{})
}
