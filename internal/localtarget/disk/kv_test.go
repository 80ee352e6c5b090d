package disk_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/cfjs"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/disk"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/publish"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/publish/publishtest"
)

func kvFile(t *testing.T) string { return filepath.Join(t.TempDir(), "site", "kv.json") }

func TestKV(t *testing.T) {
	t.Parallel()
	publishtest.TestPointer(t, func(t *testing.T) publish.Pointer { return disk.OpenKV(kvFile(t)) })
}

func TestKVKeepsOtherKeys(t *testing.T) {
	t.Parallel()
	file := kvFile(t)
	get := func(key string) (string, bool) {
		data, err := os.ReadFile(file)
		if err != nil {
			return "", false
		}
		var values map[string]string
		if err := json.Unmarshal(data, &values); err != nil {
			t.Fatal(err)
		}
		v, ok := values[key]
		return v, ok
	}
	set := func(key, value string) { write(t, file, `{"`+key+`":"`+value+`"}`) }
	publishtest.OtherKeys(t, disk.OpenKV(file), set, get)
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func swapTo(t *testing.T, kv *disk.KV, release string) {
	t.Helper()
	old, version, err := kv.Read(t.Context())
	if err != nil && !errors.Is(err, publish.ErrDamaged) {
		t.Fatal(err)
	}
	if err := kv.Swap(t.Context(), version, publish.Live{Release: release, Previous: old.Release, SwappedAt: time.Now()}); err != nil {
		t.Fatalf("swap to %s: %v", release, err)
	}
}

func wantView(t *testing.T, kv *disk.KV, want string) cfjs.KV {
	t.Helper()
	v, err := kv.View()
	if err != nil {
		t.Fatalf("view: %v", err)
	}
	if got, _ := v.Get("path"); got != want {
		t.Fatalf("the view has release %q, want %q", got, want)
	}
	return v
}

func viewed(t *testing.T, kv *disk.KV) string {
	t.Helper()
	v, err := kv.View()
	if err != nil {
		t.Fatalf("view: %v", err)
	}
	release, _ := v.Get("path")
	return release
}

// await waits until something is so.
func await(t *testing.T, so func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !so(); {
		if time.Now().After(deadline) {
			t.Fatal("it has not come to be")
		}
	}
}

func TestViewFollowsTheFile(t *testing.T) {
	t.Parallel()
	file := kvFile(t)
	reader, writer := disk.OpenKV(file), disk.OpenKV(file)
	v := wantView(t, reader, "")
	if m := v.Meta(); m.Keys != 0 {
		t.Errorf("an absent store has %d keys", m.Keys)
	}
	var first cfjs.KV
	for i, release := range []string{"aaaa", "bbbb", "cccc", "aaaa", "dddd"} {
		swapTo(t, writer, release)
		v := wantView(t, reader, release)
		if i == 0 {
			first = v
		}
	}
	if got, _ := first.Get("path"); got != "aaaa" {
		t.Errorf("a view changed to %q while a request held it", got)
	}
	v = wantView(t, reader, "dddd")
	if m := v.Meta(); m.Keys != 3 || m.Updated.IsZero() || m.Created.After(m.Updated) {
		t.Errorf("meta %+v", m)
	}
	if _, ok := v.Get("none"); ok {
		t.Error("a missing key is there")
	}
}

// Swaps may follow each other within a tick of the file system's clock, with contents of the same size.
func TestViewNeverMissesASwap(t *testing.T) {
	t.Parallel()
	file := kvFile(t)
	reader, writer := disk.OpenKV(file), disk.OpenKV(file)
	for i := range 60 {
		release := string(rune('a'+i%26)) + "000"
		swapTo(t, writer, release)
		wantView(t, reader, release)
	}
}

func TestViewIsNeverOlderThanTheLastSwap(t *testing.T) {
	t.Parallel()
	file := kvFile(t)
	reader, writer := disk.OpenKV(file), disk.OpenKV(file)
	swapTo(t, writer, "000")
	order := map[string]int64{"000": 0}
	for i := range 50 {
		order[name(i)] = int64(i)
	}
	var done, latest atomic.Int64
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			for done.Load() == 0 {
				least := latest.Load()
				v, err := reader.View()
				if err != nil {
					t.Error(err)
					return
				}
				if got, _ := v.Get("path"); order[got] < least {
					t.Errorf("saw %s after %d was swapped in", got, least)
					return
				}
			}
		})
	}
	for i := range 50 {
		swapTo(t, writer, name(i))
		latest.Store(int64(i))
	}
	done.Store(1)
	wg.Wait()
}

func name(i int) string { return string([]byte{'r', byte('0' + i/10), byte('0' + i%10)}) }

