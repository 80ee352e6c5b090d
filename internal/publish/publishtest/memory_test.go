package publishtest_test

import (
	"testing"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/publish"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/publish/publishtest"
)

func TestMemory(t *testing.T) {
	t.Run("store", func(t *testing.T) {
		publishtest.TestObjectStore(t, func(*testing.T) publish.ObjectStore { return publishtest.NewStore() })
	})
	t.Run("pointer", func(t *testing.T) {
		publishtest.TestPointer(t, func(*testing.T) publish.Pointer { return publishtest.NewPointer() })
	})
}
