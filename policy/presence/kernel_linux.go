package presence

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"unsafe"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"github.com/hearthdns/hearth/policy"
)

// netlinkKernel asks Linux over a netlink socket (RFC 3549, rtnetlink(7)).
type netlinkKernel struct {
	mu   sync.Mutex
	conn *netlink.Conn // for questions; nil: to be opened
}

func newKernel() kernel { return new(netlinkKernel) }

// room is how much the kernel may have to tell before it begins to lose it: some 2,000 changes.
const room = 1 << 20

// groups are what is subscribed to: neighbours, and routes, by which the networks of this machine change.
var groups = []uint32{unix.RTNLGRP_NEIGH, unix.RTNLGRP_IPV4_ROUTE, unix.RTNLGRP_IPV6_ROUTE}

func (k *netlinkKernel) subscribe() (feed, error) {
	conn, err := netlink.Dial(unix.NETLINK_ROUTE, nil)
	if err != nil {
		return nil, fmt.Errorf("opening a netlink socket: %w", err)
	}
	_ = conn.SetReadBuffer(room) // the system may allow less; an overflow is noticed
	for _, g := range groups {
		if err := conn.JoinGroup(g); err != nil {
			_ = conn.Close()
			return nil, fmt.Errorf("subscribing to neighbours: %w", err)
		}
	}
	f := &netlinkFeed{conn: conn, zones: zones{}}
	if f.raw, err = conn.SyscallConn(); err == nil {
		err = f.raw.Control(func(fd uintptr) { f.fd = fd })
	}
	if err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("opening a netlink socket: %w", err)
	}
	return f, nil
}

// netlinkFeed reads what the kernel tells.
type netlinkFeed struct {
	conn  *netlink.Conn
	raw   syscall.RawConn
	fd    uintptr
	busy  atomic.Bool // something was read that has not been taken over
	zones zones
}

func (f *netlinkFeed) close() { _ = f.conn.Close() }

// pending looks first for what has not been read, then for what has: next sets busy before it reads. After a close the
// number of the socket may be another's; whoever asks must see afterwards that there was none.
func (f *netlinkFeed) pending() bool { return readable(f.fd) || f.busy.Load() }

// readable says whether there is something to read from a descriptor, or an error. It never waits.
func readable(fd uintptr) bool {
	at := unix.PollFd{Fd: int32(fd), Events: unix.POLLIN} //nolint:gosec // a descriptor is an int in C
	var now unix.Timespec
	n, _, _ := unix.RawSyscall6(unix.SYS_PPOLL, uintptr(unsafe.Pointer(&at)), 1, uintptr(unsafe.Pointer(&now)), 0, 0, 0) //nolint:gosec // as poll(2) has it
	return n != 0
}

func (f *netlinkFeed) next() ([]change, error) {
	f.busy.Store(false)
	err := f.raw.Read(func(fd uintptr) bool {
		if !readable(fd) {
			return false
		}
		f.busy.Store(true)
		return true
	})
	if err != nil {
		return nil, fmt.Errorf("waiting for the kernel: %w", err)
	}
	told, err := f.conn.Receive()
	if errors.Is(err, unix.ENOBUFS) {
		return nil, errOverflow
	}
	if err != nil {
		return nil, fmt.Errorf("reading from the kernel: %w", err)
	}
	changes := make([]change, 0, len(told))
	for _, m := range told {
		if c, ok := f.read(m); ok {
			changes = append(changes, c)
		}
	}
	return changes, nil
}

// read reads what one message tells, false if that changes nothing.
func (f *netlinkFeed) read(m netlink.Message) (change, bool) {
	switch gone := m.Header.Type == unix.RTM_DELNEIGH; m.Header.Type { //nolint:exhaustive // of hundreds
	case unix.RTM_NEWNEIGH, unix.RTM_DELNEIGH:
		n, ok := f.zones.neighbour(m.Data)
		return change{machine: n.Machine, gone: gone || !n.valid}, ok && (gone || !n.pending) // what came of it will be told
	case unix.RTM_NEWROUTE, unix.RTM_DELROUTE:
		r, ok := parseRoute(m.Data)
		return change{ground: true}, ok && r.direct()
	}
	return change{}, false
}

