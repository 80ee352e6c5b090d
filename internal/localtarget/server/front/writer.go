package front

import (
	"io"
	"net/http"
	"time"
)

// Writer is the http.ResponseWriter that the handler of a Front gets. It gives a viewer StallTimeout for each stallBytes of
// the body, however long the whole takes, and counts.
type Writer struct {
	http.ResponseWriter
	stall   time.Duration
	status  int
	written int64
	// fresh is what has been written since the deadline was set.
	fresh int64
}

// Status returns the status of the answer; 0 if there is none yet.
func (w *Writer) Status() int { return w.status }

// Written returns the size of the body so far.
func (w *Writer) Written() int64 { return w.written }

// Unwrap lets http.ResponseController find what is below.
func (w *Writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// AddHead adds lines to the answer's header that are ready to be sent, and reports whether the protocol takes such; it
// takes what h1's writer takes.
func (w *Writer) AddHead(lines []byte) bool {
	to, ok := w.ResponseWriter.(interface{ AddHead(lines []byte) bool })
	return ok && to.AddHead(lines)
}

// TakesLong is called by a Quick handler before it does anything that takes longer than a few microseconds.
func (w *Writer) TakesLong() {
	if to, ok := w.ResponseWriter.(interface{ TakesLong() }); ok {
		to.TakesLong()
	}
}

// pacer is a writer that gives a viewer StallTimeout for each stallBytes by itself, so that it can be given a body as a whole.
type pacer interface{ PacesWrites() }

// WriteHeader implements http.ResponseWriter.
func (w *Writer) WriteHeader(status int) {
	if w.status < 200 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (w *Writer) Write(p []byte) (n int, err error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	if _, ok := w.ResponseWriter.(pacer); ok {
		n, err = w.ResponseWriter.Write(p)
		w.written += int64(n)
		return n, err
	}
	for {
		part := p[:min(len(p), stallBytes)]
		w.extend(len(part))
		m, err := w.ResponseWriter.Write(part)
		n += m
		w.written += int64(m)
		p = p[len(part):]
		if err != nil || len(p) == 0 {
			return n, err
		}
	}
}

// ReadFrom implements io.ReaderFrom: files are sent by the kernel where the protocol allows it.
func (w *Writer) ReadFrom(src io.Reader) (n int64, err error) {
	to, ok := w.ResponseWriter.(io.ReaderFrom)
	if !ok {
		return io.Copy(struct{ io.Writer }{w}, src)
	}
	if w.status == 0 {
		w.status = http.StatusOK
	}
	// The kernel sends what lies within one LimitedReader, not within two.
	limit := int64(-1)
	limited, ok := src.(*io.LimitedReader)
	if ok {
		src, limit = limited.R, limited.N
	}
	for limit != 0 {
		part := &io.LimitedReader{R: src, N: stallBytes}
		if limit > 0 {
			part.N = min(part.N, limit)
		}
		want := part.N
		w.extend(int(want))
		m, err := to.ReadFrom(part)
		n += m
		w.written += m
		if limit > 0 {
			limit -= m
			limited.N -= m
		}
		if err != nil || m < want {
			return n, err
		}
	}
	return n, nil
}

// Flush implements http.Flusher.
func (w *Writer) Flush() {
	_ = http.NewResponseController(w.ResponseWriter).Flush() // what cannot be flushed is sent at the end
}

// extend sets the deadline anew when what it was set for has been written. That of the first bytes is set by the server
// when the request's header has been read.
func (w *Writer) extend(n int) {
	if w.fresh += int64(n); w.fresh <= stallBytes {
		return
	}
	w.fresh = int64(n)
	_ = http.NewResponseController(w.ResponseWriter).SetWriteDeadline(time.Now().Add(w.stall)) // a closed connection says so when written to
}

// body is the body of a request. It gives a viewer StallTimeout for each stallBytes.
type body struct {
	io.ReadCloser
	w     http.ResponseWriter
	stall time.Duration
	fresh int
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	if b.fresh >= stallBytes {
		b.fresh = 0
		_ = http.NewResponseController(b.w).SetReadDeadline(time.Now().Add(b.stall)) // as above
	}
	n, err := b.ReadCloser.Read(p)
	b.fresh += n
	return n, err
}
