package server

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// collectAt is by how many percent the heap may grow before garbage is collected, while it is small. Requests leave little
	// behind, so collecting rarely costs little memory and spares a tenth of the processor time (bench/edge).
	collectAt = 400
	// collectSooner is the least that it becomes when much memory is in use, as with thousands of connections over TLS.
	collectSooner = 25
	// garbage is what may lie about between two collections, unless collectSooner gives more.
	garbage = 64 << 20
	// roomBeside is the memory that the server is meant to get by with beside its cache.
	roomBeside = 256 << 20
	// collectorGlance is how often the collector is set anew.
	collectorGlance = 250 * time.Millisecond
	// A server that has allocated less than quietBytes in each of quietGlances gives back what it does not need, once, if that is
	// at least worthIt: nobody waits for it then.
	quietBytes   = 256 << 10
	quietGlances = 20
	worthIt      = 16 << 20
)

// tuneCollector sets when garbage is collected: rarely as long as there is little memory in use, and the more often the closer
// its use comes to a few times the cache. It follows the use until ctx ends. The user's own GOGC and GOMEMLIMIT count more.
func tuneCollector(ctx context.Context, cacheBytes int64) {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	debug.SetGCPercent(collectAt)
	debug.SetMemoryLimit(2*cacheBytes + roomBeside)
	go func() {
		tick := time.NewTicker(collectorGlance)
		defer tick.Stop()
		heap := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/heap/allocs:bytes"}, {Name: "/memory/classes/heap/objects:bytes"}}
		var q quiet
		for set := collectAt; ; {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			metrics.Read(heap)
			for _, s := range heap {
				if s.Value.Kind() != metrics.KindUint64 {
					return // this Go no longer tells
				}
			}
			live, allocated, objects := heap[0].Value.Uint64(), heap[1].Value.Uint64(), heap[2].Value.Uint64()
			if q.since(allocated) && objects > live+worthIt {
				debug.FreeOSMemory()
			}
			if want := growth(live); want > set+set/8 || want < set-set/8 {
				debug.SetGCPercent(want)
				set = want
			}
		}
	}()
}

// growth returns by how many percent a heap may grow of which so much is in use.
func growth(live uint64) int {
	return int(min(max(garbage*100/max(live, 1), collectSooner), collectAt))
}

// quiet tells when little has been allocated for a while.
type quiet struct {
	allocated uint64
	glances   int
}

// since reports whether it has just become quiet: once, until it has been loud again. allocated is all that was ever allocated.
func (q *quiet) since(allocated uint64) bool {
	if allocated-q.allocated >= quietBytes {
		q.glances = 0
	} else {
		q.glances++
	}
	q.allocated = allocated
	return q.glances == quietGlances
}
