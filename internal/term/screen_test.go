package term_test

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/charmbracelet/x/ansi"
)

// screen is a terminal of a given width that keeps every row it ever showed, so that a test can look at what a person sees.
// It understands what this package writes, and fails the test at anything else.
type screen struct {
	t       *testing.T
	mu      sync.Mutex
	columns int
	rows    [][]string
	x, y    int
}

func newScreen(t *testing.T, columns int) *screen { return &screen{t: t, columns: columns} }

func (s *screen) Write(data []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	text, state := string(data), byte(0)
	for len(text) > 0 {
		seq, width, n, next := ansi.DecodeSequence(text, state, nil)
		s.put(seq, width)
		text, state = text[n:], next
	}
	return len(data), nil
}

func (s *screen) put(seq string, width int) {
	switch {
	case seq == "\n":
		s.x, s.y = 0, s.y+1
	case seq == "\r":
		s.x = 0
	case seq == "\x1b[J":
		if s.y < len(s.rows) {
			s.rows = s.rows[:s.y+1]
			s.rows[s.y] = s.rows[s.y][:min(s.x, len(s.rows[s.y]))]
		}
	case strings.HasPrefix(seq, "\x1b[") && strings.HasSuffix(seq, "A"):
		up, err := strconv.Atoi(seq[2 : len(seq)-1])
		if err != nil || up > s.y {
			s.t.Errorf("moved up by %q from row %d", seq, s.y)
			return
		}
		s.y -= up
	case strings.HasPrefix(seq, "\x1b[") && strings.HasSuffix(seq, "m"):
	case width > 0:
		s.glyph(seq, width)
	default:
		s.t.Errorf("unexpected %q", seq)
	}
}

func (s *screen) glyph(seq string, width int) {
	if s.x+width > s.columns {
		s.x, s.y = 0, s.y+1
	}
	for len(s.rows) <= s.y {
		s.rows = append(s.rows, nil)
	}
	for len(s.rows[s.y]) < s.x+width {
		s.rows[s.y] = append(s.rows[s.y], " ")
	}
	s.rows[s.y][s.x] = seq
	for i := 1; i < width; i++ {
		s.rows[s.y][s.x+i] = ""
	}
	s.x += width
}

// resize changes the width and wraps the rows anew, as terminals do.
func (s *screen) resize(columns int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var rows [][]string
	for i := 0; i < s.y; i++ {
		var row []string
		if i < len(s.rows) {
			row = s.rows[i]
		}
		for len(row) > columns {
			rows = append(rows, row[:columns:columns])
			row = row[columns:]
		}
		rows = append(rows, row)
	}
	s.columns, s.rows, s.y = columns, rows, len(rows)
}

func (s *screen) size() (columns, rows int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.columns, 24
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b strings.Builder
	for _, row := range s.rows {
		fmt.Fprintln(&b, strings.TrimRight(strings.Join(row, ""), " "))
	}
	return b.String()
}
