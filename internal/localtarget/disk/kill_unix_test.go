//go:build unix

package disk_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/disk"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/publish"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/publish/publishtest"
)

// The test binary runs itself as a writer that is killed.
func TestMain(m *testing.M) {
	if dir := os.Getenv("DISK_TEST_WRITER"); dir != "" {
		writer(dir)
	}
	os.Exit(m.Run())
}

// writer stores, replaces and deletes objects and swaps the pointer for ever, telling each swap that has returned.
func writer(dir string) {
	ctx := context.Background()
	s, kv := disk.OpenStore(filepath.Join(dir, "bucket")), disk.OpenKV(filepath.Join(dir, "kv.json"))
	check := func(err error) {
		if err != nil {
			fmt.Println("error:", err)
			os.Exit(1)
		}
	}
	for i := 0; ; i++ {
		id := fmt.Sprintf("r%d-%d", os.Getpid(), i)
		body := strings.Repeat(id+" ", 2000)
		check(s.Put(ctx, id+"/index.html", publishtest.Blob(body), publish.Meta{IfAbsent: true}))
		check(s.Copy(ctx, id+"/index.html", id+"/copy.html", publishtest.Blob(body).SHA256, publish.Meta{IfAbsent: true}))
		check(s.Put(ctx, "_errors/404.html", publishtest.Blob(id), publish.Meta{}))
		_, v, err := kv.Read(ctx)
		check(err)
		check(kv.Swap(ctx, v, publish.Live{Release: id}))
		fmt.Println(id)
		if i%3 == 2 {
			old := fmt.Sprintf("r%d-%d", os.Getpid(), i-2)
			check(s.Delete(ctx, []string{old + "/index.html", old + "/copy.html"}))
		}
	}
}

func TestKilledWritersLeaveWholeObjects(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	last := ""
	for round := range 6 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "DISK_TEST_WRITER="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for n := 0; lines.Scan(); n++ {
			if strings.HasPrefix(lines.Text(), "error:") {
				t.Fatal(lines.Text())
			}
			last = lines.Text()
			if n == 1+round { // the rest of what the writer said until the kill is read below
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		_ = cmd.Wait()
		s := disk.OpenStore(filepath.Join(dir, "bucket"))
		for o, err := range s.List(t.Context(), "") {
			if err != nil {
				t.Fatal(err)
			}
			body, _, err := site{s, dir}.read(o.Key)
			if err != nil || publishtest.Blob(body).SHA256 != o.SHA256 || int64(len(body)) != o.Size {
				t.Errorf("%s is not whole: %d bytes, %v", o.Key, len(body), err)
			}
		}
		live, _, err := disk.OpenKV(filepath.Join(dir, "kv.json")).Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		pid, n := split(t, last)
		if livePid, liveN := split(t, live.Release); livePid != pid || liveN < n || liveN > n+1 {
			t.Errorf("%s is live, but the swap to %s had returned", live.Release, last)
		}
		if _, _, err := (site{s, dir}).read(live.Release + "/index.html"); err != nil {
			t.Errorf("the live release: %v", err)
		}
	}
}

func split(t *testing.T, id string) (pid, n int) {
	t.Helper()
	if _, err := fmt.Sscanf(id, "r%d-%d", &pid, &n); err != nil {
		t.Fatalf("%q: %v", id, err)
	}
	return pid, n
}
