// Package publish makes releases: it scans a folder, uploads what is new, writes the manifest, moves the pointer, and
// retires what is old. It is the only code that does so, on every target.
//
// Layout of the hosting bucket:
//
//	<release id>/<path>     the files of a release, written once, never overwritten
//	_releases/<id>.json     its manifest, written last: no manifest, no release
//	_releases/<id>.unfinished   a mark, there while the release is uploaded or removed, so that what a crash leaves
//	                        behind is found without listing the whole bucket
//	_errors/404.html        the error page of the live release
//
// Any other key is not the publisher's: it is never read, changed or removed.
package publish

import (
	"context"
	"errors"
	"io"
	"iter"
	"time"
)

// ErrNotFound is what an ObjectStore returns for a key that it does not hold.
var ErrNotFound = errors.New("no such object")

// ErrExists is what Put and Copy return for a key that is taken when Meta.IfAbsent asks for a new one.
var ErrExists = errors.New("object exists")

// ErrConflict is what Pointer.Swap returns when the pointer has moved since it was read.
var ErrConflict = errors.New("pointer has moved")

// ErrDamaged is what Pointer.Read returns when the key-value store cannot be understood. The Live beside it is the last
// one known, zero if there is none, and Swap with the Version beside it mends the store.
var ErrDamaged = errors.New("pointer is damaged")

// Blob is content to store. Open may be called more than once, for retries; each reader yields exactly Size bytes.
type Blob struct {
	Size int64
	// SHA256 is the lower-case hexadecimal digest of the content. A store verifies what it wrote against it.
	SHA256 string
	Open   func() (io.ReadCloser, error)
}

// Meta is what is stored beside the content and served as headers.
type Meta struct {
	ContentType  string
	CacheControl string
	// IfAbsent makes Put and Copy fail with ErrExists, atomically, when the key is taken.
	IfAbsent bool
}

// Object describes a stored object.
type Object struct {
	Key  string
	Size int64
	// Modified is when Put or Copy stored the object, by the store's clock, which need not be the caller's.
	Modified time.Time
	// SHA256 is the content's digest. List leaves it empty where the store cannot tell without a request per object.
	SHA256 string
	// ContentType and CacheControl are set by Get only.
	ContentType  string
	CacheControl string
}

// ObjectStore is the hosting bucket. Keys are slash-separated and relative, without "." or ".." elements; a key may hold
// any other valid UTF-8. All methods may be called concurrently, from several processes at once.
type ObjectStore interface {
	// Put stores the content and its meta under key. It is durable when Put returns, and no reader ever sees a part of it. The
	// content is not read any more then.
	Put(ctx context.Context, key string, content Blob, meta Meta) error
	// Copy stores the content of from under key, without sending it. It returns ErrNotFound if from does not exist or
	// does not have the given digest.
	Copy(ctx context.Context, from, key, sha256 string, meta Meta) error
	// Get opens an object, or returns ErrNotFound. The caller closes the reader.
	Get(ctx context.Context, key string) (io.ReadCloser, Object, error)
	// List yields the objects whose keys begin with prefix, which is a plain string prefix ("v1" also matches "v10/a"),
	// in key order, all of them, however many. Iteration ends at the first error.
	List(ctx context.Context, prefix string) iter.Seq2[Object, error]
	// Delete removes the keys, any number of them. A key that does not exist is not an error.
	Delete(ctx context.Context, keys []string) error
}

// RangeLister is an ObjectStore that is asked over a network, where listing one page after another takes its time: the
// publisher lists several ranges of a large release at once.
type RangeLister interface {
	ObjectStore
	// ListRange is List for the keys after one and up to and including another; an empty one is no bound.
	ListRange(ctx context.Context, prefix, after, until string) iter.Seq2[Object, error]
}

// Live is what the pointer points at.
type Live struct {
	// Release is the id of the release that is served; empty before the first one.
	Release string
	// Previous is the release that was served before it; empty if there was none.
	Previous string
	// StartedAt is when the run that made Release live started. A run that started earlier does not replace it.
	StartedAt time.Time
	// SwappedAt is when the pointer moved.
	SwappedAt time.Time
}

// Version is a token of the state of a pointer at the time it was read.
type Version string

// Pointer names the live release. It is the only switch of a site. On every target it is a few keys of the site's
// key-value store: PathKey holds the release id, for the viewer-request function.
type Pointer interface {
	// Read returns what is live, and a token for Swap. The zero Live means that nothing has been published yet.
	// See ErrDamaged for a store that cannot be understood.
	Read(ctx context.Context) (Live, Version, error)
	// Swap makes next live if nothing has changed since old was read; otherwise it returns ErrConflict and changes
	// nothing. When Swap has returned nil, every later Read returns next. Other keys of the key-value store stay.
	// A swap always makes a new Version, even if next is what was live already: retention relies on it.
	Swap(ctx context.Context, old Version, next Live) error
}

// The keys of the key-value store that a Pointer writes, together or not at all. PathKey is upstream's.
const (
	PathKey      = "path"
	PreviousKey  = "previous"
	StartedAtKey = "startedAt"
	SwappedAtKey = "swappedAt"
)
