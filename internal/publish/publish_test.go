package publish_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/publish"
)

func TestPublish(t *testing.T) {
	b := newBucket(t)
	b.pass(time.Hour)
	dir := folder(t, "index.html=hello", "assets/index-BX3k29aa.js=code", ".well-known/security.txt=contact", ".env=secret", ".git/HEAD=ref",
		"cloudfront-hosting-toolkit/cloudfront-hosting-toolkit-config.json={}")
	res, err := b.Publish(t.Context(), publish.Request{Dir: dir, ID: "c0ffee", Commit: "c0ffee", Message: "First"})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "result", publish.Result{Release: "c0ffee", Files: 3, Uploaded: 3, BytesSent: 16,
		LeftOut: []string{".env", ".git/", "cloudfront-hosting-toolkit/"}}, res)
	equal(t, "keys", []string{"_errors/404.html", "_releases/c0ffee.json", "c0ffee/.well-known/security.txt",
		"c0ffee/assets/index-BX3k29aa.js", "c0ffee/index.html"}, b.store.Keys())
	b.wantLive(t, "c0ffee")
	_, o, err := b.store.Get(t.Context(), "c0ffee/assets/index-BX3k29aa.js")
	if err != nil || o.ContentType != "text/javascript; charset=utf-8" || o.CacheControl != "public, max-age=31536000, immutable" {
		t.Errorf("stored %+v, %v", o, err)
	}
	list, err := b.Releases(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "releases", []publish.Release{{ID: "c0ffee", Current: true, CreatedAt: b.clock, Files: 3, Bytes: 16, Commit: "c0ffee", Message: "First"}}, list)
}

func TestPublishAgain(t *testing.T) {
	b := newBucket(t)
	one, two := page(t, "one"), page(t, "two")
	b.publish(t, "v1", one)
	res := b.publish(t, "v2", two)
	if res.Previous != "v1" || res.Copied != 1 || res.Uploaded != 3 {
		t.Errorf("second release: %+v, want the shared file to be copied", res)
	}
	res = b.publish(t, "v2", two)
	equal(t, "the live release again", publish.Result{Release: "v2", Previous: "v1", Files: 4, Unchanged: 4}, res)
	res = b.publish(t, "v1", one)
	equal(t, "an older release again", publish.Result{Release: "v1", Previous: "v2", Files: 4, Unchanged: 4}, res)
	b.wantLive(t, "v1")
}

func TestDefect06_RebuildNeverOverwritesARelease(t *testing.T) {
	b := newBucket(t)
	b.publish(t, "c1", page(t, "one"))
	for i, want := range []string{"c1-2", "c1-3"} {
		if res := b.publish(t, "c1", page(t, fmt.Sprint("rebuilt ", i))); res.Release != want {
			t.Errorf("rebuild %d became %s, want %s", i, res.Release, want)
		}
	}
	if res := b.publish(t, "c1", page(t, "rebuilt 0")); res.Release != "c1-2" {
		t.Errorf("the same files became %s, want c1-2", res.Release)
	}
	for _, id := range []string{"c1", "c1-2", "c1-3"} {
		if err := b.whole(id); err != nil {
			t.Error(err)
		}
	}
	if body, _ := b.store.Body("c1/index.html"); body != "one" {
		t.Errorf("c1 became %q", body)
	}
	// A folder that is not of these files, without a manifest, is not theirs either.
	b.store.Set("c2/stray.html", "x")
	if res := b.publish(t, "c2", page(t, "one")); res.Release != "c2-2" {
		t.Errorf("published as %s into a folder with strays", res.Release)
	}
}

func TestPublishWithoutIDIsNamedByContent(t *testing.T) {
	b := newBucket(t)
	one := b.publish(t, "", page(t, "one"))
	two := b.publish(t, "", page(t, "two"))
	again := b.publish(t, "", page(t, "one"))
	if one.Release == two.Release || one.Release != again.Release || len(one.Release) != 12 {
		t.Errorf("releases %q, %q, %q", one.Release, two.Release, again.Release)
	}
}

