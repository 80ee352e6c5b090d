package edge

import (
	"io"
	"net/http"
)

// result says how an answer came about, as X-Cache and the access log name it.
type result int

// The results (Developer Guide, standard logs, x-edge-detailed-result-type).
const (
	resultMiss result = iota
	resultHit
	resultRefreshHit
	resultError
	resultRedirect
	resultFunction
	resultFunctionError
	resultFunctionInvalid
	results
)

var resultNames = [results]string{"Miss", "Hit", "RefreshHit", "Error", "Redirect", "FunctionGeneratedResponse",
	"FunctionExecutionError", "FunctionValidationError"}

func (r result) String() string { return resultNames[r] }

var xCache = func() (values [results][]string) {
	for i, name := range resultNames {
		values[i] = []string{name + " from cloudfront"}
	}
	return values
}()

// answer is what a viewer gets. It is written once, and then closed.
type answer struct {
	status int
	result result
	// static are headers that many answers share; extra are this answer's, and win over static ones of the same name.
	static, extra []field
	// space is where extra begins in an answer from the cache, to be spared growing.
	space [4]field
	// head is static ready to be sent, without Content-Length; nil if it is not ready.
	head []byte
	// body is the content, or object is, which is streamed, or live is, which comes from a custom origin as it is. None is
	// there if the answer has no body.
	body   []byte
	object *Object
	live   io.ReadCloser
	// length is that of the whole answer's body, as in Content-Length; -1 for a live one that does not tell.
	length int64
	// originStatus is what a custom origin answered, 0 if it was not asked.
	originStatus int
	// unreached says that a custom origin gave no answer at all.
	unreached bool
	// parts are the ranges to be sent of the content, in order; nil for all of it. tail follows the last one.
	parts []part
	tail  string
}

// part is a range of the content; head is sent before it.
type part struct {
	head string
	byteRange
}

// set sets a header of this answer alone.
func (a *answer) set(name, value string, by Source) {
	f := field{name, []string{value}, by}
	if i := fieldIndex(a.extra, name); i >= 0 {
		a.extra[i] = f
		return
	}
	a.extra = append(a.extra, f)
}

// close releases the object that was to be streamed.
func (a *answer) close() {
	if a.object != nil {
		a.object.Body.Close()
	}
	if a.live != nil {
		a.live.Close()
	}
}

// writeBody writes the body and returns how much of it was written. The content of an object goes to w by io.CopyN
// straight from Object.Body, so that w may send a file without a copy.
func (a *answer) writeBody(w io.Writer) (written int64, err error) {
	if a.live != nil {
		return a.writeLive(w)
	}
	if a.parts == nil {
		return a.writeRange(w, byteRange{0, a.length})
	}
	for _, p := range a.parts {
		if p.head != "" {
			n, err := io.WriteString(w, p.head)
			if written += int64(n); err != nil {
				return written, err
			}
		}
		n, err := a.writeRange(w, p.byteRange)
		if written += n; err != nil {
			return written, err
		}
	}
	if a.tail != "" {
		n, err := io.WriteString(w, a.tail)
		return written + int64(n), err
	}
	return written, nil
}

// writeLive passes on what a custom origin sends, each piece when it comes.
func (a *answer) writeLive(w io.Writer) (written int64, err error) {
	flusher, _ := w.(http.Flusher)
	if a.length >= 0 || flusher == nil {
		return io.Copy(w, a.live)
	}
	buf := make([]byte, 32<<10)
	for {
		n, err := a.live.Read(buf)
		if n > 0 {
			m, err := w.Write(buf[:n])
			if written += int64(m); err != nil {
				return written, err
			}
			flusher.Flush()
		}
		if err == io.EOF {
			return written, nil
		}
		if err != nil {
			return written, err
		}
	}
}

func (a *answer) writeRange(w io.Writer, r byteRange) (int64, error) {
	if a.object == nil {
		if r.n == 0 {
			return 0, nil
		}
		n, err := w.Write(a.body[r.off : r.off+r.n])
		return int64(n), err
	}
	if _, err := a.object.Body.Seek(r.off, io.SeekStart); err != nil {
		return 0, err
	}
	return io.CopyN(w, a.object.Body, r.n)
}

// bodyAllowed reports whether an answer with this status may have a body.
func bodyAllowed(status int) bool {
	return status >= 200 && status != http.StatusNoContent && status != http.StatusNotModified
}
