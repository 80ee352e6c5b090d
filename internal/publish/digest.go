package publish

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

// digestBuffers are what files are read into to be digested.
var digestBuffers = sync.Pool{New: func() any { b := make([]byte, 128<<10); return &b }}

// digest fills in size and SHA-256 of every file that has not been read yet, in parallel.
func (f *folder) digest(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	own, aliases := partition(f.files)
	var next atomic.Int64
	for range runtime.GOMAXPROCS(0) {
		g.Go(func() error {
			for ctx.Err() == nil {
				i := int(next.Add(1) - 1)
				if i >= len(own) {
					return nil
				}
				if _, err := f.digested(own[i]); err != nil {
					return err
				}
			}
			return ctx.Err()
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for _, alias := range aliases {
		if _, err := f.digested(alias); err != nil {
			return err
		}
	}
	return nil
}

// loaded is digested, for a file that is about to be sent: if it is read now and fits into the buffer, its content is there
// afterwards, and needs no second reading. Otherwise the content is nil.
func (f *folder) loaded(file File, buffer []byte) (File, []byte, error) {
	if file.SHA256 != "" || file.AliasOf != "" || file.Size >= int64(len(buffer)) {
		file, err := f.digested(file)
		return file, nil, err
	}
	if known := f.known(file.Path); known.SHA256 != "" {
		return known, nil, nil
	}
	r, err := f.open(file.Path)
	if err != nil {
		return file, nil, fmt.Errorf("scan %s: %w", file.Path, err)
	}
	n, err := io.ReadFull(r, buffer)
	_ = r.Close()
	if err == nil { // it has grown
		file, err := f.digested(file)
		return file, nil, err
	}
	if !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return file, nil, fmt.Errorf("scan %s: %w", file.Path, err)
	}
	sum := sha256.Sum256(buffer[:n])
	file.Size, file.SHA256 = int64(n), hex.EncodeToString(sum[:])
	f.keep(file)
	return file, buffer[:n:n], nil
}

// digested returns a file of the folder with its size and SHA-256, reading it if that has not been done yet. It may be
// called from several goroutines, for different files; for an alias after the file that it repeats.
func (f *folder) digested(file File) (File, error) {
	if known := f.known(file.Path); known.SHA256 != "" {
		return known, nil
	}
	var err error
	if file.AliasOf != "" {
		original := f.known(file.AliasOf)
		file.Size, file.SHA256 = original.Size, original.SHA256
	} else if file.Size, file.SHA256, err = f.read(file.Path); err != nil {
		return file, fmt.Errorf("scan %s: %w", file.Path, err)
	}
	f.keep(file)
	return file, nil
}

// keep remembers what a file was found to be.
func (f *folder) keep(file File) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.files[f.index[file.Path]] = file
}

func (f *folder) known(p string) File {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.files[f.index[p]]
}

func (f *folder) read(p string) (size int64, digest string, err error) {
	r, err := f.open(p)
	if err != nil {
		return 0, "", err
	}
	defer r.Close()
	buffer := digestBuffers.Get().(*[]byte)
	defer digestBuffers.Put(buffer)
	h := sha256.New()
	// A file would copy itself, with a buffer of its own for each.
	size, err = io.CopyBuffer(h, struct{ io.Reader }{r}, *buffer)
	return size, hex.EncodeToString(h.Sum(nil)), err
}
