package front

import (
	"flag"
	"os"
	"runtime"
	"strconv"
	"testing"
)

// TestMain runs more tests side by side than there are processors: they wait for slow viewers most of the time. What -parallel
// says counts more.
func TestMain(m *testing.M) {
	if err := flag.Set("test.parallel", strconv.Itoa(6*runtime.GOMAXPROCS(0))); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}
