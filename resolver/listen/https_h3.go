package listen

import (
	"net"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
)

// oneWayStreams is how many streams of one direction an HTTP/3 client may have open: its
// control stream and the two of QPACK (RFC 9114 6.2), and some of kinds that are not known
// here.
const oneWayStreams = 8

// newHTTP3 readies a bound socket for DNS over HTTPS over HTTP/3.
func (s *Server) newHTTP3(socket net.PacketConn, https *httpsListener) *quicListener {
	l := s.newQUIC(socket, https.listener, http3.NextProtoH3, oneWayStreams)
	l.tally = https.tally
	l.parting = quic.ApplicationErrorCode(http3.ErrCodeNoError)
	server := &http3.Server{Handler: https, MaxHeaderBytes: int(s.cfg.Limits.HTTPS.Header)}
	l.speak = func(c *quicConn) {
		h, err := server.NewRawServerConn(c.conn)
		if err != nil {
			c.breakOff(err.Error())
			return
		}
		c.owed.Go(func() { c.oneWay(h) })
		c.each(func(stream *quic.Stream) {
			_ = stream.SetReadDeadline(time.Now().Add(s.cfg.Limits.QUIC.Stream))
			h.HandleRequestStream(stream)
		})
	}
	return l
}

// oneWay reads the streams of one direction.
func (c *quicConn) oneWay(h *http3.RawServerConn) {
	for {
		stream, err := c.conn.AcceptUniStream(c.listener.reading)
		if err != nil {
			return
		}
		go h.HandleUnidirectionalStream(stream)
	}
}
