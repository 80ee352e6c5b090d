package s3server

import (
	"bytes"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// Memory is an S3 server in memory, for tests that need no other program. It takes buckets in the path, and is strict:
// content is checked against every digest that comes with it, and what it does not know is an error. It knows objects,
// copies, multipart uploads, conditions, ranges, listings and deletions, and it keeps the versions of a bucket that is told
// to; what is asked of an object by its version is its deletion only.
type Memory struct {
	// Fault, if set, is asked ahead of each request; a code of its ("SlowDown") is the answer, with the status.
	Fault func(r *http.Request) (status int, code string)
	// Keep, if set, is asked for each key of a deletion; a code of its ("AccessDenied") is why the key stays.
	Keep func(key string) string
	// PageSize is the most keys of a page of a listing; 1,000 if it is 0.
	PageSize int
	// LeastPart is the least size of a part of an upload that is not the last one; S3's 5 MiB if it is 0.
	LeastPart int

	// Created, if set, is told of each object that is created in a bucket whose notifications go to EventBridge. It is called
	// with the server's lock held and must not ask it anything.
	Created func(bucket, key, version string)

	mu      sync.Mutex
	buckets map[string]*bucket
	uploads map[string]*upload
	serial  int
}

// NewMemory returns a server without buckets.
func NewMemory() *Memory {
	return &Memory{buckets: map[string]*bucket{}, uploads: map[string]*upload{}}
}

// bucket is a bucket. objects are those that a listing shows; a versioned bucket has all of them and more in versions.
type bucket struct {
	objects   map[string]*object
	versioned bool
	versions  map[string][]*version // by key, newest first; of a bucket that is versioned
	// notifications is the configuration as it was put, in XML.
	notifications string
	elsewhere     Elsewhere
}

type object struct {
	body     []byte
	header   http.Header // Content-Type, Cache-Control, X-Amz-Meta-…, X-Amz-Checksum-…
	etag     string
	modified time.Time
}

// upload is a multipart upload.
type upload struct {
	bucket, key string
	header      http.Header
	parts       map[int]*object
}

// Store puts an object into a bucket, as another program would.
func (m *Memory) Store(bucket, key, body string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.store(bucket, m.buckets[bucket], key, &object{body: []byte(body), header: http.Header{}, etag: etagOf([]byte(body)), modified: time.Now()})
}

// failure is an error answer.
type failure struct {
	status  int
	code    string
	message string
}

func (f *failure) Error() string { return f.code + ": " + f.message }

func fail(status int, code, format string, args ...any) error {
	return &failure{status, code, fmt.Sprintf(format, args...)}
}

// ServeHTTP answers one request.
func (m *Memory) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if m.Fault != nil {
		if status, code := m.Fault(r); code != "" {
			writeError(w, r, &failure{status, code, "as the test wants it"})
			return
		}
	}
	body, err := readBody(r)
	var reply *object
	if err == nil {
		m.mu.Lock()
		reply, err = m.answer(w, r, body)
		m.mu.Unlock()
	}
	switch {
	case err != nil:
		writeError(w, r, err)
	case reply != nil:
		// Objects never change, and a client may be slow.
		reply.serve(w, r)
	}
}

// readBody reads and checks the content of a request.
func readBody(r *http.Request) ([]byte, error) {
	if !strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-") {
		return nil, fail(http.StatusForbidden, "AccessDenied", "the request is not signed")
	}
	if strings.Contains(r.Header.Get("Content-Encoding"), "aws-chunked") {
		return nil, fail(http.StatusNotImplemented, "NotImplemented", "aws-chunked content")
	}
	var buffer bytes.Buffer
	buffer.Grow(int(max(r.ContentLength, 0)) + bytes.MinRead)
	if _, err := buffer.ReadFrom(r.Body); err != nil || r.ContentLength >= 0 && int64(buffer.Len()) != r.ContentLength {
		return nil, fail(http.StatusBadRequest, "IncompleteBody", "%d of %d bytes", buffer.Len(), r.ContentLength)
	}
	body := buffer.Bytes()
	sum := sha256.Sum256(body)
	if want := r.Header.Get("X-Amz-Content-Sha256"); len(want) == 64 && want != hex.EncodeToString(sum[:]) {
		return nil, fail(http.StatusBadRequest, "XAmzContentSHA256Mismatch", "content has %x", sum)
	}
	if want := r.Header.Get("X-Amz-Checksum-Sha256"); want != "" && r.Method == http.MethodPut && want != base64.StdEncoding.EncodeToString(sum[:]) {
		return nil, fail(http.StatusBadRequest, "BadDigest", "content has %x", sum)
	}
	return body, nil
}

