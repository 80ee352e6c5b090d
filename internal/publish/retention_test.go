package publish_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/publish"
)

func TestDefect01_PruneRemovesAllOfAReleaseAndNothingElse(t *testing.T) {
	b := newBucket(t)
	b.Keep = 1
	files := []string{"index.html=v1"}
	for i := range 1100 {
		files = append(files, fmt.Sprintf("p/%d.html=%d", i, i))
	}
	b.publish(t, "v1", folder(t, files...))
	b.publish(t, "v10", page(t, "ten"))
	b.publish(t, "v2", page(t, "two"))
	b.pass(time.Hour)
	gone, err := b.Prune(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "pruned", []string{"v1"}, gone)
	equal(t, "keys of v1", 0, len(b.keys("v1/")))
	equal(t, "marks", 0, len(b.keys("_releases/"))-2)
	for _, id := range []string{"v10", "v2"} {
		if err := b.whole(id); err != nil {
			t.Error(err)
		}
	}
}

// A release that is spared stays however old it is, and goes when it is spared no more.
func TestPruneLeavesWhatIsSpared(t *testing.T) {
	b := newBucket(t)
	b.Keep = 1
	spared := []string{"v1"}
	b.Spared = func() ([]string, error) { return spared, nil }
	for _, id := range []string{"v1", "v2", "v3", "v4"} {
		b.publish(t, id, page(t, id))
		b.pass(time.Hour)
	}
	if _, err := b.Prune(t.Context()); err != nil {
		t.Fatal(err)
	}
	equal(t, "while v1 is spared", []string{"v4", "v3", "v1"}, b.ids(t))
	if err := b.whole("v1"); err != nil {
		t.Error(err)
	}
	spared = nil
	gone, err := b.Prune(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "gone then", []string{"v1"}, gone)
	b.Spared = func() ([]string, error) { return nil, errors.New("unreadable") }
	if gone, err := b.Prune(t.Context()); err == nil && len(gone) > 0 {
		t.Errorf("%v went without knowing what is spared", gone)
	}
}

func TestDefect02_PreviousReleaseStays(t *testing.T) {
	b := newBucket(t)
	b.Keep = 1
	b.publish(t, "v1", page(t, "one"))
	b.publish(t, "v2", page(t, "two"))
	b.publish(t, "v3", page(t, "three"))
	// v1 goes before the upload of v3 at the earliest when it is neither live nor previous: at v4.
	equal(t, "after v3", []string{"v3", "v2", "v1"}, b.ids(t))
	b.publish(t, "v4", page(t, "four"))
	equal(t, "after v4", []string{"v4", "v3", "v2"}, b.ids(t))
	// An old release that is live again stays, and so does the one before it.
	if _, err := b.Rollback(t.Context(), "v2"); err != nil {
		t.Fatal(err)
	}
	b.publish(t, "v5", page(t, "five"))
	equal(t, "after v5", []string{"v5", "v4", "v2"}, b.ids(t))
	b.wantLive(t, "v5")
	if b.pointer.Live().Previous != "v2" {
		t.Errorf("previous is %q", b.pointer.Live().Previous)
	}
}

func TestPruneWaitsForPropagation(t *testing.T) {
	b := newBucket(t)
	b.Keep = 1
	for i := range 4 {
		b.PropagationGrace = 24 * time.Hour
		b.publish(t, fmt.Sprintf("v%d", i), page(t, fmt.Sprint(i)))
	}
	equal(t, "within the grace period", 4, len(b.ids(t)))
	b.PropagationGrace = 0
	b.pass(59*time.Second - time.Hour)
	b.pointerMovedNow(t)
	b.pass(59 * time.Second)
	if gone, err := b.Prune(t.Context()); err != nil || len(gone) > 0 {
		t.Errorf("59 s after the swap: %v, %v", gone, err)
	}
	b.pass(2 * time.Second)
	if gone, err := b.Prune(t.Context()); err != nil || len(gone) != 2 {
		t.Errorf("61 s after the swap: %v, %v", gone, err)
	}
	b.wantLive(t, "v3")
}

