package transfer

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"
)

// Peer is who may send NOTIFY for a zone.
type Peer struct {
	Primaries []netip.Addr
	Key       *Key // must sign; nil: the address alone counts
}

// Outcome is what became of a message to a Listener.
type Outcome uint8

// The outcomes, in the order of Outcomes.
const (
	Accepted     Outcome = iota // NOERROR: the zone will be asked for
	OtherZone                   // NOTAUTH: no such zone here
	Stranger                    // REFUSED: not from a primary of the zone, or not signed
	BadSignature                // NOTAUTH with the error of the TSIG record
	Malformed                   // FORMERR or NOTIMP: no NOTIFY
	Dropped                     // no answer: too many at once
	outcomes
)

// String is the outcome's label in metrics.
func (o Outcome) String() string {
	return [...]string{"accepted", "other_zone", "stranger", "bad_signature", "malformed", "dropped"}[o]
}

// Outcomes lists all of them.
func Outcomes() []Outcome {
	return []Outcome{Accepted, OtherZone, Stranger, BadSignature, Malformed, Dropped}
}

const (
	// Messages in a second that are looked at: primaries send one a change; strangers get an answer only so that a
	// mistake in a configuration is seen.
	peerRate     = 200
	strangerRate = 20

	notifySize  = 4096 // bytes of the largest NOTIFY: two names, an SOA and a TSIG record need less
	connections = 16   // TCP, of primaries
)

// Listener answers NOTIFY (RFC 1996) by UDP and TCP.
type Listener struct {
	peers  map[string]Peer // by canonical name of the zone
	keys   keyring
	heard  func(zone string)
	counts [outcomes]atomic.Uint64
	rates  [2]rate // of strangers and of peers
}

// NewListener returns a listener for the zones. It calls heard with the canonical name of a zone of which a primary
// says that it has changed; heard must not block. Two keys of one name must be the same.
func NewListener(zones map[string]Peer, heard func(zone string)) (*Listener, error) {
	l := &Listener{peers: make(map[string]Peer), keys: make(keyring), heard: heard}
	for zone, p := range zones {
		l.peers[dns.CanonicalName(zone)] = p
		if p.Key == nil {
			continue
		}
		if other, ok := l.keys[p.Key.name]; ok && !other.equal(p.Key) {
			return nil, fmt.Errorf("two different keys are named %s: give each a name of its own", p.Key.name)
		}
		l.keys[p.Key.name] = p.Key
	}
	return l, nil
}

// Count is how many messages had the outcome.
func (l *Listener) Count(o Outcome) uint64 { return l.counts[o].Load() }