// answer does what a request asks for, and returns the object that it asks for.
func (m *Memory) answer(w http.ResponseWriter, r *http.Request, body []byte) (*object, error) {
	name, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	query := r.URL.Query()
	if name == "" && r.Method == http.MethodGet {
		return nil, m.listBuckets(w, query)
	}
	if key == "" && r.Method == http.MethodPut && !query.Has("versioning") && !query.Has("notification") {
		if m.buckets[name] != nil {
			return nil, fail(http.StatusConflict, "BucketAlreadyOwnedByYou", "%s", name)
		}
		m.buckets[name] = &bucket{objects: map[string]*object{}}
		return nil, nil
	}
	b := m.buckets[name]
	switch {
	case b == nil:
		return nil, fail(http.StatusNotFound, "NoSuchBucket", "The specified bucket does not exist")
	case b.owned(w, r) != nil:
		return nil, b.owned(w, r)
	case key == "":
		return nil, m.answerBucket(w, r, name, b, query, body)
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		return nil, m.change(w, r, name, b, key, body)
	case b.at(key, query.Get("versionId")) == nil:
		return nil, fail(http.StatusNotFound, "NoSuchKey", "The specified key does not exist.")
	}
	if id := b.current(key); id != "" && !query.Has("versionId") {
		w.Header().Set("X-Amz-Version-Id", id)
	}
	return b.at(key, query.Get("versionId")), nil
}

// change does what a request for an object asks for that is not to read it.
func (m *Memory) change(w http.ResponseWriter, r *http.Request, name string, b *bucket, key string, body []byte) error {
	query := r.URL.Query()
	switch {
	case r.Method == http.MethodDelete && query.Has("uploadId"):
		delete(m.uploads, query.Get("uploadId"))
		w.WriteHeader(http.StatusNoContent)
		return nil
	case r.Method == http.MethodDelete:
		m.remove(b, key, "")
		w.WriteHeader(http.StatusNoContent)
		return nil
	case r.Method == http.MethodPost && query.Has("uploads"):
		return m.create(w, r, name, key)
	case r.Method == http.MethodPost && query.Has("uploadId"):
		return m.complete(w, r, b, key, body)
	case r.Method == http.MethodPut && query.Has("partNumber"):
		return m.part(w, r, query, body)
	case r.Method == http.MethodPut:
		return m.put(w, r, name, b, key, body)
	}
	return fail(http.StatusNotImplemented, "NotImplemented", "%s %s", r.Method, r.URL)
}

func (m *Memory) answerBucket(w http.ResponseWriter, r *http.Request, name string, b *bucket, query url.Values, body []byte) error {
	if done, err := b.settle(w, r, query, body); done {
		return err
	}
	switch {
	case r.Method == http.MethodHead:
		return nil
	case r.Method == http.MethodGet && query.Get("list-type") == "2":
		return m.list(w, name, b, query)
	case r.Method == http.MethodPost && query.Has("delete"):
		return m.deleteMany(w, r, b, body)
	case r.Method == http.MethodGet && query.Has("versions"):
		return m.listVersions(w, name, b, query)
	case r.Method == http.MethodGet && query.Has("uploads"):
		return m.listUploads(w, name, query)
	case r.Method == http.MethodDelete && b.entries() > 0:
		return fail(http.StatusConflict, "BucketNotEmpty", "The bucket you tried to delete is not empty. You must delete all versions in the bucket.")
	case r.Method == http.MethodDelete:
		delete(m.buckets, name)
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	return fail(http.StatusNotImplemented, "NotImplemented", "%s %s", r.Method, r.URL)
}

func writeXML(w http.ResponseWriter, status int, v any) error {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, xml.Header)
	return xml.NewEncoder(w).Encode(v)
}

func writeError(w http.ResponseWriter, r *http.Request, err error) {
	f, ok := err.(*failure)
	if !ok {
		f = &failure{http.StatusInternalServerError, "InternalError", err.Error()}
	}
	if r.Method == http.MethodHead {
		w.WriteHeader(f.status)
		return
	}
	_ = writeXML(w, f.status, struct {
		XMLName                 xml.Name `xml:"Error"`
		Code, Message, Resource string
	}{Code: f.code, Message: f.message, Resource: r.URL.Path})
}

func etagOf(body []byte) string {
	sum := md5.Sum(body)
	return `"` + hex.EncodeToString(sum[:]) + `"`
}
