//go:build linux

package main

import (
	"fmt"
	"net/netip"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// message is the kernel's struct mmsghdr (recvmmsg(2)).
type message struct {
	header unix.Msghdr
	size   uint32
	_      [unsafe.Sizeof(uintptr(0)) - 4]byte
}

// direct is the memory of one batch. It is never moved nor freed while the
// responder runs: the kernel holds addresses in it.
type direct struct {
	in, out [batch]message
	vectors [2 * batch]unix.Iovec
	names   [batch]unix.RawSockaddrInet4
	packets [batch][2 * packetSize]byte
}

// answerDirect answers with recvmmsg and sendmmsg themselves, on a blocking
// socket in a thread of its own. It ends with the process.
func answerDirect(at netip.AddrPort) error {
	runtime.LockOSThread()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("making a socket: %w", err)
	}
	if err := unix.Bind(fd, &unix.SockaddrInet4{Port: int(at.Port()), Addr: at.Addr().As4()}); err != nil {
		return fmt.Errorf("listening: %w", err)
	}
	d := &direct{}
	for i := range d.in {
		d.aim(&d.in[i], i, i, packetSize)
	}
	for {
		n, err := call(unix.SYS_RECVMMSG, fd, &d.in[0], batch, unix.MSG_WAITFORONE)
		if err != nil {
			return fmt.Errorf("receiving: %w", err)
		}
		for sent, replies := 0, d.turnAll(n); sent < replies; {
			k, err := call(unix.SYS_SENDMMSG, fd, &d.out[sent], replies-sent, 0)
			if err != nil {
				break
			}
			sent += k
		}
	}
}

// aim makes m say where packet i and its client's address lie.
func (d *direct) aim(m *message, vector, i, size int) {
	v := &d.vectors[vector]
	v.Base = &d.packets[i][0]
	v.SetLen(size)
	m.header.Iov = v
	m.header.SetIovlen(1)
	m.header.Name = (*byte)(unsafe.Pointer(&d.names[i])) //nolint:gosec // the kernel takes addresses
	m.header.Namelen = unix.SizeofSockaddrInet4
}

// turnAll turns the n packets that came and returns how many replies stand in out.
func (d *direct) turnAll(n int) int {
	replies := 0
	for i := range n {
		reply := turn(d.packets[i][:d.in[i].size])
		d.in[i].header.Namelen = unix.SizeofSockaddrInet4
		if reply == nil {
			continue
		}
		d.aim(&d.out[replies], batch+replies, i, len(reply))
		replies++
	}
	return replies
}

func call(number uintptr, fd int, first *message, n, how int) (int, error) {
	for {
		got, _, errno := unix.Syscall6(number, uintptr(fd), uintptr(unsafe.Pointer(first)), uintptr(n), uintptr(how), 0, 0) //nolint:gosec // the kernel takes addresses
		if errno == unix.EINTR {
			continue
		}
		if errno != 0 {
			return 0, errno
		}
		return int(got), nil
	}
}
