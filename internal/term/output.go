package term

import (
	"bytes"
	"strings"
)

// maxLine is where a line of output that does not end is broken.
const maxLine = 16 << 10

// lineWriter hands whole lines of a build's output to the display.
type lineWriter struct {
	progress *Progress
	partial  []byte
}

// Write never fails: a build must not break because its output cannot be shown.
func (w *lineWriter) Write(data []byte) (int, error) {
	w.progress.mu.Lock()
	defer w.progress.mu.Unlock()
	rest := data
	for {
		line, after, found := bytes.Cut(rest, []byte("\n"))
		w.partial = append(w.partial, line...)
		if !found {
			break
		}
		w.emit()
		rest = after
	}
	if len(w.partial) >= maxLine {
		w.emit()
	}
	return len(data), nil
}

// flush writes a last line that has no line break. The lock is held.
func (w *lineWriter) flush() {
	if len(w.partial) > 0 {
		w.emit()
	}
}

func (w *lineWriter) emit() {
	style := w.progress.style
	text := clean(string(w.partial), style.colour)
	w.partial = w.partial[:0]
	w.progress.display.line(strings.TrimRight("  "+style.gutter()+" "+text, " "))
}

// Text returns a text without what a terminal would act on, colours included, for whoever writes to Screen. Its line breaks stay.
func Text(text string) string {
	f := filter{}
	return string(f.append(nil, []byte(strings.ToValidUTF8(text, "\uFFFD"))))
}

// clean returns the text as one line that cannot move the cursor: what a carriage return overwrote is gone, as are
// control characters and all escape sequences but, if colour is set, those that colour.
func clean(text string, colour bool) string {
	text = strings.TrimRight(text, "\r\n")
	if i := strings.LastIndexByte(text, '\r'); i >= 0 {
		text = text[i+1:]
	}
	f := filter{colour: colour}
	out := f.append(nil, []byte(strings.ToValidUTF8(text, "\uFFFD")))
	return strings.NewReplacer("\t", " ", "\n", " ").Replace(string(f.end(out)))
}
