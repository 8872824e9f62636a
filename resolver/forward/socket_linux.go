package forward

import (
	"net/netip"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// socket is an address as the system takes it, of either family.
type socket struct {
	four unix.SockaddrInet4
	six  unix.SockaddrInet6
	is4  bool
}

func (s *socket) set(a netip.AddrPort) {
	if s.is4 = a.Addr().Is4(); s.is4 {
		s.four.Addr, s.four.Port = a.Addr().As4(), int(a.Port())
		return
	}
	s.six.Addr, s.six.Port = a.Addr().As16(), int(a.Port())
}

// any makes s every address of this machine, with a port.
func (s *socket) any(is4 bool, port int) {
	s.is4, s.four.Port, s.six.Port = is4, port, port
}

func (s *socket) sockaddr() unix.Sockaddr {
	if s.is4 {
		return &s.four
	}
	return &s.six
}

// is reports whether from is this address.
func (s *socket) is(from syscall.Sockaddr) bool {
	switch a := from.(type) {
	case *syscall.SockaddrInet4:
		return s.is4 && a.Addr == s.four.Addr && a.Port == s.four.Port
	case *syscall.SockaddrInet6:
		return !s.is4 && a.Addr == s.six.Addr && a.Port == s.six.Port
	}
	return false
}

// dial returns a non-blocking socket that is on a random port and connected to
// addr, so that only addr's packets and the ICMP errors about them reach it.
func (w *waiter) dial(addr netip.AddrPort) (int, error) {
	w.to.set(addr)
	family := unix.AF_INET6
	if w.to.is4 {
		family = unix.AF_INET
	}
	fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, os.NewSyscallError("socket", err)
	}
	if err := w.bind(fd); err != nil {
		_ = unix.Close(fd)
		return 0, err
	}
	if err := unix.Connect(fd, w.to.sockaddr()); err != nil {
		_ = unix.Close(fd)
		return 0, os.NewSyscallError("connect", err)
	}
	return fd, nil
}

// bind gives fd a random port. The port is drawn here since systems differ in
// from how few they draw; after some that are taken, the system chooses.
func (w *waiter) bind(fd int) error {
	for range bindTries {
		w.local.any(w.to.is4, randomPort())
		if unix.Bind(fd, w.local.sockaddr()) == nil {
			return nil
		}
	}
	w.local.any(w.to.is4, 0)
	return os.NewSyscallError("bind", unix.Bind(fd, w.local.sockaddr()))
}
