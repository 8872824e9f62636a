package forward

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"

	"github.com/hearthdns/hearth/resolver/wire"
)

const (
	// How long addresses are used before they are looked up again, whatever their TTL is.
	minPlaceTTL = time.Minute
	maxPlaceTTL = 24 * time.Hour
	// siblingWait is how long addresses of the other family are waited for (RFC 8305 section 3).
	siblingWait    = 50 * time.Millisecond
	maxPerFamily   = 4 // addresses of a name that are used
	maxAliases     = 8 // CNAME records on the way to them
	lookupPatience = 4 * time.Second
)

// fixed is a place that is configured.
type fixed struct {
	mu    sync.Mutex
	addrs []netip.AddrPort
}

func (f *fixed) addresses(context.Context) ([]netip.AddrPort, error) { return f.known(), nil }

func (f *fixed) known() []netip.AddrPort {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.addrs
}

func (f *fixed) favour(addr netip.AddrPort) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.addrs = first(f.addrs, addr)
}

// named is a place that must be looked up. What was found is used, while it is looked up again,
// until something else is found. If nothing is reached there it is looked up again soon: whoever
// told the addresses, over UDP, may have lied, and written any TTL.
type named struct {
	name string // with a dot at the end
	port uint16
	ask  func() (*Forwarder, error) // who finds addresses
	self *self
	log  *slog.Logger

	mu      sync.Mutex
	addrs   []netip.AddrPort
	err     error         // of the last lookup
	found   time.Time     // when the addresses were
	next    time.Time     // when it may be looked up again
	backoff time.Duration // after failures
	looking chan struct{} // closed when the lookup under way has found something, or nothing; nil: none is
}

func (n *named) addresses(ctx context.Context) ([]netip.AddrPort, error) {
	n.mu.Lock()
	if n.looking == nil && !time.Now().Before(n.next) {
		n.looking = make(chan struct{})
		go n.look(n.looking)
	}
	addrs, err, looking := n.addrs, n.err, n.looking
	n.mu.Unlock()
	if len(addrs) > 0 {
		return addrs, nil
	}
	if looking == nil {
		return nil, err
	}
	select {
	case <-looking:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.addrs) > 0 {
		return n.addrs, nil
	}
	return nil, n.err
}

func (n *named) known() []netip.AddrPort {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.addrs
}

func (n *named) favour(addr netip.AddrPort) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !addr.IsValid() {
		n.next = earlier(n.next, n.found.Add(minPlaceTTL))
		return
	}
	n.addrs = first(n.addrs, addr)
}

// finding is what the lookup of one family gave.
type finding struct {
	addrs []netip.Addr
	ttl   time.Duration
	err   error
}

// look makes one lookup, of both families at once. It tells those who wait when it has addresses
// of both, or of one and the other does not follow soon.
func (n *named) look(told chan struct{}) {
	found := make(chan finding, 2)
	for _, t := range []uint16{dns.TypeAAAA, dns.TypeA} {
		go n.find(t, found)
	}
	all := <-found
	var sibling <-chan time.Time
	if len(all.addrs) > 0 {
		sibling = time.After(siblingWait)
	}
	select {
	case more := <-found:
		n.learn(all.and(more))
		close(told)
		return
	case <-sibling:
		n.learn(all)
		close(told)
		n.learn(all.and(<-found))
	}
}

// and joins the findings of two families.
func (f finding) and(g finding) finding {
	ttl := min(f.ttl, g.ttl)
	switch {
	case len(g.addrs) == 0:
		ttl = f.ttl
	case len(f.addrs) == 0:
		ttl = g.ttl
	}
	return finding{append(slices.Clone(f.addrs), g.addrs...), ttl, errors.Join(f.err, g.err)}
}

