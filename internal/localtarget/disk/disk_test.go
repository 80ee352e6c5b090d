package disk_test

import (
	"path/filepath"
	"testing"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/disk"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/publish"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/publish/publishtest"
)

func TestStore(t *testing.T) {
	publishtest.TestObjectStore(t, func(t *testing.T) publish.ObjectStore {
		return disk.OpenStore(filepath.Join(t.TempDir(), "site", "bucket"))
	})
}
