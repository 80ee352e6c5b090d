package pace_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/pace"
)

func TestWait(t *testing.T) {
	if err := pace.Wait(t.Context(), time.Microsecond); err != nil {
		t.Error(err)
	}
	why := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(why)
	if err := pace.Wait(ctx, time.Hour); !errors.Is(err, why) {
		t.Errorf("a context that has ended: %v", err)
	}
}
