package bucket_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/publish"
)

// Open reads one version of an object from wherever it is asked to, and asks for no more than what follows that place.
func TestOpen(t *testing.T) {
	store, memory := open(t)
	memory.Store("site", "a/b.txt", "0123456789")
	var ranges []string
	memory.Fault = func(r *http.Request) (int, string) {
		if r.Method == http.MethodGet {
			ranges = append(ranges, r.Header.Get("Range"))
		}
		return 0, ""
	}
	content, object, err := store.Open(t.Context(), "a/b.txt")
	if err != nil || object.Size != 10 || content.ETag == "" || len(ranges) > 0 {
		t.Fatalf("%+v, %v, %v", object, ranges, err)
	}
	defer content.Close()
	for _, step := range []struct {
		offset int64
		whence int
		length int
		want   string
	}{{0, io.SeekStart, 3, "012"}, {2, io.SeekCurrent, 2, "56"}, {-1, io.SeekEnd, 1, "9"}, {0, io.SeekEnd, 0, ""}, {4, io.SeekStart, 6, "456789"}} {
		if _, err := content.Seek(step.offset, step.whence); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, step.length)
		if _, err := io.ReadFull(content, got); err != nil || string(got) != step.want {
			t.Errorf("%+v: %q, %v", step, got, err)
		}
	}
	if got := strings.Join(ranges, " "); got != "bytes=0- bytes=5- bytes=9- bytes=4-" {
		t.Errorf("asked for %s", got)
	}
	if n, err := content.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("at the end: %d, %v", n, err)
	}
	if _, err := content.Seek(-1, io.SeekStart); err == nil {
		t.Error("it seeks before the beginning")
	}
	memory.Store("site", "a/b.txt", "another one")
	if _, err := content.Seek(0, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	if _, err := content.Read(make([]byte, 1)); err == nil {
		t.Error("it reads another version than the one that was opened")
	}
}

func TestOpenErrors(t *testing.T) {
	store, memory := open(t)
	if _, _, err := store.Open(t.Context(), "nothing"); !errors.Is(err, publish.ErrNotFound) {
		t.Errorf("a missing object: %v", err)
	}
	memory.Fault = func(*http.Request) (int, string) { return http.StatusForbidden, "AccessDenied" }
	if _, _, err := store.Open(t.Context(), "nothing"); !strings.Contains(fault.HintOf(err), "s3:ListBucket on the bucket site") || errors.Is(err, publish.ErrNotFound) {
		t.Errorf("an object that may not be read: %v (%s)", err, fault.HintOf(err))
	}
}
