package publishtest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/publish"
)

var (
	_ publish.RangeLister = (*Store)(nil)
	_ publish.Pointer     = (*Pointer)(nil)
)

// Store is an ObjectStore in memory. Like S3's, its List tells no digests.
type Store struct {
	Faults *Faults
	// Now is the store's clock; time.Now if it is nil.
	Now func() time.Time

	mu      sync.Mutex
	objects map[string]object
}

type object struct {
	publish.Object
	body []byte
}

// NewStore returns an empty store.
func NewStore() *Store { return &Store{Faults: &Faults{}, objects: map[string]object{}} }

// Put implements publish.ObjectStore.
func (s *Store) Put(ctx context.Context, key string, content publish.Blob, meta publish.Meta) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return s.Faults.do("Put", key, func() error {
		r, err := content.Open()
		if err != nil {
			return err
		}
		defer r.Close()
		body, err := io.ReadAll(r)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(body)
		if digest := hex.EncodeToString(sum[:]); digest != content.SHA256 || int64(len(body)) != content.Size {
			return fmt.Errorf("content has %d bytes with digest %s, want %d with %s", len(body), digest, content.Size, content.SHA256)
		}
		return s.set(key, body, content.SHA256, meta)
	})
}

// Copy implements publish.ObjectStore.
func (s *Store) Copy(ctx context.Context, from, key, sha256 string, meta publish.Meta) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return s.Faults.do("Copy", key, func() error {
		s.mu.Lock()
		o, ok := s.objects[from]
		s.mu.Unlock()
		if !ok || o.SHA256 != sha256 {
			return publish.ErrNotFound
		}
		return s.set(key, o.body, sha256, meta)
	})
}

func (s *Store) set(key string, body []byte, digest string, meta publish.Meta) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, taken := s.objects[key]; taken && meta.IfAbsent {
		return publish.ErrExists
	}
	now := time.Now
	if s.Now != nil {
		now = s.Now
	}
	s.objects[key] = object{body: body, Object: publish.Object{Key: key, Size: int64(len(body)), Modified: now(), SHA256: digest,
		ContentType: meta.ContentType, CacheControl: meta.CacheControl}}
	return nil
}

// Get implements publish.ObjectStore.
func (s *Store) Get(ctx context.Context, key string) (body io.ReadCloser, o publish.Object, err error) {
	if err := ctx.Err(); err != nil {
		return nil, publish.Object{}, err
	}
	err = s.Faults.do("Get", key, func() error {
		s.mu.Lock()
		defer s.mu.Unlock()
		found, ok := s.objects[key]
		if !ok {
			return publish.ErrNotFound
		}
		body, o = io.NopCloser(bytes.NewReader(found.body)), found.Object
		return nil
	})
	return body, o, err
}

// List implements publish.ObjectStore.
func (s *Store) List(ctx context.Context, prefix string) iter.Seq2[publish.Object, error] {
	return s.ListRange(ctx, prefix, "", "")
}

// ListRange implements publish.RangeLister.
func (s *Store) ListRange(ctx context.Context, prefix, after, until string) iter.Seq2[publish.Object, error] {
	return func(yield func(publish.Object, error) bool) {
		var list []publish.Object
		err := s.Faults.do("List", prefix, func() error {
			s.mu.Lock()
			defer s.mu.Unlock()
			for _, key := range slices.Sorted(maps.Keys(s.objects)) {
				if strings.HasPrefix(key, prefix) && key > after && (until == "" || key <= until) {
					o := s.objects[key].Object
					list = append(list, publish.Object{Key: key, Size: o.Size, Modified: o.Modified})
				}
			}
			return ctx.Err()
		})
		if err != nil {
			yield(publish.Object{}, err)
			return
		}
		for _, o := range list {
			if !yield(o, nil) {
				return
			}
		}
	}
}

// Delete implements publish.ObjectStore. A crash in it leaves the later half of the keys.
func (s *Store) Delete(ctx context.Context, keys []string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	half := len(keys) / 2
	for i, part := range [][]string{keys[:half], keys[half:]} {
		if i == 0 && half == 0 {
			continue
		}
		err := s.Faults.do("Delete", strings.Join(part, " "), func() error {
			s.mu.Lock()
			defer s.mu.Unlock()
			for _, key := range part {
				delete(s.objects, key)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Keys returns all keys in order.
func (s *Store) Keys() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.objects))
}

// Body returns the content of an object, and whether it exists.
func (s *Store) Body(key string) (string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, ok := s.objects[key]
	return string(o.body), ok
}

// Set stores an object behind the publisher's back.
func (s *Store) Set(key, body string) {
	sum := sha256.Sum256([]byte(body))
	_ = s.set(key, []byte(body), hex.EncodeToString(sum[:]), publish.Meta{})
}

// Drop removes an object behind the publisher's back.
func (s *Store) Drop(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.objects, key)
}

// Pointer is a publish.Pointer in memory.
type Pointer struct {
	Faults *Faults

	mu      sync.Mutex
	live    publish.Live
	version int
	damage  error
}

// NewPointer returns a pointer to nothing.
func NewPointer() *Pointer { return &Pointer{Faults: &Faults{}} }

// Read implements publish.Pointer.
func (p *Pointer) Read(ctx context.Context) (live publish.Live, v publish.Version, err error) {
	if err := ctx.Err(); err != nil {
		return publish.Live{}, "", err
	}
	err = p.Faults.do("Read", "", func() error {
		p.mu.Lock()
		defer p.mu.Unlock()
		live, v = p.live, publish.Version(strconv.Itoa(p.version))
		return p.damage
	})
	return live, v, err
}

// Swap implements publish.Pointer.
func (p *Pointer) Swap(ctx context.Context, old publish.Version, next publish.Live) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return p.Faults.do("Swap", next.Release, func() error {
		p.mu.Lock()
		defer p.mu.Unlock()
		if old != publish.Version(strconv.Itoa(p.version)) {
			return publish.ErrConflict
		}
		p.live, p.damage = next, nil
		p.version++
		return nil
	})
}

// Live returns what the pointer points at, without an operation that could fail.
func (p *Pointer) Live() publish.Live {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.live
}

// Damage makes Read return publish.ErrDamaged until the next Swap.
func (p *Pointer) Damage() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.damage = fmt.Errorf("key-value store: %w", publish.ErrDamaged)
	p.version++
}
