package term

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/charmbracelet/x/ansi"
)

const (
	// frame is the time between two drawings of the list: fast enough for a spinner, slow enough for a remote terminal.
	frame = 80 * time.Millisecond
	// maxPending is how much output may wait for the next frame.
	maxPending = 32 << 10
)

// live draws the list of steps at the end of the output, and draws it anew whenever something changes. The cursor rests at
// the start of the line below the list.
//
// It is a renderer of its own and not a Bubble Tea program because it takes no input, must leave scrolling and the cursor
// to the terminal, and because linking Bubble Tea makes every start of the tool ask the terminal for its background.
type live struct {
	progress *Progress
	// drawn are the widths of the lines of the list that stand on the screen.
	drawn []int
	// pending are lines that scroll by, to be written with the next frame.
	pending bytes.Buffer
	dirty   bool
	frame   int

	done    chan struct{}
	running sync.WaitGroup
}

func newLive(p *Progress) *live {
	d := &live{progress: p, done: make(chan struct{})}
	d.running.Go(d.animate)
	return d
}

func (d *live) animate() {
	ticker := time.NewTicker(frame)
	defer ticker.Stop()
	for {
		select {
		case <-d.done:
			return
		case <-ticker.C:
			d.progress.mu.Lock()
			d.frame++
			if d.dirty || d.progress.current() != nil {
				d.draw()
			}
			d.progress.mu.Unlock()
		}
	}
}

func (d *live) begun(*step)   { d.draw() }
func (d *live) changed(*step) { d.dirty = true }
func (d *live) ended(*step)   { d.draw() }

func (d *live) line(text string) {
	if d.progress.closed {
		fmt.Fprintln(d.progress.streams.Err, text)
		return
	}
	d.pending.WriteString(text)
	d.pending.WriteByte('\n')
	d.dirty = true
	if d.pending.Len() >= maxPending {
		d.draw()
	}
}

func (d *live) pause() {
	var b bytes.Buffer
	d.erase(&b)
	b.Write(d.pending.Bytes())
	d.pending.Reset()
	d.dirty = true
	d.flush(&b)
}

func (d *live) stop() {
	close(d.done)
	d.running.Wait()
}

// draw replaces the list on the screen: pending lines go above it. It writes once, so that nothing flickers.
func (d *live) draw() {
	var b bytes.Buffer
	d.erase(&b)
	b.Write(d.pending.Bytes())
	d.pending.Reset()
	for _, line := range d.list() {
		d.drawn = append(d.drawn, ansi.StringWidth(line))
		b.WriteString(line)
		b.WriteByte('\n')
	}
	d.dirty = false
	d.flush(&b)
}

func (d *live) flush(b *bytes.Buffer) {
	// An error here means that the terminal is gone; the operation itself goes on.
	_, _ = d.progress.streams.Screen().Write(b.Bytes())
}

// erase moves to the first line of the list and clears from there. The terminal may have become narrower since the
// list was drawn; a line then takes as many rows as its width needs.
func (d *live) erase(b *bytes.Buffer) {
	columns, _ := d.progress.streams.Size()
	rows := 0
	for _, width := range d.drawn {
		rows += max(1, (width+columns-1)/columns)
	}
	d.drawn = d.drawn[:0]
	b.WriteByte('\r')
	if rows > 0 {
		fmt.Fprintf(b, "\x1b[%dA", rows)
	}
	b.WriteString("\x1b[J")
}

// list returns the lines of the list, each narrower than the terminal, and no more than fit on it.
func (d *live) list() []string {
	columns, rows := d.progress.streams.Size()
	steps, style := d.progress.steps, d.progress.style
	width := nameWidth
	for _, s := range steps {
		width = max(width, ansi.StringWidth(s.name)+1)
	}
	if room := max(1, rows-2); len(steps) > room {
		steps = steps[len(steps)-room:]
	}
	now := time.Now()
	lines := make([]string, len(steps))
	for i, s := range steps {
		mark, name := style.Tick(), s.name
		switch {
		case s.running():
			mark, name = style.spin(d.frame), style.Bold(s.name)
		case s.outcome == failed:
			mark = style.Cross()
		case s.outcome == interrupted:
			mark = style.Dash()
		}
		line := mark + " " + pad(name, width, false) + pad(Elapsed(s.elapsed(now)), 7, true) + "  " + style.Dim(s.words())
		lines[i] = style.Cut(strings.TrimRight(line, " "), columns-1)
	}
	return lines
}