func TestDefect04_OnlyAWholeReleaseGoesLive(t *testing.T) {
	b := newBucket(t)
	b.publish(t, "v1", page(t, "one"))
	if _, err := b.Publish(t.Context(), publish.Request{Dir: t.TempDir(), ID: "v2"}); fault.KindOf(err) != fault.Usage {
		t.Errorf("an empty folder: %v", err)
	}
	b.wantLive(t, "v1")
	// The store loses a file each time the publisher looks.
	b.store.Faults.Before(func(op, key string) error {
		if op == "List" && key == "v2/" {
			b.store.Drop("v2/about/index.html")
		}
		return nil
	})
	_, err := b.Publish(t.Context(), publish.Request{Dir: page(t, "two"), ID: "v2"})
	if err == nil || !strings.Contains(err.Error(), "about/index.html") {
		t.Errorf("a store that loses a file: %v, want an error that names it", err)
	}
	b.store.Faults.Recover()
	b.wantLive(t, "v1")
	if _, ok := b.store.Body("_releases/v2.json"); ok {
		t.Error("a release that is not whole has a manifest")
	}
	b.publish(t, "v2", page(t, "two"))
	b.wantLive(t, "v2")
}

func TestEarlierRunDoesNotReplaceALaterOne(t *testing.T) {
	b := newBucket(t)
	started := b.clock
	b.publish(t, "v2", page(t, "two"))
	res, err := b.Publish(t.Context(), publish.Request{Dir: page(t, "one"), ID: "v1", StartedAt: started})
	if err != nil || !res.Superseded || res.Release != "v1" {
		t.Fatalf("%+v, %v; want it stored and superseded", res, err)
	}
	b.wantLive(t, "v2")
	if err := b.whole("v1"); err != nil {
		t.Error(err)
	}
	if body, _ := b.store.Body("_errors/404.html"); body != "none in two" {
		t.Errorf("the superseded run left error page %q", body)
	}
	if _, err := b.Rollback(t.Context(), "v1"); err != nil {
		t.Errorf("asked by name: %v", err)
	}
	b.wantLive(t, "v1")
	// After the rollback, a run that started before it stays away too.
	res, err = b.Publish(t.Context(), publish.Request{Dir: page(t, "three"), ID: "v3", StartedAt: b.clock.Add(-time.Minute)})
	if err != nil || !res.Superseded {
		t.Errorf("%+v, %v; want it superseded by the rollback", res, err)
	}
}

func TestAWrongClockDoesNotLockTheSite(t *testing.T) {
	b := newBucket(t)
	if _, err := b.Publish(t.Context(), publish.Request{Dir: page(t, "one"), ID: "v1", StartedAt: b.clock.AddDate(70, 0, 0)}); err != nil {
		t.Fatal(err)
	}
	b.publish(t, "v2", page(t, "two"))
	b.wantLive(t, "v2")
}

func TestCrashAnywhere(t *testing.T) {
	old, older, next := page(t, "one"), page(t, "older"), page(t, "two")
	for _, late := range []bool{false, true} {
		crashes := 0
		for n := 1; ; n++ {
			b := newBucket(t)
			for i := range 5 { // enough for retention to have work
				b.publish(t, fmt.Sprintf("v%d", i), older)
			}
			b.publish(t, "live", old)
			b.pass(time.Hour)
			b.store.Faults.CrashAt(n, late)
			_, err := b.Publish(t.Context(), publish.Request{Dir: next, ID: "next"})
			if !b.store.Faults.Recover() {
				if err != nil {
					t.Fatal(err)
				}
				break
			}
			crashes++
			if got := b.pointer.Live().Release; got != "live" && got != "next" {
				t.Fatalf("crash at %d (late %v): %q is live", n, late, got)
			}
			b.wantLive(t, b.pointer.Live().Release)
			if prev := b.pointer.Live().Previous; prev != "" && b.whole(prev) != nil {
				t.Fatalf("crash at %d (late %v): the previous release: %v", n, late, b.whole(prev))
			}
			b.publish(t, "next", next)
			b.wantLive(t, "next")
			if body, _ := b.store.Body("_errors/404.html"); body != "none in two" {
				t.Fatalf("crash at %d (late %v): error page %q", n, late, body)
			}
			b.cleanAfter(t, n)
		}
		if crashes < 20 {
			t.Errorf("only %d operations; is the test still testing?", crashes)
		}
	}
}

// cleanAfter checks that nothing is left of interrupted work a few runs later.
func (b *bucket) cleanAfter(t *testing.T, n int) {
	t.Helper()
	b.pass(25 * time.Hour)
	if _, err := b.Prune(t.Context()); err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{"_errors": true, "_releases": true}
	for _, id := range b.ids(t) {
		known[id] = true
		if err := b.whole(id); err != nil {
			t.Fatalf("crash at %d: %v", n, err)
		}
	}
	for _, key := range b.store.Keys() {
		if first, _, _ := strings.Cut(key, "/"); !known[first] || strings.HasSuffix(key, ".unfinished") {
			t.Fatalf("crash at %d left %s", n, key)
		}
	}
}

