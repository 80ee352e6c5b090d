//go:build !linux

package poll

import (
	"errors"
	"net"
	"os"
)

// There are no loops here, and so no Conn.

type event struct {
	fd                        int
	id                        uint32
	readable, writable, ended bool
}

type waiter struct{}

func newWaiter() (*waiter, error) { return nil, errors.ErrUnsupported }

func (*waiter) add(int, uint32) error { return errors.ErrUnsupported }
func (*waiter) remove(int)            {}
func (*waiter) look() int             { return 0 }
func (*waiter) wait() int             { return 0 }
func (*waiter) event(int) event       { return event{} }

func duplicate(*net.TCPConn) (int, error)      { return -1, errors.ErrUnsupported }
func thawed(int) (net.Conn, error)             { return nil, errors.ErrUnsupported }
func again(error) bool                         { return false }
func read(int, []byte) (int, error)            { return 0, errors.ErrUnsupported }
func writev(int, []byte, []byte) (int, error)  { return 0, errors.ErrUnsupported }
func sendfile(int, *os.File, int) (int, error) { return 0, errors.ErrUnsupported }
func shutdown(int)                             {}
func closeFD(int) error                        { return errors.ErrUnsupported }
