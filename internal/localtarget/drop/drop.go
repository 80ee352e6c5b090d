// Package drop is the folder that zip files are copied into: which of them are whole, which one came last, and what has been
// released of them already. It stands for the source bucket of AWS, and never changes or removes a file in it.
//
// A file counts when its name ends in ".zip" and does not begin with a dot, as in the rule that watches the bucket, and when it
// is whole: a copy that is still under way has no directory at its end, or content that does not fit its directory. So a file
// that is renamed into the folder counts at once, and one that is copied slowly counts when its last byte is there.
package drop

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/state"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/unzip"
)

// ErrReplaced is in the chain of an error about an upload whose file has other content by now, which is an upload of its own.
var ErrReplaced = errors.New("the file has been replaced since")

// Unreadable stands in the place of the digest of a file that cannot be read. It is taken up once, so that its release can say
// why, and again when it can be read.
const Unreadable = "unreadable"

// Upload is one zip file as it was copied into the folder.
type Upload struct {
	// Name is the file's name in the folder.
	Name string
	// Digest is the SHA-256 of its content, in hexadecimal, or Unreadable.
	Digest string

	file version
	info os.FileInfo
}

// Folder is the drop folder of one site. Its methods may be called concurrently, by one process.
type Folder struct {
	// Dir is the folder; files appear in it.
	Dir string
	// Ledger is the file that remembers what was taken up.
	Ledger string
	// Patience is how long a file that is not whole may stay as it is before it is taken up nevertheless, to be refused;
	// DefaultPatience if it is 0.
	Patience time.Duration
	// Passed is told by Watch of each Stray, once as long as it is one; it may be nil.
	Passed func(Stray)

	mu sync.Mutex
}

// DefaultPatience is more than the pauses of a copy over a bad line.
const DefaultPatience = 20 * time.Second

// version is how a file looked: it has other content if this differs.
type version struct {
	Size     int64     `json:"size"`
	Modified time.Time `json:"modified"`
}

func (v version) same(other version) bool {
	return v.Size == other.Size && v.Modified.Equal(other.Modified)
}

func look(name string) (version, error) {
	info, err := os.Stat(name)
	if err != nil {
		return version{}, err
	}
	if !info.Mode().IsRegular() {
		return version{}, errors.New("not a file")
	}
	return version{info.Size(), info.ModTime()}, nil
}

// taken is what the ledger remembers of a file.
type taken struct {
	version
	Digest string `json:"digest"`
	// At is when it was taken up: of several files, the last one is what a deployment releases.
	At time.Time `json:"at"`
}

// names are the zip files in the folder, by name. A folder that is not there has none.
func (f *Folder) names() ([]string, error) {
	entries, err := os.ReadDir(f.Dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read the folder for zip files: %w", err)
	}
	var names []string
	for _, e := range entries {
		if candidate(e.Name()) && !e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// read returns the ledger; one that is missing or damaged is empty: what is in the folder is then taken up once more.
func (f *Folder) read() map[string]taken {
	ledger := map[string]taken{}
	if data, err := os.ReadFile(f.Ledger); err == nil && json.Unmarshal(data, &ledger) != nil {
		return map[string]taken{}
	}
	return ledger
}

// Take writes down that an upload is being released, so that it is not taken up again.
func (f *Folder) Take(u Upload) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	ledger := f.read()
	ledger[u.Name] = taken{u.file, u.Digest, time.Now().UTC()}
	for name := range ledger {
		if _, err := os.Lstat(filepath.Join(f.Dir, name)); errors.Is(err, fs.ErrNotExist) {
			delete(ledger, name)
		}
	}
	data, err := json.MarshalIndent(ledger, "", "  ")
	if err != nil {
		return fmt.Errorf("write %s: %w", f.Ledger, err)
	}
	return state.WriteFile(f.Ledger, append(data, '\n'))
}

// Newest returns the upload that came last, or false if there is none: of the files that were not taken up yet the youngest
// one, else the one that was taken up last. One that is not whole yet does not count.
func (f *Folder) Newest(ctx context.Context) (Upload, bool, error) {
	names, err := f.names()
	if err != nil {
		return Upload{}, false, err
	}
	f.mu.Lock()
	ledger := f.read()
	f.mu.Unlock()
	var newest Upload
	var at time.Time
	fresh := false
	for _, name := range names {
		v, err := look(filepath.Join(f.Dir, name))
		if err != nil {
			continue
		}
		old, known := ledger[name]
		known = known && old.same(v)
		when := v.Modified
		if known {
			when = old.At
		}
		if newest.Name != "" && (fresh && known || fresh == !known && !when.After(at)) {
			continue
		}
		if !known && errors.Is(unzip.Verify(ctx, filepath.Join(f.Dir, name), unzip.DefaultLimits), unzip.ErrIncomplete) {
			continue
		}
		newest, at, fresh = Upload{Name: name, file: v}, when, !known
	}
	if err := ctx.Err(); err != nil || newest.Name == "" {
		return Upload{}, false, err
	}
	u, err := f.identify(ctx, newest.Name)
	return u, err == nil, err
}

// identify reads a file for its digest. The file must not change meanwhile.
func (f *Folder) identify(ctx context.Context, name string) (Upload, error) {
	file := filepath.Join(f.Dir, name)
	before, err := look(file)
	if err != nil {
		return Upload{}, fmt.Errorf("read %s: %w", file, err)
	}
	digest, err := copyTo(ctx, io.Discard, file)
	if err != nil {
		return Upload{}, err
	}
	info, err := os.Stat(file)
	if err != nil || !before.same(version{info.Size(), info.ModTime()}) {
		return Upload{}, fmt.Errorf("read %s: %w", file, ErrReplaced)
	}
	return Upload{Name: name, Digest: digest, file: before, info: info}, nil
}

// Copy copies the file of an upload to another place. An error has ErrReplaced in its chain if the file has other content by
// now; one that is gone, or may not be read, is a fault.Failed. One that cannot be read is taken up again when it can be.
func (f *Folder) Copy(ctx context.Context, name, digest, to string) error {
	file := filepath.Join(f.Dir, name)
	w, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("copy %s: %w", file, err)
	}
	defer w.Close()
	got, err := copyTo(ctx, w, file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fault.New(fault.Failed, "copy it there again", "%s was removed before it could be released", file)
	case errors.Is(err, fs.ErrPermission):
		// It could be read a moment ago. It counts again when it can be.
		if v, err := look(file); err == nil {
			_ = f.Take(Upload{Name: name, Digest: Unreadable, file: v})
		}
		return err
	case err != nil:
		return err
	case got != digest:
		return fmt.Errorf("copy %s: %w", file, ErrReplaced)
	}
	if err := w.Close(); err != nil {
		return fmt.Errorf("copy %s: %w", file, err)
	}
	return nil
}

// unopened is the error of a file that cannot be opened, with the way out if it is there.
func unopened(file string, err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return fault.New(fault.Failed, "let the user that the server runs as read it, with chmod or chown: then it is released", "%w", err)
	}
	return fmt.Errorf("read %s: %w", file, err)
}

// copyTo copies a file and returns the digest of what it copied.
func copyTo(ctx context.Context, w io.Writer, file string) (digest string, err error) {
	r, err := os.Open(file)
	if err != nil {
		return "", unopened(file, err)
	}
	defer r.Close()
	h := sha256.New()
	if _, err := io.Copy(io.MultiWriter(w, h), reader{ctx, r}); err != nil {
		return "", fmt.Errorf("read %s: %w", file, err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// reader ends when its context does.
type reader struct {
	ctx context.Context
	r   io.Reader
}

func (r reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}
