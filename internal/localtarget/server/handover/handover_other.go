//go:build !unix

package handover

import (
	"errors"
	"os"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/server/systemd"
)

// Asked returns a channel on which nothing ever comes.
func Asked() (asked <-chan os.Signal, stop func()) { return nil, func() {} }

// Ask returns an error.
func Ask(int) error { return errors.ErrUnsupported }

func duplicates(systemd.Sockets) ([]string, []*os.File, error) {
	return nil, nil, errors.ErrUnsupported
}
