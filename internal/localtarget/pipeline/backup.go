package pipeline

import (
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/disk"
)

// BackupTime is how long a copy of the state folder may take: for so long retention spares what has been live, so that the
// release that is live when the copy begins is in it as a whole.
const BackupTime = time.Hour

func spared(kv *disk.KV) func() ([]string, error) {
	return func() ([]string, error) { return kv.LiveSince(time.Now().Add(-BackupTime)) }
}