// Serve listens on the addresses ("192.0.2.1:5353", ":5353") by UDP and TCP until ctx ends, and then returns nil. The
// error says which address cannot be listened on.
func (l *Listener) Serve(ctx context.Context, addresses []string) error {
	var servers []*dns.Server
	stop := func() {
		for _, s := range servers {
			if s.PacketConn != nil {
				_ = s.PacketConn.Close()
			} else {
				_ = s.Listener.Close()
			}
		}
	}
	for _, address := range addresses {
		packets, err := net.ListenPacket("udp", address)
		if err != nil {
			stop()
			return fmt.Errorf("listening for NOTIFY: %w", err)
		}
		servers = append(servers, l.server(&dns.Server{PacketConn: packets}))
		streams, err := net.Listen("tcp", packets.LocalAddr().String())
		if err != nil {
			stop()
			return fmt.Errorf("listening for NOTIFY: %w", err)
		}
		servers = append(servers, l.server(&dns.Server{Listener: &peerListener{Listener: streams, notify: l}}))
	}
	var running sync.WaitGroup
	ended := make(chan error, len(servers))
	for _, s := range servers {
		running.Go(func() { ended <- s.ActivateAndServe() })
	}
	var err error
	select {
	case <-ctx.Done():
	case err = <-ended:
	}
	for _, s := range servers {
		_ = s.Shutdown() // one that has not begun yet ends with its socket
	}
	stop()
	running.Wait()
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// server fills in what all of them have.
func (l *Listener) server(s *dns.Server) *dns.Server {
	s.Handler = dns.HandlerFunc(l.answer)
	s.TsigProvider = l.keys
	s.UDPSize = notifySize
	s.MaxTCPQueries = 16
	s.ReadTimeout, s.WriteTimeout = 2*time.Second, 2*time.Second
	if s.PacketConn != nil {
		s.ReadTimeout = time.Hour // of no connection: only how often an idle socket wakes
	}
	s.IdleTimeout = func() time.Duration { return 2 * time.Second }
	s.MsgAcceptFunc = l.accept
	s.MsgInvalidFunc = func([]byte, error) { l.count(Malformed) }
	s.DecorateReader = func(r dns.Reader) dns.Reader { return &limited{Reader: r, notify: l} }
	return s
}

func (l *Listener) count(o Outcome) { l.counts[o].Add(1) }

// accept turns away what is no NOTIFY by its header.
func (l *Listener) accept(h dns.Header) dns.MsgAcceptAction {
	const response, opcode = 1 << 15, 11
	switch {
	case h.Bits&response != 0:
		l.count(Malformed)
		return dns.MsgIgnore
	case int(h.Bits>>opcode)&0xF != dns.OpcodeNotify:
		l.count(Malformed)
		return dns.MsgRejectNotImplemented
	case h.Qdcount != 1, h.Ancount > 1, h.Nscount > 0, h.Arcount > 2:
		l.count(Malformed)
		return dns.MsgReject
	}
	return dns.MsgAccept
}

// answer judges one NOTIFY.
func (l *Listener) answer(w dns.ResponseWriter, m *dns.Msg) {
	zone := dns.CanonicalName(m.Question[0].Name)
	from, _ := netip.ParseAddrPort(w.RemoteAddr().String())
	r := new(dns.Msg).SetReply(m)
	r.Authoritative = true
	o := l.judge(zone, from.Addr().Unmap(), m, w.TsigStatus())
	switch o {
	case Accepted:
	case OtherZone, BadSignature:
		r.Rcode = dns.RcodeNotAuth
	case Stranger:
		r.Rcode = dns.RcodeRefused
	default:
		r.Rcode = dns.RcodeFormatError
	}
	sign(r, m.IsTsig(), w.TsigStatus())
	l.count(o)
	_ = w.WriteMsg(r) // who does not hear it sends again
	if o == Accepted {
		l.heard(zone)
	}
}

func (l *Listener) judge(zone string, from netip.Addr, m *dns.Msg, signature error) Outcome {
	peer, known := l.peers[zone]
	t := m.IsTsig()
	switch {
	case m.Question[0].Qtype != dns.TypeSOA || m.Question[0].Qclass != dns.ClassINET:
		return Malformed
	case !l.isPeer(from):
		return Stranger
	case t != nil && signature != nil:
		return BadSignature
	case !known:
		return OtherZone
	case !slices.Contains(peer.Primaries, from):
		return Stranger
	case peer.Key != nil && (t == nil || dns.CanonicalName(t.Hdr.Name) != peer.Key.name):
		return Stranger
	}
	return Accepted
}

// isPeer reports whether an address is of a primary of any zone.
func (l *Listener) isPeer(from netip.Addr) bool {
	for _, p := range l.peers {
		if slices.Contains(p.Primaries, from) {
			return true
		}
	}
	return false
}

// sign signs the answer to a signed message, or says what is wrong with the signature (RFC 8945 section 5.2).
func sign(r *dns.Msg, t *dns.TSIG, status error) {
	if t == nil {
		return
	}
	now := time.Now().Unix()
	r.SetTsig(t.Hdr.Name, t.Algorithm, fudge, now)
	mine := r.IsTsig()
	switch {
	case status == nil:
	case errors.Is(status, dns.ErrTime):
		mine.TimeSigned, mine.Error = t.TimeSigned, dns.RcodeBadTime
		mine.OtherData = hex.EncodeToString([]byte{byte(now >> 40), byte(now >> 32), byte(now >> 24), byte(now >> 16), byte(now >> 8), byte(now)})
		mine.OtherLen = 6
	case errors.Is(status, dns.ErrSecret):
		mine.Error = dns.RcodeBadKey
	default:
		mine.Error = dns.RcodeBadSig
	}
}

// keyring is every key that may sign.
type keyring map[string]*Key

// Generate implements dns.TsigProvider.
func (k keyring) Generate(msg []byte, t *dns.TSIG) ([]byte, error) {
	key, ok := k[dns.CanonicalName(t.Hdr.Name)]
	if !ok {
		return nil, dns.ErrSecret
	}
	return key.Generate(msg, t)
}

// Verify implements dns.TsigProvider.
func (k keyring) Verify(msg []byte, t *dns.TSIG) error {
	key, ok := k[dns.CanonicalName(t.Hdr.Name)]
	if !ok {
		return dns.ErrSecret
	}
	return key.Verify(msg, t)
}
