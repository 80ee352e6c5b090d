package server

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"
)

const (
	maxAccessLog   = 32 << 20
	maxFunctionLog = 8 << 20
	logBuffer      = 64 << 10
	logFlush       = 200 * time.Millisecond
)

// logFile is a log that is bounded: when it has reached its size it becomes <name>.1, and the one that had that name is
// gone. Lines are buffered for a moment, so that a request does not wait for the disk. Writing never fails for the
// writer: an answer is worth more than its log line.
type logFile struct {
	name string
	max  int64

	mu     sync.Mutex
	file   *os.File
	buffer *bufio.Writer
	size   int64
	timer  *time.Timer
}

// openLog opens or creates a log; its folder must exist.
func openLog(name string, size int64) (*logFile, error) {
	l := &logFile{name: name, max: size}
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
	l.file, l.size, l.buffer = f, info.Size(), bufio.NewWriterSize(f, logBuffer)
	return nil
}

// Write implements io.Writer. Each call is one whole line.
func (l *logFile) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file == nil {
		return len(p), nil
	}
	if l.size+int64(len(p)) > l.max {
		l.rotate()
		if l.file == nil {
			return len(p), nil
		}
	}
	l.size += int64(len(p))
	if _, err := l.buffer.Write(p); err != nil {
		l.buffer.Reset(l.file) // bufio keeps an error for good; a full disk may have room again later
	}
	if l.timer == nil {
		l.timer = time.AfterFunc(logFlush, l.flush)
	}
	return len(p), nil
}

func (l *logFile) flush() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.timer = nil
	if l.file != nil && l.buffer.Flush() != nil {
		l.buffer.Reset(l.file)
	}
}

func (l *logFile) rotate() {
	_ = l.buffer.Flush()
	_ = l.file.Close()
	l.file = nil
	_ = os.Rename(l.name, l.name+".1")
	_ = l.open() // without it there is no log until the next start
}

// Close writes what is buffered. Later writes are dropped.
func (l *logFile) Close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file == nil {
		return
	}
	if l.timer != nil {
		l.timer.Stop()
	}
	_ = l.buffer.Flush()
	_ = l.file.Close()
	l.file = nil
}
