// Package binary holds the toolkit's own program for Linux, which the release step in the user's account runs, and puts it
// into the artifact bucket. On Linux it is the running program itself; a release build for any other platform carries it
// inside (go:embed, build tag embed).
package binary

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/reason"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/publish"
)

// maxBinary bounds what is unpacked; the program has a third of it.
const maxBinary = 256 << 20

// Binary is the toolkit's program for Linux on one processor.
type Binary struct {
	// Arch is Go's name of the processor, amd64 or arm64.
	Arch string
	// SHA256 is the lower-case hexadecimal digest of Content.
	SHA256  string
	Content []byte
}

// Architecture is CloudFormation's and CodeBuild's name of the processor.
func (b *Binary) Architecture() string {
	if b.Arch == "arm64" {
		return "arm64"
	}
	return "x86_64"
}

// Load returns the program: the one that is built in, else the running one, which executable names, where that is a Linux
// program. architecture is the processor that the site's release step has already; "" for a new site. It is kept if there is
// a choice, so that deploying from another machine does not change the stack.
func Load(executable, architecture string) (*Binary, error) {
	return load(executable, architecture, runtime.GOOS, runtime.GOARCH)
}

func load(executable, architecture, goos, goarch string) (*Binary, error) {
	arch := "amd64"
	if architecture == "arm64" {
		arch = "arm64"
	}
	if packed := embedded(arch); packed != nil {
		content, err := unpack(packed)
		if err != nil {
			return nil, fmt.Errorf("unpack the built-in Linux program: %w", err)
		}
		return newBinary(arch, content), nil
	}
	if goos == "linux" && (goarch == "amd64" || goarch == "arm64") {
		content, err := os.ReadFile(executable)
		if err != nil {
			return nil, fmt.Errorf("read this program: %w", err)
		}
		return newBinary(goarch, content), nil
	}
	return nil, fault.New(fault.Other, "use a released build, or build with: make build",
		"this build of the toolkit, for %s/%s, does not carry the Linux program that the release step runs", goos, goarch)
}

func newBinary(arch string, content []byte) *Binary {
	sum := sha256.Sum256(content)
	return &Binary{Arch: arch, SHA256: hex.EncodeToString(sum[:]), Content: content}
}

func unpack(packed []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	content, err := io.ReadAll(io.LimitReader(r, maxBinary+1))
	if err == nil && len(content) > maxBinary {
		err = errors.New("too large")
	}
	return content, err
}

// Upload puts the program under key into the artifact bucket, unless it is there. The store checks what arrives against
// the digest. It reports whether anything had to be sent.
func Upload(ctx context.Context, store publish.ObjectStore, key string, b *Binary) (sent bool, err error) {
	// The key says the content, and nobody but an administrator may write there: its size tells whether it is complete.
	for there, err := range store.List(ctx, key) {
		if err == nil && there.Key == key && there.Size == int64(len(b.Content)) {
			return false, nil
		}
		break
	}
	// Whatever else the answer was, a write says more about it than a look.
	err = store.Put(ctx, key, publish.Blob{
		Size: int64(len(b.Content)), SHA256: b.SHA256,
		Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b.Content)), nil },
	}, publish.Meta{ContentType: "application/octet-stream"})
	if err != nil {
		return false, fmt.Errorf("upload the toolkit's Linux program: %w", reason.Of(err))
	}
	return true, nil
}
