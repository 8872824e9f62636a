package resolver

import (
	"strings"
	"testing"

	"github.com/hearthdns/hearth/policy"
	"github.com/miekg/dns"
)

// TestCanaries: every system that asks whether the network filters is told so, at once and by everybody's resolver
// alike, and nobody is taken for somebody who tries to get round the filter.
func TestCanaries(t *testing.T) {
	u := records(t)
	h := newHouse(t, u)
	for _, name := range []string{
		"use-application-dns.net", "mask.icloud.com", "mask-h2.icloud.com", "mask-canary.icloud.com", "dns-tunnel-check.googlezip.net",
	} {
		for _, from := range []string{kim, alex, pat, guest} {
			for _, qtype := range []uint16{dns.TypeA, dns.TypeAAAA, dns.TypeHTTPS} {
				r := h.ask(from, name, qtype)
				if r.Rcode != dns.RcodeNameError || len(r.Ns) != 1 || r.Ns[0].Header().Rrtype != dns.TypeSOA {
					t.Errorf("%s %s for %s: %v, want NXDOMAIN with a SOA", name, dns.TypeToString[qtype], from, r)
				}
				if extended(r) != nil {
					t.Errorf("%s: a canary is no block, and gives no reason: %v", name, r)
				}
			}
		}
	}
	// Beside the canary is a name like any other.
	h.ask(pat, "tls-tunnel-check.googlezip.net", dns.TypeA)
	if n := u.asked.Load(); n != 1 {
		t.Errorf("the upstream was asked %d times, want once, for the name beside a canary", n)
	}
	for _, e := range h.seen {
		if e.Decision.Blocks() || e.Decision.Step != policy.StepNeeded {
			t.Errorf("%s was told of as %v", e.Name(), e.Decision)
		}
	}
}

// TestCloaking: what an answer leads to is judged, whichever record leads there, over a fresh answer and one of the cache.
func TestCloaking(t *testing.T) {
	for _, tt := range []struct {
		zone  []string
		name  string
		qtype uint16
		block bool
	}{
		{[]string{"shop.example. 60 IN CNAME x.tracker.example."}, "shop.example", dns.TypeA, true},
		{[]string{"shop.example. 60 IN CNAME a.cdn.example.", "a.cdn.example. 60 IN CNAME x.tracker.example."}, "shop.example", dns.TypeAAAA, true},
		{[]string{"shop.example. 60 IN DNAME tracker.example."}, "www.shop.example", dns.TypeA, true},
		{[]string{"shop.example. 60 IN HTTPS 0 x.tracker.example."}, "shop.example", dns.TypeHTTPS, true},
		{[]string{"shop.example. 60 IN HTTPS 1 x.tracker.example. alpn=h2"}, "shop.example", dns.TypeHTTPS, true},
		{[]string{"shop.example. 60 IN HTTPS 1 . alpn=h2", "shop.example. 60 IN HTTPS 2 x.tracker.example. alpn=h2"}, "shop.example", dns.TypeHTTPS, true},
		{[]string{"_8443._https.shop.example. 60 IN SVCB 0 x.tracker.example."}, "_8443._https.shop.example", dns.TypeSVCB, true},
		{[]string{"_dns.shop.example. 60 IN SVCB 1 x.tracker.example. alpn=dot"}, "_dns.shop.example", dns.TypeSVCB, true},
		{[]string{"shop.example. 60 IN CNAME a.cdn.example.", "a.cdn.example. 60 IN HTTPS 1 x.tracker.example. alpn=h2"}, "shop.example", dns.TypeHTTPS, true},
		{[]string{"shop.example. 60 IN HTTPS 1 . alpn=h2 ech=AAAA"}, "shop.example", dns.TypeHTTPS, false},
		{[]string{"shop.example. 60 IN HTTPS 1 shop.cdn.example. alpn=h3 ipv4hint=192.0.2.1"}, "shop.example", dns.TypeHTTPS, false},
	} {
		h := newHouse(t, records(t, tt.zone...))
		for _, path := range []string{"miss", "hit"} {
			r := h.ask(kim, tt.name, tt.qtype)
			e := extended(r)
			if blocked := e != nil && e.InfoCode == dns.ExtendedErrorCodeFiltered; blocked != tt.block {
				t.Errorf("%q %s (%s): blocked %v, want %v: %v", tt.zone, tt.name, path, blocked, tt.block, r)
			}
			if got := r.String(); tt.block && strings.Contains(got, "tracker") {
				t.Errorf("%q (%s): the target was passed on: %s", tt.zone, path, got)
			}
		}
		if r := h.ask(pat, tt.name, tt.qtype); len(r.Answer) == 0 {
			t.Errorf("%q: the adult, whom trackers are allowed, gets %v", tt.zone, r)
		}
	}
}

// TestECHGoesWithTheName: a key by which a browser hides the server's name is passed on with an allowed name, for the
// name has been judged already, and never with a blocked one, which has no record at all.
func TestECHGoesWithTheName(t *testing.T) {
	const key = "AEX+DQBBpQAgACB0"
	h := newHouse(t, records(t, "porn.example. 60 IN HTTPS 1 . alpn=h2 ech="+key+" ipv4hint=192.0.2.1"))
	if got := answers(h.ask(pat, "porn.example", dns.TypeHTTPS)); !strings.Contains(got, `ech="`+key+`"`) {
		t.Errorf("the adult: %q, want the record as it came", got)
	}
	for _, path := range []string{"hit", "hit again"} {
		r := h.ask(kim, "porn.example", dns.TypeHTTPS)
		if len(r.Answer) != 0 || r.Rcode != dns.RcodeSuccess || len(r.Ns) != 1 {
			t.Errorf("%s: the child gets %v, want NODATA", path, r)
		}
	}
}

// TestHintsAreAddresses: the address hints of a service binding are under the rebinding check like any address.
func TestHintsAreAddresses(t *testing.T) {
	for _, hint := range []string{
		"ipv4hint=192.168.1.1", "ipv4hint=192.0.2.1,10.1.2.3", "ipv6hint=fe80::1", "ipv6hint=2001:db8::1,::1", "ipv6hint=64:ff9b::192.168.1.1",
		"ipv4hint=192.0.2.1 ipv6hint=fd12::1",
	} {
		for _, record := range []string{"HTTPS 1 .", "HTTPS 1 other.example.", "SVCB 1 ."} {
			qtype := dns.StringToType[strings.Fields(record)[0]]
			h := newHouse(t, records(t, "evil.example. 60 IN "+record+" alpn=h2 "+hint))
			for _, path := range []string{"miss", "hit"} {
				r := h.ask(pat, "evil.example", qtype)
				if e := extended(r); len(r.Answer) != 0 || e == nil || e.InfoCode != dns.ExtendedErrorCodeBlocked {
					t.Errorf("%s %s (%s): %v, want NODATA with EDE 15", record, hint, path, r)
				}
			}
		}
	}
}
