package publish_test

import (
	"testing"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/publish"
)

func TestPageAliases(t *testing.T) {
	tests := map[string]struct {
		off   bool
		files []string
		// aliases are the keys that the release has beside its files.
		aliases []string
	}{
		"pages as files":             {files: []string{"index.html", "about.html", "blog/one.html"}, aliases: []string{"about/index.html", "blog/one/index.html"}},
		"pages as folders":           {files: []string{"index.html", "about/index.html"}},
		"both: the folder's stays":   {files: []string{"index.html", "about.html", "about/index.html=another"}},
		"the error page has none":    {files: []string{"index.html", "404.html"}},
		"an error page further down": {files: []string{"index.html", "fr/404.html"}, aliases: []string{"fr/404/index.html"}},
		"a file of the page's name":  {files: []string{"index.html", "about", "about.html"}},
		"a dotted page":              {files: []string{"index.html", "v1.2.html"}, aliases: []string{"v1.2/index.html"}},
		"other kinds of file":        {files: []string{"index.html", "about.htm", "a.txt", "x.HTML"}},
		"a routing without aliases":  {off: true, files: []string{"index.html", "about.html"}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			b := newBucket(t)
			b.PageAliases = !tc.off
			dir := folder(t, tc.files...)
			res := b.publish(t, "r1", dir)
			if res.Files != len(tc.files) || res.Uploaded != len(tc.files) || res.Copied != 0 {
				t.Errorf("result %+v, want %d files, all uploaded: aliases are not counted", res, len(tc.files))
			}
			b.wantLive(t, "r1")
			if got, want := len(b.keys("r1/")), len(tc.files)+len(tc.aliases); got != want {
				t.Errorf("the release has %v, want %d objects", b.keys("r1/"), want)
			}
			for _, a := range tc.aliases {
				if _, ok := b.store.Body("r1/" + a); !ok {
					t.Errorf("%s is missing", a)
				}
			}
			if got := b.publish(t, "r1", dir); got.Release != "r1" || got.Unchanged != len(tc.files) {
				t.Errorf("published again: %+v, want the same release, unchanged", got)
			}
			list, err := b.Releases(t.Context())
			if err != nil || len(list) != 1 || list[0].Files != len(tc.files) {
				t.Errorf("releases %+v, %v", list, err)
			}
		})
	}
}

func TestPageAliasesFollowTheRouting(t *testing.T) {
	b := newBucket(t)
	dir := folder(t, "index.html=home", "about.html=about")
	b.publish(t, "r1", dir)
	b.PageAliases = true
	b.pass(time.Hour)
	res, err := b.Publish(t.Context(), publish.Request{Dir: dir, ID: "r1"})
	if err != nil {
		t.Fatal(err)
	}
	if res.Release != "r1-2" || res.Copied != 2 {
		t.Errorf("%+v, want a release of its own: the first one has no aliases, and is never written again", res)
	}
	b.wantLive(t, "r1-2")
}
