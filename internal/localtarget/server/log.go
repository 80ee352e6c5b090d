package server

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"
)

const (
	maxAccessLog   = 32 << 20
	maxFunctionLog = 8 << 20
	// logBatch is what is written at once as soon as there is as much, logFlush how long a line waits at most for others.
	logBatch = 256 << 10
	logFlush = 200 * time.Millisecond
	// logBacklog is what may wait for the disk before those wait who write.
	logBacklog = 4 << 20
)

// logFile is a log that is bounded: when it has reached its size it becomes <name>.1, and the one that had that name is
// gone. Lines are gathered and written by another goroutine, so that a request does not wait for the disk: that may take tens of
// milliseconds, above all when a large file is renamed. Writing never fails for the writer: an answer is worth more than its log line.
type logFile struct {
	name string
	max  int64

	mu      sync.Mutex
	changed sync.Cond // of pending and writing
	// pending are the lines that are to be written, in the memory of those that have been.
	pending, spare []byte
	timer          *time.Timer
	closed         bool
	// writing is true while a goroutine writes. file and size are its own then.
	writing bool
	file    *os.File // nil if it could not be opened anew
	size    int64
}

// openLog opens or creates a log; its folder must exist.
func openLog(name string, size int64) (*logFile, error) {
	l := &logFile{name: name, max: size}
	l.changed.L = &l.mu
	if err := l.open(); err != nil {
		return nil, err
	}
	return l, nil
}

func (l *logFile) open() error {
	f, err := os.OpenFile(l.name, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("open log: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		return errors.Join(fmt.Errorf("open log: %w", err), f.Close())
	}
	l.file, l.size = f, info.Size()
	return nil
}

// Write implements io.Writer. Each call is one whole line.
func (l *logFile) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.pending) > 0 && len(l.pending)+len(p) > logBacklog && !l.closed {
		l.begin()
		l.changed.Wait()
	}
	if l.closed {
		return len(p), nil
	}
	l.pending = append(l.pending, p...)
	if len(l.pending) >= logBatch {
		l.begin()
	} else if l.timer == nil {
		l.timer = time.AfterFunc(logFlush, l.flush)
	}
	return len(p), nil
}

func (l *logFile) flush() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.timer = nil
	if len(l.pending) > 0 {
		l.begin()
	}
}

// begin has the lines written, if they are not being written. l.mu is held.
func (l *logFile) begin() {
	if !l.writing && !l.closed {
		l.writing = true
		go l.drain()
	}
}

// drain writes until few lines are left, for which there is a timer.
func (l *logFile) drain() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.pending) >= logBatch || len(l.pending) > 0 && l.timer == nil {
		lines := l.pending
		l.pending = l.spare[:0]
		l.mu.Unlock()
		l.put(lines)
		l.mu.Lock()
		l.spare = lines
		l.changed.Broadcast()
	}
	l.writing = false
	l.changed.Broadcast()
}

// put writes whole lines, as many into each file as it may have. What there is no file for is lost: it may be had again later.
func (l *logFile) put(lines []byte) {
	if l.file == nil && l.open() != nil {
		return
	}
	for len(lines) > 0 {
		n := len(lines)
		if room := l.max - l.size; int64(n) > room {
			n = bytes.LastIndexByte(lines[:max(room, 0)], '\n') + 1
		}
		if n == 0 && l.size > 0 {
			if !l.rotate() {
				return
			}
			continue
		}
		if n == 0 { // a line that is longer than a log may be
			if n = bytes.IndexByte(lines, '\n') + 1; n == 0 {
				n = len(lines)
			}
		}
		m, _ := l.file.Write(lines[:n]) // a full disk may have room again later
		l.size += int64(m)
		lines = lines[n:]
	}
}

// rotate begins the log anew, and reports whether it could. Where the file cannot be renamed it is emptied: a log that is bounded is
// worth more than its past.
func (l *logFile) rotate() bool {
	_ = l.file.Close()
	l.file = nil
	if os.Rename(l.name, l.name+".1") != nil {
		_ = os.Truncate(l.name, 0)
	}
	return l.open() == nil && l.size == 0
}

// Close writes what is there. Later writes are dropped.
func (l *logFile) Close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	l.closed = true
	if l.timer != nil {
		l.timer.Stop()
	}
	for l.writing {
		l.changed.Wait()
	}
	l.put(l.pending)
	l.pending, l.spare = nil, nil
	if l.file != nil {
		_ = l.file.Close()
		l.file = nil
	}
}
