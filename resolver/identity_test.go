package resolver

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/miekg/dns"
	dto "github.com/prometheus/client_model/go"
)

// roaming is a household whose child's phone says its id, and the one it visits.
const roaming = `
households:
  - id: home
    consent: {by: parents, at: 2026-01-01}
    networks: [10.0.0.0/24]
    members: [{name: Kim, band: child}]
    devices: [{name: phone, id: k4t9w2mzr7qx5bvd, addresses: [10.0.0.2], member: Kim}]
  - id: grandparents
    consent: {by: Otto, at: 2026-01-01}
    networks: [10.0.9.0/24]
    guest: adult
  - id: off
    enabled: false
    members: [{name: Ben, band: child}]
    devices: [{name: tablet, id: p7s3n8fyc6hj2gwa, member: Ben}]
`

const (
	phoneID  = "k4t9w2mzr7qx5bvd"
	tabletID = "p7s3n8fyc6hj2gwa"
	noID     = "v5x2d9tq4kz8mrbe"
)

func newRoaming(t testing.TB, u Exchanger) *house {
	t.Helper()
	h := newHouse(t, u)
	h.r.Swap(newWorldOf(t, roaming, buildIndex(), u))
	return h
}

// TestIdentityWins: a known id decides before any address, on every listener and
// transport; an unknown one counts as none and is counted.
func TestIdentityWins(t *testing.T) {
	h := newRoaming(t, records(t, "porn.example. 60 IN A 192.0.2.1"))
	const page, site, nothing = "porn.example. A 10.0.0.1", "porn.example. A 192.0.2.1", ""
	for _, c := range []struct {
		from, id string
		listener int
		rcode    int
		want     string
	}{
		{"10.0.9.7", "", 0, 0, site}, // the grandparents' guest
		{"10.0.9.7", phoneID, 0, 0, page},
		{"10.0.0.2", phoneID, 0, 0, page},
		{"203.0.113.5", phoneID, 0, 0, page}, // the internet, on a listener that serves no stranger
		{"203.0.113.5", phoneID, 1, 0, page},
		{"203.0.113.5", phoneID, 99, 0, page},
		{"203.0.113.5", "", 0, dns.RcodeRefused, nothing},
		{"203.0.113.5", noID, 0, dns.RcodeRefused, nothing},
		{"203.0.113.5", noID, 1, dns.RcodeRefused, nothing},
		{"198.51.100.7", noID, 1, 0, page}, // a guest of the listener, as without
		{"10.0.9.7", noID, 0, 0, site},
		{"10.0.0.2", tabletID, 0, 0, site}, // opted out, also in a household that is not
		{"203.0.113.5", tabletID, 0, 0, site},
	} {
		for transport := TLS; transport < transports; transport++ {
			r := h.over(Client{Addr: netip.MustParseAddr(c.from), Identity: c.id, Listener: c.listener, Transport: transport}, withOPT("porn.example", dns.TypeA))
			if r.Rcode != c.rcode || answers(r) != c.want {
				t.Errorf("%s with id %q on listener %d over %s: rcode %d %q, want %d %q", c.from, c.id, c.listener, transport, r.Rcode, answers(r), c.rcode, c.want)
			}
			if e := extended(r); c.rcode != 0 && (e == nil || e.InfoCode != dns.ExtendedErrorCodeProhibited) {
				t.Errorf("%s with id %q: %v, want EDE 18", c.from, c.id, e)
			}
			if text := r.String(); c.id != "" && strings.Contains(text, c.id) {
				t.Errorf("the reply has the id in it:\n%s", text)
			}
		}
	}
	var m dto.Metric
	if err := h.r.counts.strangeIDs.Write(&m); err != nil || m.GetCounter().GetValue() != 4*3 {
		t.Errorf("%v unknown ids counted, %v; want 12", m.GetCounter().GetValue(), err)
	}
}

// TestAccessOverEveryTransport: who may ask does not hang on what they ask over.
func TestAccessOverEveryTransport(t *testing.T) {
	h := newHouse(t, records(t, "www.example. 60 IN A 192.0.2.1"))
	for _, c := range []struct {
		from     string
		listener int
		rcode    int
	}{
		{"10.0.0.2", 0, 0}, {"192.168.9.9", 0, dns.RcodeRefused}, {"192.168.9.9", 1, 0}, {"198.51.100.7", 1, 0}, {"203.0.113.5", 1, dns.RcodeRefused},
	} {
		for transport := range transports {
			r := h.over(Client{Addr: netip.MustParseAddr(c.from), Listener: c.listener, Transport: transport}, withOPT("www.example", dns.TypeA))
			if r.Rcode != c.rcode {
				t.Errorf("%s on listener %d over %s: rcode %d, want %d", c.from, c.listener, transport, r.Rcode, c.rcode)
			}
		}
	}
}

// TestRoamingLeavesNoTrace: the ask page knows people by their addresses, so what a
// device does under its id at somebody else's address must not reach it.
func TestRoamingLeavesNoTrace(t *testing.T) {
	h := newRoaming(t, records(t))
	for from, want := range map[string]int{"10.0.9.7": 0, "203.0.113.5": 0, "10.0.0.9": 0, "10.0.0.2": 1} {
		h.seen = nil
		h.over(Client{Addr: netip.MustParseAddr(from), Identity: phoneID, Transport: TLS}, withOPT("porn.example", dns.TypeA))
		if len(h.seen) != want {
			t.Errorf("from %s the observer saw %d blocks, want %d", from, len(h.seen), want)
		}
	}
}

// TestWhoamiKeepsTheID: it says that the device is known, and by what transport.
func TestWhoamiKeepsTheID(t *testing.T) {
	h := newRoaming(t, records(t))
	got := h.over(Client{Addr: netip.MustParseAddr("203.0.113.5"), Identity: phoneID, Transport: HTTPS}, withOPT("whoami.hearth.home.arpa", dns.TypeTXT)).String()
	for _, want := range []string{"household=known", "device=known", "band=child", "transport=https"} {
		if !strings.Contains(got, want) {
			t.Errorf("whoami does not say %s:\n%s", want, got)
		}
	}
	if strings.Contains(got, phoneID) {
		t.Error("whoami tells the id")
	}
}
