package publish

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
)

const (
	// packedFrom is the size from which one of the publisher's own objects is stored compressed: the manifest of a large
	// release has a line of 200 bytes for each file, half of which says what the others say, and each listing of releases
	// fetches all of them. Smaller ones stay readable as they are.
	packedFrom = 64 << 10
	// maxUnpacked is the most that such an object unpacks to. A manifest of a million files has 200 MB.
	maxUnpacked = 1 << 30
)

// gzipMagic is how gzip begins (RFC 1952, 2.3.1); JSON never does.
var gzipMagic = []byte{0x1f, 0x8b}

// pack compresses what is large. The same data is packed to the same bytes.
func pack(data []byte) []byte {
	if len(data) < packedFrom {
		return data
	}
	var b bytes.Buffer
	w, _ := gzip.NewWriterLevel(&b, gzip.BestSpeed) // a level that exists
	_, _ = w.Write(data)                            // into memory
	_ = w.Close()
	return b.Bytes()
}

// unpack returns what was packed, or data that was not.
func unpack(data []byte) ([]byte, error) {
	if !bytes.HasPrefix(data, gzipMagic) {
		return data, nil
	}
	r, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("unpack: %w", err)
	}
	out, err := io.ReadAll(io.LimitReader(r, maxUnpacked+1))
	if err == nil && len(out) > maxUnpacked {
		err = errors.New("it is too large")
	}
	if err != nil {
		return nil, fmt.Errorf("unpack: %w", err)
	}
	return out, nil
}
