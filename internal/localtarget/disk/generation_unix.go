//go:build unix

package disk

import (
	"os"
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// mapGeneration maps a generation file, which is unmapped when nobody uses it any more. It returns nil if that is impossible,
// as on some network file systems.
func mapGeneration(name string) *generation {
	f, err := os.Open(name)
	if err != nil {
		return nil
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || info.Size() < generationSize {
		return nil
	}
	page, err := unix.Mmap(int(f.Fd()), 0, generationSize, unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil
	}
	g := &generation{info: info, n: (*atomic.Uint64)(unsafe.Pointer(&page[0]))}
	runtime.AddCleanup(g, func(page []byte) { _ = unix.Munmap(page) }, page)
	return g
}

// load returns the number. ok is false if it is not there, because someone has cut the file off (cp does, for a moment, when
// it copies onto an existing file): to read a mapping beyond the end of its file is a fault of memory.
func (g *generation) load() (n uint64, ok bool) {
	before := debug.SetPanicOnFault(true)
	defer func() {
		debug.SetPanicOnFault(before)
		if recover() != nil {
			n, ok = 0, false
		}
		runtime.KeepAlive(g)
	}()
	return g.n.Load(), true
}