// learn takes what a lookup found.
func (n *named) learn(f finding) {
	var addrs []netip.AddrPort
	for _, a := range f.addrs {
		to := netip.AddrPortFrom(a, n.port)
		if err := checkTarget(to); err != nil {
			f.err = errors.Join(f.err, err)
			continue
		}
		if n.self.is(to) {
			f.err = errors.Join(f.err, fmt.Errorf("%s is this server itself", to))
			continue
		}
		addrs = append(addrs, to)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.looking = nil
	if len(addrs) == 0 {
		n.err = fmt.Errorf("looking up %s: %w", n.name, f.err)
		n.backoff = min(max(2*n.backoff, minBackoff), maxBackoff)
		n.next = time.Now().Add(n.backoff)
		n.log.Warn("the address of an upstream was not found", "upstream", n.name, "error", f.err, "again", n.backoff, "known", len(n.addrs))
		return
	}
	addrs = alternate(addrs)
	if len(n.addrs) > 0 {
		addrs = first(addrs, n.addrs[0])
	}
	n.addrs, n.err, n.backoff, n.found = addrs, nil, 0, time.Now()
	n.next = n.found.Add(min(max(f.ttl, minPlaceTTL), maxPlaceTTL))
}

// find looks up the addresses of one family.
func (n *named) find(family uint16, found chan<- finding) {
	f, err := n.ask()
	if err != nil {
		found <- finding{err: err}
		return
	}
	f.Exchange(wire.Question{Name: wireName(n.name), Type: family, Class: dns.ClassINET}, func(raw []byte, err error) {
		if err != nil {
			found <- finding{err: err}
			return
		}
		found <- readAddresses(raw, n.name, family)
	})
}

// wireName returns a sound name as it is in a message.
func wireName(name string) []byte {
	buf := make([]byte, wire.MaxName)
	end, err := dns.PackDomainName(name, buf, 0, nil, false)
	if err != nil {
		return []byte{0}
	}
	return buf[:end]
}

// readAddresses returns the addresses of one family that a reply has for a name, by way of its
// aliases.
func readAddresses(raw []byte, name string, family uint16) finding {
	var m dns.Msg
	if err := m.Unpack(raw); err != nil {
		return finding{err: err}
	}
	if m.Rcode != dns.RcodeSuccess {
		return finding{err: fmt.Errorf("%s for type %s", dns.RcodeToString[m.Rcode], dns.TypeToString[family])}
	}
	f := finding{ttl: maxPlaceTTL}
	name = alias(m.Answer, name, &f)
	for _, rr := range m.Answer {
		if !strings.EqualFold(rr.Header().Name, name) || len(f.addrs) == maxPerFamily {
			continue
		}
		var addr netip.Addr
		switch rr := rr.(type) {
		case *dns.A:
			addr, _ = netip.AddrFromSlice(rr.A)
		case *dns.AAAA:
			addr, _ = netip.AddrFromSlice(rr.AAAA)
		}
		if addr = addr.Unmap(); addr.IsValid() {
			f.addrs = append(f.addrs, addr)
			f.ttl = min(f.ttl, time.Duration(rr.Header().Ttl)*time.Second)
		}
	}
	if len(f.addrs) == 0 {
		f.err = fmt.Errorf("no address of type %s", dns.TypeToString[family])
	}
	return f
}

// alias returns what the CNAME records among the answers make of name.
func alias(answers []dns.RR, name string, f *finding) string {
	for range maxAliases {
		i := slices.IndexFunc(answers, func(rr dns.RR) bool {
			return rr.Header().Rrtype == dns.TypeCNAME && strings.EqualFold(rr.Header().Name, name)
		})
		if i < 0 {
			break
		}
		name = answers[i].(*dns.CNAME).Target //nolint:errcheck,forcetypeassert // of that type
		f.ttl = min(f.ttl, time.Duration(answers[i].Header().Ttl)*time.Second)
	}
	return name
}

// bootstrap asks the resolvers that find upstreams with names: those configured, or those that
// the system names at the time.
type bootstrap struct {
	cfg Config

	mu   sync.Mutex
	urls []string
	f    *Forwarder
}

// forwarder returns a Forwarder of the resolvers to ask now.
func (b *bootstrap) forwarder() (*Forwarder, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	urls, err := b.cfg.bootstrap()
	if err != nil {
		return nil, err
	}
	if b.f != nil && slices.Equal(urls, b.urls) {
		return b.f, nil
	}
	f, err := New(Config{Upstreams: urls, Own: b.cfg.Own, Loop: b.cfg.Loop, Log: b.cfg.Log, Timeout: lookupPatience})
	if err != nil {
		return nil, err
	}
	if b.f != nil {
		b.f.Close()
	}
	b.f, b.urls = f, urls
	return f, nil
}

// close lets go of the connections, if there are any.
func (b *bootstrap) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.f != nil {
		b.f.Close()
	}
}
