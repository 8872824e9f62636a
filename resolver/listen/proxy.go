package listen

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/pires/go-proxyproto"
)

// proxies are the networks of clients that speak for others.
type proxies []netip.Prefix

func (p proxies) include(a netip.Addr) bool {
	a = a.WithZone("")
	return slices.ContainsFunc(p, func(n netip.Prefix) bool { return n.Contains(a) })
}

// maxProxyHeader bounds a PROXY header with all that it carries, in octets. The longest
// addresses of ours take 52; the rest is room for what proxies add.
const maxProxyHeader = 512

// proxyFixed is the part of a PROXY header that tells its length, in octets: signature,
// command, family and length.
const proxyFixed = 16

var (
	errProxyVersion = errors.New("a PROXY header of version 1: let the proxy send version 2")
	errProxyLength  = errors.New("a PROXY header over 512 octets")
	errProxyAddress = errors.New("a PROXY header without an IP address")
)

// takeProxyHeader reads the PROXY header (version 2) that r begins with and returns the
// client that it names. That is not valid if the proxy speaks for itself: in a header of
// the LOCAL command, or without one. r buffers maxProxyHeader octets at least.
func takeProxyHeader(r *bufio.Reader) (client netip.AddrPort, err error) {
	head, err := r.Peek(len(proxyproto.SIGV2))
	switch {
	case err != nil:
		return client, fmt.Errorf("reading a PROXY header: %w", err)
	case bytes.HasPrefix(head, proxyproto.SIGV1):
		return client, errProxyVersion
	case !bytes.Equal(head, proxyproto.SIGV2):
		return client, nil
	}
	if head, err = r.Peek(proxyFixed); err != nil {
		return client, fmt.Errorf("reading a PROXY header: %w", err)
	}
	if proxyFixed+int(binary.BigEndian.Uint16(head[proxyFixed-2:])) > maxProxyHeader {
		return client, errProxyLength
	}
	h, err := proxyproto.Read(r)
	if err != nil {
		return client, fmt.Errorf("reading a PROXY header: %w", err)
	}
	if h.Command.IsLocal() {
		return client, nil
	}
	client, ok := addrPortOf(h.SourceAddr)
	if !ok || !client.IsValid() {
		return netip.AddrPort{}, errProxyAddress
	}
	return client, nil
}

// introduce learns from the header of a packet, if it is of a proxy and has one, for whom
// the proxy speaks. It returns what stands behind the header; false: the packet is to be
// dropped.
func (u *udpSocket) introduce(r *Request, packet []byte) ([]byte, bool) {
	if !u.proxies.include(r.Client.Addr.Addr()) || !bytes.HasPrefix(packet, proxyproto.SIGV2) {
		return packet, true
	}
	unread := bytes.NewReader(packet)
	ahead := bufio.NewReaderSize(unread, maxProxyHeader)
	client, err := takeProxyHeader(ahead)
	if err != nil {
		u.tally.shed[badProxyHeader].Add(1)
		return nil, false
	}
	if client.IsValid() {
		r.Client.Addr = client
	}
	return packet[len(packet)-unread.Len()-ahead.Buffered():], true
}
