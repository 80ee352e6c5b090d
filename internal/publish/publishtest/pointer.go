package publishtest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/publish"
)

// TestPointer runs the contract of publish.Pointer. Each case gets a pointer of its own from open, which points at
// nothing. That other keys of the key-value store stay is for the implementation's own test: see OtherKeys.
func TestPointer(t *testing.T, open func(t *testing.T) publish.Pointer) {
	cases := map[string]func(*testing.T, publish.Pointer){
		"points at nothing first":         pointsAtNothing,
		"swap and read":                   swapAndRead,
		"swap with an old version":        swapConflict,
		"every swap makes a new version":  swapVersions,
		"one winner per version":          swapRace,
		"no swap is lost":                 swapAll,
		"a swap is seen whole":            swapWhole,
		"cancelled context moves nothing": swapCancelled,
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

// OtherKeys checks that swaps leave the other keys of the key-value store alone; set and get reach that store.
func OtherKeys(t *testing.T, p publish.Pointer, set func(key, value string), get func(key string) (string, bool)) {
	t.Helper()
	set("maintenance", "off")
	for i := range 3 {
		swap(t, p, live(i))
	}
	swap(t, p, publish.Live{Release: "last"})
	if v, ok := get("maintenance"); !ok || v != "off" {
		t.Errorf("the other key is %q, %v after swaps", v, ok)
	}
	if v, _ := get(publish.PathKey); v != "last" {
		t.Errorf("key %s is %q", publish.PathKey, v)
	}
	if v, ok := get(publish.PreviousKey); ok && v != "" {
		t.Errorf("key %s is %q, want none", publish.PreviousKey, v)
	}
}

func live(i int) publish.Live {
	at := time.Date(2026, 1, 2, 3, 4, 5, 6_000_000, time.UTC).Add(time.Duration(i) * time.Second)
	return publish.Live{Release: fmt.Sprintf("r%d", i), Previous: fmt.Sprintf("r%d", i-1), StartedAt: at, SwappedAt: at.Add(time.Second)}
}

func read(t *testing.T, p publish.Pointer) (publish.Live, publish.Version) {
	t.Helper()
	l, v, err := p.Read(t.Context())
	if err != nil {
		t.Fatalf("read: %v", err)
	}
	return l, v
}

func swap(t *testing.T, p publish.Pointer, next publish.Live) {
	t.Helper()
	_, v := read(t, p)
	if err := p.Swap(t.Context(), v, next); err != nil {
		t.Fatalf("swap to %s: %v", next.Release, err)
	}
}

func wantLive(t *testing.T, p publish.Pointer, want publish.Live) {
	t.Helper()
	got, _ := read(t, p)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("live (-want +got):\n%s", diff)
	}
}

func pointsAtNothing(t *testing.T, p publish.Pointer) {
	wantLive(t, p, publish.Live{})
	_, a := read(t, p)
	if _, b := read(t, p); a != b {
		t.Errorf("the version changed from %q to %q although nothing happened", a, b)
	}
}

func swapAndRead(t *testing.T, p publish.Pointer) {
	for _, next := range []publish.Live{live(1), live(2), {Release: "only"}, live(3)} {
		swap(t, p, next)
		wantLive(t, p, next)
	}
}

func swapConflict(t *testing.T, p publish.Pointer) {
	_, first := read(t, p)
	swap(t, p, live(1))
	_, second := read(t, p)
	swap(t, p, live(2))
	for _, old := range []publish.Version{first, second} {
		if err := p.Swap(t.Context(), old, live(3)); !errors.Is(err, publish.ErrConflict) {
			t.Errorf("swap with version %q: %v, want ErrConflict", old, err)
		}
	}
	wantLive(t, p, live(2))
}

func swapVersions(t *testing.T, p publish.Pointer) {
	seen := map[publish.Version]bool{}
	for _, next := range []publish.Live{live(1), live(1), live(2), live(1), live(1)} {
		_, v := read(t, p)
		if seen[v] {
			t.Errorf("version %q occurs twice", v)
		}
		seen[v] = true
		swap(t, p, next)
	}
}

func swapRace(t *testing.T, p publish.Pointer) {
	for round := range 5 {
		_, v := read(t, p)
		var wins atomic.Int32
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				err := p.Swap(t.Context(), v, live(round*10+i))
				if err == nil {
					wins.Add(1)
				} else if !errors.Is(err, publish.ErrConflict) {
					t.Errorf("swap: %v", err)
				}
			})
		}
		wg.Wait()
		if wins.Load() != 1 {
			t.Fatalf("round %d: %d swaps won, want 1", round, wins.Load())
		}
	}
}

func swapAll(t *testing.T, p publish.Pointer) {
	// Each swap counts one up; with nothing lost the sum is right.
	const swappers, each = 4, 5
	swap(t, p, publish.Live{Release: "n", StartedAt: time.Unix(0, 0).UTC()})
	var wg sync.WaitGroup
	for range swappers {
		wg.Go(func() {
			for done := 0; done < each; {
				l, v, err := p.Read(t.Context())
				if err != nil {
					t.Error(err)
					return
				}
				l.StartedAt = l.StartedAt.Add(time.Second)
				switch err := p.Swap(t.Context(), v, l); {
				case err == nil:
					done++
				case !errors.Is(err, publish.ErrConflict):
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	wantLive(t, p, publish.Live{Release: "n", StartedAt: time.Unix(swappers*each, 0).UTC()})
}

func swapWhole(t *testing.T, p publish.Pointer) {
	swap(t, p, live(0))
	var done atomic.Bool
	var wg sync.WaitGroup
	wg.Go(func() {
		defer done.Store(true)
		for i := range 10 {
			_, v, err := p.Read(t.Context())
			if err == nil {
				err = p.Swap(t.Context(), v, live(i))
			}
			if err != nil {
				t.Errorf("swap: %v", err)
			}
		}
	})
	for !done.Load() {
		l, _ := read(t, p)
		var i int
		if _, err := fmt.Sscanf(l.Release, "r%d", &i); err != nil || l != live(i) {
			t.Errorf("read a mixture: %+v", l)
			break
		}
	}
	wg.Wait()
}

func swapCancelled(t *testing.T, p publish.Pointer) {
	swap(t, p, live(1))
	_, v := read(t, p)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := p.Swap(ctx, v, live(2)); !errors.Is(err, context.Canceled) {
		t.Errorf("swap: %v, want context.Canceled", err)
	}
	wantLive(t, p, live(1))
}
