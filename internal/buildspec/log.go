package buildspec

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"
)

// Bounds of a build's log.
const (
	// maxLog is how much output of commands is kept; the toolkit's own lines come on top.
	maxLog = 64 << 20
	// maxLine is where a line without an end is broken, so that a reader by lines needs bounded memory.
	maxLine = 64 << 10
)

// buildLog writes a build's log: the commands' output as it arrives, with secrets masked and its size bounded, and the
// toolkit's own lines between it. It is safe for concurrent use.
type buildLog struct {
	now func() time.Time

	mu      sync.Mutex
	w       io.Writer
	err     error // the first error of w
	masks   [][]byte
	held    []byte // the end of the output that may be the start of a mask
	column  int
	written int
	full    bool
	tail    []byte // the newest output, for on-failure's expression
}

// maxTail is how much of a phase's newest output on-failure's expression sees.
const maxTail = 64 << 10

func newBuildLog(w io.Writer, now func() time.Time) *buildLog {
	if w == nil {
		w = io.Discard
	}
	return &buildLog{w: w, now: now}
}

// mask hides a value in everything that is written from now on.
func (l *buildLog) mask(secret string) {
	if secret == "" {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.masks = append(l.masks, []byte(secret))
	// Longest first: a secret that contains another one is hidden whole.
	slices.SortFunc(l.masks, func(a, b []byte) int { return len(b) - len(a) })
}

// Write takes output of a command. It never fails, so that a build does not hang on a full disk; see Err.
func (l *buildLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held = append(l.held, p...)
	l.release(false)
	return len(p), nil
}

// line writes a line of the toolkit's own, after the output so far.
func (l *buildLog) line(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.release(true)
	if l.column > 0 {
		l.emit([]byte("\n"))
		l.column = 0
	}
	text := fmt.Sprintf(format, args...)
	for _, m := range l.masks {
		text = strings.ReplaceAll(text, string(m), "***")
	}
	l.emit(fmt.Appendf(nil, "[build] %s %s\n", l.now().UTC().Format("2006/01/02 15:04:05"), text))
}

// flush writes what is held back.
func (l *buildLog) flush() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.release(true)
}

// recent returns the newest output since the last reset.
func (l *buildLog) recent() []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	return bytes.Clone(l.tail)
}

// resetRecent starts a new stretch of output.
func (l *buildLog) resetRecent() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tail = l.tail[:0]
}

// Err returns the first error of the underlying writer.
func (l *buildLog) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// release masks and writes what is held; unless all is true, an end that could be the start of a mask stays.
func (l *buildLog) release(all bool) {
	for len(l.held) > 0 {
		at, size := l.firstMask()
		if size > 0 {
			l.output(l.held[:at])
			l.output([]byte("***"))
			l.held = l.held[at+size:]
			continue
		}
		keep := 0
		if !all {
			keep = l.partial()
		}
		l.output(l.held[:len(l.held)-keep])
		l.held = append(l.held[:0], l.held[len(l.held)-keep:]...)
		return
	}
}

// firstMask finds the first whole mask in what is held.
func (l *buildLog) firstMask() (at, size int) {
	for _, m := range l.masks {
		if i := bytes.Index(l.held, m); i >= 0 && (size == 0 || i < at) {
			at, size = i, len(m)
		}
	}
	return at, size
}

// partial is the length of the longest end of what is held that a mask could start with.
func (l *buildLog) partial() int {
	longest := 0
	for _, m := range l.masks {
		longest = max(longest, overlap(l.held, m))
	}
	return longest
}

// overlap is the length of the longest proper prefix of pattern that data ends with.
func overlap(data, pattern []byte) int {
	for n := min(len(data), len(pattern)-1); n > 0; n-- {
		if bytes.HasSuffix(data, pattern[:n]) {
			return n
		}
	}
	return 0
}

// output writes masked output within the bounds.
func (l *buildLog) output(p []byte) {
	l.tail = append(l.tail, p...)
	if len(l.tail) > 2*maxTail {
		l.tail = append(l.tail[:0], l.tail[len(l.tail)-maxTail:]...)
	}
	if room := maxLog - l.written; len(p) > room {
		p = p[:room]
		if !l.full {
			l.full = true
			defer l.emit(fmt.Appendf(nil, "\n[build] the output is longer than %d MiB, the rest is left out\n", maxLog>>20))
		}
	}
	l.written += len(p)
	for len(p) > 0 {
		n := bytes.IndexByte(p, '\n') + 1
		end := n
		if n == 0 {
			end = len(p)
		}
		if l.column+end > maxLine {
			cut := maxLine - l.column
			l.emit(p[:cut])
			l.emit([]byte("\n"))
			l.column, p = 0, p[cut:]
			continue
		}
		l.emit(p[:end])
		l.column += end
		if n > 0 {
			l.column = 0
		}
		p = p[end:]
	}
}

func (l *buildLog) emit(p []byte) {
	if l.err == nil && len(p) > 0 {
		_, l.err = l.w.Write(p)
	}
}
