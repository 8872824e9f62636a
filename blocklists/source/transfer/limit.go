package transfer

import (
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"
)

// rate bounds how often something happens in a second.
type rate struct {
	mu     sync.Mutex
	second int64
	spent  int
}

func (r *rate) allow(most int) bool {
	now := time.Now().Unix()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.second != now {
		r.second, r.spent = now, 0
	}
	r.spent++
	return r.spent <= most
}

// admit spends from the rate of the address's kind, so that a flood of strangers leaves primaries theirs.
func (l *Listener) admit(from net.Addr) bool {
	ap, _ := netip.ParseAddrPort(from.String())
	which, most := &l.rates[0], strangerRate
	if l.isPeer(ap.Addr().Unmap()) {
		which, most = &l.rates[1], peerRate
	}
	if which.allow(most) {
		return true
	}
	l.count(Dropped)
	return false
}

// limited drops datagrams before they are parsed and their signatures computed.
type limited struct {
	dns.Reader
	notify *Listener
}

// ReadUDP implements dns.Reader.
func (r *limited) ReadUDP(conn *net.UDPConn, timeout time.Duration) ([]byte, *dns.SessionUDP, error) {
	for {
		b, session, err := r.Reader.ReadUDP(conn, timeout)
		if err != nil || r.notify.admit(session.RemoteAddr()) {
			return b, session, err
		}
	}
}

// peerListener takes connections from primaries alone, and few at once. Strangers may ask by UDP why they are refused.
type peerListener struct {
	net.Listener
	notify *Listener
	open   atomic.Int32
}

// Accept implements net.Listener.
func (p *peerListener) Accept() (net.Conn, error) {
	for {
		conn, err := p.Listener.Accept()
		if err != nil {
			return nil, err
		}
		ap, _ := netip.ParseAddrPort(conn.RemoteAddr().String())
		switch {
		case !p.notify.isPeer(ap.Addr().Unmap()):
			p.notify.count(Stranger)
		case !p.notify.admit(conn.RemoteAddr()):
		case p.open.Add(1) > connections:
			p.open.Add(-1)
			p.notify.count(Dropped)
		default:
			return &peerConn{Conn: conn, closed: func() { p.open.Add(-1) }}, nil
		}
		_ = conn.Close()
	}
}

// peerConn counts itself out once.
type peerConn struct {
	net.Conn
	once   sync.Once
	closed func()
}

// Close implements net.Conn.
func (c *peerConn) Close() error {
	c.once.Do(c.closed)
	return c.Conn.Close()
}
