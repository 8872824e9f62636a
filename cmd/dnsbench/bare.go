//go:build linux

package main

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"

	"golang.org/x/net/ipv4"
)

// A bare responder only turns the packet round: what it costs is the limit of
// the machine for a server in Go with one reader.

func bareNames() []string { return []string{"bare-plain", "bare-xnet", "bare-direct"} }

// bareServer runs this program as the named responder.
func bareServer(name string) server {
	self, err := os.Executable()
	if err != nil {
		self = ""
	}
	return server{name: name, path: self, bare: true, prepare: func(p place) (map[string]string, []string) {
		return nil, []string{"-bare", name, "-at", p.addr.String()}
	}}
}

// respond is the whole program of a bare responder.
func respond(ctx context.Context, p plan) error {
	at, err := netip.ParseAddrPort(p.at)
	if err != nil || !at.Addr().IsLoopback() {
		return fmt.Errorf("-at wants a loopback address and a port, not %q", p.at)
	}
	if p.bare == "bare-direct" {
		return answerDirect(at)
	}
	conn, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(at))
	if err != nil {
		return fmt.Errorf("listening: %w", err)
	}
	context.AfterFunc(ctx, func() { _ = conn.Close() })
	switch p.bare {
	case "bare-plain":
		answerAll(conn)
	case "bare-xnet":
		answerBatches(ipv4.NewPacketConn(conn))
	default:
		return fmt.Errorf("-bare %q is none of %v", p.bare, bareNames())
	}
	return nil
}

// batch is how many packets one system call takes at most.
const batch = 32

// answerBatches answers with golang.org/x/net's batches until the socket is closed.
func answerBatches(conn *ipv4.PacketConn) {
	in, out := make([]ipv4.Message, batch), make([]ipv4.Message, 0, batch)
	for i := range in {
		in[i].Buffers = [][]byte{make([]byte, packetSize, 2*packetSize)}
	}
	for {
		n, err := conn.ReadBatch(in, 0)
		if err != nil {
			return
		}
		out = out[:0]
		for _, m := range in[:n] {
			if reply := turn(m.Buffers[0][:m.N]); reply != nil {
				out = append(out, ipv4.Message{Buffers: [][]byte{reply}, Addr: m.Addr})
			}
		}
		for sent := 0; sent < len(out); {
			k, err := conn.WriteBatch(out[sent:], 0)
			if err != nil || k == 0 {
				break
			}
			sent += k
		}
	}
}