func TestStoreErrorsLeaveTheSiteAlone(t *testing.T) {
	tests := map[string]struct {
		op, key string
		err     error
		hint    string
	}{
		"full disk at a file":       {"Put", "v2/about/index.html", syscall.ENOSPC, "free some space"},
		"full disk at the manifest": {"Put", "_releases/v2.json", syscall.ENOSPC, "free some space"},
		"network at a copy":         {"Copy", "v2/shared.css", errFull, ""},
		"pointer":                   {"Swap", "v2", errFull, ""},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			b := newBucket(t)
			b.publish(t, "v1", page(t, "one"))
			b.store.Faults.Before(func(op, key string) error {
				if op == tc.op && key == tc.key {
					return fmt.Errorf("write %s: %w", key, tc.err)
				}
				return nil
			})
			_, err := b.Publish(t.Context(), publish.Request{Dir: page(t, "two"), ID: "v2"})
			if !errors.Is(err, tc.err) || !strings.Contains(fault.HintOf(err), tc.hint) {
				t.Errorf("error %v with hint %q", err, fault.HintOf(err))
			}
			if last := tc.key[strings.Index(tc.key, "/")+1:]; !strings.Contains(err.Error(), last) {
				t.Errorf("error %q does not name %s", err, last)
			}
			b.wantLive(t, "v1")
			b.store.Faults.Recover()
			b.publish(t, "v2", page(t, "two"))
			b.wantLive(t, "v2")
		})
	}
}

func TestRunsAtTheSameTime(t *testing.T) {
	b := newBucket(t)
	b.publish(t, "v0", page(t, "zero"))
	b.pass(time.Hour)
	const runs = 8
	var wg sync.WaitGroup
	for i := range runs {
		dir := page(t, fmt.Sprint("run ", i))
		wg.Go(func() {
			req := publish.Request{Dir: dir, ID: fmt.Sprintf("v%d", i+1), StartedAt: b.clock.Add(time.Duration(i) * time.Second)}
			if _, err := b.Publish(t.Context(), req); err != nil {
				t.Errorf("run %d: %v", i, err)
			}
		})
	}
	wg.Wait()
	b.wantLive(t, fmt.Sprintf("v%d", runs))
	if body, _ := b.store.Body("_errors/404.html"); body != fmt.Sprintf("none in run %d", runs-1) {
		t.Errorf("error page %q", body)
	}
}

func TestRunsOfOneCommitAtTheSameTime(t *testing.T) {
	for name, same := range map[string]bool{"same files": true, "other files": false} {
		t.Run(name, func(t *testing.T) {
			b := newBucket(t)
			b.pass(time.Hour)
			var wg sync.WaitGroup
			releases := make([]string, 4)
			for i := range releases {
				dir := page(t, "one")
				if !same {
					dir = page(t, fmt.Sprint("run ", i))
				}
				wg.Go(func() {
					res, err := b.Publish(t.Context(), publish.Request{Dir: dir, ID: "c1"})
					if err != nil {
						t.Errorf("run %d: %v", i, err)
					}
					releases[i] = res.Release
				})
			}
			wg.Wait()
			seen := map[string]bool{}
			for i, id := range releases {
				seen[id] = true
				if err := b.whole(id); err != nil {
					t.Error(err)
				}
				if body, _ := b.store.Body(id + "/index.html"); !same && body != fmt.Sprint("run ", i) {
					t.Errorf("run %d is release %s with %q", i, id, body)
				}
			}
			if same && len(seen) != 1 || !same && len(seen) != len(releases) {
				t.Errorf("releases %v", releases)
			}
		})
	}
}

func TestProgress(t *testing.T) {
	b := newBucket(t)
	last := map[publish.Step]publish.Event{}
	var order []publish.Step
	var inside atomic.Int32
	b.Progress = func(e publish.Event) {
		if inside.Add(1) != 1 {
			t.Error("two events at once")
		}
		defer inside.Add(-1)
		if len(order) == 0 || order[len(order)-1] != e.Step {
			order = append(order, e.Step)
		}
		last[e.Step] = e
	}
	b.publish(t, "v1", page(t, "one"))
	equal(t, "steps", []publish.Step{publish.StepScan, publish.StepPrune, publish.StepUpload, publish.StepVerify, publish.StepSwap}, order)
	for _, step := range []publish.Step{publish.StepScan, publish.StepUpload, publish.StepVerify} {
		equal(t, string(step), publish.Event{Step: step, Files: 4, Of: 4, Bytes: 27, OfBy: 27}, last[step])
	}
}
