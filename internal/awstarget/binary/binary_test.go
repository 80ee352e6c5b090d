package binary

import (
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"testing"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/bucket"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/double/s3server"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
)

func TestLoad(t *testing.T) {
	program := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(program, []byte("a program"), 0o600); err != nil {
		t.Fatal(err)
	}
	if embedded("amd64") != nil {
		t.Skip("this build carries the program")
	}
	tests := map[string]struct{ goos, goarch, architecture string }{
		"linux on amd64": {"linux", "amd64", "x86_64"},
		"linux on arm64": {"linux", "arm64", "arm64"},
		"linux on riscv": {"linux", "riscv64", ""},
		"a Mac":          {"darwin", "arm64", ""},
		"Windows":        {"windows", "amd64", ""},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			b, err := load(program, "", tc.goos, tc.goarch)
			if tc.architecture == "" {
				if err == nil || fault.HintOf(err) == "" {
					t.Errorf("got %v, %v", b, err)
				}
				return
			}
			if err != nil || b.Architecture() != tc.architecture || string(b.Content) != "a program" {
				t.Errorf("got %+v, %v", b, err)
			}
		})
	}
}

func TestUnpack(t *testing.T) {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write([]byte("a program")); err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	if got, err := unpack(packed.Bytes()); err != nil || string(got) != "a program" {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := unpack([]byte("not packed")); err == nil {
		t.Error("what is not packed was unpacked")
	}
}

// The program is sent once, and again only if what is there is not it.
func TestUpload(t *testing.T) {
	server := s3server.StartMemory(t, nil)
	store := bucket.Open(server.Config(), server.NewBucket(t, "artifacts"))
	b := newBinary("amd64", []byte("a program"))
	for i, want := range []bool{true, false} {
		sent, err := Upload(t.Context(), store, "toolkit/x", b)
		if err != nil || sent != want {
			t.Errorf("upload %d: %v, %v", i, sent, err)
		}
	}
	other := newBinary("amd64", []byte("a part"))
	if _, err := Upload(t.Context(), store, "toolkit/x", other); err != nil {
		t.Fatal(err)
	}
	if sent, err := Upload(t.Context(), store, "toolkit/x", b); err != nil || !sent {
		t.Errorf("what was there in part stayed: %v, %v", sent, err)
	}
}
