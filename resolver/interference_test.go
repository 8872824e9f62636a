package resolver

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/resolver/cache"
	"github.com/miekg/dns"
)

// Two families: ours, whose transcript is written down, and neighbours of all ages with rules, grants and
// pauses of their own, who ask for the same names.
const (
	ours = `
  - id: ours
    consent: {by: parents, at: 2026-01-01}
    timezone: Europe/Berlin
    networks: [10.1.0.0/24]
    members: [{name: A, profile: ours}, {name: B, band: adult}]
    devices:
      - {name: a, addresses: [10.1.0.2], member: A}
      - {name: b, addresses: [10.1.0.3], member: B}
    rules: [{name: denied.example.com, action: deny}, {name: kept.casino.example, action: allow}]
`
	theirs = `
  - id: theirs
    consent: {by: parents, at: 2026-01-01}
    timezone: America/New_York
    networks: [10.2.0.0/24]
    members:
      - {name: C, band: little}
      - {name: D, profile: theirs}
      - {name: E, band: adult}
      - {name: F, band: young}
    devices:
      - {name: c, addresses: [10.2.0.2], member: C}
      - {name: d, addresses: [10.2.0.3], member: D}
      - {name: e, addresses: [10.2.0.4], member: E}
      - {name: f, addresses: [10.2.0.5], member: F}
      - {name: g, addresses: [10.2.0.6], members: [C, E]}
    rules: [{name: www.example, action: deny}, {name: porn.example, action: allow, member: E}, {name: kept.casino.example, action: deny}]
`
)

