package publish_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/publish"
)

func TestRollback(t *testing.T) {
	b := newBucket(t)
	b.publish(t, "v1", page(t, "one"))
	b.publish(t, "v2", page(t, "two"))
	b.publish(t, "v3", page(t, "three"))
	steps := []struct{ id, release, previous string }{
		{"", "v2", "v3"}, {"", "v3", "v2"}, {"v1", "v1", "v3"}, {"v1", "v1", "v3"}, {"", "v3", "v1"},
	}
	for i, s := range steps {
		res, err := b.Rollback(t.Context(), s.id)
		if err != nil {
			t.Fatalf("step %d: %v", i, err)
		}
		if res.Release != s.release || res.Previous != s.previous {
			t.Errorf("step %d: %+v, want %s from %s", i, res, s.release, s.previous)
		}
		b.wantLive(t, s.release)
		page, _ := b.store.Body("_errors/404.html")
		if own, _ := b.store.Body(s.release + "/404.html"); page != own {
			t.Errorf("step %d: error page %q, want %q", i, page, own)
		}
	}
}

func TestRollbackRefuses(t *testing.T) {
	empty := newBucket(t)
	one := newBucket(t)
	one.publish(t, "v1", page(t, "one"))
	hurt := newBucket(t)
	hurt.publish(t, "v1", page(t, "one"))
	hurt.publish(t, "v2", page(t, "two"))
	hurt.store.Drop("v1/about/index.html")
	tests := map[string]struct {
		b        *bucket
		id       string
		kind     fault.Kind
		says     string
		hintSays string
	}{
		"nothing published":          {empty, "", fault.NotDeployed, "nothing has been published", "deploy"},
		"nothing published, by name": {empty, "v1", fault.NotDeployed, "nothing has been published", "deploy"},
		"no previous":                {one, "", fault.Other, "release v1 is live, and there was none before", "releases"},
		"unknown":                    {one, "v9", fault.Other, "release v9 does not exist", "releases"},
		"no release id":              {one, "../x", fault.Usage, "../x", ""},
		"not whole":                  {hurt, "", fault.Other, "about/index.html", "publish its files again"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			before := tc.b.pointer.Live()
			_, err := tc.b.Rollback(t.Context(), tc.id)
			if err == nil || fault.KindOf(err) != tc.kind || !strings.Contains(err.Error(), tc.says) || !strings.Contains(fault.HintOf(err), tc.hintSays) {
				t.Errorf("error %v (kind %v) with hint %q", err, fault.KindOf(err), fault.HintOf(err))
			}
			if tc.b.pointer.Live() != before {
				t.Error("the pointer moved")
			}
		})
	}
	// Publishing the files again makes the release whole again.
	if res := hurt.publish(t, "v1", page(t, "one")); res.Release != "v1" || res.Uploaded+res.Copied != 1 {
		t.Errorf("mended as %+v", res)
	}
	hurt.wantLive(t, "v1")
}

func TestErrorPage(t *testing.T) {
	b := newBucket(t)
	want := func(what, text string) {
		t.Helper()
		body, _ := b.store.Body("_errors/404.html")
		_, o, err := b.store.Get(t.Context(), "_errors/404.html")
		if err != nil || !strings.Contains(body, text) {
			t.Errorf("%s: error page %.60q, %v; want %q in it", what, body, err, text)
		}
		if o.ContentType != "text/html; charset=utf-8" || o.CacheControl != "public, max-age=0, s-maxage=10, must-revalidate" {
			t.Errorf("%s: error page is stored as %+v", what, o)
		}
	}
	b.publish(t, "v1", folder(t, "index.html=1"))
	want("a release without one", "<h1>Page not found</h1>")
	b.publish(t, "v2", folder(t, "index.html=2", "404.html=mine"))
	want("its own", "mine")
	b.publish(t, "v3", folder(t, "index.html=3", "404/index.html=folder's"))
	want("in a folder of its own", "folder's")
	b.publish(t, "v4", folder(t, "index.html=4"))
	want("defect 11: never another release's page, nor none", "<h1>Page not found</h1>")
	if _, err := b.Rollback(t.Context(), "v2"); err != nil {
		t.Fatal(err)
	}
	want("after a rollback", "mine")
}

func TestErrorPageThatCannotBeStored(t *testing.T) {
	b := newBucket(t)
	b.publish(t, "v1", page(t, "one"))
	b.store.Faults.Before(func(op, key string) error {
		if key == "_errors/404.html" && op != "Get" {
			return errFull
		}
		return nil
	})
	res, err := b.Publish(t.Context(), publish.Request{Dir: page(t, "two"), ID: "v2"})
	if !errors.Is(err, errFull) || !strings.Contains(err.Error(), "v2 is live") || res.Release != "v2" {
		t.Errorf("%+v, %v", res, err)
	}
	b.store.Faults.Recover()
	b.publish(t, "v2", page(t, "two"))
	if body, _ := b.store.Body("_errors/404.html"); body != "none in two" {
		t.Errorf("error page %q", body)
	}
}

func TestDamagedPointer(t *testing.T) {
	b := newBucket(t)
	b.publish(t, "v1", page(t, "one"))
	b.publish(t, "v2", page(t, "two"))
	b.pointer.Damage()
	list, err := b.Releases(t.Context())
	if err != nil || !list[0].Current || list[0].Problem == "" {
		t.Errorf("releases: %+v, %v; want the problem at the current one", list, err)
	}
	if gone, err := b.Prune(t.Context()); !errors.Is(err, publish.ErrDamaged) {
		t.Errorf("prune: %v, %v; want it to stay away", gone, err)
	}
	res, err := b.Rollback(t.Context(), "v1")
	if err != nil || len(res.Warnings) != 1 || res.Previous != "v2" {
		t.Errorf("rollback: %+v, %v", res, err)
	}
	b.wantLive(t, "v1")
	b.pointer.Damage()
	if res := b.publish(t, "v1", page(t, "one")); len(res.Warnings) != 2 {
		t.Errorf("publish: %+v, want warnings about retention and the pointer", res)
	}
	if _, _, err := b.pointer.Read(t.Context()); err != nil {
		t.Errorf("after publishing the live release again: %v", err)
	}
}
