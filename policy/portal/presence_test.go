package portal

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/hearthdns/hearth/policy"
)

// machines is a network on which nobody may know yet who has an address.
type machines struct {
	mac    policy.MAC
	waited int
}

func (m *machines) Find(f *policy.Facts) bool {
	f.MAC = m.mac
	return !m.mac.IsZero()
}

func (m *machines) Wait(f *policy.Facts, until time.Time) bool {
	m.waited++
	return m.Find(f)
}

// TestNobodyKnowsTheMachine: where devices are known by their MAC, no page shows anything of the device that an address
// stands for as long as nobody knows which machine has it, nor does a form do anything for it.
func TestNobodyKnowsTheMachine(t *testing.T) {
	h := newHome(t, houseOptions{language: "en", config: func(c *policy.Config) {
		macs := &c.Households[0].Devices[3].MACs // of Anna's phone alone
		*macs = append(*macs, policy.MAC{2, 0, 0, 0, 0, 5})
	}})
	seen := new(machines)
	h.presence = seen
	h.block(t, leo, "casino.example", h.Clock())
	for _, at := range [][2]string{{"naked.example", "/"}, {own, "/"}, {"ask." + own, "/"}, {"ask." + own, mePath}} {
		seen.mac = policy.MAC{}
		body := h.getPath(leo, at[0], at[1]).Body.String()
		if strings.Contains(body, "Leo") || strings.Contains(body, "leo-laptop") || strings.Contains(body, "casino") {
			t.Errorf("%s%s shows something of Leo's:\n%s", at[0], at[1], body)
		}
		seen.mac = policy.MAC{2, 0, 0, 0, 0, 3}
		if body = h.getPath(leo, at[0], at[1]).Body.String(); !strings.Contains(body, "Leo") && !strings.Contains(body, "casino") {
			t.Errorf("%s%s shows nothing of Leo's once it is known that it is not Anna's phone", at[0], at[1])
		}
	}
	if seen.waited == 0 {
		t.Error("no page waits to learn who reads it")
	}
	h.presence = nil
	if c := h.identify(h.Live(), netip.MustParseAddr(leo)); c.Member == nil || c.Member.Name != "Leo" {
		t.Error("where nothing watches the network, the address counts")
	}
}

// TestMeAtSomebodysAddress: whoever has a device's address and another MAC reads on their page what holds for guests,
// and nothing of whose device it is: no hours, no minutes, no pause, nothing that comes.
func TestMeAtSomebodysAddress(t *testing.T) {
	h := newHome(t, houseOptions{language: "en", config: func(c *policy.Config) {
		c.Households[0].Devices[1].MACs = []policy.MAC{{2, 0, 0, 0, 0, 3}} // Leo's
		c.Households[0].Guest = "adult"
		c.Profiles[1].Quotas = []policy.QuotaConfig{{Of: "fun.games", Minutes: new(45)}, {Of: "total", Minutes: new(8)}}
	}})
	seen := &machines{mac: policy.MAC{2, 0, 0, 0, 0, 3}}
	h.presence = seen
	h.at(t, "2026-11-18 14:55")
	wants(t, "Leo's page", h.me(leo), "Homework time begins at 15:00", "45 of 45", "8 of 8", "Bedtime")
	seen.mac = policy.MAC{2, 0, 0, 0, 0, 9}
	other := []string{"this device", "The internet is on", "Something more may be off", "!Homework", "!Bedtime", "!Leo", "! of 45", "! of 8", "!In which minutes"}
	wants(t, "the page of another machine", h.me(leo), other...)
	wants(t, "its last blocks", h.get(leo, "ask."+own).Body.String(), "!Homework time")
	h.at(t, evening)
	wants(t, "the page of another machine in the evening", h.me(leo), other...)
	if err := h.Live().Apply("family", policy.State{Pauses: []policy.Pause{{Subject: policy.Subject{Member: "Leo"}, At: h.Clock().Unix(), Until: h.Clock().Unix() + 600}}}); err != nil {
		t.Fatal(err)
	}
	wants(t, "the page of another machine in a pause", h.me(leo), append(other, "!paused")...)
	wants(t, "a guest's page", h.me(guest), "!Something more")
}
