package listen

import (
	"errors"
	"net"
)

// addHTTPS readies the bound sockets of a listener: tcp for HTTP/1.1 and 2, udp for HTTP/3.
// After an error both are as they were.
func (s *Server) addHTTPS(tcp net.Listener, udp net.PacketConn, listener int) error {
	return errors.New("https is not served yet: write another protocol")
}
