package cli

import (
	"context"
	"io"
	"log/slog"
	"sync"
)

// journalLog is a slog.Handler for systemd's journal: a line has the priority that its level is, so that "journalctl -p warning"
// finds it, and no time, which the journal has.
type journalLog struct {
	slog.Handler
	lines *journalLines
}

var _ slog.Handler = (*journalLog)(nil)

func newJournalLog(w io.Writer, level slog.Level) slog.Handler {
	lines := &journalLines{w: w}
	return &journalLog{lines: lines, Handler: slog.NewTextHandler(lines, &slog.HandlerOptions{Level: level, ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if len(groups) == 0 && (a.Key == slog.TimeKey || a.Key == slog.LevelKey) {
			return slog.Attr{}
		}
		return a
	}})}
}

// WithAttrs returns a handler that adds the attributes to each line.
func (l *journalLog) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &journalLog{l.Handler.WithAttrs(attrs), l.lines}
}

// WithGroup returns a handler that names the group before what follows.
func (l *journalLog) WithGroup(name string) slog.Handler {
	return &journalLog{l.Handler.WithGroup(name), l.lines}
}

// Handle writes one line.
func (l *journalLog) Handle(ctx context.Context, record slog.Record) error {
	l.lines.mu.Lock()
	defer l.lines.mu.Unlock()
	switch { // sd-daemon(3)
	case record.Level >= slog.LevelError:
		l.lines.priority = "<3>"
	case record.Level >= slog.LevelWarn:
		l.lines.priority = "<4>"
	case record.Level >= slog.LevelInfo:
		l.lines.priority = "<6>"
	default:
		l.lines.priority = "<7>"
	}
	return l.Handler.Handle(ctx, record)
}

// journalLines puts a priority before each line.
type journalLines struct {
	mu       sync.Mutex
	w        io.Writer
	priority string
}

func (l *journalLines) Write(p []byte) (int, error) {
	if _, err := l.w.Write(append([]byte(l.priority), p...)); err != nil {
		return 0, err
	}
	return len(p), nil
}
