package publish

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
)

// Manifest is what makes a folder of the bucket a release: what it holds, and where it came from.
type Manifest struct {
	// Format is manifestFormat.
	Format      int       `json:"format"`
	Release     string    `json:"release"`
	CreatedAt   time.Time `json:"createdAt"`
	Commit      string    `json:"commit,omitempty"`
	Message     string    `json:"message,omitempty"`
	ToolVersion string    `json:"toolVersion,omitempty"`
	// Files are in path order, without duplicates.
	Files []File `json:"files"`
}

const manifestFormat = 1

const (
	releasesPrefix   = "_releases/"
	manifestSuffix   = ".json"
	unfinishedSuffix = ".unfinished"
)

func manifestKey(id string) string   { return releasesPrefix + id + manifestSuffix }
func unfinishedKey(id string) string { return releasesPrefix + id + unfinishedSuffix }

// errDamaged marks a manifest that is there and cannot be understood.
var errDamaged = errors.New("manifest is damaged")

// Manifest returns the manifest of a release: ErrNotFound if there is no such release.
func (p *Publisher) Manifest(ctx context.Context, id string) (Manifest, error) {
	key := manifestKey(id)
	r, _, err := p.Store.Get(ctx, key)
	if err != nil {
		return Manifest{}, fmt.Errorf("read manifest %s: %w", key, err)
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil {
		return Manifest{}, fmt.Errorf("read manifest %s: %w", key, err)
	}
	var m Manifest
	if data, err = unpack(data); err == nil {
		m, err = decodeManifest(id, data)
	}
	if err != nil {
		return Manifest{}, fmt.Errorf("read manifest %s: %w: %w", key, errDamaged, err)
	}
	return m, nil
}

func decodeManifest(id string, data []byte) (Manifest, error) {
	var m Manifest
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&m); err != nil {
		var format struct{ Format int }
		if json.Unmarshal(data, &format) == nil {
			err = cmp.Or(tooNew(format.Format), err)
		}
		return Manifest{}, err
	}
	if err := tooNew(m.Format); err != nil {
		return Manifest{}, err
	}
	if _, err := d.Token(); err != io.EOF {
		return Manifest{}, errors.New("more than one document")
	}
	if m.Format != manifestFormat || m.Release != id || len(m.Files) == 0 {
		return Manifest{}, fmt.Errorf("format %d, release %q, %d files; want format %d, release %q and at least one file",
			m.Format, m.Release, len(m.Files), manifestFormat, id)
	}
	for i, f := range m.Files {
		if f.Size < 0 || len(f.SHA256) != 2*sha256.Size || badName(f.Path) != "" || slices.Contains(strings.Split(f.Path, "/"), "..") {
			return Manifest{}, fmt.Errorf("file %q is not described soundly", f.Path)
		}
		if i > 0 && m.Files[i-1].Path >= f.Path {
			return Manifest{}, fmt.Errorf("file %q is out of order", f.Path)
		}
	}
	return m, nil
}

func tooNew(format int) error {
	if format > manifestFormat {
		return fmt.Errorf("written by a newer version of the tool (format %d, this one reads %d)", format, manifestFormat)
	}
	return nil
}

// sameFiles reports whether two lists name the same content under the same paths. Headers may differ: a newer tool's
// table of types does not make another release.
func sameFiles(a, b []File) bool {
	return slices.EqualFunc(a, b, func(x, y File) bool { return x.Path == y.Path && x.SHA256 == y.SHA256 && x.Size == y.Size })
}

func sizeOf(files []File) (n int64) {
	for _, f := range files {
		n += f.Size
	}
	return n
}

// shelf is what `_releases/` holds.
type shelf struct {
	// manifests that can be read, newest first.
	manifests []Manifest
	// damaged manifests: the id, when it was written, and why it cannot be read.
	damaged map[string]damagedManifest
	// unfinished has the time of the mark of each release that is being uploaded or removed.
	unfinished map[string]time.Time
}

type damagedManifest struct {
	modified time.Time
	err      error
}

// drop forgets a release.
func (s *shelf) drop(id string) {
	s.manifests = slices.DeleteFunc(s.manifests, func(m Manifest) bool { return m.Release == id })
	delete(s.unfinished, id)
}

// readShelf lists and reads all manifests and marks. A damaged manifest is no error.
func (p *Publisher) readShelf(ctx context.Context) (*shelf, error) {
	s := &shelf{damaged: map[string]damagedManifest{}, unfinished: map[string]time.Time{}}
	var found []Object
	for o, err := range p.Store.List(ctx, releasesPrefix) {
		if err != nil {
			return nil, fmt.Errorf("list releases: %w", err)
		}
		name := strings.TrimPrefix(o.Key, releasesPrefix)
		if id, ok := strings.CutSuffix(name, unfinishedSuffix); ok && site.ValidRelease(id) == nil {
			s.unfinished[id] = o.Modified
		} else if id, ok := strings.CutSuffix(name, manifestSuffix); ok && site.ValidRelease(id) == nil {
			o.Key = id
			found = append(found, o)
		}
	}
	manifests, errs := make([]Manifest, len(found)), make([]error, len(found))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(concurrency)
	for i, o := range found {
		g.Go(func() error {
			manifests[i], errs[i] = p.Manifest(ctx, o.Key)
			if errs[i] != nil && !errors.Is(errs[i], errDamaged) && !errors.Is(errs[i], ErrNotFound) {
				return errs[i]
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	for i, o := range found {
		switch {
		case errs[i] == nil:
			s.manifests = append(s.manifests, manifests[i])
		case errors.Is(errs[i], errDamaged):
			s.damaged[o.Key] = damagedManifest{o.Modified, errs[i]}
		}
	}
	slices.SortFunc(s.manifests, func(a, b Manifest) int {
		if c := b.CreatedAt.Compare(a.CreatedAt); c != 0 {
			return c
		}
		return strings.Compare(b.Release, a.Release)
	})
	return s, nil
}

// putJSON stores one of the publisher's own objects, packed if it is large.
func (p *Publisher) putJSON(ctx context.Context, key string, v any, ifAbsent bool) error {
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode %s: %w", key, err)
	}
	meta := Meta{ContentType: contentTypes["json"], CacheControl: cacheNever, IfAbsent: ifAbsent}
	if err := p.Store.Put(ctx, key, bytesBlob(pack(data)), meta); err != nil {
		return fmt.Errorf("store %s: %w", key, err)
	}
	return nil
}

func bytesBlob(data []byte) Blob {
	sum := sha256.Sum256(data)
	return Blob{Size: int64(len(data)), SHA256: hex.EncodeToString(sum[:]),
		Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }}
}
