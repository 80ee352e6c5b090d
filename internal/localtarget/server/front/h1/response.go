package h1

import (
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// writeBuffer is what is gathered before it is sent: a larger piece is sent from where it lies.
const writeBuffer = 16 << 10

// buffers are for answers on their way; a connection has one only while it answers.
var buffers = sync.Pool{New: func() any { b := make([]byte, 0, writeBuffer+4<<10); return &b }}

// response is the http.ResponseWriter of a connection, used for one request after the other.
type response struct {
	c        *conn
	header   http.Header
	lines    []byte
	isHead   bool
	wrote    bool // WriteHeader has been called
	status   int
	declared int64 // the Content-Length, -1 for none
	written  int64 // of the body, as the handler wrote it
	chunked  bool
	close    bool
	err      error
	buffer   *[]byte
	// pending is what is gathered and not sent, the header included once it is started; held is a body that may yet turn out to
	// be all.
	pending, held []byte
	started       bool
}

var (
	_ http.ResponseWriter = (*response)(nil)
	_ http.Flusher        = (*response)(nil)
	_ io.ReaderFrom       = (*response)(nil)
)

func (w *response) reset(isHead bool) {
	clear(w.header)
	*w = response{c: w.c, header: w.header, isHead: isHead, declared: -1}
	w.buffer = buffers.Get().(*[]byte)
	w.pending = (*w.buffer)[:0]
}

func (w *response) release() {
	if w.buffer != nil {
		buffers.Put(w.buffer)
		w.buffer, w.pending, w.held, w.lines = nil, nil, nil, nil
	}
}

// Header implements http.ResponseWriter.
func (w *response) Header() http.Header { return w.header }

// AddHead adds lines to the answer's header that are ready to be sent, each with its line end, beside those of Header. None may
// be Content-Length, Connection, Date or Transfer-Encoding, and none of a name that Header has. They must not change. With
// them, no Content-Type is guessed.
func (w *response) AddHead(lines []byte) bool {
	w.lines = lines
	return true
}

// TakesLong is called by a handler before it does what takes longer than a few microseconds.
func (w *response) TakesLong() {
	if w.c.sock != nil {
		w.c.sock.Leave()
	}
}

// SetReadDeadline is for http.ResponseController.
func (w *response) SetReadDeadline(t time.Time) error {
	w.c.readBy = t
	return w.c.SetReadDeadline(t)
}

// SetWriteDeadline is for http.ResponseController.
func (w *response) SetWriteDeadline(t time.Time) error {
	w.c.writeBy = t
	return w.c.SetWriteDeadline(t)
}

// WriteHeader implements http.ResponseWriter. Informational answers are left out.
func (w *response) WriteHeader(status int) {
	if w.wrote || status < 200 {
		return
	}
	w.wrote, w.status = true, status
	if v := w.header["Content-Length"]; len(v) > 0 {
		n, err := strconv.ParseInt(v[0], 10, 64)
		if err != nil || n < 0 {
			delete(w.header, "Content-Length")
		} else {
			w.declared = n
		}
	}
	for _, v := range w.header["Connection"] {
		w.close = w.close || strings.EqualFold(v, "close")
	}
}

func (w *response) bodyAllowed() bool {
	return w.status != http.StatusNoContent && w.status != http.StatusNotModified
}

// start writes the status line and the header into pending. length is that of the body if it is all there is, else -1.
func (w *response) start(length int64, first []byte) {
	b := appendStatus(w.pending, w.status)
	b = append(b, "Date: "...)
	b = append(b, date()...)
	b = append(b, w.lines...)
	for name, values := range w.header {
		if name == "Transfer-Encoding" || name == "Date" || !all([]byte(name), inName) {
			continue
		}
		for _, v := range values {
			b = append(append(b, name...), ": "...)
			b = appendValue(b, v)
			b = append(b, "\r\n"...)
		}
	}
	if _, has := w.header["Content-Type"]; !has && w.lines == nil && len(first) > 0 && w.bodyAllowed() {
		b = append(append(append(b, "Content-Type: "...), http.DetectContentType(first)...), "\r\n"...)
	}
	if w.declared < 0 && w.bodyAllowed() {
		switch {
		case length > 0 || length == 0 && !w.isHead:
			b = strconv.AppendInt(append(b, "Content-Length: "...), length, 10)
			b = append(b, "\r\n"...)
		case !w.isHead:
			w.chunked = true
			b = append(b, "Transfer-Encoding: chunked\r\n"...)
		}
	}
	w.pending = append(b, "\r\n"...)
}

// appendValue appends a header's value on one line, whatever is in it.
func appendValue(b []byte, v string) []byte {
	for i := range len(v) {
		if c := v[i]; c == '\r' || c == '\n' {
			return append(b, strings.NewReplacer("\r", " ", "\n", " ").Replace(v)...)
		}
	}
	return append(b, v...)
}

func appendStatus(b []byte, status int) []byte {
	if status == http.StatusOK {
		return append(b, "HTTP/1.1 200 OK\r\n"...)
	}
	b = strconv.AppendInt(append(b, "HTTP/1.1 "...), int64(status), 10)
	text := http.StatusText(status)
	if text == "" {
		text = "status code " + strconv.Itoa(status)
	}
	return append(append(append(b, ' '), text...), "\r\n"...)
}
