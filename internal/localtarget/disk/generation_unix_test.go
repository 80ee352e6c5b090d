//go:build unix

package disk_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/disk"
)

// Another process swaps as fast as it can, and tells of each swap that has returned: from then on no view is older.
func TestViewFollowsAnotherProcess(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "DISK_TEST_WRITER="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	kv := disk.OpenKV(filepath.Join(dir, "kv.json"))
	told := bufio.NewScanner(out)
	for range 200 {
		if !told.Scan() {
			t.Fatal("the writer ended")
		}
		var pid, swapped, seen int
		if _, err := fmt.Sscanf(told.Text(), "r%d-%d", &pid, &swapped); err != nil {
			t.Fatal(told.Text())
		}
		for range 20 {
			if _, err := fmt.Sscanf(viewed(t, kv), "r%d-%d", &pid, &seen); err != nil {
				t.Fatal(err)
			}
			if seen < swapped {
				t.Fatalf("saw swap %d after swap %d had returned", seen, swapped)
			}
		}
	}
}

// Whatever happens to the generation file, a view is the newest one or, for a moment, the one before.
func TestGenerationFileThatIsTouched(t *testing.T) {
	t.Parallel()
	tests := map[string]func(file string) error{
		"cut off":  func(file string) error { return os.Truncate(file, 0) },
		"removed":  os.Remove,
		"replaced": func(file string) error { return os.Rename(file+".copy", file) },
		"restored": func(file string) error {
			data, err := os.ReadFile(file + ".copy")
			if err != nil {
				return err
			}
			return os.WriteFile(file, data, 0o644)
		},
	}
	for name, touch := range tests {
		t.Run(name, func(t *testing.T) {
			file := kvFile(t)
			kv := disk.OpenKV(file)
			swapTo(t, kv, "v1")
			wantView(t, kv, "v1")
			generation := file + ".generation"
			data, err := os.ReadFile(generation)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(generation+".copy", data, 0o644); err != nil {
				t.Fatal(err)
			}
			if err := touch(generation); err != nil {
				t.Fatal(err)
			}
			wantView(t, kv, "v1")
			swapTo(t, disk.OpenKV(file), "v2")
			await(t, func() bool { return viewed(t, kv) == "v2" })
			for i := range 20 {
				release := fmt.Sprint("w", i)
				swapTo(t, disk.OpenKV(file), release)
				wantView(t, kv, release)
			}
		})
	}
}

// Glance never shows what has been replaced, and needs no look at the file system most of the time.
func TestGlance(t *testing.T) {
	t.Parallel()
	file := kvFile(t)
	reader, writer := disk.OpenKV(file), disk.OpenKV(file)
	if v := reader.Glance(); v != nil {
		t.Errorf("before the first look it is %v", v)
	}
	for _, release := range []string{"aaaa", "bbbb"} {
		swapTo(t, writer, release)
		if v := reader.Glance(); v != nil {
			t.Errorf("after the swap to %s it is %v", release, v)
		}
		wantView(t, reader, release)
		wantGlance(t, reader, release)
	}
	for began := time.Now(); time.Since(began) < 30*time.Millisecond; { // the file system is asked several times
		wantGlance(t, reader, "bbbb")
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	await(t, func() bool { return reader.Glance() == nil })
}

func wantGlance(t *testing.T, k *disk.KV, release string) {
	t.Helper()
	v := k.Glance()
	if v == nil {
		t.Fatal("it is nothing")
	}
	if got, _ := v.Get("path"); got != release {
		t.Errorf("it is of %q, want %q", got, release)
	}
}