func (b *bucket) pointerMovedNow(t *testing.T) {
	t.Helper()
	live, v, err := b.pointer.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	live.SwappedAt = b.clock
	if err := b.pointer.Swap(t.Context(), v, live); err != nil {
		t.Fatal(err)
	}
}

func TestDefect03_PruneLeavesAnUploadThatIsUnderWay(t *testing.T) {
	b := newBucket(t)
	b.Keep = 1
	for i := range 3 {
		b.publish(t, fmt.Sprintf("v%d", i), page(t, fmt.Sprint(i)))
	}
	b.pass(time.Hour)
	other := *b.Publisher
	var pruned atomic.Int32
	b.store.Faults.Before(func(op, key string) error {
		if (op == "Put" || op == "Copy") && strings.HasPrefix(key, "next/") || op == "Put" && key == "_releases/next.json" {
			pruned.Add(1)
			if _, err := other.Prune(t.Context()); err != nil {
				return err
			}
		}
		return nil
	})
	if _, err := b.Publish(t.Context(), publish.Request{Dir: page(t, "next"), ID: "next"}); err != nil {
		t.Fatal(err)
	}
	if pruned.Load() < 4 {
		t.Errorf("pruned %d times", pruned.Load())
	}
	b.wantLive(t, "next")
}

func TestDefect07_ForeignKeysAreLeftAlone(t *testing.T) {
	b := newBucket(t)
	b.Keep = 1
	foreign := []string{"index.html", "uploads/photo.jpg", "v1-notes/x", "_shared/logo.svg", "_releases/README.txt"}
	for _, key := range foreign {
		b.store.Set(key, "mine")
	}
	for i := range 5 {
		b.publish(t, fmt.Sprintf("v%d", i), page(t, fmt.Sprint(i)))
		b.pass(48 * time.Hour)
	}
	for _, key := range foreign {
		if body, ok := b.store.Body(key); !ok || body != "mine" {
			t.Errorf("%s is gone or changed", key)
		}
	}
}

func TestInterruptedUploadsAreRemovedAfterADay(t *testing.T) {
	b := newBucket(t)
	b.publish(t, "v1", page(t, "one"))
	b.store.Faults.Before(func(op, key string) error {
		if op == "Put" && key == "_releases/v2.json" {
			return errFull
		}
		return nil
	})
	if _, err := b.Publish(t.Context(), publish.Request{Dir: page(t, "two"), ID: "v2"}); !errors.Is(err, errFull) {
		t.Fatal(err)
	}
	b.store.Faults.Recover()
	left := len(b.keys("v2/"))
	b.pass(23 * time.Hour)
	if _, err := b.Prune(t.Context()); err != nil || len(b.keys("v2/")) != left {
		t.Errorf("after 23 h: %v, %d of %d files", err, len(b.keys("v2/")), left)
	}
	// Whoever takes the upload up again finds its files, even after more than a day.
	b.pass(2 * time.Hour)
	if res := b.publish(t, "v2", page(t, "two")); res.Release != "v2" || res.Unchanged != 4 {
		t.Errorf("taken up again: %+v", res)
	}
	b.wantLive(t, "v2")
}

func TestAbandonedUploadGoes(t *testing.T) {
	b := newBucket(t)
	b.publish(t, "v1", page(t, "one"))
	b.pass(time.Hour)
	b.store.Faults.Before(func(op, key string) error {
		if op == "Put" && key == "_releases/v2.json" {
			return errFull
		}
		return nil
	})
	_, _ = b.Publish(t.Context(), publish.Request{Dir: page(t, "two"), ID: "v2"})
	b.store.Faults.Recover()
	b.pass(25 * time.Hour)
	if _, err := b.Prune(t.Context()); err != nil {
		t.Fatal(err)
	}
	equal(t, "keys of v2", 0, len(b.keys("v2/"))+len(b.keys("_releases/v2")))
	b.wantLive(t, "v1")
}

