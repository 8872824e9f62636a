package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"
)

// tally is what came back of a load.
type tally struct {
	right, wrong, lost int
	took               time.Duration
}

// load sends w.queries queries to addr from one socket, p.window in flight, and
// checks every answer. A query unanswered for two seconds is lost.
func load(ctx context.Context, addr netip.AddrPort, w workload, n, window int) (tally, error) {
	conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(addr))
	if err != nil {
		return tally{}, fmt.Errorf("reaching the server: %w", err)
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetReadBuffer(4 << 20)
	var t tally
	start := time.Now()
	out, in := make([]byte, 0, 512), make([]byte, 4096)
	sent, answered := 0, 0
	for answered+t.lost < n && ctx.Err() == nil {
		for sent < n && sent-answered-t.lost < window {
			out = appendQuery(out[:0], uint16(sent), w.ask(sent)) //nolint:gosec // an ID of 16 bits is what DNS has
			if _, err := conn.Write(out); err != nil {
				return t, fmt.Errorf("sending: %w", err)
			}
			sent++
		}
		_ = conn.SetReadDeadline(time.Now().Add(2 * time.Second))
		k, err := conn.Read(in)
		if errors.Is(err, context.DeadlineExceeded) || isTimeout(err) {
			t.lost += sent - answered - t.lost
			continue
		}
		if err != nil {
			return t, fmt.Errorf("receiving: %w", err)
		}
		answered++
		if says(in[:k], w.address) {
			t.right++
		} else {
			t.wrong++
		}
	}
	t.took = time.Since(start)
	return t, ctx.Err()
}

func isTimeout(err error) bool {
	var ne net.Error
	return errors.As(err, &ne) && ne.Timeout()
}

// appendQuery appends an A query with EDNS and DO clear.
func appendQuery(b []byte, id uint16, name string) []byte {
	b = binary.BigEndian.AppendUint16(b, id)
	b = append(b, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1)
	for label := range strings.SplitSeq(name, ".") {
		b = append(append(b, byte(len(label))), label...)
	}
	b = append(b, 0, 0, 1, 0, 1)
	return append(b, 0, 0, 41, 0x04, 0xd0, 0, 0, 0, 0, 0, 0)
}

// says reports whether the reply's first answer is an A record with address a.
func says(reply []byte, a [4]byte) bool {
	if len(reply) < 12 || reply[3]&15 != 0 || reply[6] == 0 && reply[7] == 0 {
		return false
	}
	off := 12
	for off < len(reply) && reply[off] != 0 {
		off += int(reply[off]) + 1
	}
	off += 5
	for off < len(reply) && reply[off] != 0 { // the owner: a pointer or labels
		if reply[off]&0xc0 == 0xc0 {
			off++
			break
		}
		off += int(reply[off]) + 1
	}
	off++
	return off+14 <= len(reply) && [4]byte(reply[off+10:off+14]) == a
}
