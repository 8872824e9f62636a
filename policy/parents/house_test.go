package parents_test

import (
	"errors"
	"sync"
	"testing"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/policy/parents"
	"github.com/hearthdns/hearth/policy/policytest"
)

// The families of these tests. Mia is 8, Tom 14, Anna and Bert grown up; Mia and Tom share a tablet. In the second
// family there are again a Mia and a tablet. It is Wednesday, 18 November 2026, 18:00 in Berlin.
const families = `
profiles:
  - name: kids
    band: child
    schedule: {bedtime: {school: "20:00-07:00", free: "21:00-07:00"}}
    standing: [{minutes: 15, times: 2, per: day}]
  - name: owl
    band: teen
    schedule: {bedtime: {school: "00:30-07:00", free: "off"}}
households:
  - id: one
    consent: {by: Anna, at: 2026-01-01}
    timezone: Europe/Berlin
    networks: [10.0.0.0/24]
    members:
      - {name: Mia, profile: kids}
      - {name: Tom, profile: owl}
      - {name: Anna, band: adult}
    devices:
      - {name: mia-tablet, member: Mia, addresses: [10.0.0.2]}
      - {name: tom-phone, member: Tom, addresses: [10.0.0.3]}
      - {name: shared, members: [Mia, Tom], addresses: [10.0.0.4]}
      - {name: anna-laptop, member: Anna, addresses: [10.0.0.5]}
  - id: two
    consent: {by: Bert, at: 2026-01-01}
    timezone: Europe/Berlin
    networks: [10.0.1.0/24]
    members:
      - {name: Mia, band: child}
      - {name: Bert, band: adult}
    devices:
      - {name: mia-tablet, member: Mia, addresses: [10.0.1.2]}
`

var listed = map[string][]string{
	"adult.porn": {"naked.example", "naked.bot.example"}, "harm.alcohol": {"vodka.example"}, "money.gambling": {"casino.example"}, "social.networks": {"social.example"},
	"sec.malware": {"virus.example"}, "illegal.csam": {"forbidden.example"}, "ok.help": {"help.example"},
	"misinfo": {"stars.example"}, "harm.selfharm": {"hurt.example"}, "fun.ai": {"bot.example"},
}

var index = sync.OnceValue(func() *blocklists.Index { return policytest.Index(listed) })

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// house is a house with these tests' questions.
type house struct {
	*policytest.House
	t *testing.T
}

func open(t *testing.T, text string) *house {
	t.Helper()
	return &house{policytest.Open(t, index(), "2026-11-18 18:00", policytest.Read(t, text), nil), t}
}

// write changes the YAML; Reload puts it in force.
func (h *house) write(text string) {
	h.t.Helper()
	h.Write(policytest.Read(h.t, text))
}

// blocked says whether a device does not get a name.
func (h *house) blocked(addr, name string) bool {
	h.t.Helper()
	c, q := h.Question(addr, name)
	d := c.Decide(&q, h.Clock())
	return d.Blocks()
}

func (h *house) gets(addr, name string)       { h.t.Helper(); h.expect(addr, name, false) }
func (h *house) doesNotGet(addr, name string) { h.t.Helper(); h.expect(addr, name, true) }

func (h *house) expect(addr, name string, blocked bool) {
	h.t.Helper()
	if h.blocked(addr, name) != blocked {
		h.t.Errorf("at %s: %s asks for %s: blocked is %v, want %v", h.Clock().Format("Mon 15:04 MST"), addr, name, !blocked, blocked)
	}
}

func (h *house) ok(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// refuses wants an error of a reason.
func (h *house) refuses(err error, want parents.Reason) *parents.Error {
	h.t.Helper()
	var e *parents.Error
	if !errors.As(err, &e) || e.Reason != want {
		h.t.Fatalf("got the error %v, want one of reason %d", err, want)
	}
	return e
}

func one(member string) parents.Who {
	return parents.Who{Actor: machine, Household: "one", Member: member, By: "Anna"}
}

// machine may do everything: these tests are about what is done, role_test.go about who may.
var machine = parents.Actor{Role: parents.Machine}

// of is a household, for whoever may do everything.
var of = policytest.Machine