// A rollback to a release that retention is removing at the same moment: either it stays, or the rollback says no.
func TestRollbackWhileItsReleaseIsPruned(t *testing.T) {
	dir := page(t, "any")
	for n := 1; n <= 40; n++ {
		b := newBucket(t)
		b.Keep = 1
		for i := range 5 {
			b.PropagationGrace = 240 * time.Hour
			b.publish(t, fmt.Sprintf("v%d", i), dir)
		}
		b.PropagationGrace = -1
		other := *b.Publisher
		var ops atomic.Int32
		busy := false
		var rollback error
		b.store.Faults.Before(func(string, string) error {
			if int(ops.Add(1)) == n {
				busy = true
				_, rollback = other.Rollback(t.Context(), "v0")
			}
			return nil
		})
		if _, err := b.Prune(t.Context()); err != nil {
			t.Fatalf("at operation %d: %v", n, err)
		}
		b.store.Faults.Recover()
		if rollback == nil && busy {
			b.wantLive(t, "v0")
		} else {
			b.wantLive(t, "v4")
		}
	}
	// And the other way round.
	for n := 1; n <= 15; n++ {
		b := newBucket(t)
		for i := range 5 {
			b.publish(t, fmt.Sprintf("v%d", i), dir)
		}
		b.Keep, b.PropagationGrace = 1, -1
		other := *b.Publisher
		var ops atomic.Int32
		b.store.Faults.Before(func(string, string) error {
			if int(ops.Add(1)) == n {
				if _, err := other.Prune(t.Context()); err != nil {
					t.Errorf("prune: %v", err)
				}
			}
			return nil
		})
		_, err := b.Rollback(t.Context(), "v1")
		b.store.Faults.Recover()
		if err == nil {
			b.wantLive(t, "v1")
		} else {
			b.wantLive(t, "v4")
		}
	}
}

func TestDamagedManifest(t *testing.T) {
	for name, text := range map[string]string{
		"not JSON":      "{",
		"empty":         "",
		"unknown key":   `{"format":1,"release":"v1","surprise":true}`,
		"newer":         `{"format":9,"release":"v1","hologram":true}`,
		"another's":     `{"format":1,"release":"v9","files":[{"path":"index.html","size":1,"sha256":"` + strings.Repeat("0", 64) + `"}]}`,
		"escaping path": `{"format":1,"release":"v1","files":[{"path":"../x","size":1,"sha256":"` + strings.Repeat("0", 64) + `"}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			b := newBucket(t)
			b.Keep = 1
			b.publish(t, "v1", page(t, "one"))
			b.publish(t, "v2", page(t, "two"))
			b.store.Set("_releases/v1.json", text)
			list, err := b.Releases(t.Context())
			if err != nil || len(list) != 2 {
				t.Fatalf("releases: %+v, %v", list, err)
			}
			i := slices.IndexFunc(list, func(r publish.Release) bool { return r.ID == "v1" })
			if i < 0 || !strings.Contains(list[i].Problem, "_releases/v1.json") {
				t.Errorf("releases: %+v, want the problem of v1 to name its manifest", list)
			}
			if _, err := b.Rollback(t.Context(), "v1"); err == nil || !strings.Contains(err.Error(), "_releases/v1.json") || fault.HintOf(err) == "" {
				t.Errorf("rollback: %v", err)
			}
			b.wantLive(t, "v2")
			b.publish(t, "v3", page(t, "three"))
			if res := b.publish(t, "v1", page(t, "one")); res.Release != "v1-2" || len(res.Warnings) != 1 {
				t.Errorf("published %+v, want another id and a warning", res)
			}
			for range 3 {
				b.pass(48 * time.Hour)
				if _, err := b.Prune(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			if got, _ := b.store.Body("_releases/v1.json"); got != text || len(b.keys("v1/")) != 4 {
				t.Error("the release with the damaged manifest was removed silently")
			}
		})
	}
}

func TestPruneFailureDoesNotStopARelease(t *testing.T) {
	b := newBucket(t)
	b.Keep = 1
	for i := range 3 {
		b.publish(t, fmt.Sprintf("v%d", i), page(t, fmt.Sprint(i)))
	}
	b.store.Faults.Before(func(op, key string) error {
		if op == "Delete" && strings.Contains(key, "v0") {
			return errFull
		}
		return nil
	})
	if res := b.publish(t, "v3", page(t, "three")); len(res.Warnings) != 1 || !strings.Contains(res.Warnings[0], "old releases") {
		t.Errorf("warnings %q", res.Warnings)
	}
	b.wantLive(t, "v3")
}
