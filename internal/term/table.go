package term

import (
	"io"
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// Column is one column of a table.
type Column struct {
	// Title heads the column; it may be empty.
	Title string
	// Right aligns numbers.
	Right bool
	// Elastic columns give way, down to their title or eight columns, when the terminal is too narrow.
	Elastic bool
}

// Table is rows under aligned columns. It writes plain text with nothing cut off where the width is not limited.
type Table struct {
	Columns []Column
	rows    [][]string
}

const (
	gap        = 2
	minElastic = 8
)

// Row adds a row; cells may be styled. Their text may be a stranger's: they are written as one line each.
func (t *Table) Row(cells ...string) { t.rows = append(t.rows, cells) }

// Write writes the table in at most width columns where its columns can give way that far; width 0 is no limit.
func (t *Table) Write(w io.Writer, style Style, width int) error {
	for _, row := range t.rows {
		for i, cell := range row {
			row[i] = clean(cell, style.colour)
		}
	}
	widths := t.widths()
	t.shrink(widths, width)
	var b strings.Builder
	if t.titled() {
		titles := make([]string, len(t.Columns))
		for i, c := range t.Columns {
			titles[i] = style.Dim(c.Title)
		}
		t.line(&b, style, widths, titles)
	}
	for _, row := range t.rows {
		t.line(&b, style, widths, row)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (t *Table) titled() bool {
	for _, c := range t.Columns {
		if c.Title != "" {
			return true
		}
	}
	return false
}

func (t *Table) widths() []int {
	widths := make([]int, len(t.Columns))
	for i, c := range t.Columns {
		widths[i] = ansi.StringWidth(c.Title)
		for _, row := range t.rows {
			if i < len(row) {
				widths[i] = max(widths[i], ansi.StringWidth(row[i]))
			}
		}
	}
	return widths
}

// shrink takes what is too much from the elastic columns, the last one first.
func (t *Table) shrink(widths []int, width int) {
	if width <= 0 {
		return
	}
	over := (len(widths) - 1) * gap
	for _, w := range widths {
		over += w
	}
	over -= width
	for i := len(widths) - 1; i >= 0 && over > 0; i-- {
		if !t.Columns[i].Elastic {
			continue
		}
		least := max(minElastic, ansi.StringWidth(t.Columns[i].Title))
		take := min(over, max(0, widths[i]-least))
		widths[i] -= take
		over -= take
	}
}

func (t *Table) line(b *strings.Builder, style Style, widths []int, cells []string) {
	var line strings.Builder
	for i, w := range widths {
		cell := ""
		if i < len(cells) {
			cell = style.Cut(cells[i], w)
		}
		if i > 0 {
			line.WriteString(strings.Repeat(" ", gap))
		}
		line.WriteString(pad(cell, w, t.Columns[i].Right))
	}
	b.WriteString(strings.TrimRight(line.String(), " "))
	b.WriteByte('\n')
}

// Fields writes names and their values below one another, the values aligned. A field without a value is left out. A value may
// have several lines; it may be styled, and its text a stranger's.
func Fields(w io.Writer, style Style, fields [][2]string) error {
	width := 0
	for _, f := range fields {
		if f[1] != "" {
			width = max(width, ansi.StringWidth(f[0]))
		}
	}
	var b strings.Builder
	for _, f := range fields {
		if f[1] != "" {
			value := filter{colour: style.colour}
			b.WriteString(style.Dim(pad(f[0], width, false)) + strings.Repeat(" ", gap) + string(value.append(nil, []byte(f[1]+"\n"))))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
