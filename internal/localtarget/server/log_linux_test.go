package server

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
)

// A log whose disk takes nothing for a while keeps nobody waiting until logBacklog is full, and loses nothing.
func TestLogDoesNotWaitForTheDisk(t *testing.T) {
	name := filepath.Join(t.TempDir(), "access.log")
	if err := syscall.Mkfifo(name, 0o600); err != nil {
		t.Fatal(err)
	}
	disk, err := os.OpenFile(name, os.O_RDWR, 0) // what a FIFO holds is far less than logBatch
	if err != nil {
		t.Fatal(err)
	}
	defer disk.Close()
	l, err := openLog(name, 1<<40)
	if err != nil {
		t.Fatal(err)
	}
	var want bytes.Buffer
	write := func(from, to int) {
		for i := from; i < to; i++ {
			line := fmt.Sprintf("%d %0*d\n", i, 1000, i)
			want.WriteString(line)
			if _, err := l.Write([]byte(line)); err != nil {
				t.Error(err)
			}
		}
	}
	const fits = (logBacklog - logBatch) / 1100
	write(0, fits) // nobody reads yet
	var more sync.WaitGroup
	more.Go(func() {
		write(fits, 3*fits)
		l.Close()
	})
	got := make([]byte, 0, 3*logBacklog)
	for {
		buffer := make([]byte, 64<<10)
		n, err := disk.Read(buffer)
		got = append(got, buffer[:n]...)
		if err != nil && err != io.EOF {
			t.Fatal(err)
		}
		if bytes.Contains(got[max(0, len(got)-n-1100):], fmt.Appendf(nil, "%d %0*d\n", 3*fits-1, 1000, 3*fits-1)) {
			break
		}
	}
	more.Wait()
	if !bytes.Equal(got, want.Bytes()) {
		t.Errorf("%d bytes came, other ones than the %d that were written", len(got), want.Len())
	}
}
