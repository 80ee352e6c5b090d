// Package systemd speaks with the service manager that started this process: sockets that it hands down, and what it is
// told in return. Without one, and on other systems, there is nothing to be had and nobody is told.
package systemd

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
)

// firstFD is the number of the first descriptor that is handed down (sd_listen_fds(3)).
const firstFD = 3

// Sockets are listening sockets that were handed down; each may be nil. The first for TCP is for HTTP, the second for HTTPS;
// the first for UDP is for HTTP/3.
type Sockets struct {
	HTTP, HTTPS net.Listener
	QUIC        net.PacketConn
	// HTTP6, HTTPS6 and QUIC6 are the same ports of [::1], where the others are of 127.0.0.1: a service manager does not hand
	// them down.
	HTTP6, HTTPS6 net.Listener
	QUIC6         net.PacketConn
}

// Any reports whether there are any.
func (s Sockets) Any() bool { return s.HTTP != nil || s.HTTPS != nil || s.QUIC != nil }

// Inherit takes the sockets that were handed down to this process, once: whatever it starts does not take them for its own.
func Inherit() (Sockets, error) {
	pid, count := os.Getenv("LISTEN_PID"), os.Getenv("LISTEN_FDS")
	for _, name := range []string{"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"} {
		_ = os.Unsetenv(name)
	}
	n, err := strconv.Atoi(count)
	if err != nil || n <= 0 || pid != strconv.Itoa(os.Getpid()) {
		return Sockets{}, nil
	}
	var s Sockets
	for i := range n {
		if err := s.take(firstFD + i); err != nil {
			return s, fmt.Errorf("take socket %d of %d of the service manager: %w", i+1, n, err)
		}
	}
	return s, nil
}

// The names of sockets for Take.
const (
	NameHTTP  = "http"
	NameHTTPS = "https"
	NameQUIC  = "quic"

	NameHTTP6  = "http6"
	NameHTTPS6 = "https6"
	NameQUIC6  = "quic6"
)

// Take takes sockets that another than a service manager has handed down, in the order of their names, from descriptor fd on.
func Take(fd int, names []string) (s Sockets, err error) {
	for i, name := range names {
		var one Sockets
		if err := one.take(fd + i); err != nil {
			return s, fmt.Errorf("take socket %s: %w", name, err)
		}
		switch name {
		case NameHTTP:
			s.HTTP = one.HTTP
		case NameHTTPS:
			s.HTTPS = one.HTTP
		case NameQUIC:
			s.QUIC = one.QUIC
		case NameHTTP6:
			s.HTTP6 = one.HTTP
		case NameHTTPS6:
			s.HTTPS6 = one.HTTP
		case NameQUIC6:
			s.QUIC6 = one.QUIC
		}
	}
	return s, nil
}

func (s *Sockets) take(fd int) error {
	f := os.NewFile(uintptr(fd), "socket "+strconv.Itoa(fd))
	defer f.Close() // what follows works on copies
	if l, err := net.FileListener(f); err == nil {
		switch {
		case s.HTTP == nil:
			s.HTTP = l
		case s.HTTPS == nil:
			s.HTTPS = l
		default:
			return l.Close()
		}
		return nil
	}
	c, err := net.FilePacketConn(f)
	if err != nil {
		return err
	}
	if s.QUIC != nil {
		return c.Close()
	}
	s.QUIC = c
	return nil
}

// Notify tells the service manager about this process: READY=1, STOPPING=1, STATUS=… (sd_notify(3)). It does not matter if
// that does not succeed.
func Notify(lines ...string) {
	name := os.Getenv("NOTIFY_SOCKET")
	if name == "" {
		return
	}
	if strings.HasPrefix(name, "@") {
		name = "\x00" + name[1:]
	}
	c, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		return
	}
	defer c.Close()
	_, _ = c.Write([]byte(strings.Join(lines, "\n"))) // as above
}
