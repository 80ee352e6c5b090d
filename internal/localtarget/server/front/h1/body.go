package h1

import (
	"io"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"
)

// The body of an answer is gathered as long as it is small, so that an answer that does not tell its length gets one, and is
// sent in one piece with its header. started tells that the header is in pending.

// maxHeadLength is the longest body whose length is told in an answer to HEAD when the handler has not told it; net/http's limit.
const maxHeadLength = 2048

// Write implements http.ResponseWriter.
func (w *response) Write(p []byte) (int, error) {
	if !w.wrote {
		w.WriteHeader(http.StatusOK)
	}
	if !w.bodyAllowed() {
		return 0, http.ErrBodyNotAllowed
	}
	if w.err != nil {
		return 0, w.err
	}
	if w.declared >= 0 && w.written+int64(len(p)) > w.declared {
		return 0, http.ErrContentLength
	}
	w.written += int64(len(p))
	if w.isHead {
		if w.held == nil {
			w.held = append(w.held, p[:min(len(p), 512)]...) // to guess the type of
		}
		return len(p), nil
	}
	if w.declared >= 0 && !w.started {
		w.begin(-1, p)
	}
	if !w.started {
		if len(w.held)+len(p) <= writeBuffer/2 {
			w.held = append(w.held, p...)
			return len(p), nil
		}
		w.beginHeld(p)
	}
	return len(p), w.send(p)
}

// begin puts the header into pending.
func (w *response) begin(length int64, first []byte) {
	w.started = true
	w.start(length, first)
}

// beginHeld begins an answer whose length is not known, with what was held back of it.
func (w *response) beginHeld(p []byte) {
	first := w.held
	if len(first) == 0 {
		first = p
	}
	w.begin(-1, first)
	if held := w.held; len(held) > 0 && !w.isHead {
		w.held = nil
		w.err = w.send(held)
	}
}

// send sends a piece of the body, or gathers it.
func (w *response) send(p []byte) error {
	if w.err != nil || len(p) == 0 {
		return w.err
	}
	if w.chunked {
		w.pending = strconv.AppendInt(w.pending, int64(len(p)), 16)
		w.pending = append(w.pending, "\r\n"...)
	}
	if len(w.pending)+len(p) <= writeBuffer {
		w.pending = append(w.pending, p...)
		p = nil
	}
	if len(p) > 0 {
		w.err = w.push(p)
	}
	if w.chunked {
		w.pending = append(w.pending, "\r\n"...)
	}
	return w.err
}

// push sends what is pending and then p.
func (w *response) push(p []byte) error {
	if len(w.pending) == 0 && len(p) == 0 {
		return nil
	}
	var err error
	switch {
	case w.c.base.TLS != nil && len(p) == 0:
		w.allow()
		_, err = w.c.Conn.Write(w.pending)
	case w.c.base.TLS != nil:
		w.allow()
		err = w.pushTLS(p)
	case w.c.sock != nil:
		_, err = w.c.sock.Send(w.pending, p, w.c.allow)
	default:
		w.allow()
		err = w.pushPieces(p)
	}
	w.pending = w.pending[:0]
	return err
}

// pushTLS sends what is pending and then p, in as few records of TLS as can be.
func (w *response) pushTLS(p []byte) error {
	if len(p) > paced {
		w.TakesLong() // to encrypt
	}
	fill := min(len(p), max(writeBuffer-len(w.pending), 0))
	w.pending = append(w.pending, p[:fill]...)
	_, err := w.c.Conn.Write(w.pending)
	for p = p[fill:]; err == nil && len(p) > 0; {
		w.allow()
		piece := p[:min(paced, len(p))]
		_, err = w.c.Conn.Write(piece)
		p = p[len(piece):]
	}
	return err
}

// paced is what a viewer has StallTimeout for.
const paced = 64 << 10

// PacesWrites says that Write gives a viewer StallTimeout for each 64 KB, however much is written at once.
func (w *response) PacesWrites() {}

