package policy

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/hearthdns/hearth/blocklists"
)

// busy is a household with all that there is: 200 own rules, services, and for Lea ten windows and five quotas.
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
  - name: counted
    band: preteen
    schedule:
      preset: true
      windows:
        - {days: [mon, tue, wed, thu, fri], from: "07:30", to: "08:00", kind: bedtime}
        - {days: [mon, wed, fri], from: "09:30", to: "09:45", kind: bedtime}
        - {days: [mon], from: "10:00", to: "10:15", kind: homework}
        - {days: [mon, tue], from: "12:00", to: "12:30", kind: homework}
        - {days: [sat, sun], from: "10:00", to: "11:00", kind: homework}
        - {days: [all], from: "18:00", to: "18:30", kind: bedtime}
        - {days: [tue], from: "23:00", to: "05:00", kind: bedtime}
    quotas:
      - {of: total, minutes: 180, free: 300}
      - {of: fun.video, minutes: 60, free: 90}
      - {of: fun.games, minutes: 45}
      - {of: tiktok, minutes: 15}
      - {of: youtube, minutes: 30, free: 60}
households:
  - id: h
    consent: {by: Anna, at: 2026-01-10}
    timezone: Europe/Berlin
    language: de
    networks: [192.168.1.0/24, 10.0.0.0/8, 172.16.0.0/12, "2001:db8::/56", "fd00::/8"]
    members: [{name: Mia, profile: kids}, {name: Tom, band: child}, {name: Lea, profile: counted}, {name: Anna, band: adult}]
    schedule: {preset: true}
    devices:
      - {name: tablet, addresses: [192.168.1.20, "2001:db8::20"], member: Mia}
      - {name: phone, addresses: [192.168.1.30], member: Lea}
      - {name: sofa, addresses: [192.168.1.31], members: [Lea, Mia]}
    calendar: {holidays: [{from: 2026-07-01, to: 2026-08-14}, {from: 2026-12-21, to: 2027-01-05}]}
    exceptions: [{date: 2026-10-31, bedtime: "22:00-09:00"}]
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

// busyState is what people did around an instant: a pause that is over, grants, minutes on top, and who uses the sofa's
// tablet.
func busyState(now time.Time) State {
	at, lea := now.Unix(), Subject{Member: "Lea"}
	grant := func(kind GrantKind, value string) Grant {
		return Grant{ID: string(kind), Subject: lea, Kind: kind, Value: value, At: at - 600, Until: at + 3600, Minutes: 15}
	}
	return State{
		Pauses: []Pause{{Subject: Subject{Member: "Tom"}, At: at - 60}, {At: at - 7200, Until: at - 3600}},
		Grants: []Grant{grant(GrantTime, ""), grant(GrantBonus, "fun.video"), grant(GrantName, "granted.test"),
			grant(GrantService, "roblox"), grant(GrantCategory, "social.ugc")},
		Uses: []Use{{Device: "sofa", Member: "Lea", At: at - 60, Until: at + 3600}},
	}
}

// TestQuotasAllocateNothing: nor does what people did, a pause, or counting.
func TestQuotasAllocateNothing(t *testing.T) {
	a := asker{d: busy(t)}
	noon := instant(t, "2026-03-02T12:00:00Z")
	paused := busyState(noon)
	paused.Grants = nil
	paused.Pauses = append(paused.Pauses, Pause{At: noon.Unix() - 60, Until: noon.Unix() + 600})
	for what, state := range map[string]State{"nothing done": {}, "grants": busyState(noon), "a pause": paused} {
		if err := a.d.Apply("h", state); err != nil {
			t.Fatal(err)
		}
		for _, device := range []string{"phone", "sofa"} {
			c, err := a.d.LocateDevice(device)
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{"porn.test", "tube.test", "dark.test", "bad.test", "n1.rule1.test", "granted.test", "a.b.c.d.e.other.test"} {
				q := a.question(t, name)
				if n := testing.AllocsPerRun(200, func() {
					who := c.Now(noon)
					d := who.Decide(q, noon)
					who.Count(q, d, noon)
					who.Count(q, Decision{Step: StepUnknown}, noon)
					who.DecideChain(d, q, q.Match, nil, noon)
				}); n != 0 {
					t.Errorf("%s for %s, %s: %v allocations, want 0", name, device, what, n)
				}
			}
		}
	}
}