// pair compiles our family, with or without the neighbours.
func pair(t *testing.T, band string, u Exchanger, both bool) *World {
	t.Helper()
	text := fmt.Sprintf(`
profiles:
  - {name: ours, band: %s, rules: [{name: www.good.example, action: allow}], schedule: {windows: [{days: [all], from: "15:00", to: "15:10", kind: bedtime}]}}
  - {name: theirs, band: teen, observe: true, block_mode: nxdomain, rules: [{name: alias.example, action: deny}]}
households:
`, band) + ours
	if both {
		text += theirs
	}
	w := newWorldOf(t, text, buildIndex(), u)
	if both {
		at := now.Unix()
		err := w.Directory.Apply("theirs", policy.State{
			Pauses: []policy.Pause{{Subject: policy.Subject{Member: "F"}, At: at}},
			Offs:   []policy.FilterOff{{Subject: policy.Subject{Device: "c"}, At: at, Until: at + 3600}},
			Grants: []policy.Grant{{ID: "1", Kind: policy.GrantName, Value: "chat.example", At: at}, {ID: "2", Kind: policy.GrantSecurity, Value: "virus.example", At: at}},
			Uses:   []policy.Use{{Device: "g", Member: "E", At: at, Until: at + 3600}},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return w
}

var wanted = []string{"www.example", "www.good.example", "porn.example", "alias.example", "chat.example", "virus.example", "abuse.example", "help.example",
	"core.help.example", "sad.example", "tracker.example", "casino.example", "kept.casino.example", "denied.example.com", "none.example"}

// internet answers for all of them; alias.example leads to a name that is listed.
func internet() *dying {
	d := &dying{said: &said{}}
	d.answer = func(q dns.Question) (*dns.Msg, error) {
		if d.instead != nil {
			return d.instead(q)
		}
		m := new(dns.Msg)
		owner := q.Name
		if owner == "none.example." {
			m.Rcode = dns.RcodeNameError
			m.Ns = append(m.Ns, &dns.SOA{Hdr: dns.RR_Header{Name: "example.", Rrtype: dns.TypeSOA, Class: dns.ClassINET, Ttl: 60}, Ns: "ns.example.", Mbox: "x.example.", Minttl: 60})
			return m, nil
		}
		if owner == "alias.example." {
			m.Answer = append(m.Answer, &dns.CNAME{Hdr: dns.RR_Header{Name: owner, Rrtype: dns.TypeCNAME, Class: dns.ClassINET, Ttl: 60}, Target: "cdn.casino.example."})
			owner = "cdn.casino.example."
		}
		if q.Qtype == dns.TypeA {
			m.Answer = append(m.Answer, &dns.A{Hdr: dns.RR_Header{Name: owner, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 60}, A: []byte{192, 0, 2, byte(len(owner))}})
		}
		return m, nil
	}
	return d
}

// verdict is all of a reply that a verdict makes, without times.
func verdict(m *dns.Msg) string {
	lines := strings.Split(answers(m), "\n")
	slices.Sort(lines)
	said := fmt.Sprintf("%s %v", dns.RcodeToString[m.Rcode], lines)
	if e := extended(m); e != nil && e.InfoCode != 3 { // that an answer is stale is no verdict
		said += fmt.Sprintf(" EDE %d %s", e.InfoCode, strings.Split(e.ExtraText, "-")[0]) // the rest is the version of the policy
	}
	return said
}

// TestNonInterference: what a profile gets is the same alone and beside another household, for answers that were
// missing, cached, stale, fetched ahead of time and wanted for by both at once.
func TestNonInterference(t *testing.T) {
	for _, band := range []string{"child", "preteen", "teen", "young"} {
		t.Run(band, func(t *testing.T) {
			alone, beside := transcript(t, band, false), transcript(t, band, true)
			if len(alone) < 200 {
				t.Fatalf("only %d answers", len(alone))
			}
			for _, want := range []string{"stale: 10.1.0.3 asks for www.example: NOERROR [www.example. A", "fetched ahead: 10.1.0.2 asks for casino.example: NOERROR [casino.example. A 10.0.0.1] EDE 17",
				"later: 10.1.0.2 asks for www.good.example: NOERROR [www.good.example. A 10.0.0.1] EDE 17", "together: www.good.example: NOERROR [www.good.example. A 192.0.2."} {
				if !slices.ContainsFunc(alone, func(line string) bool { return strings.HasPrefix(line, want) }) {
					t.Errorf("no line begins with %q", want)
				}
			}
			if diff := cmp.Diff(alone, beside); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// transcript plays a day in small of our family.
func transcript(t *testing.T, band string, both bool) (said []string) {
	synctest.Test(t, func(t *testing.T) {
		u := internet()
		h := newBridged(t, u, bridged)
		h.r.Swap(pair(t, band, u, both))
		h.run(t)
		random := rand.New(rand.NewPCG(1, 1))
		noise := func(n int) {
			for range n {
				from, name := fmt.Sprintf("10.2.0.%d", 2+random.IntN(6)), wanted[random.IntN(len(wanted))]
				if both {
					h.ask(from, name, dns.TypeA)
				}
			}
		}
		round := func(what string) {
			for _, from := range []string{"10.1.0.2", "10.1.0.3", "10.1.0.99"} {
				for _, name := range wanted {
					noise(2)
					said = append(said, fmt.Sprintf("%s: %s asks for %s: %s", what, from, name, verdict(h.ask(from, name, dns.TypeA))))
				}
			}
		}
		noise(30)
		round("missing")
		round("cached")
		time.Sleep(56 * time.Second) // a tenth of the lifetime is left
		noise(60)
		round("fetched ahead")
		synctest.Wait()
		time.Sleep(5 * time.Minute)
		u.instead = func(dns.Question) (*dns.Msg, error) { return nil, errors.New("the internet is down") }
		round("stale")
		u.instead = nil
		time.Sleep(65 * time.Minute)
		h.r.cfg.Cache.Flush(func(*cache.Entry) bool { return true })
		said = append(said, together(h, u, both)...)
		for h.r.cfg.Now().Before(now.Add(3*time.Hour + 5*time.Minute)) { // 15:05, at bedtime
			time.Sleep(time.Minute)
		}
		round("later")
	})
	return said
}

// together has both families ask for each name at once, while the upstream takes its time.
func together(h *house, u *dying, both bool) (said []string) {
	whole := u.answer
	u.answer = func(q dns.Question) (*dns.Msg, error) {
		time.Sleep(time.Second)
		return whole(q)
	}
	defer func() { u.answer = whole }()
	for _, name := range wanted {
		results := make(chan string, 1)
		if both {
			for i := 2; i < 7; i++ {
				go func() { one(h, fmt.Sprintf("10.2.0.%d", i), name) }()
			}
		}
		go func() { results <- verdict(one(h, "10.1.0.2", name)) }()
		said = append(said, "together: "+name+": "+<-results)
		time.Sleep(2 * time.Second)
	}
	return said
}

// one is house.ask for several at once.
func one(h *house, from, name string) *dns.Msg {
	other := *h
	return other.over(Client{Addr: netip.MustParseAddr(from)}, withOPT(name, dns.TypeA))
}
