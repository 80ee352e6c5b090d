package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"sync"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/server"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/term"
)

// personalLog is a slog.Handler for a person in front of a terminal: the time of day, the words, then what they are about.
type personalLog struct {
	mu    *sync.Mutex
	w     io.Writer
	style term.Style
	level slog.Level
	attrs []slog.Attr
}

var _ slog.Handler = (*personalLog)(nil)

// newServeLog returns the log of a server in the foreground: for people on a terminal, for systemd's journal, for
// programs elsewhere.
func newServeLog(s *session) *slog.Logger {
	level := slog.LevelInfo
	if s.verbose {
		level = slog.LevelDebug
	}
	if server.InJournal() {
		return slog.New(newJournalLog(s.Err, level))
	}
	if !s.ErrTerminal {
		return slog.New(slog.NewTextHandler(s.Err, &slog.HandlerOptions{Level: level}))
	}
	return slog.New(&personalLog{mu: &sync.Mutex{}, w: s.Err, style: s.ErrStyle(), level: level})
}

// Enabled reports whether the level is logged.
func (l *personalLog) Enabled(_ context.Context, level slog.Level) bool { return level >= l.level }

// WithAttrs returns a handler that adds the attributes to each line.
func (l *personalLog) WithAttrs(attrs []slog.Attr) slog.Handler {
	with := *l
	with.attrs = append(append([]slog.Attr{}, l.attrs...), attrs...)
	return &with
}

// WithGroup returns the handler itself: groups are not shown.
func (l *personalLog) WithGroup(string) slog.Handler { return l }

// Handle writes one line.
func (l *personalLog) Handle(_ context.Context, record slog.Record) error {
	var b bytes.Buffer
	b.WriteString(l.style.Dim(record.Time.Format("15:04:05")) + "  ")
	switch {
	case record.Level >= slog.LevelError:
		b.WriteString(l.style.Red(record.Message))
	case record.Level >= slog.LevelWarn:
		b.WriteString(l.style.Yellow(record.Message))
	default:
		b.WriteString(record.Message)
	}
	attrs := l.attrs
	record.Attrs(func(a slog.Attr) bool { attrs = append(attrs[:len(attrs):len(attrs)], a); return true })
	for _, a := range attrs {
		value := short(a.Value.Resolve().String())
		if strings.ContainsAny(value, " \t\n\"") {
			value = strconv.Quote(value)
		}
		fmt.Fprintf(&b, "  %s%s", l.style.Dim(a.Key+"="), value)
	}
	b.WriteByte('\n')
	l.mu.Lock()
	defer l.mu.Unlock()
	_, err := l.w.Write(b.Bytes())
	return err
}
