package listen

import (
	"io"
	"net"
	"net/netip"
	"time"
)

// udpSocket serves one UDP socket with one goroutine. Its mover moves the packets.
type udpSocket struct {
	server   *Server
	mover    mover
	closer   io.Closer
	addr     net.Addr
	local    netip.AddrPort
	listener int
	worker   int
	proxies  proxies
	wildcard bool // bound to no address: control messages say where a query arrived
	tally    *tally
}

// mover moves packets between a socket and requests: batch (Linux) or singly.
type mover interface {
	// serve reads packets until the socket ends; the error says why, nil at a shutdown.
	serve() error
	// send writes r.Reply to the client from the address that it asked. An error is
	// the network's; the client asks again.
	send(r *Request) error
	// stop ends serve once the server drains; replies are sent until the close.
	stop()
}

// addUDP readies a bound socket.
func (s *Server) addUDP(conn *net.UDPConn, listener int) {
	local, _ := addrPortOf(conn.LocalAddr())
	u := &udpSocket{server: s, addr: conn.LocalAddr(), local: local, listener: listener, worker: len(s.udp), tally: &tally{transport: UDP}}
	u.proxies = s.cfg.Listeners[listener].Proxies
	u.wildcard = u.local.Addr().IsUnspecified()
	if u.wildcard {
		if err := wantDestination(conn, u.local.Addr().Is6()); err != nil {
			u.wildcard = false
			s.cfg.Log.Warn("replies may leave from another address than was asked; listen on single addresses instead", "listen", u.local, "error", err)
		}
	}
	// Best effort: room for a burst while a collection or a reload has the core.
	_ = conn.SetReadBuffer(1 << 20)
	u.move(conn)
	s.udp = append(s.udp, u)
	s.tallies = append(s.tallies, u.tally)
}

// identify fills in the client of a packet that came from peer, and returns the query in
// the packet. False: there is none.
func (u *udpSocket) identify(r *Request, packet []byte) (query []byte, ok bool) {
	if r.peer.Port() == 0 {
		return nil, false // nobody can be there: a forged packet
	}
	r.Client = Client{Addr: unmap(r.peer), Local: u.local, Transport: UDP, Listener: u.listener}
	r.Worker, r.origin = u.worker, u
	if u.wildcard {
		if to, ok := destination(r.control[:r.controlLen]); ok {
			r.Client.Local = netip.AddrPortFrom(to, u.local.Port())
		}
	}
	if len(u.proxies) == 0 {
		return packet, true
	}
	return u.introduce(r, packet)
}

// reply sends r.Reply within the client's limit, unless it is empty.
func (u *udpSocket) reply(r *Request) {
	if u.fit(r) {
		if u.mover.send(r) != nil {
			u.tally.shed[unsent].Add(1)
		}
	}
}

// fit readies r.Reply for the client; false: it is empty.
func (u *udpSocket) fit(r *Request) bool {
	if len(r.Reply) == 0 {
		return false
	}
	u.server.dress(r)
	return true
}

// deliver sends the reply of a resolved query, unless it is too late for it.
func (u *udpSocket) deliver(r *Request) {
	if time.Since(r.arrived) > u.server.cfg.Limits.Late {
		u.tally.shed[tooLate].Add(1)
		return
	}
	u.reply(r)
}

// unmap gives IPv4 addresses their own form.
func unmap(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}