// execute asks one question, over a new socket if the old one failed.
func (k *netlinkKernel) execute(kind netlink.HeaderType, flags netlink.HeaderFlags, body []byte) ([]netlink.Message, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.conn == nil {
		conn, err := netlink.Dial(unix.NETLINK_ROUTE, nil)
		if err != nil {
			return nil, fmt.Errorf("opening a netlink socket: %w", err)
		}
		k.conn = conn
	}
	reply, err := k.conn.Execute(netlink.Message{Header: netlink.Header{Type: kind, Flags: netlink.Request | flags}, Data: body})
	if err != nil && !errors.Is(err, unix.ENOENT) {
		_ = k.conn.Close()
		k.conn = nil
	}
	return reply, err
}

func (k *netlinkKernel) survey() (*ground, []Machine, error) {
	g, err := k.routes()
	if err != nil {
		return nil, nil, err
	}
	told, err := k.execute(unix.RTM_GETNEIGH, netlink.Dump, make([]byte, unix.SizeofNdMsg))
	if err != nil {
		return nil, nil, fmt.Errorf("reading the neighbour table: %w", err)
	}
	all, zones := make([]Machine, 0, len(told)), zones{}
	for _, m := range told {
		if n, ok := zones.neighbour(m.Data); ok && n.valid {
			all = append(all, n.Machine)
		}
	}
	return g, all, nil
}

// routes finds the networks that need no router, and this machine's own addresses.
func (k *netlinkKernel) routes() (*ground, error) {
	told, err := k.execute(unix.RTM_GETROUTE, netlink.Dump, make([]byte, unix.SizeofRtMsg))
	if err != nil {
		return nil, fmt.Errorf("reading the routes: %w", err)
	}
	faces, err := net.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("reading the interfaces: %w", err)
	}
	named := make(map[int]string, len(faces))
	for _, face := range faces {
		if len(face.HardwareAddr) == len(policy.MAC{}) && face.Flags&net.FlagLoopback == 0 {
			named[face.Index] = face.Name
		}
	}
	g := &ground{own: make(map[netip.Addr]bool)}
	for _, m := range told {
		r, ok := parseRoute(m.Data)
		switch name := named[r.link]; {
		case ok && r.kind == unix.RTN_LOCAL && r.network.IsSingleIP():
			g.own[r.network.Addr()] = true
		case ok && r.direct() && name != "" && len(g.links) < maxLinks:
			g.links = append(g.links, link{r.network, name, r.link})
		}
	}
	return g, nil
}

// maxLinks bounds the networks that a query of an unknown address is compared with.
const maxLinks = 256

func (k *netlinkKernel) ask(number int, a netip.Addr) (Machine, bool, error) {
	told, err := k.execute(unix.RTM_GETNEIGH, 0, encodeNeighbour(number, a))
	zones := zones{}
	for _, m := range told {
		if n, ok := zones.neighbour(m.Data); ok && n.valid {
			return n.Machine, true, nil
		}
	}
	if errors.Is(err, unix.ENOENT) {
		err = nil
	}
	return Machine{}, false, errors.Join(err, prod(number, a))
}

// prod has the kernel look for a neighbour, as it does for whatever is sent to it: an empty packet to the port that
// discards all (RFC 863), which no router passes on.
func prod(number int, a netip.Addr) error {
	d := net.Dialer{Control: func(_, _ string, c syscall.RawConn) error {
		var set error
		err := c.Control(func(fd uintptr) {
			if a.Is4() {
				set = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_TTL, 1)
			} else {
				set = unix.SetsockoptInt(int(fd), unix.IPPROTO_IPV6, unix.IPV6_UNICAST_HOPS, 1)
			}
		})
		return errors.Join(err, set)
	}}
	if a.IsLinkLocalUnicast() && a.Is6() {
		a = a.WithZone(strconv.Itoa(number))
	}
	conn, err := d.Dial("udp", netip.AddrPortFrom(a, 9).String())
	if err != nil {
		return err
	}
	defer conn.Close()
	_, err = conn.Write(nil)
	return err
}
