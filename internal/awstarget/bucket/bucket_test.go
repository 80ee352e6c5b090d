package bucket_test

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/bucket"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/double/s3server"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/publish"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/publish/publishtest"
)

// TestContract runs the contract of publish.ObjectStore over three servers.
func TestContract(t *testing.T) {
	servers := map[string]func(testing.TB) *s3server.Server{
		"memory":    func(t testing.TB) *s3server.Server { return s3server.StartMemory(t, nil) },
		"moto":      s3server.StartMoto,
		"versitygw": s3server.StartVersity,
	}
	for name, start := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := start(t)
			var n atomic.Int32
			publishtest.TestObjectStore(t, func(t *testing.T) publish.ObjectStore {
				return bucket.Open(hasty(server), server.NewBucket(t, fmt.Sprintf("site-%d", n.Add(1))))
			})
		})
	}
}
