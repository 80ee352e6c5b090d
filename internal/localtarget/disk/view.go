package disk

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/cfjs"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/publish"
)

// view is what View returns, and the state of the file that it was made from.
type view struct {
	info   fs.FileInfo
	values map[string]string
	meta   cfjs.KVMeta
	// damage is nil if the values are the file's.
	damage error
}

// Get implements cfjs.KV.
func (v *view) Get(key string) (string, bool) {
	value, ok := v.values[key]
	return value, ok
}

// Meta implements cfjs.KV.
func (v *view) Meta() cfjs.KVMeta { return v.meta }

// of reports whether the view was made from the file in the given state; a nil info stands for no file.
func (v *view) of(info fs.FileInfo) bool {
	if v.info == nil || info == nil {
		return v.info == nil && info == nil
	}
	return v.info.ModTime().Equal(info.ModTime()) && v.info.Size() == info.Size() && os.SameFile(v.info, info)
}

// View returns the store as it is now, for one request: a Swap that has returned, in whichever process, is in it. It looks at
// the generation, which every Swap changes, and asks the file system for the file's time where there is none, and now and
// then to see what was edited by hand; the file is read only if it has changed. While the file is damaged, View returns
// the last good content, and an error only if there is none. It is safe for concurrent use.
func (k *KV) View() (cfjs.KV, error) {
	if v := k.latest(); v != nil {
		return v, nil
	}
	v, err := k.look()
	if err != nil {
		return nil, err
	}
	if v.values == nil && v.damage != nil {
		return nil, v.damage
	}
	return v, nil
}

// Glance returns what View would, if that takes no more than to ask for the file's time now and then, and else nil: View is about to
// read the file then, or to wait for who does.
func (k *KV) Glance() cfjs.KV {
	w := k.watched.Load()
	if w == nil || w.gen == nil {
		return nil
	}
	if v := k.latest(); v != nil {
		return v
	}
	if n, ok := w.gen.load(); !ok || n != w.n || !k.reading.TryLock() {
		return nil
	}
	defer k.reading.Unlock()
	if k.generation() != w.gen {
		return nil
	}
	n, ok := w.gen.load() // again: it must not be newer than the file's time
	info, err := k.stat()
	if !ok || n != w.n || err != nil || !w.view.of(info) {
		return nil
	}
	k.watched.Store(&watched{gen: w.gen, n: n, view: w.view, until: time.Since(epoch) + lookEvery})
	return w.view
}

// Check returns what is wrong with the file now, with the command that mends it, or nil.
func (k *KV) Check() error {
	c, err := k.load()
	if err != nil {
		return err
	}
	return c.damage
}

func (k *KV) stat() (fs.FileInfo, error) {
	info, err := os.Stat(k.file())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", k.file(), err)
	}
	return info, nil
}

// look asks the file system, and reads the file if it has changed. One goroutine does so at a time, each from the file as it
// then is, so that no view is ever replaced by an older one.
//
// The generation is read first: a Swap that comes later makes it another one, and nobody takes the view for the newest.
func (k *KV) look() (*view, error) {
	k.reading.Lock()
	defer k.reading.Unlock()
	if v := k.latest(); v != nil {
		return v, nil
	}
	var n uint64
	g := k.generation()
	if g != nil {
		if again, ok := g.load(); ok {
			n = again
		} else {
			g = nil
		}
	}
	v, err := k.refresh()
	if err != nil || v.damage != nil && v.values == nil {
		k.watched.Store(nil)
		return v, err
	}
	k.watched.Store(&watched{gen: g, n: n, view: v, until: time.Since(epoch) + lookEvery})
	return v, nil
}

// refresh returns the view of the file as it is. The caller holds k.reading.
func (k *KV) refresh() (*view, error) {
	info, err := k.stat()
	if err != nil {
		return nil, err
	}
	before := k.current.Load()
	if before != nil && before.of(info) {
		return before, nil
	}
	c, err := k.load()
	if err != nil {
		return nil, err
	}
	v := &view{info: c.info, values: c.values, damage: c.damage}
	if c.damage != nil && before != nil && before.values != nil {
		// What this process has seen is at least as new as the copy on disk.
		v.values, v.meta = before.values, before.meta
	} else {
		v.meta = k.describe(c)
	}
	k.current.Store(v)
	if c.damage != nil && k.OnDamage != nil {
		k.OnDamage(c.damage)
	}
	return v, nil
}

// describe fills in what kvs().meta() tells. The lock file is never written to, so its time is that of the first Swap.
func (k *KV) describe(c *content) cfjs.KVMeta {
	m := cfjs.KVMeta{Keys: len(c.values)}
	if c.info != nil {
		m.Updated = c.info.ModTime()
	}
	m.Created = m.Updated
	if info, err := os.Stat(filepath.Join(k.dir, k.sibling(".lock"))); err == nil && info.ModTime().Before(m.Created) {
		m.Created = info.ModTime()
	}
	return m
}

// damaged adds the way out to what is wrong with a file.
func damaged(err error) error {
	return fault.New(fault.Other,
		`run "cloudfront-hosting-toolkit rollback RELEASE" to mend it, or publish again; the damaged file is kept beside it`,
		"%w: %w", publish.ErrDamaged, err)
}

// parse reads the JSON object of strings that a key-value file is.
func parse(file string, data []byte) (map[string]string, publish.Live, error) {
	var any map[string]json.RawMessage
	d := json.NewDecoder(bytes.NewReader(data))
	if err := d.Decode(&any); err != nil {
		var syntax *json.SyntaxError
		offset := d.InputOffset()
		if errors.As(err, &syntax) {
			offset = syntax.Offset
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			offset, err = int64(len(data)), errors.New("the file ends too early")
		}
		line, col := position(data, offset)
		return nil, publish.Live{}, fmt.Errorf("%s:%d:%d: want a JSON object of strings: %w", file, line, col, err)
	}
	if rest := data[d.InputOffset():]; len(bytes.TrimSpace(rest)) > 0 || any == nil {
		line, col := position(data, d.InputOffset())
		return nil, publish.Live{}, fmt.Errorf("%s:%d:%d: want one JSON object of strings, and nothing else", file, line, col)
	}
	values := make(map[string]string, len(any))
	for key, raw := range any {
		var s string
		if raw[0] != '"' || json.Unmarshal(raw, &s) != nil {
			return nil, publish.Live{}, fmt.Errorf("%s: key %q: want a string, not %.40s", file, key, raw)
		}
		values[key] = s
	}
	live, err := publish.LiveOf(func(key string) (string, bool) { v, ok := values[key]; return v, ok })
	if err != nil {
		return nil, publish.Live{}, fmt.Errorf("%s: %w", file, err)
	}
	return values, live, nil
}

// position turns an offset into line and column, both from 1.
func position(data []byte, offset int64) (line, col int) {
	before := data[:min(max(offset, 0), int64(len(data)))]
	return 1 + bytes.Count(before, []byte("\n")), max(1, len(before)-bytes.LastIndexByte(before, '\n')-1)
}

var _ cfjs.KV = (*view)(nil)
