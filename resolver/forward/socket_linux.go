package forward

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// none is the descriptor of a slot without a socket.
const none = -1

// slot is the socket of one exchange after the other. Between two it has no port
// and nothing is queued in it: a packet that came before the query was sent is
// never taken for its reply.
type slot struct {
	number int32

	mu     sync.Mutex
	fd     int
	is4    bool
	four   unix.SockaddrInet4
	six    unix.SockaddrInet6
	flying bool
	flight flight
}

// flight is one exchange: a query that was sent and who wants the reply.
type flight struct {
	deadline time.Time
	packet   packet
	note     *counters
	done     lander
	misspelt bool
}

// send sends f's query to an address from a socket that is connected to it, so that
// only its packets and the ICMP errors about them arrive.
func (s *slot) send(set int, to netip.AddrPort, f flight) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.connect(set, to); err != nil {
		return err
	}
	f.note.queries.Inc()
	if _, err := unix.Write(s.fd, f.packet.msg); err != nil {
		s.drop()
		return fmt.Errorf("sending: %w", err)
	}
	s.flight, s.flying = f, true
	return nil
}

var errCrowded = errors.New("strangers' packets arrive at every port")

// connect gives the slot a socket on a fresh port, connected and with nothing
// queued. Linux draws the port from net.ipv4.ip_local_port_range with the
// generator that keys are made with. A packet that arrives before the socket is
// connected may be anybody's: then it is thrown away with the socket.
func (s *slot) connect(set int, to netip.AddrPort) error {
	for range 3 {
		if err := s.open(set, to.Addr().Is4()); err != nil {
			return err
		}
		if err := unix.Connect(s.fd, s.sockaddr(to)); err != nil {
			s.drop()
			return os.NewSyscallError("connect", err)
		}
		var octet [1]byte
		if _, err := unix.Read(s.fd, octet[:]); errors.Is(err, unix.EAGAIN) {
			return nil
		}
		s.drop()
	}
	return errCrowded
}

// open makes a socket of the family unless there is one.
func (s *slot) open(set int, is4 bool) error {
	if s.fd != none && s.is4 == is4 {
		return nil
	}
	s.drop()
	family := unix.AF_INET6
	if is4 {
		family = unix.AF_INET
	}
	fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	s.fd, s.is4 = fd, is4
	event := unix.EpollEvent{Events: unix.EPOLLIN | edge, Fd: s.number}
	if err := unix.EpollCtl(set, unix.EPOLL_CTL_ADD, fd, &event); err != nil {
		s.drop()
		return fmt.Errorf("watching a socket: %w", err)
	}
	return nil
}

// edge is EPOLLET: an event is told once, and everything there is is read then.
const edge = 1 << 31

func (s *slot) sockaddr(to netip.AddrPort) unix.Sockaddr {
	if s.is4 {
		s.four.Addr, s.four.Port = to.Addr().As4(), int(to.Port())
		return &s.four
	}
	s.six.Addr, s.six.Port = to.Addr().As16(), int(to.Port())
	return &s.six
}

// receive reads what has arrived into buf. It returns the flight if that is over.
func (s *slot) receive(buf []byte) (*flight, reply, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.flying {
		n, err := unix.Read(s.fd, buf)
		switch {
		case err == syscall.EINTR: //nolint:errorlint // a bare errno
			continue
		case err == syscall.EAGAIN: //nolint:errorlint // a bare errno
			return nil, reply{}, nil
		case err != nil: // which others may follow
			s.drop()
			return s.land(), reply{}, fmt.Errorf("receiving: %w", err)
		}
		r, is := readReply(s.flight.packet, buf[:n])
		if is == fitting {
			s.disconnect()
			return s.land(), r, nil
		}
		s.flight.note.junk.Inc()
		if is == misspelt && !s.flight.misspelt {
			s.flight.misspelt = true
			s.flight.deadline = earlier(s.flight.deadline, time.Now().Add(grace))
		}
	}
	return nil, reply{}, nil
}

// expire returns the flight, and why it is over, if its time is. The socket goes,
// because the reply may still come.
func (s *slot) expire(now time.Time) (*flight, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.flying || now.Before(s.flight.deadline) {
		return nil, nil //nolint:nilnil // not over
	}
	s.drop()
	f := s.land()
	if f.misspelt {
		return f, errMisspelt
	}
	return f, os.ErrDeadlineExceeded
}

// land ends the flight and returns it.
func (s *slot) land() *flight {
	s.flying = false
	return &s.flight
}

// disconnect takes the socket off its port.
func (s *slot) disconnect() {
	nowhere := unix.RawSockaddr{Family: unix.AF_UNSPEC}
	//nolint:gosec // x/sys has no Sockaddr for it
	_, _, errno := unix.Syscall(unix.SYS_CONNECT, uintptr(s.fd), uintptr(unsafe.Pointer(&nowhere)), unsafe.Sizeof(nowhere))
	if errno != 0 {
		s.drop()
	}
}

// drop closes the socket.
func (s *slot) drop() {
	if s.fd != none {
		_ = unix.Close(s.fd) // which leaves the epoll set as well
		s.fd = none
	}
}

// close is drop for a slot that nobody uses.
func (s *slot) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drop()
}
