package listen

import (
	"errors"
	"fmt"
	"net"
)

// serve reads packets until the socket ends; the error says why, nil at a shutdown.
func (u *udpSocket) serve() error {
	s := u.server
	r := s.take()
	var pause backoff
	for {
		packet, err := u.receive(r)
		if err != nil {
			if s.draining.Load() {
				return nil
			}
			if errors.Is(err, net.ErrClosed) {
				return fmt.Errorf("reading queries at %s: %w", u.local, err)
			}
			pause.wait() // errors here are of single packets, or of a system out of memory
			continue
		}
		pause.reset()
		if r.peer.Port() == 0 {
			continue // nobody can be there: a forged packet
		}
		u.identify(r)
		switch s.first(u.tally, r, packet) {
		case ready:
			u.reply(r)
		case handed:
			r = s.take()
		case shed, hostile:
		}
	}
}

// receive reads one packet into r's buffer.
func (u *udpSocket) receive(r *Request) ([]byte, error) {
	buf := r.room(bufferSize)
	var control []byte
	if u.wildcard {
		control = r.control[:]
	}
	n, c, _, peer, err := u.conn.ReadMsgUDPAddrPort(buf, control)
	if err != nil {
		return nil, err
	}
	r.peer, r.controlLen = peer, c
	return buf[:n], nil
}

// send writes r.Reply to the client from the address that it asked. An error is the
// network's; the client asks again.
func (u *udpSocket) send(r *Request) {
	_, _, _ = u.conn.WriteMsgUDPAddrPort(r.Reply, sourceControl(r.control[:r.controlLen]), r.peer)
}
