package disk

import (
	"encoding/binary"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"sync/atomic"
	"time"
)

// A generation is a number in a file beside the key-value file. Every Swap draws another one before it returns, and a process that
// serves has it mapped into its memory: one load tells that the key-value file is still the one that was read, where asking
// the file system costs a system call or two for each request. What changes the key-value file without a Swap is seen by
// asking the file system after all, once in lookEvery.
const (
	generationSize = 8
	lookEvery      = 10 * time.Millisecond
)

// watched is a view that holds until the file system is to be looked at again, as long as the generation is n; without a
// generation, as long as the file is the one that it was made from.
type watched struct {
	gen   *generation
	n     uint64
	view  *view
	until time.Duration
}

// epoch is what times are measured from, with the clock that never jumps.
var epoch = time.Now()

// latest returns the view if no Swap has returned since it was made, else nil.
func (k *KV) latest() *view {
	w := k.watched.Load()
	if w == nil || time.Since(epoch) >= w.until {
		return nil
	}
	if w.gen == nil {
		if info, err := k.stat(); err == nil && w.view.of(info) {
			return w.view
		}
		return nil
	}
	if n, ok := w.gen.load(); ok && n == w.n {
		return w.view
	}
	return nil
}

// generation returns the mapped generation, nil if there is none or the system cannot map it. It notices that the file has
// been replaced, as by the restoration of a backup. The caller holds k.reading.
func (k *KV) generation() *generation {
	info, err := os.Stat(k.generationFile())
	if err != nil || info.Size() < generationSize {
		k.mapped = nil
		return nil
	}
	if k.mapped == nil || !os.SameFile(k.mapped.info, info) {
		k.mapped = mapGeneration(k.generationFile())
	}
	return k.mapped
}

func (k *KV) generationFile() string { return k.file() + ".generation" }

// openGeneration opens the file for a Swap, before anything is changed. The caller holds the lock of the store.
func openGeneration(root *os.Root, name string) (*os.File, error) {
	return root.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o644)
}

// renew tells all processes that the key-value file is another one. The number is drawn, so that it is a new one even if an old
// copy of the file has been put back. A reader that meets it half written takes it for another one too.
func renew(f *os.File) error {
	var b [generationSize]byte
	binary.NativeEndian.PutUint64(b[:], rand.Uint64())
	if _, err := f.WriteAt(b[:], 0); err != nil {
		return fmt.Errorf("write generation: %w", err)
	}
	return nil
}

// generation is a mapped generation file.
type generation struct {
	info fs.FileInfo
	n    *atomic.Uint64
}
