package listen

import (
	"errors"
	"net"
)

// addQUIC readies the bound socket of a listener. After an error it is as it was.
func (s *Server) addQUIC(udp net.PacketConn, listener int) error {
	return errors.New("quic is not served yet: write another protocol")
}
