package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
	"weak"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/resolver/listen"
	"github.com/miekg/dns"
)

// TestHotPathAllocatesNothing goes through the handler as it is built for serving, with
// 200 own rules, a schedule, five quotas, grants and a pause, the ring of events and names that no LRU has seen: hits,
// blocks of every kind and refusals, over real sockets, allocate nothing.
func TestHotPathAllocatesNothing(t *testing.T) {
	s, _, _ := testServer(t, busyFamily(t))
	at, now := serveDNS(t, s), time.Now().Unix()
	if err := s.directory().Apply("home", policy.State{
		Pauses: []policy.Pause{{Subject: policy.Subject{Member: "Toni"}, At: now - 60}},
		Grants: []policy.Grant{
			{ID: "1", Subject: policy.Subject{Member: "Kim"}, Kind: policy.GrantName, Value: "granted.example", At: now - 60},
			{ID: "2", Subject: policy.Subject{Member: "Kim"}, Kind: policy.GrantTime, At: now - 60, Until: now + 86400},
			{ID: "3", Subject: policy.Subject{Member: "Kim"}, Kind: policy.GrantBonus, Value: "total", Minutes: 15, At: now - 60},
		},
	}); err != nil {
		t.Fatal(err)
	}
	warm(t, at, "www.allowed.example.", "127.0.0.2")
	warm(t, at, "forcesafesearch.google.com.", "127.0.0.2")
	for _, c := range []struct {
		what, name, from string
		rcode            int
	}{
		{"a hit", "www.allowed.example.", "127.0.0.2", dns.RcodeSuccess},
		{"an engine's safe host", "www.google.de.", "127.0.0.2", dns.RcodeSuccess},
		{"a block by category", "%04d.4tube.com.", "127.0.0.2", dns.RcodeSuccess},
		{"a block by an own rule", "%04d.rule150.example.", "127.0.0.2", dns.RcodeSuccess},
		{"a block by a pause", "%04d.anything.example.", "127.0.0.3", dns.RcodeSuccess},
		{"our own name", "hearth.home.arpa.", "127.0.0.2", dns.RcodeSuccess},
		{"an unknown device's block", "%04d.4tube.com.", "127.0.0.9", dns.RcodeSuccess},
		{"nobody's client", "%04d.4tube.com.", "127.1.0.1", dns.RcodeRefused},
	} {
		packets, conn, buf := queries(t, c.name, 500), dialFrom(t, at, c.from), make([]byte, 4096)
		i := 0
		n := testing.AllocsPerRun(len(packets)-1, func() {
			if _, err := conn.Write(packets[i]); err != nil {
				t.Fatal(err)
			}
			i++
			if n, err := conn.Read(buf); err != nil || n < 12 || int(buf[3]&0xf) != c.rcode {
				t.Fatalf("%s: %x, %v; want RCODE %d", c.what, buf[:n], err, c.rcode)
			}
		})
		if n != 0 {
			t.Errorf("%s: %v allocations a query, want none", c.what, n)
		}
	}
}

