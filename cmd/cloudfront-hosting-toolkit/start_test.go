//go:build unix

package main

import (
	"io"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	"github.com/creack/pty"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/need"
)

// TestStartIsQuiet: a command that asks nothing sends a terminal nothing but its answer. Libraries that ask the terminal for its
// colours when they are linked would, and would wait for what it says.
func TestStartIsQuiet(t *testing.T) {
	program, err := exec.LookPath(tool)
	if err != nil {
		t.Fatal(err)
	}
	want := ""
	var plain, took []time.Duration
	for range 10 {
		start := time.Now()
		out, err := exec.Command(program, "version").Output()
		if err != nil {
			t.Fatal(err)
		}
		plain, want = append(plain, time.Since(start)), string(out)
		cmd := exec.Command(program, "version")
		cmd.Env = append(os.Environ(), "TERM=xterm-256color", "NO_COLOR=1")
		start = time.Now()
		terminal, err := pty.Start(cmd)
		if err != nil {
			need.Missing(t, "no pseudo-terminals here: %v", err)
		}
		got, _ := io.ReadAll(terminal) // it ends with an error where the other side has gone
		took = append(took, time.Since(start))
		terminal.Close()
		if err := cmd.Wait(); err != nil {
			t.Fatal(err)
		}
		if text := unixLines(got); text != want {
			t.Fatalf("on a terminal version says %q, want %q", text, want)
		}
	}
	slices.Sort(plain)
	slices.Sort(took)
	t.Logf("version takes %v, in the middle %v", took[0], took[len(took)/2])
	// A busy machine is slow without a terminal as well.
	if limit := 200*time.Millisecond + 2*plain[0]; took[0] > limit {
		t.Errorf("version takes %v at least on a terminal, want less than %v", took[0], limit)
	}
}

func unixLines(text []byte) string {
	return string(slices.DeleteFunc(slices.Clone(text), func(c byte) bool { return c == '\r' }))
}
