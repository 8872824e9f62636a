package listen

import (
	"errors"
	"fmt"
	"net"
)

// singly moves packets one a system call, which every system can.
type singly struct {
	socket *udpSocket
	conn   *net.UDPConn
}

func (m *singly) serve() error {
	u, s := m.socket, m.socket.server
	r := s.take()
	var pause backoff
	for {
		packet, err := m.receive(r)
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
		query, ok := u.identify(r, packet)
		if !ok {
			continue
		}
		switch s.first(u.tally, r, query) {
		case ready:
			u.reply(r)
		case missed:
			if s.hand(u.tally, r) {
				r = s.take()
			}
		case hostile:
		}
	}
}

// receive reads one packet into r's buffer.
func (m *singly) receive(r *Request) ([]byte, error) {
	buf := r.room(bufferSize)
	var control []byte
	if m.socket.wildcard {
		control = r.control[:]
	}
	n, c, _, peer, err := m.conn.ReadMsgUDPAddrPort(buf, control)
	if err != nil {
		return nil, err
	}
	r.peer, r.controlLen = peer, c
	return buf[:n], nil
}

func (m *singly) send(r *Request) error {
	_, _, err := m.conn.WriteMsgUDPAddrPort(r.Reply, sourceControl(r.control[:r.controlLen]), r.peer)
	return err
}

// stop wakes the read; a reader that is not in one sees the deadline at its next.
func (m *singly) stop() { _ = m.conn.SetReadDeadline(past) }
