package listen

import (
	"bufio"
	"errors"
	"net"
)

// socket is the TCP socket of a connection, beneath TLS. It bounds the reads of a query:
// a client that sends octet by octet costs a system call each.
type socket struct {
	net.Conn
	ahead *bufio.Reader // holds what came with a PROXY header; nil: there was none
	reads int           // since the last query
	most  int
}

var errTooManyReads = errors.New("a query came in too many parts")

// Read implements io.Reader.
func (s *socket) Read(b []byte) (int, error) {
	if s.ahead != nil && s.ahead.Buffered() > 0 {
		return s.ahead.Read(b)
	}
	return s.receive(b)
}

// receive reads off the network.
func (s *socket) receive(b []byte) (int, error) {
	if s.reads >= s.most {
		return 0, errTooManyReads
	}
	n, err := s.Conn.Read(b)
	if n > 0 {
		s.reads++
	}
	return n, err
}

// closeWrite tells the client that nothing more comes.
func (s *socket) closeWrite() error {
	if half, ok := s.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// readFunc is a function as an io.Reader.
type readFunc func([]byte) (int, error)

func (f readFunc) Read(b []byte) (int, error) { return f(b) }
