package term

import (
	"fmt"
	"sync"
	"time"
)

// heartbeat is after how much silence a step says that it still runs, where nothing is animated: some CI systems take a log
// that is silent for minutes for one that hangs.
const heartbeat = 15 * time.Second

// nameWidth aligns what follows the names of the steps, of which most are no longer.
const nameWidth = 9

// plain writes one line for each thing that happens.
type plain struct {
	progress *Progress
	silence  *time.Ticker
	done     chan struct{}
	running  sync.WaitGroup
}

func newPlain(p *Progress) *plain {
	d := &plain{progress: p, silence: time.NewTicker(heartbeat), done: make(chan struct{})}
	d.running.Go(d.beat)
	return d
}

func (d *plain) beat() {
	defer d.silence.Stop()
	for {
		select {
		case <-d.done:
			return
		case now := <-d.silence.C:
			d.progress.mu.Lock()
			if s := d.progress.current(); s != nil {
				d.say(s, "running for "+Elapsed(s.elapsed(now)))
			}
			d.progress.mu.Unlock()
		}
	}
}

func (d *plain) begun(s *step) { d.line(pad(s.name+" ", nameWidth, false) + "started") }

func (d *plain) changed(*step) {}

func (d *plain) ended(s *step) {
	words := map[outcome]string{succeeded: "done in ", failed: "failed after ", interrupted: "interrupted after "}
	d.say(s, words[s.outcome]+Elapsed(s.elapsed(s.ended)))
}

func (d *plain) say(s *step, words string) {
	if beside := s.words(); beside != "" {
		words += ": " + beside
	}
	d.line(pad(s.name+" ", nameWidth, false) + words)
}

func (d *plain) line(text string) {
	d.silence.Reset(heartbeat)
	fmt.Fprintln(d.progress.streams.Err, text)
}

func (d *plain) pause() {}

func (d *plain) stop() {
	close(d.done)
	d.running.Wait()
}
