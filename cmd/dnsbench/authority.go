//go:build linux

package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
)

// What the upstream says of every name.
const (
	typeA     = 1
	typeAAAA  = 28
	typeHTTPS = 65
)

func upstreamA() [4]byte     { return [4]byte{192, 0, 2, 1} }
func upstreamAAAA() [16]byte { return netip.MustParseAddr("2001:db8::1").As16() }
func landing() [4]byte       { return [4]byte{127, 0, 0, 1} }

// startAuthority serves a responder on loopback that answers every question for
// an address or for HTTPS with one record and a TTL of an hour, and everything
// else with nothing. It turns the packet round by hand so that it costs little
// beside what is measured.
func startAuthority(ctx context.Context) (netip.AddrPort, error) {
	conn, streams, err := listenFree() // dnsdist forwards over what it was asked over
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("starting the upstream: %w", err)
	}
	_ = conn.SetReadBuffer(4 << 20)
	context.AfterFunc(ctx, func() { _ = errors.Join(conn.Close(), streams.Close()) })
	go answerAll(conn)
	go accept(streams)
	return addressOf(conn), nil
}

// accept serves connections until l is closed.
func accept(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go answerStream(c)
	}
}

// answerStream answers one query after the other until the client closes.
func answerStream(c net.Conn) {
	defer c.Close()
	in, buf := bufio.NewReader(c), make([]byte, 4096)
	for {
		if _, err := io.ReadFull(in, buf[:2]); err != nil {
			return
		}
		size := int(binary.BigEndian.Uint16(buf))
		if size > packetSize {
			return
		}
		if _, err := io.ReadFull(in, buf[2:2+size]); err != nil {
			return
		}
		reply := turn(buf[2 : 2+size])
		binary.BigEndian.PutUint16(buf, uint16(len(reply)))
		if _, err := c.Write(buf[:2+len(reply)]); err != nil || reply == nil {
			return
		}
	}
}

// answerAll answers one packet at a time until conn is closed.
func answerAll(conn *net.UDPConn) {
	buf := make([]byte, 4096)
	for {
		n, from, err := conn.ReadFromUDPAddrPort(buf[:packetSize])
		if err != nil {
			return
		}
		if reply := turn(buf[:n]); reply != nil {
			_, _ = conn.WriteToUDPAddrPort(reply, from)
		}
	}
}

// packetSize is what a query may take; its buffer has as much again for the answer.
const packetSize = 512

// turn makes the query p its own reply, nil where it is none. p's memory has
// room for an answer.
func turn(p []byte) []byte {
	end := questionEnd(p)
	if end == 0 {
		return nil
	}
	edns := p[11] != 0
	reply := p[:end]
	kind := binary.BigEndian.Uint16(reply[end-4:])
	reply[2] |= 0x84 // QR, AA
	reply[3] = 0x80  // RA
	copy(reply[6:12], []byte{0, 0, 0, 0, 0, 0})
	if data := record(kind); data != nil {
		reply[7] = 1
		reply = append(reply, 0xc0, 12, byte(kind>>8), byte(kind), 0, 1, 0, 0, 0x0e, 0x10, 0, byte(len(data)))
		reply = append(reply, data...)
	}
	if edns {
		reply[11] = 1
		reply = append(reply, 0, 0, 41, 0x04, 0xd0, 0, 0, 0, 0, 0, 0)
	}
	return reply
}

// record returns the data of the upstream's record of a type, nil if it has none.
func record(kind uint16) []byte {
	switch kind {
	case typeA:
		a := upstreamA()
		return a[:]
	case typeAAAA:
		a := upstreamAAAA()
		return a[:]
	case typeHTTPS:
		return []byte{0, 1, 0, 0, 1, 0, 3, 2, 'h', '2'} // priority 1, target ".", alpn=h2 (RFC 9460)
	}
	return nil
}
