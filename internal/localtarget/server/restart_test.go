//go:build unix

package server_test

import (
	"testing"
	"time"
)

// The server is restarted while it is busy, and while a download is on its way: no viewer gets an error, whatever it speaks.
func TestRestartDropsNothing(t *testing.T) {
	t.Parallel()
	b := newBusy(t, 64, 4) // more than the kernel holds of the download
	for range 3 {
		body := b.download()
		before := b.asked.Load()
		b.terminate()
		read := make(chan struct{})
		go func() { // while the server is stopping
			defer close(read)
			b.whole(body)
		}()
		b.forget()
		b.start()
		<-read
		deadline := time.Now().Add(time.Minute)
		for b.asked.Load() < before+200 && time.Now().Before(deadline) && !t.Failed() {
			time.Sleep(5 * time.Millisecond)
		}
	}
	b.rest()
	b.http3()
	t.Logf("%d requests over 3 restarts", b.asked.Load())
}
