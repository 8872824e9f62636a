package listen

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// sharePort lets several sockets of ours have one address; the kernel spreads the
// clients over them.
func sharePort(_, _ string, raw syscall.RawConn) error {
	var set error
	err := raw.Control(func(fd uintptr) {
		set = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
	})
	if err != nil {
		return err
	}
	return set
}
