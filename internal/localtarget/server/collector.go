package server

import (
	"os"
	"runtime/debug"
)

const (
	// collectAt is by how many percent the heap may grow before garbage is collected. The live heap is small beside the
	// machine's memory, and requests leave little behind, so collecting rarely costs little memory and spares a tenth of the
	// processor time (bench/edge).
	collectAt = 400
	// roomBeside is the memory that the server is meant to get by with beside its cache.
	roomBeside = 256 << 20
)

// tuneCollector sets when garbage is collected: rarely as long as there is little memory in use, and the more often the closer
// its use comes to a few times the cache. The user's own GOGC and GOMEMLIMIT count more.
func tuneCollector(cacheBytes int64) {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	debug.SetGCPercent(collectAt)
	debug.SetMemoryLimit(2*cacheBytes + roomBeside)
}
