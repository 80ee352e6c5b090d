package publishtest

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/publish"
)

func getMissing(t *testing.T, s publish.ObjectStore) {
	put(t, s, "v1/a/b", "x")
	for _, key := range []string{"v2/a", "v1/a", "v1/a/c", "v1", "v1/a/b/c"} {
		r, _, err := s.Get(t.Context(), key)
		if !errors.Is(err, publish.ErrNotFound) {
			t.Errorf("get %q: %v, want ErrNotFound", key, err)
		}
		if err == nil {
			_ = r.Close()
		}
	}
}

func listPrefix(t *testing.T, s publish.ObjectStore) {
	keys := []string{"v1-x/a", "v1/a-b", "v1/a.txt", "v1/a/b", "v1/a/c/d", "v1/a0", "v10/a", "v2/Z", "v2/a"}
	for _, key := range []string{"v2/a", "v10/a", "v1/a0", "v1/a/c/d", "v1/a/b", "v1/a.txt", "v1/a-b", "v1-x/a", "v2/Z"} {
		put(t, s, key, key)
	}
	wantKeys(t, s, "", keys...)
	wantKeys(t, s, "v1", "v1-x/a", "v1/a-b", "v1/a.txt", "v1/a/b", "v1/a/c/d", "v1/a0", "v10/a")
	wantKeys(t, s, "v1/", "v1/a-b", "v1/a.txt", "v1/a/b", "v1/a/c/d", "v1/a0")
	wantKeys(t, s, "v1/a/", "v1/a/b", "v1/a/c/d")
	wantKeys(t, s, "v1/a/c", "v1/a/c/d")
	wantKeys(t, s, "v10/a", "v10/a")
	wantKeys(t, s, "v3/")
	wantKeys(t, s, "v2/b/c/")
	wantKeys(t, s, "v2/a/")
	for o, err := range s.List(t.Context(), "v10/") {
		if err != nil || o.Size != 5 || o.Modified.IsZero() || o.SHA256 != "" && o.SHA256 != Blob("v10/a").SHA256 {
			t.Errorf("listed %+v, %v", o, err)
		}
	}
}

func listMany(t *testing.T, s publish.ObjectStore) {
	const n = 2500 // three pages of S3
	want := make([]string, n)
	work := make(chan string)
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for key := range work {
				if err := s.Put(t.Context(), key, Blob(key), plain); err != nil {
					t.Errorf("put %s: %v", key, err)
				}
			}
		})
	}
	for i := range want {
		want[i] = fmt.Sprintf("v1/%02d/%04d", i/100, i)
		work <- want[i]
	}
	close(work)
	wg.Wait()
	wantKeys(t, s, "v1/", want...)
	put(t, s, "v10/stays", "x")
	if err := s.Delete(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	wantKeys(t, s, "", "v10/stays")
}

func listRange(t *testing.T, s publish.ObjectStore) {
	lister, ok := s.(publish.RangeLister)
	if !ok {
		t.Skip("the store lists no ranges")
	}
	for _, key := range []string{"v1/a", "v1/a b+c", "v1/b/ü", "v1/c", "v10/a", "v2/a"} {
		put(t, s, key, key)
	}
	tests := []struct {
		prefix, after, until string
		want                 []string
	}{
		{"v1/", "", "", []string{"v1/a", "v1/a b+c", "v1/b/ü", "v1/c"}},
		{"v1/", "", "v1/a b+c", []string{"v1/a", "v1/a b+c"}},
		{"v1/", "v1/a b+c", "v1/b/ü", []string{"v1/b/ü"}},
		{"v1/", "v1/b", "v1/bz", []string{"v1/b/ü"}},
		{"v1/", "v1/b/ü", "", []string{"v1/c"}},
		{"v1/", "v1/c", "", nil},
		{"v1/", "v1/c", "v9", nil},
		{"", "v1/c", "v2", []string{"v10/a"}},
	}
	for _, test := range tests {
		var got []string
		for o, err := range lister.ListRange(t.Context(), test.prefix, test.after, test.until) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, o.Key)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%q after %q until %q (-want +got):\n%s", test.prefix, test.after, test.until, diff)
		}
	}
}

func listEnds(t *testing.T, s publish.ObjectStore) {
	for _, key := range []string{"a/1", "a/2", "b/1"} {
		put(t, s, key, key)
	}
	n := 0
	for _, err := range s.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		if n++; n == 2 {
			break
		}
	}
	if n != 2 {
		t.Errorf("%d objects, want the iteration to end after 2", n)
	}
}

func deletes(t *testing.T, s publish.ObjectStore) {
	for _, key := range []string{"v1/a", "v1/b/c", "v10/a"} {
		put(t, s, key, key)
	}
	if err := s.Delete(t.Context(), []string{"v1/a", "v1/none", "none/none", "v1/b/c", "v1/b"}); err != nil {
		t.Fatal(err)
	}
	wantKeys(t, s, "", "v10/a")
	if err := s.Delete(t.Context(), nil); err != nil {
		t.Fatalf("delete nothing: %v", err)
	}
	put(t, s, "v1/b", "an object where a folder was")
	wantBody(t, s, "v1/b", "an object where a folder was")
}
