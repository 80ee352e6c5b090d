package edge

import (
	"bytes"
	"context"
	"io"
	"runtime"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
)

// compressors is how many compressions run at one time: they take all of a processor, and a few megabytes each.
var compressors = int64(runtime.GOMAXPROCS(0))

// form returns an entry's content in a coding. The compressed forms are made once, by the first request that asks; the
// others wait for it. Content that does not shrink stays as it is.
func (e *Edge) form(r *request, en *entry, enc encoding) *form {
	if enc == identity || !en.compressible {
		return en.forms[identity].form
	}
	lazy := &en.forms[enc]
	if lazy.made.Load() {
		return lazy.form
	}
	r.takesLong()
	lazy.once.Do(func() {
		defer lazy.made.Store(true)
		// The first viewer may leave, the form is for all.
		_ = e.squeezes.Acquire(context.Background(), 1)
		defer e.squeezes.Release(1)
		plain := en.forms[identity].form
		body := compress(enc, plain.body)
		if body == nil || len(body) >= len(plain.body) {
			lazy.form = plain
			return
		}
		lazy.form = en.newForm(enc, body)
		e.cache.grow(en, int64(len(body)))
	})
	return lazy.form
}

// compress returns body in a coding, or nil if it can't.
//
// Of a megabyte of source code (BenchmarkBrotliLevels), Brotli's level 4 leaves 27.4 %, level 5 25.2 % in about the same
// time, levels 6 to 9 24.8 to 24.2 % in up to twice the time, and level 11 22.2 % in some thirty times. A file of several
// megabytes gets level 4, because its first viewer waits.
func compress(enc encoding, body []byte) []byte {
	var out bytes.Buffer
	var w io.WriteCloser
	switch enc {
	case brotlied:
		level := 5
		if len(body) > 4<<20 {
			level = 4
		}
		w = brotli.NewWriterLevel(&out, level)
	case gzipped:
		w = gzip.NewWriter(&out)
	default:
		return nil
	}
	if _, err := w.Write(body); err != nil {
		return nil
	}
	if err := w.Close(); err != nil {
		return nil
	}
	return bytes.Clone(out.Bytes())
}
