package presence

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/hearthdns/hearth/policy"
)

const (
	// maxUnnamed machines wait to be asked for their names; more are not asked.
	maxUnnamed = 256
	// askPace is between two questions, so that a flood of forged neighbours asks for little.
	askPace = 100 * time.Millisecond
	// askPatience is how long an answer may take.
	askPatience = time.Second
	// questions is how often a machine is asked that gives no name: questions get lost, and a device that has just come
	// may not listen yet. Between two is a second, then double that (RFC 6762 section 5.2).
	questions = 3
	portMDNS  = 5353
)

// unnamed is a machine that is asked for its name.
type unnamed struct {
	addr netip.Addr
	mac  policy.MAC
}

// askNames asks each machine that gave the DHCP server no name, until ctx ends.
func (t *Table) askNames(ctx context.Context) {
	var asking sync.WaitGroup
	defer asking.Wait()
	for {
		select {
		case <-ctx.Done():
			return
		case u := <-t.unnamed:
			asking.Go(func() { t.askName(ctx, u) })
			pause(ctx, askPace)
		}
	}
}

// askName asks a machine for its name, again if it does not say.
func (t *Table) askName(ctx context.Context, u unnamed) {
	for n := range questions {
		if name := t.nameByAsking(ctx, u.addr); name != "" {
			t.hear(u.mac, name)
			return
		}
		if pause(ctx, time.Second<<n); ctx.Err() != nil || t.nameOf(u.addr, u.mac) != "" {
			return
		}
	}
}

// nameByAsking gives the name of an address: by multicast DNS from the machine itself, to which the question goes
// alone (RFC 6762 section 5.5), else from the router. "" if nobody has one.
func (t *Table) nameByAsking(ctx context.Context, a netip.Addr) string {
	var servers []netip.AddrPort
	if t.mdns {
		servers = append(servers, netip.AddrPortFrom(a, portMDNS))
	}
	if a.Zone() == "" {
		servers = append(servers, t.reverse...)
	}
	for _, server := range servers {
		name, err := askPTR(ctx, server, reverseName(a))
		if err != nil {
			t.log.Debug("asking for a name", "error", err)
		}
		if name = policy.HostLabel(name); name != "" {
			return name
		}
	}
	return ""
}

// hear remembers a name of a machine, as long as it has an address.
func (t *Table) hear(m policy.MAC, name string) {
	t.hearing.Lock()
	defer t.hearing.Unlock()
	heard := map[policy.MAC]string{m: name}
	if old := t.heard.Load(); old != nil {
		for _, other := range t.List() {
			if name := (*old)[other.MAC]; name != "" && other.MAC != m {
				heard[other.MAC] = name
			}
		}
	}
	t.heard.Store(&heard)
	t.rename()
}

// askPTR asks a server for the name of an address. What does not answer this very question counts as no answer.
func askPTR(ctx context.Context, server netip.AddrPort, name string) (string, error) {
	query, err := questionFor(name)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, askPatience)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "udp", server.String())
	if err != nil {
		return "", fmt.Errorf("asking for a name: %w", err)
	}
	defer conn.Close()
	until, _ := ctx.Deadline()
	if err := errors.Join(conn.SetDeadline(until), send(conn, query)); err != nil {
		return "", err
	}
	b := make([]byte, 1500)
	n, err := conn.Read(b)
	if err != nil {
		return "", fmt.Errorf("asking for a name: %w", err)
	}
	return readPTR(b[:n], query)
}

func send(conn net.Conn, b []byte) error {
	_, err := conn.Write(b)
	return err
}

func questionFor(name string) ([]byte, error) {
	var id [2]byte
	_, _ = rand.Read(id[:]) // never fails
	n, err := dnsmessage.NewName(name)
	if err != nil {
		return nil, fmt.Errorf("asking for the name %s: %w", name, err)
	}
	m := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: binary.BigEndian.Uint16(id[:]), RecursionDesired: true},
		Questions: []dnsmessage.Question{{Name: n, Type: dnsmessage.TypePTR, Class: dnsmessage.ClassINET}},
	}
	return m.Pack()
}

// readPTR takes the name out of a reply to a query, "" if there is none.
func readPTR(reply, query []byte) (string, error) {
	var p dnsmessage.Parser
	h, err := p.Start(reply)
	if err != nil || !h.Response || h.ID != binary.BigEndian.Uint16(query) {
		return "", errors.Join(err, errors.New("asking for a name: the reply is to another question"))
	}
	if err := p.SkipAllQuestions(); err != nil {
		return "", fmt.Errorf("reading a name: %w", err)
	}
	for {
		r, err := p.AnswerHeader()
		switch {
		case errors.Is(err, dnsmessage.ErrSectionDone):
			return "", nil
		case err != nil:
			return "", fmt.Errorf("reading a name: %w", err)
		case r.Type != dnsmessage.TypePTR:
			err = p.SkipAnswer()
		default:
			ptr, err := p.PTRResource()
			return ptr.PTR.String(), err
		}
		if err != nil {
			return "", fmt.Errorf("reading a name: %w", err)
		}
	}
}

// reverseName is the name of an address in the reverse tree (RFC 1035 section 3.5, RFC 3596 section 2.5).
func reverseName(a netip.Addr) string {
	const digits = "0123456789abcdef"
	var name strings.Builder
	octets := a.AsSlice()
	for i := len(octets) - 1; i >= 0; i-- {
		if b := octets[i]; a.Is4() {
			fmt.Fprintf(&name, "%d.", b)
		} else {
			name.Write([]byte{digits[b&15], '.', digits[b>>4], '.'})
		}
	}
	if a.Is4() {
		return name.String() + "in-addr.arpa."
	}
	return name.String() + "ip6.arpa."
}
