//go:build unix

package handover

import (
	"net"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/server/systemd"
)

// Asked returns a channel on which a value comes when someone asks this process, by SIGUSR2, to hand over.
func Asked() (asked <-chan os.Signal, stop func()) {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGUSR2)
	return c, func() { signal.Stop(c) }
}

// Ask asks a process to hand over. It is for a process that is known to wait for it: others are ended by the signal.
func Ask(pid int) error { return unix.Kill(pid, syscall.SIGUSR2) }

// duplicates returns copies of the sockets. They stay in the mode that Go needs them in: a copy by File would, when it is passed
// on, make this process's own sockets block.
func duplicates(s systemd.Sockets) (names []string, files []*os.File, err error) {
	add := func(name string, socket any) {
		c, ok := socket.(syscall.Conn)
		if !ok || err != nil {
			return
		}
		var raw syscall.RawConn
		if raw, err = c.SyscallConn(); err != nil {
			return
		}
		var fd int
		var failed error
		if err = raw.Control(func(of uintptr) { fd, failed = unix.FcntlInt(of, unix.F_DUPFD_CLOEXEC, 0) }); err == nil {
			err = failed
		}
		if err == nil {
			names, files = append(names, name), append(files, os.NewFile(uintptr(fd), name))
		}
	}
	for name, l := range map[string]net.Listener{systemd.NameHTTP: s.HTTP, systemd.NameHTTPS: s.HTTPS, systemd.NameHTTP6: s.HTTP6, systemd.NameHTTPS6: s.HTTPS6} {
		if l != nil {
			add(name, l)
		}
	}
	for name, c := range map[string]net.PacketConn{systemd.NameQUIC: s.QUIC, systemd.NameQUIC6: s.QUIC6} {
		if c != nil {
			add(name, c)
		}
	}
	return names, files, err
}