func TestDamagedKV(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ text, says string }{
		"empty":              {"", "kv.json:1:1"},
		"cut off":            {"{\n  \"path\": \"v1\"", "kv.json:2:"},
		"not JSON":           {"{\n  path: v1\n}", "kv.json:2:3"},
		"an array":           {`["v1"]`, "want a JSON object of strings"},
		"null":               {`null`, "want one JSON object"},
		"two objects":        {`{"path":"v1"} {"path":"v2"}`, "nothing else"},
		"a number":           {`{"path":17}`, `key "path": want a string, not 17`},
		"a time that is not": {`{"path":"v1","startedAt":"yesterday"}`, `key startedAt`},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			file := kvFile(t)
			kv := disk.OpenKV(file)
			swapTo(t, kv, "v0")
			swapTo(t, kv, "v1")
			wantView(t, kv, "v1")
			write(t, file, tc.text)
			told := 0
			kv.OnDamage = func(error) { told++ }
			await(t, func() bool { wantView(t, kv, "v1"); return told > 0 })
			wantView(t, kv, "v1")
			if told != 1 {
				t.Errorf("OnDamage was called %d times, want once", told)
			}
			wantView(t, disk.OpenKV(file), "v1") // after a restart
			live, _, err := kv.Read(t.Context())
			if !errors.Is(err, publish.ErrDamaged) || live.Release != "v1" || live.Previous != "v0" {
				t.Errorf("read %+v, %v; want the last good one and ErrDamaged", live, err)
			}
			if !strings.Contains(err.Error(), tc.says) || !strings.Contains(fault.HintOf(err), "rollback") {
				t.Errorf("error %q with hint %q, want %q and the way out", err, fault.HintOf(err), tc.says)
			}
			if kv.Check() == nil {
				t.Error("Check finds nothing")
			}
			swapTo(t, kv, "v2")
			wantView(t, kv, "v2")
			if err := kv.Check(); err != nil {
				t.Errorf("after a swap: %v", err)
			}
			if kept, _ := filepath.Glob(filepath.Join(filepath.Dir(file), "kv.damaged-*.json")); len(kept) != 1 {
				t.Errorf("the damaged file was kept as %v", kept)
			} else if data, _ := os.ReadFile(kept[0]); string(data) != tc.text {
				t.Errorf("the damaged file was kept as %q", data)
			}
		})
	}
}

func TestDamagedKVWithoutLastGood(t *testing.T) {
	t.Parallel()
	file := kvFile(t)
	write(t, file, "{")
	kv := disk.OpenKV(file)
	if _, err := kv.View(); !errors.Is(err, publish.ErrDamaged) {
		t.Errorf("view: %v, want ErrDamaged", err)
	}
	swapTo(t, kv, "v1")
	wantView(t, kv, "v1")
}

func TestKVFileThatIsGone(t *testing.T) {
	t.Parallel()
	file := kvFile(t)
	kv := disk.OpenKV(file)
	swapTo(t, kv, "v1")
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	wantView(t, kv, "v1")
	wantView(t, disk.OpenKV(file), "v1")
	if err := kv.Check(); !errors.Is(err, publish.ErrDamaged) {
		t.Errorf("Check: %v, want ErrDamaged", err)
	}
	swapTo(t, kv, "v2")
	wantView(t, kv, "v2")
}

// A damaged file that is mended by hand is believed.
func TestKVMendedByHand(t *testing.T) {
	t.Parallel()
	file := kvFile(t)
	kv := disk.OpenKV(file)
	swapTo(t, kv, "v1")
	write(t, file, "{")
	wantView(t, kv, "v1")
	write(t, file, `{"path":"v7"}`)
	await(t, func() bool { return viewed(t, kv) == "v7" })
	live, _, err := kv.Read(t.Context())
	if err != nil || live != (publish.Live{Release: "v7"}) {
		t.Errorf("read %+v, %v", live, err)
	}
}

func BenchmarkView(b *testing.B) {
	file := filepath.Join(b.TempDir(), "kv.json")
	kv := disk.OpenKV(file)
	_, v, _ := kv.Read(b.Context())
	if err := kv.Swap(b.Context(), v, publish.Live{Release: "v1"}); err != nil {
		b.Fatal(err)
	}
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := kv.View(); err != nil {
				b.Error(err)
			}
		}
	})
}

func BenchmarkSwap(b *testing.B) {
	kv := disk.OpenKV(filepath.Join(b.TempDir(), "kv.json"))
	for b.Loop() {
		_, v, err := kv.Read(b.Context())
		if err == nil {
			err = kv.Swap(b.Context(), v, publish.Live{Release: "v1"})
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}
