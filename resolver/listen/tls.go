package listen

import (
	"errors"
	"net"
)

// addTLS readies a bound socket for DNS over TLS.
func (s *Server) addTLS(socket net.Listener, listener int) error {
	return errors.New("tls is not served yet: write another protocol")
}
