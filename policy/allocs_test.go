package policy

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/hearthdns/hearth/blocklists"
)

// busy is a household with all that issue 2 knows: 200 own rules, ten windows,
// services and an allow-list guest.
func busy(t testing.TB) *Directory {
	var rules strings.Builder
	for i := range 200 {
		fmt.Fprintf(&rules, "      - {name: n%d.rule%d.test, action: %s}\n", i, i%50, []string{"deny", "allow"}[i%2])
	}
	return story(t, `Busy.
-- config.yaml --
profiles:
  - name: kids
    band: preteen
    services: [{id: tiktok, action: allow}, {id: youtube, action: timed}, {id: roblox, action: block}]
    schedule:
      preset: true
      windows:
        - {days: [mon, tue, wed, thu, fri], from: "07:30", to: "08:00", kind: bedtime}
        - {days: [mon, tue], from: "12:00", to: "12:30", kind: homework}
        - {days: [sat, sun], from: "10:00", to: "11:00", kind: homework}
households:
  - id: h
    consent: {by: Anna, at: 2026-01-10}
    timezone: Europe/Berlin
    language: de
    networks: [192.168.1.0/24, 10.0.0.0/8, 172.16.0.0/12, "2001:db8::/56", "fd00::/8"]
    members: [{name: Mia, profile: kids}, {name: Tom, band: child}, {name: Anna, band: adult}]
    schedule: {preset: true}
    devices: [{name: tablet, addresses: [192.168.1.20, "2001:db8::20"], member: Mia}]
    rules:
`+rules.String()+`-- lists/adult.porn.txt --
porn.test
-- lists/fun.video.txt --
tube.test
-- lists/service.youtube.txt --
tube.test
-- lists/harm.selfharm.txt --
dark.test
-- lists/sec.malware.txt --
bad.test
-- lists/meta.popular.txt --
known.test
`)
}

func TestHotPathAllocatesNothing(t *testing.T) {
	a := asker{d: busy(t)}
	p := a.member(t, "h", "Mia")
	pin := func(name string, f func()) {
		t.Helper()
		if n := testing.AllocsPerRun(200, f); n != 0 {
			t.Errorf("%s: %v allocations, want 0", name, n)
		}
	}
	for _, text := range []string{"192.168.1.20", "192.168.1.99", "10.1.2.3", "8.8.8.8", "::ffff:192.168.1.20", "2001:db8::20", "fe80::1%eth0", "2001:4860::1"} {
		addr := netip.MustParseAddr(text)
		pin("Identify "+text, func() { a.d.Identify(addr) })
	}
	var buf [128]byte
	// Noon, homework, bedtime, and the doubled hour of autumn.
	for _, when := range []string{"2026-03-02T12:00:00Z", "2026-03-02T15:00:00Z", "2026-03-02T21:00:00Z", "2026-10-25T01:30:00Z"} {
		at := instant(t, when)
		for _, name := range []string{"porn.test", "tube.test", "dark.test", "bad.test", "n1.rule1.test", "a.n2.rule2.test", "a.b.c.d.e.other.test"} {
			n, err := blocklists.ParseName(name)
			if err != nil {
				t.Fatal(err)
			}
			q := a.d.Ask(n, &a.h)
			d := p.Decide(&q, at)
			pin("Decide "+name, func() { p.Decide(&q, at) })
			pin("Ask "+name, func() { a.d.Ask(n, &a.h) })
			pin("Text "+name, func() { _ = p.Text(d) })
			pin("Justification "+name, func() { _ = p.Justification(d) })
			pin("AppendID "+name, func() { p.AppendID(buf[:0], d) })
			hashes := AppendTarget(nil, &a.h)
			d.Action = Allow
			pin("DecideChain "+name, func() { p.DecideChain(d, &q, q.Match, hashes) })
		}
	}
}
