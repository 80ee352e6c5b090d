package step

import (
	"context"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
)

// Doctor returns a fault.Usage.
func (s *Step) Doctor(context.Context, hosting.Reporter) ([]hosting.Check, error) {
	return nil, s.errStep()
}

// Preview returns a fault.Usage.
func (s *Step) Preview(context.Context, hosting.Reporter) (hosting.Preview, error) {
	return hosting.Preview{}, s.errStep()
}
