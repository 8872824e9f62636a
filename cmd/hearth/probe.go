package main

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"math/bits"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/portal/console"
	"github.com/hearthdns/hearth/resolver"
	"github.com/hearthdns/hearth/resolver/wire"
)

const (
	maxProbes   = 64               // that are remembered; the oldest makes room
	probeFor    = 10 * time.Minute // that one is
	probeRipe   = 10 * time.Second // after which it is judged: a device has tried again by then
	probeEarly  = 5                // pictures whose names are answered at once
	probeAskers = 4
)

// probes find out which way a device asks, by what its browser does with a page: that shows pictures at names which nobody
// asked for before, so it is seen whether a name was asked for, by whom, and whether the device came to the address that it
// was given. The last name is answered only when it is asked for again: who has a second resolver asks that one instead.
type probes struct {
	suffix []byte // of the names, on the wire
	zone   string // the same as text

	mu  sync.Mutex
	all map[string]*probe
}

// probe is what was seen of one page.
type probe struct {
	began          time.Time
	from           []netip.Addr       // who asked, at most probeAskers
	asked, arrived uint8              // a bit for each picture
	late           [2]map[uint16]bool // types of which the last name was asked for, and once more
}

func newProbes(own string) *probes {
	zone := resolver.CheckLabel + "." + own
	name, _ := blocklists.ParseName(zone) // the configuration was judged
	return &probes{suffix: name, zone: zone, all: map[string]*probe{}}
}

// begin makes the token of a page.
func (p *probes) begin(now time.Time) (token string) {
	var b [8]byte
	_, _ = rand.Read(b[:]) // it never fails
	token = hex.EncodeToString(b[:])
	p.mu.Lock()
	defer p.mu.Unlock()
	oldest := ""
	for t, one := range p.all {
		if now.Sub(one.began) > probeFor {
			delete(p.all, t)
		} else if oldest == "" || one.began.Before(p.all[oldest].began) {
			oldest = t
		}
	}
	if len(p.all) >= maxProbes {
		delete(p.all, oldest)
	}
	p.all[token] = &probe{began: now, late: [2]map[uint16]bool{{}, {}}}
	return token
}

// picture is the host of a picture of a page.
func (p *probes) picture(token string, n int) string {
	return token + "-" + strconv.Itoa(n) + "." + p.zone
}

// find takes the label of a picture apart. p.mu is held.
func (p *probes) find(label string) (one *probe, n int) {
	token, number, _ := strings.Cut(label, "-")
	n, err := strconv.Atoi(number)
	if err != nil || n < 0 || n > probeEarly {
		return nil, 0
	}
	return p.all[token], n
}

// asked notes a question, and says whether it is to be answered with silence. nil notes nothing.
func (p *probes) asked(q *wire.Query, from netip.Addr, again bool) (silent bool) {
	name := q.Name()
	if p == nil || len(name) == 0 || len(name) != 1+int(name[0])+len(p.suffix) || !bytes.HasSuffix(name, p.suffix) {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	one, n := p.find(string(name[1 : 1+name[0]]))
	if one == nil {
		return false
	}
	if one.asked |= 1 << n; !slices.Contains(one.from, from) && len(one.from) < probeAskers {
		one.from = append(one.from, from)
	}
	if n < probeEarly || len(one.late[0]) > probeAskers {
		return false
	}
	if again || one.late[0][q.Type] {
		one.late[1][q.Type] = true
		return false
	}
	one.late[0][q.Type] = true
	return true
}

// came notes that a device opens a connection to a name.
func (p *probes) came(name string) {
	label, of := strings.CutSuffix(strings.ToLower(name), "."+p.zone)
	if !of {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if one, n := p.find(label); one != nil {
		one.arrived |= 1 << n
	}
}

// judge says what a page has shown; connects says whether a device that was answered comes to a listener of ours. Nothing is
// said before it is ripe.
func (p *probes) judge(token string, now time.Time, connects bool) (found console.Probe, from []netip.Addr) {
	p.mu.Lock()
	defer p.mu.Unlock()
	one := p.all[token]
	if one == nil {
		return found, nil
	}
	switch ripe := now.Sub(one.began) >= probeRipe; {
	case one.asked == 0:
		found.Unasked = ripe
	case ripe:
		const early = 1<<probeEarly - 1
		asked, arrived := bits.OnesCount8(one.asked&early), bits.OnesCount8(one.arrived&early)
		found.Dropped = connects && arrived == 0
		found.Second = asked < probeEarly || arrived > 0 && arrived < asked || len(one.late[0]) > 0 && len(one.late[1]) == 0
	}
	return found, slices.Clone(one.from)
}

// Probe implements console.Network.
func (s *surroundings) Probe(addr netip.Addr, token string) console.Probe {
	c, now := s.server.boot, time.Now()
	found, from := s.server.probes.judge(token, now, c.consoleAtLanding())
	for _, a := range from {
		if s.between(addr, a) {
			if found.Via, found.Told = a, s.tellsApart(a); len(s.server.directory().Households()) == 1 { // others would read of it
				s.server.survey.also(a)
			}
		}
	}
	found.Next = s.server.probes.begin(now)
	port := strconv.Itoa(int(cmp.Or(c.consolePorts()[0], 443)))
	for n := range probeEarly + 1 {
		found.Pictures = append(found.Pictures, "https://"+net.JoinHostPort(s.server.probes.picture(found.Next, n), port)+"/dot")
	}
	return found
}

// between says whether it is somebody else who asked for the machine that has an address. Of IPv6 only MACs prove it: a
// machine has several such addresses.
func (s *surroundings) between(addr, asked netip.Addr) bool {
	if all, _ := s.machine(addr); slices.Contains(all, asked) {
		return false
	}
	one, other := policy.Facts{Addr: addr}, policy.Facts{Addr: asked}
	s.server.presence.Find(&one)
	s.server.presence.Find(&other)
	if one.MAC.IsZero() || other.MAC.IsZero() {
		return addr.Is4() && asked.Is4()
	}
	return one.MAC != other.MAC
}

// tellsApart says whether an address is a forwarder's that says for which device it asks.
func (s *surroundings) tellsApart(a netip.Addr) bool {
	f := s.server.directory().Identify(a).Forwarder
	return f != nil && f.TellsApart()
}

// consoleAtLanding says whether the console listens where the names of pages lead.
func (c *Config) consoleAtLanding() bool {
	return slices.ContainsFunc(c.Console.Listen, func(at netip.AddrPort) bool {
		return at.Addr().IsUnspecified() || at.Addr() == c.Landing.IPv4 || at.Addr() == c.Landing.IPv6
	})
}