// allow gives the viewer StallTimeout from now.
func (w *response) allow() {
	stall := w.c.server.StallTimeout
	if by := time.Now().Add(stall); w.c.writeBy.Before(by.Add(-slack(stall))) {
		w.c.writeBy = by
		_ = w.c.Conn.SetWriteDeadline(by)
	}
}

// pushPieces sends what is pending and then p, on a system without loops.
func (w *response) pushPieces(p []byte) error {
	first := p[:min(paced, len(p))]
	pieces := net.Buffers{w.pending, first}
	_, err := pieces.WriteTo(w.c.below)
	for p = p[len(first):]; err == nil && len(p) > 0; {
		w.allow()
		piece := p[:min(paced, len(p))]
		_, err = w.c.below.Write(piece)
		p = p[len(piece):]
	}
	return err
}

// ReadFrom implements io.ReaderFrom: the kernel sends files where it can.
func (w *response) ReadFrom(src io.Reader) (n int64, err error) {
	if !w.wrote {
		w.WriteHeader(http.StatusOK)
	}
	if w.declared < 0 || w.isHead || !w.bodyAllowed() {
		return io.Copy(struct{ io.Writer }{w}, src)
	}
	if _, has := w.header["Content-Type"]; !has && w.lines == nil && !w.started {
		if n, err = io.CopyN(struct{ io.Writer }{w}, src, 512); err != nil { // to guess the type of
			if err == io.EOF {
				err = nil
			}
			return n, err
		}
	}
	if !w.started {
		w.begin(-1, nil)
	}
	if w.err == nil {
		w.err = w.push(nil)
	}
	if w.err != nil {
		return n, w.err
	}
	m, err := w.sendFile(src)
	return n + m, err
}

// sendFile sends the rest of the body, by the kernel where it can.
func (w *response) sendFile(src io.Reader) (n int64, err error) {
	left := w.declared - w.written
	if limited, ok := src.(*io.LimitedReader); !ok || limited.N > left {
		src = io.LimitReader(src, left) // a file that has grown must not run into the next answer
	}
	w.allow()
	w.TakesLong()
	if to, ok := w.c.below.(io.ReaderFrom); ok && w.c.base.TLS == nil {
		n, err = to.ReadFrom(src)
	} else {
		n, err = io.Copy(struct{ io.Writer }{w.c.Conn}, src)
	}
	w.written += n
	w.err = err
	return n, err
}

// Flush implements http.Flusher.
func (w *response) Flush() {
	if !w.wrote {
		w.WriteHeader(http.StatusOK)
	}
	if !w.started {
		w.beginHeld(nil)
	}
	if w.err == nil {
		w.err = w.push(nil)
	}
}

// finish sends what is left of the answer, and reports whether another may follow it.
func (w *response) finish() bool {
	if !w.wrote {
		w.WriteHeader(http.StatusOK)
	}
	if !w.started {
		held := w.held
		length := int64(len(held))
		if w.isHead && w.written > 0 {
			if length = w.written; length > maxHeadLength {
				length = -1
			}
		}
		w.begin(length, held)
		w.held = nil
		if !w.isHead {
			w.err = w.send(held)
		}
	} else if w.chunked && w.err == nil {
		w.pending = append(w.pending, "0\r\n\r\n"...)
	}
	if w.err == nil {
		w.err = w.push(nil)
	}
	whole := w.isHead || !w.bodyAllowed() || w.declared < 0 || w.written == w.declared
	return w.err == nil && whole && !w.close
}

// today is the Date line that is valid for one second.
var today atomic.Pointer[dateLine]

type dateLine struct {
	second int64
	text   string
}

func date() string {
	now := time.Now()
	d := today.Load()
	if d == nil || d.second != now.Unix() {
		d = &dateLine{now.Unix(), now.UTC().Format(http.TimeFormat) + "\r\n"}
		today.Store(d)
	}
	return d.text
}
