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
	h.block(t, leo, "casino.example", h.now)
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
	if c := h.identify(h.dir, netip.MustParseAddr(leo)); c.Member == nil || c.Member.Name != "Leo" {
		t.Error("where nothing watches the network, the address counts")
	}
}
