package main

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"

	"github.com/coreos/go-systemd/v22/activation"
)

// handed are the sockets that systemd opened for us, by address: they may
// have ports that this user cannot open.
type handed struct {
	streams map[netip.AddrPort]net.Listener
	packets map[netip.AddrPort]net.PacketConn
}

// takeSockets takes the sockets of a socket unit; without one there are none.
func takeSockets() (handed, error) {
	h := handed{streams: make(map[netip.AddrPort]net.Listener), packets: make(map[netip.AddrPort]net.PacketConn)}
	for _, f := range activation.Files(true) {
		if err := h.take(f); err != nil {
			return h, fmt.Errorf("taking socket %s from systemd: %w; use ListenStream= and ListenDatagram= with an address and port in the socket unit", f.Name(), err)
		}
	}
	return h, nil
}

// take sorts one socket by kind. The duplicate that net makes is kept, the
// file closed.
func (h handed) take(f *os.File) error {
	defer f.Close()
	if l, err := net.FileListener(f); err == nil {
		at, err := netip.ParseAddrPort(l.Addr().String())
		if err != nil {
			return err
		}
		h.streams[at] = l
		return nil
	}
	p, err := net.FilePacketConn(f)
	if err != nil {
		return err
	}
	at, err := netip.ParseAddrPort(p.LocalAddr().String())
	if err != nil {
		return err
	}
	h.packets[at] = p
	return nil
}

// listen gives the handed socket of an address, or opens one. :: means IPv6
// alone, so that 0.0.0.0 can stand beside it.
func (h handed) listen(ctx context.Context, what string, at netip.AddrPort) (net.Listener, error) {
	if l, ok := h.streams[at]; ok {
		return l, nil
	}
	network := "tcp6"
	if at.Addr().Is4() {
		network = "tcp4"
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, network, at.String())
	if err != nil {
		return nil, opening(what, at, err)
	}
	return l, nil
}
