package listen

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"syscall"
)

// bind opens the sockets of every listener and reports all failures together.
func (s *Server) bind() error {
	var errs []error
	for i, l := range s.cfg.Listeners {
		errs = append(errs, s.bindListener(i, l))
	}
	return errors.Join(errs...)
}

// bindListener opens one listener's sockets. A free port has to be free for both UDP and
// TCP, which takes more than one attempt now and then.
func (s *Server) bindListener(i int, l Listener) error {
	const attempts = 16
	for n := 1; ; n++ {
		udp, tcp, err := s.open(l)
		if err == nil {
			s.adopt(i, udp, tcp)
			return nil
		}
		if l.Addr.Port() != 0 || n == attempts || !errors.Is(err, syscall.EADDRINUSE) {
			return err
		}
	}
}

// open opens or takes over the sockets of a listener: all of them, or none and an
// error. TCP comes first, so that its port is the one that UDP shares.
func (s *Server) open(l Listener) (udp []*net.UDPConn, tcp net.Listener, err error) {
	addr := l.Addr
	if len(l.over(Transport.stream)) > 0 {
		if tcp, err = s.openTCP(addr); err != nil {
			return nil, nil, err
		}
		if a, ok := addrPortOf(tcp.Addr()); ok {
			addr = netip.AddrPortFrom(addr.Addr(), a.Port())
		}
	}
	if len(l.over(Transport.packet)) == 0 {
		return nil, tcp, nil
	}
	if conn := s.handedPacket(addr); conn != nil {
		return []*net.UDPConn{conn}, tcp, nil
	}
	sockets := 1
	if l.serves(UDP) {
		sockets = s.cfg.Sockets
	}
	for range sockets {
		conn, err := openUDP(addr, sockets > 1)
		if err != nil {
			closeAll(udp, tcp)
			return nil, nil, err
		}
		udp = append(udp, conn)
		if a, ok := addrPortOf(conn.LocalAddr()); ok {
			addr = netip.AddrPortFrom(addr.Addr(), a.Port())
		}
	}
	return udp, tcp, nil
}

func closeAll(udp []*net.UDPConn, tcp net.Listener) {
	for _, c := range udp {
		_ = c.Close()
	}
	if tcp != nil {
		_ = tcp.Close()
	}
}

// adopt makes the opened sockets of listener i part of the server.
func (s *Server) adopt(i int, udp []*net.UDPConn, tcp net.Listener) {
	for _, conn := range udp {
		s.addrs = append(s.addrs, conn.LocalAddr())
	}
	if tcp != nil {
		s.addrs = append(s.addrs, tcp.Addr())
	}
	l := s.cfg.Listeners[i]
	if l.serves(UDP) {
		for _, conn := range udp {
			s.addUDP(conn, i)
		}
	}
	if l.serves(TCP) {
		s.addTCP(tcp, i)
	}
	if l.serves(TLS) {
		s.addTLS(tcp, i)
	}
	if l.serves(QUIC) {
		s.addQUIC(udp[0], i)
	}
	if l.serves(HTTPS) {
		s.addHTTPS(tcp, udp[0], i)
	}
}

func openUDP(addr netip.AddrPort, shared bool) (*net.UDPConn, error) {
	var lc net.ListenConfig
	if shared {
		lc.Control = sharePort
	}
	conn, err := lc.ListenPacket(context.Background(), network("udp", addr), addr.String())
	if err != nil {
		return nil, refused("udp", addr, err)
	}
	return conn.(*net.UDPConn), nil
}

func (s *Server) openTCP(addr netip.AddrPort) (net.Listener, error) {
	if l := s.handedStream(addr); l != nil {
		return l, nil
	}
	var lc net.ListenConfig
	l, err := lc.Listen(context.Background(), network("tcp", addr), addr.String())
	if err != nil {
		return nil, refused("tcp", addr, err)
	}
	return l, nil
}

// network names the family, so that :: means IPv6 alone and 0.0.0.0 can stand beside it.
func network(proto string, addr netip.AddrPort) string {
	if addr.Addr().Is4() {
		return proto + "4"
	}
	return proto + "6"
}

// handedPacket finds the UDP socket that a supervisor opened for addr.
func (s *Server) handedPacket(addr netip.AddrPort) *net.UDPConn {
	for _, p := range s.cfg.Packets {
		if conn, ok := p.(*net.UDPConn); ok && sameAddress(conn.LocalAddr(), addr) {
			return conn
		}
	}
	return nil
}

// handedStream finds the TCP socket that a supervisor opened for addr.
func (s *Server) handedStream(addr netip.AddrPort) net.Listener {
	for _, l := range s.cfg.Streams {
		if sameAddress(l.Addr(), addr) {
			return l
		}
	}
	return nil
}

func sameAddress(a net.Addr, want netip.AddrPort) bool {
	have, ok := addrPortOf(a)
	return ok && have.Port() == want.Port() && have.Addr().WithZone("") == want.Addr().Unmap().WithZone("")
}

func addrPortOf(a net.Addr) (netip.AddrPort, bool) {
	if ap, ok := a.(interface{ AddrPort() netip.AddrPort }); ok {
		return unmap(ap.AddrPort()), true
	}
	return netip.AddrPort{}, false
}

// refused says what to do about an address that could not be bound.
func refused(proto string, addr netip.AddrPort, err error) error {
	advice := ""
	switch {
	case errors.Is(err, fs.ErrPermission):
		advice = fmt.Sprintf(": ports below 1024 need a grant: AmbientCapabilities=CAP_NET_BIND_SERVICE in the systemd unit, "+
			"or 'sudo setcap cap_net_bind_service=+ep' on the hearth program, or 'sudo sysctl net.ipv4.ip_unprivileged_port_start=%d'; "+
			"or listen on a port such as 5300", addr.Port())
	case errors.Is(err, syscall.EADDRINUSE):
		advice = fmt.Sprintf(": another program has it, often systemd-resolved or dnsmasq; 'sudo ss -lnp sport = :%d' names it. "+
			"Stop it (for systemd-resolved: DNSStubListener=no in /etc/systemd/resolved.conf, then restart it), "+
			"or listen on single addresses, or on a port such as 5300", addr.Port())
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		advice = ": this machine has no such address now ('ip addr' lists them); 0.0.0.0 and :: stand for all"
	}
	return fmt.Errorf("listening on %s %s: %w%s", proto, addr, err, advice)
}
