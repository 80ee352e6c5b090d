package routing_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/cfjs"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/routing"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
)

var routings = []site.Routing{site.RoutingSPA, site.RoutingStatic}

type store map[string]string

func (s store) Get(key string) (string, bool) { v, ok := s[key]; return v, ok }
func (s store) Meta() cfjs.KVMeta             { return cfjs.KVMeta{Keys: len(s)} }

func compile(t *testing.T, r site.Routing) *cfjs.Function {
	t.Helper()
	code, err := routing.Code(r)
	if err != nil {
		t.Fatal(err)
	}
	f, err := cfjs.Compile(string(r)+".js", code, cfjs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if w := f.Warnings(); len(w) > 0 {
		t.Errorf("warnings: %v", w)
	}
	return f
}

func request(uri string) *cfjs.Event {
	query := "a=1&a=2"
	return &cfjs.Event{Type: cfjs.ViewerRequest, Request: cfjs.Request{
		Method: "GET", URI: uri, RawQuery: &query,
		Querystring: map[string]cfjs.Value{"a": {Value: "1", Multi: []cfjs.MultiValue{{Value: "1"}, {Value: "2"}}}},
		Headers:     map[string]cfjs.Value{"host": {Value: "example.com"}},
	}}
}

func TestVectors(t *testing.T) {
	for _, r := range routings {
		var vectors []struct{ Name, URI, Want string }
		data, err := os.ReadFile(filepath.Join("testdata", string(r)+".json"))
		if err == nil {
			err = json.Unmarshal(data, &vectors)
		}
		if err != nil {
			t.Fatal(err)
		}
		f := compile(t, r)
		for _, v := range vectors {
			t.Run(string(r)+"/"+v.Name, func(t *testing.T) {
				got, err := f.Run(context.Background(), request(v.URI), store{"path": "3f2a1b7"})
				if err != nil {
					t.Fatal(err)
				}
				if got.Request == nil || got.Request.URI != "/3f2a1b7"+v.Want {
					t.Errorf("%s → %+v, want %s", v.URI, got.Request, "/3f2a1b7"+v.Want)
				}
				if got.Changed != (cfjs.Changed{URI: true}) {
					t.Errorf("changed %+v, want the URI alone: the query string must stay", got.Changed)
				}
			})
		}
	}
}

// The result depends on the path and the pointer alone, so that an edge may keep it.
func TestPure(t *testing.T) {
	for _, r := range routings {
		got, err := compile(t, r).Run(context.Background(), request("/about"), store{"path": "r1"})
		if err != nil {
			t.Fatal(err)
		}
		if want := (cfjs.Used{URI: true}); !got.Pure || !reflect.DeepEqual(got.Used, want) {
			t.Errorf("%s: pure %v, used %+v, want %+v", r, got.Pure, got.Used, want)
		}
		if len(got.Reads) != 1 || got.Reads[0] != (cfjs.Read{Key: "path", Value: "r1", OK: true}) {
			t.Errorf("%s: reads %v", r, got.Reads)
		}
	}
}

// A site that has no release must never show what lies at the root of the bucket.
func TestDefect12_NoReleaseIsItsOwn503(t *testing.T) {
	for name, kv := range map[string]cfjs.KV{
		"the key is missing":   store{},
		"the value is empty":   store{"path": ""},
		"there is no store":    nil,
		"another key is there": store{"previous": "r1"},
	} {
		for _, r := range routings {
			t.Run(string(r)+"/"+name, func(t *testing.T) {
				got, err := compile(t, r).Run(context.Background(), request("/"), kv)
				if err != nil {
					t.Fatal(err)
				}
				res := got.Response
				if res == nil || res.StatusCode != 503 {
					t.Fatalf("got %+v", got)
				}
				if res.Headers["retry-after"].Value == "" || res.Headers["cache-control"].Value != "no-store" ||
					res.Headers["content-type"].Value != "text/html; charset=utf-8" {
					t.Errorf("headers %v", res.Headers)
				}
				if res.Body == nil || !strings.HasPrefix(res.Body.Data, "<!doctype html>") {
					t.Errorf("body %v", res.Body)
				}
			})
		}
	}
}

// The two files share all but their routes; what is mended in one must be mended in the other.
func TestFilesShareAllButTheRoute(t *testing.T) {
	var shared []string
	for _, r := range routings {
		code, _ := routing.Code(r)
		if len(code) > cfjs.MaxCode/2 {
			t.Errorf("%s has %d bytes: keep room for the person who edits it", r, len(code))
		}
		_, rest, _ := strings.Cut(code, "// The extensions that make")
		before, _, _ := strings.Cut(rest, "request.uri = ")
		_, after, _ := strings.Cut(rest, "function isFile")
		shared = append(shared, before+after)
	}
	if shared[0] != shared[1] {
		t.Error("spa.js and static.js differ outside of route")
	}
}

func TestCode(t *testing.T) {
	for _, r := range []site.Routing{site.RoutingCustom, "", "next"} {
		if code, err := routing.Code(r); err == nil || code != "" || fault.KindOf(err) != fault.Usage || fault.HintOf(err) == "" {
			t.Errorf("Code(%q) = %q, %v", r, code, err)
		}
	}
}

func BenchmarkRouting(b *testing.B) {
	for _, r := range routings {
		b.Run(string(r), func(b *testing.B) {
			code, _ := routing.Code(r)
			f, err := cfjs.Compile(string(r)+".js", code, cfjs.Options{})
			if err != nil {
				b.Fatal(err)
			}
			ev, kv := request("/docs/guide"), store{"path": "3f2a1b7"}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := f.Run(b.Context(), ev, kv); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
