package pipeline

import (
	"fmt"
	"os"
	"sync"
	"time"
)

// maxLog is where an execution's log ends, so that a build in a loop cannot fill the disk.
const maxLog = 64 << 20

// logFile is the log of one execution. Writing to it never fails for the writer: a build goes on when its log cannot be
// written; Close tells.
type logFile struct {
	mu      sync.Mutex
	file    *os.File
	written int64
	err     error
}

func openLog(name string) *logFile {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	return &logFile{file: f, err: err}
}

// Write implements io.Writer.
func (l *logFile) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil || l.written > maxLog {
		return len(p), nil
	}
	l.written += int64(len(p))
	_, l.err = l.file.Write(p)
	if l.written > maxLog && l.err == nil {
		_, l.err = fmt.Fprintf(l.file, "\n[the log ends here: it is larger than %d MiB]\n", maxLog>>20)
	}
	return len(p), nil
}

// Close closes the file and returns the first error of all writing.
func (l *logFile) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file == nil {
		return l.err
	}
	if err := l.file.Close(); l.err == nil {
		l.err = err
	}
	return l.err
}

// progressPeriod is how often progress is written at most.
const progressPeriod = 200 * time.Millisecond

// throttle passes on progress five times a second at most: the first at once, of the others the latest.
type throttle struct {
	mu     sync.Mutex
	write  func(string)
	text   string
	timer  *time.Timer
	closed bool
}

func newThrottle(write func(string)) *throttle { return &throttle{write: write} }

func (t *throttle) say(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = fmt.Sprintf(format, args...)
	if t.closed || t.timer != nil {
		return
	}
	t.flush()
	t.timer = time.AfterFunc(progressPeriod, t.tick)
}

func (t *throttle) tick() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return
	}
	if t.text == "" {
		t.timer = nil
		return
	}
	t.flush()
	t.timer.Reset(progressPeriod)
}

func (t *throttle) flush() {
	t.write(t.text)
	t.text = ""
}

func (t *throttle) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = true
	if t.timer != nil {
		t.timer.Stop()
	}
}
