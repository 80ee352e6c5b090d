package buildspec

import (
	"bytes"
	"crypto/rand"
	"errors"
	"os"
	"sync/atomic"
)

// outputPipe is the one pipe that every command of a build writes to. It is read all the time, so that a process that a
// command left in the background never blocks on it, and it never waits for such a process to let go of it.
//
// To know that everything a finished command wrote has been read, sync sends a random mark through the pipe and waits
// for it to come out.
type outputPipe struct {
	w    *os.File
	mark []byte
	seen chan struct{} // one for each mark that was read
	done chan struct{} // closed when reading has ended
	last atomic.Bool   // the next mark is the last one
}

func newOutputPipe(log *buildLog) (*outputPipe, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	p := &outputPipe{w: w, mark: []byte("\x00" + rand.Text() + "\x00"), seen: make(chan struct{}, 1), done: make(chan struct{})}
	go p.read(r, log)
	return p, nil
}

func (p *outputPipe) read(r *os.File, log *buildLog) {
	defer close(p.done)
	defer r.Close()
	var held []byte
	chunk := make([]byte, 32<<10)
	for {
		n, err := r.Read(chunk)
		held = append(held, chunk[:n]...)
		for {
			i := bytes.Index(held, p.mark)
			if i < 0 {
				break
			}
			_, _ = log.Write(held[:i])
			held = append(held[:0], held[i+len(p.mark):]...)
			if p.last.Load() {
				return
			}
			p.seen <- struct{}{}
		}
		keep := overlap(held, p.mark)
		if err != nil {
			keep = 0
		}
		_, _ = log.Write(held[:len(held)-keep])
		held = append(held[:0], held[len(held)-keep:]...)
		if err != nil {
			return
		}
	}
}

// sync returns when everything that was written to the pipe before has reached the log.
func (p *outputPipe) sync() error {
	if _, err := p.w.Write(p.mark); err != nil {
		return err
	}
	select {
	case <-p.seen:
		return nil
	case <-p.done:
		return errors.New("the output ended early")
	}
}

// close reads what was written so far and ends the pipe. A process that got away from the build can't write to it any
// more, and nothing reaches the log afterwards.
func (p *outputPipe) close() {
	p.last.Store(true)
	if _, err := p.w.Write(p.mark); err == nil {
		<-p.done
	}
	p.w.Close()
}