// TestOldIndexesAreLetGo: after a reload nothing holds on to the index that served
// before, the one of the start included, whatever was asked meanwhile.
func TestOldIndexesAreLetGo(t *testing.T) {
	s, _, _ := testServer(t, busyFamily(t))
	at := serveDNS(t, s)
	var old []weak.Pointer[blocklists.Index]
	for range 3 {
		old = append(old, weak.Make(s.resolver.World().Index))
		conn, buf := dialFrom(t, at, "127.0.0.2"), make([]byte, 4096)
		burst := queries(t, "%04d.4tube.com.", 40)
		for _, packet := range burst {
			if _, err := conn.Write(packet); err != nil {
				t.Fatal(err)
			}
		}
		for range burst {
			if _, err := conn.Read(buf); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.recompile(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for end := time.Now().Add(time.Minute); slices.ContainsFunc(old, func(p weak.Pointer[blocklists.Index]) bool { return p.Value() != nil }); {
		if time.Now().After(end) {
			t.Fatal("an old index is still held")
		}
		runtime.GC()
	}
}

// busyFamily is a household with 200 own rules whose upstream has an address for
// every name.
func busyFamily(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, `
resolve: {upstreams: ["%s"]}
profiles:
  - name: kids
    band: child
    quotas:
      - {of: total, minutes: 1000}
      - {of: fun.video, minutes: 60, free: 90}
      - {of: fun.games, minutes: 45}
      - {of: tiktok, minutes: 15}
      - {of: youtube, minutes: 30}
    schedule: {preset: true}
households:
  - id: home
    consent: {by: test, at: 2026-01-01}
    timezone: Europe/Berlin
    networks: [127.0.0.0/24]
    members: [{name: Kim, profile: kids}, {name: Toni, band: teen}]
    devices: [{name: tablet, member: Kim, addresses: [127.0.0.2]}, {name: phone, member: Toni, addresses: [127.0.0.3]}]
    calendar: {holidays: [{from: 2026-12-21, to: 2027-01-05}]}
    exceptions: [{date: 2026-12-31, bedtime: "off"}]
    rules:
`, everything(t))
	for i := range 200 {
		action := "deny"
		if i%2 == 1 {
			action = "allow"
		}
		fmt.Fprintf(&b, "      - {name: rule%d.example, action: %s}\n", i, action)
	}
	return b.String()
}

// everything is an upstream that has an address for every name.
func everything(t *testing.T) netip.AddrPort {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &dns.Server{PacketConn: conn, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		m.Answer = []dns.RR{&dns.A{
			Hdr: dns.RR_Header{Name: q.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 3600}, A: net.IPv4(192, 0, 2, 1),
		}}
		_ = w.WriteMsg(m)
	})}
	go func() { _ = server.ActivateAndServe() }()
	t.Cleanup(func() { _ = server.Shutdown() })
	return conn.LocalAddr().(*net.UDPAddr).AddrPort()
}

// serveDNS serves s's handler over UDP on a free port of loopback, as serve does.
func serveDNS(t *testing.T, s *server) netip.AddrPort {
	t.Helper()
	l, err := listen.New(listen.Config{
		Handler: handler{to: s.resolver, was: s.footprints}, Beside: s.switchboard.loop, Log: slog.New(slog.DiscardHandler),
		Listeners: []listen.Listener{{Addr: netip.MustParseAddrPort("127.0.0.1:0"), Protocols: []listen.Transport{listen.UDP}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx) }()
	t.Cleanup(func() { stop(); <-done })
	return netip.MustParseAddrPort(l.Addrs()[0].String())
}

// queries packs n queries for A with EDNS; a verb in the name is its number.
func queries(t *testing.T, name string, n int) [][]byte {
	t.Helper()
	all := make([][]byte, n)
	for i := range all {
		asked := name
		if strings.Contains(name, "%") {
			asked = fmt.Sprintf(name, i)
		}
		var err error
		if all[i], err = new(dns.Msg).SetQuestion(asked, dns.TypeA).SetEdns0(1232, false).Pack(); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

func dialFrom(t *testing.T, to netip.AddrPort, from string) net.Conn {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.UDPAddr{IP: net.ParseIP(from)}}
	conn, err := d.Dial("udp", to.String())
	if err != nil {
		t.Skipf("this system has no %s: %v", from, err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	return conn
}

// warm asks until the answer comes from the cache.
func warm(t *testing.T, at netip.AddrPort, name, from string) {
	t.Helper()
	conn, buf := dialFrom(t, at, from), make([]byte, 4096)
	if _, err := conn.Write(queries(t, name, 1)[0]); err != nil {
		t.Fatal(err)
	}
	n, err := conn.Read(buf)
	var m dns.Msg
	if err != nil || m.Unpack(buf[:n]) != nil || len(m.Answer) != 1 {
		t.Fatalf("warming the cache: %v, %v", &m, err)
	}
}
