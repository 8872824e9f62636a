//go:build !linux

package listen

import (
	"errors"
	"syscall"
)

// sharePort refuses: elsewhere the system gives all packets to one of the sockets.
func sharePort(string, string, syscall.RawConn) error {
	return errors.New("more than one UDP socket an address works on Linux only: leave sockets at 1")
}
