package listen

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// batchSize is how many packets one system call moves at most. Between 8 and 64 the
// CPU time a query does not differ; each slot is 8 KiB.
const batchSize = 16

// batch holds the packets of one turn of a UDP socket: requests with everything that
// the kernel is pointed at, armed once and again only where it changed.
type batch struct {
	socket *udpSocket
	file   *os.File // the socket
	bell   *os.File // an eventfd that wakes the reader
	calls  calls

	slots   []*Request
	in      []unix.Mmsghdr
	inData  []unix.Iovec
	out     []unix.Mmsghdr
	outData []unix.Iovec
	staged  int // replies in out
	zones   map[uint32]string
	missed  []int // slots whose queries are to be resolved
}

// calls are the two system calls; they return how many messages they moved.
type calls struct {
	receive, send func(fd uintptr, msgs []unix.Mmsghdr) (int, syscall.Errno)
}

// newBatch takes conn over; after an error conn is as it was.
func newBatch(u *udpSocket, conn *net.UDPConn, c calls) (*batch, error) {
	bell, err := unix.Eventfd(0, unix.EFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("eventfd: %w", err)
	}
	b := &batch{
		socket:  u,
		bell:    os.NewFile(uintptr(bell), "bell"),
		calls:   c,
		slots:   make([]*Request, batchSize),
		in:      make([]unix.Mmsghdr, batchSize),
		inData:  make([]unix.Iovec, batchSize),
		out:     make([]unix.Mmsghdr, batchSize),
		outData: make([]unix.Iovec, batchSize),
		zones:   make(map[uint32]string),
		missed:  make([]int, 0, batchSize),
	}
	if b.file, err = detach(conn, c); err != nil {
		_ = b.bell.Close()
		return nil, err
	}
	for i := range b.slots {
		b.in[i].Hdr.Iov = &b.inData[i]
		b.in[i].Hdr.SetIovlen(1)
		b.out[i].Hdr.Iov = &b.outData[i]
		b.out[i].Hdr.SetIovlen(1)
		b.fill(i, u.server.take())
	}
	return b, nil
}

// fill puts a free request in a slot.
func (b *batch) fill(i int, r *Request) {
	b.slots[i] = r
	b.in[i].Hdr.Name = &r.sockaddr[0]
	b.inData[i].Base = &r.in[0]
	b.inData[i].SetLen(bufferSize)
	if b.socket.wildcard {
		b.in[i].Hdr.Control = &r.control[0]
	}
	b.arm(i)
}

// arm readies a slot for the next packet.
func (b *batch) arm(i int) {
	h := &b.in[i].Hdr
	h.Namelen = uint32(len(b.slots[i].sockaddr))
	if h.Control != nil {
		h.SetControllen(len(b.slots[i].control))
	}
}

// answer handles the first n slots: first what is in memory, then the rest, so that no
// reply waits for a query that goes upstream.
func (b *batch) answer(fd uintptr, n int) {
	for i := range n {
		b.first(i)
	}
	b.flush(fd)
	for _, i := range b.missed {
		if b.socket.server.hand(b.socket.tally, b.slots[i]) {
			b.fill(i, b.socket.server.take())
		}
	}
	b.missed = b.missed[:0]
}

func (b *batch) first(i int) {
	u, r, m := b.socket, b.slots[i], &b.in[i]
	r.peer, r.controlLen = b.peer(r.sockaddr[:]), int(m.Hdr.Controllen)
	b.arm(i)
	query, ok := u.identify(r, r.in[:m.Len])
	if !ok {
		return
	}
	switch u.server.first(u.tally, r, query) {
	case ready:
		b.stage(i)
	case missed:
		b.missed = append(b.missed, i)
	case hostile:
	}
}

// stage puts the reply of a slot among those that flush sends, unless it is empty.
func (b *batch) stage(i int) {
	r := b.slots[i]
	if !b.socket.fit(r) {
		return
	}
	k := b.staged
	b.staged++
	b.outData[k].Base = &r.Reply[0]
	b.outData[k].SetLen(len(r.Reply))
	h := &b.out[k].Hdr
	h.Name, h.Namelen = &r.sockaddr[0], uint32(len(r.sockaddr))
	if !b.socket.wildcard {
		return
	}
	control := sourceControl(r.control[:r.controlLen])
	h.Control = first(control)
	h.SetControllen(len(control))
}

// flush sends the staged replies. One that the kernel stops at is left out: the error
// is the network's, and the client asks again.
func (b *batch) flush(fd uintptr) {
	for k := 0; k < b.staged; {
		n, errno := b.calls.send(fd, b.out[k:b.staged])
		switch errno {
		case 0:
			k += n
		case unix.EINTR:
		default:
			b.socket.tally.shed[unsent].Add(1)
			k++
		}
	}
	b.staged = 0
}

// send is for what was resolved, on any goroutine.
func (b *batch) send(r *Request) error {
	var failed error
	raw, err := b.file.SyscallConn()
	if err == nil {
		err = raw.Control(func(fd uintptr) { failed = b.sendOne(fd, r) })
	}
	return errors.Join(err, failed)
}

func (b *batch) sendOne(fd uintptr, r *Request) error {
	data := unix.Iovec{Base: &r.Reply[0]}
	data.SetLen(len(r.Reply))
	m := [1]unix.Mmsghdr{{Hdr: unix.Msghdr{Name: &r.sockaddr[0], Namelen: uint32(len(r.sockaddr)), Iov: &data}}}
	m[0].Hdr.SetIovlen(1)
	if control := sourceControl(r.control[:r.controlLen]); control != nil {
		m[0].Hdr.Control = first(control)
		m[0].Hdr.SetControllen(len(control))
	}
	for {
		switch _, errno := sendmmsg(fd, m[:]); errno { // not b.calls: m would go to the heap
		case 0:
			return nil
		case unix.EINTR:
		default:
			return errno
		}
	}
}

// peer reads a sockaddr_in (family, port, address) or a sockaddr_in6 (family, port,
// flow, address, scope); ports are in network order.
func (b *batch) peer(sa []byte) netip.AddrPort {
	port := binary.BigEndian.Uint16(sa[2:])
	switch binary.NativeEndian.Uint16(sa) {
	case unix.AF_INET:
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(sa[4:8])), port)
	case unix.AF_INET6:
		a := netip.AddrFrom16([16]byte(sa[8:24]))
		if scope := binary.NativeEndian.Uint32(sa[24:]); scope != 0 {
			a = a.WithZone(b.zone(scope))
		}
		return netip.AddrPortFrom(a, port)
	}
	return netip.AddrPort{}
}

// zone names the interface of a link-local address, as package net does.
func (b *batch) zone(index uint32) string {
	name, ok := b.zones[index]
	if !ok {
		name = strconv.FormatUint(uint64(index), 10)
		if i, err := net.InterfaceByIndex(int(index)); err == nil {
			name = i.Name
		}
		b.zones[index] = name
	}
	return name
}

// first points at the first octet, if there is one.
func first(b []byte) *byte {
	if len(b) == 0 {
		return nil
	}
	return &b[0]
}

// mmsg moves messages without waiting. The kernel reads and writes only what they
// point at, all of which the caller keeps alive.
func mmsg(call, fd uintptr, msgs []unix.Mmsghdr) (int, syscall.Errno) {
	//nolint:gosec // the one unsafe call: x/sys has no wrapper for it
	n, _, errno := syscall.Syscall6(call, fd, uintptr(unsafe.Pointer(unsafe.SliceData(msgs))), uintptr(len(msgs)), unix.MSG_DONTWAIT, 0, 0)
	return int(n), errno
}
