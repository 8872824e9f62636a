package portal

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/hearthdns/hearth/policy"
)

func (h *home) lastBlocksOf(t testing.TB, from string) string {
	t.Helper()
	w := h.get(from, "ask."+own)
	if w.Code != http.StatusOK {
		t.Fatalf("ask page: status %d", w.Code)
	}
	body, _ := between(w.Body.String(), "<main>", "</main>")
	return body
}

func TestLastBlocksAreOfThisDeviceAlone(t *testing.T) {
	h := newHome(t, houseOptions{language: "en"})
	h.block(t, tom, "casino.example", h.Clock())
	h.block(t, leo, "naked.example", h.Clock())
	for from, want := range map[string]map[string]bool{
		tom:        {"casino.example": true, "naked.example": false},
		leo:        {"casino.example": false, "naked.example": true},
		anna:       {"casino.example": false, "naked.example": false},
		guest:      {"casino.example": false, "naked.example": false},
		stranger:   {"casino.example": false, "naked.example": false},
		"10.0.0.1": {"casino.example": false, "naked.example": false},
	} {
		body := h.lastBlocksOf(t, from)
		for name, shown := range want {
			if strings.Contains(body, name) != shown {
				t.Errorf("%s sees %s: %t, want %t", from, name, !shown, shown)
			}
		}
	}
}

func TestLastBlocksOfADeviceWithTwoAddresses(t *testing.T) {
	const six = "2001:db8::44"
	h := newHome(t, houseOptions{language: "en", config: func(c *policy.Config) {
		d := &c.Households[0].Devices[2]
		d.Addresses = append(d.Addresses, netip.MustParseAddr(six))
	}})
	h.block(t, tom, "casino.example", h.Clock())
	if !strings.Contains(h.lastBlocksOf(t, "["+six+"]"), "casino.example") {
		t.Error("a device does not see under IPv6 what was blocked under IPv4")
	}
}

func TestWhatIsNeverRemembered(t *testing.T) {
	h := newHome(t, houseOptions{language: "en"})
	for _, name := range []string{"forbidden.example", "ordered.example", "harm.example", "both.example", "games.example", "help.example"} {
		h.block(t, tom, name, h.Clock())
	}
	h.block(t, tom, "harm.example", moment(t, evening)) // at bed time too
	h.block(t, stranger, "casino.example", h.Clock())
	if n := len(h.recent.devices); n != 0 {
		t.Errorf("%d devices are remembered, want none: %v", n, h.recent.devices)
	}
}

func TestNothingOfAHouseholdThatOptedOut(t *testing.T) {
	no := false
	h := newHome(t, houseOptions{language: "en", config: func(c *policy.Config) { c.Households[0].Enabled = &no }})
	h.Observe(h.Live().Identify(netip.MustParseAddr(tom)), netip.MustParseAddr(tom), wire(t, "casino.example"), policy.Decision{Action: policy.Block, Step: policy.StepCategory, Applied: true}, h.Clock())
	if len(h.recent.devices) != 0 {
		t.Error("a household that opted out is remembered")
	}
}

func TestAChildReadsNoBadNamesInItsList(t *testing.T) {
	h := newHome(t, houseOptions{language: "en"})
	for _, name := range []string{"naked.example", "casino.example", "denied.example"} {
		h.block(t, mia, name, h.Clock())
	}
	body := h.lastBlocksOf(t, mia)
	if strings.Contains(body, "naked.example") || !strings.Contains(body, "denied.example") {
		t.Error("the list shows a child the wrong names")
	}
}

func TestLastBlocksAreForgotten(t *testing.T) {
	h := newHome(t, houseOptions{language: "en"})
	h.block(t, tom, "casino.example", h.Clock())
	h.Later(10 * time.Minute)
	if !strings.Contains(h.lastBlocksOf(t, tom), "casino.example") {
		t.Error("a block is forgotten within ten minutes")
	}
	h.Later(time.Second)
	if body := h.lastBlocksOf(t, tom); strings.Contains(body, "casino.example") || !strings.Contains(body, "Nothing was blocked") {
		t.Error("a block is remembered beyond ten minutes")
	}
	if len(h.recent.devices) != 0 {
		t.Error("a device is kept without blocks")
	}
}

func TestSilentDevicesAreForgottenByOthers(t *testing.T) {
	h := newHome(t, houseOptions{language: "en"})
	h.block(t, tom, "casino.example", h.Clock())
	h.block(t, leo, "naked.example", h.Clock().Add(11*time.Minute))
	if len(h.recent.devices) != 1 {
		t.Errorf("%d devices are remembered, want the one of the last ten minutes", len(h.recent.devices))
	}
}

func TestMemoryOfBlocksIsBounded(t *testing.T) {
	var r recent
	now := moment(t, noon)
	for i := range 100 {
		r.add("one", block{name: fmt.Sprintf("n%d.example", i), at: now})
	}
	if got := r.of("one", now); len(got) != recentNames || got[0].name != "n99.example" || got[19].name != "n80.example" {
		t.Errorf("the last %d names are kept, want the last 20: %v", len(got), got)
	}
	r.add("one", block{name: "n85.example", at: now})
	if got := r.of("one", now); len(got) != recentNames || got[0].name != "n85.example" {
		t.Errorf("a name that comes again moves to the front: %v", got)
	}
	for i := range recentDevices + 10 {
		r.add(fmt.Sprintf("device %d", i), block{name: "x", at: now.Add(time.Duration(i) * time.Millisecond)})
	}
	if len(r.devices) > recentDevices {
		t.Errorf("%d devices are kept, at most %d are allowed", len(r.devices), recentDevices)
	}
	if r.of(fmt.Sprintf("device %d", recentDevices+9), now.Add(time.Minute)) == nil {
		t.Error("the newest device was forgotten")
	}
}

func TestAdvertisingNeverPushesOut(t *testing.T) {
	var r recent
	now := moment(t, noon)
	r.add("one", block{name: "asked.example", at: now})
	for i := range 50 {
		r.add("one", block{name: fmt.Sprintf("ad%d.example", i), ad: true, at: now})
	}
	if got := r.of("one", now); got[len(got)-1].name != "asked.example" {
		t.Errorf("the name that was asked for is gone: %v", got)
	}
}

// At bedtime the clock blocks trackers like all else, and they still give way to what a person asked for.
func TestTrackersAtBedtimeGiveWay(t *testing.T) {
	h := newHome(t, houseOptions{language: "en"}).at(t, evening)
	h.block(t, tom, "games.example", h.Clock())
	for i := range 2 * recentNames {
		h.block(t, tom, fmt.Sprintf("t%d.ads.example", i), h.Clock())
	}
	body := h.lastBlocksOf(t, tom)
	if !strings.Contains(body, "games.example") || !strings.Contains(body, "Advertising and trackers (19)") {
		t.Error("trackers pushed out the name that was asked for, or stand among the names")
	}
}

// A network that moves to another household takes no blocks along.
func TestLastBlocksStayInTheHousehold(t *testing.T) {
	h := newHome(t, houseOptions{language: "en"})
	h.block(t, guest, "casino.example", h.Clock())
	if !strings.Contains(h.lastBlocksOf(t, guest), "casino.example") {
		t.Fatal("a guest does not see its own block")
	}
	h.Enforce(directory(t, houseOptions{language: "en", config: func(c *policy.Config) { c.Households[0].ID = "others" }}))
	if strings.Contains(h.lastBlocksOf(t, guest), "casino.example") {
		t.Error("another household sees what was blocked before")
	}
}

// What a chain led to is as unfit for a child to read as a listed name.
func TestAChildReadsNoNameWithABadChain(t *testing.T) {
	h := newHome(t, houseOptions{language: "en"})
	porn, _ := h.Live().Index().Taxonomy().Lookup("adult.porn")
	over := policy.Decision{Action: policy.Block, Step: policy.StepCategory, Category: porn, HasCategory: true, Applied: true}
	h.Observe(h.Live().Identify(netip.MustParseAddr(mia)), netip.MustParseAddr(mia), wire(t, "alias.example"), over, h.Clock())
	if strings.Contains(h.lastBlocksOf(t, mia), "alias.example") {
		t.Error("the list shows a child a name that leads to a bad one")
	}
}

// A name whose chain leads to a blocked one is allowed by itself: only the resolver's decision tells.
func TestBlockOverTheChain(t *testing.T) {
	h := newHome(t, houseOptions{language: "en"})
	taxonomy := h.Live().Index().Taxonomy()
	gambling, _ := taxonomy.Lookup("money.gambling")
	over := policy.Decision{Action: policy.Block, Step: policy.StepCategory, Category: gambling, HasCategory: true, Applied: true}
	h.Observe(h.Live().Identify(netip.MustParseAddr(tom)), netip.MustParseAddr(tom), wire(t, "alias.example"), over, h.Clock())
	w := h.get(tom, "alias.example")
	if w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), "Gambling and money") {
		t.Errorf("status %d, want the page of a block", w.Code)
	}
	if w := h.get(anna, "alias.example"); w.Code != http.StatusOK {
		t.Errorf("another device gets status %d for it", w.Code)
	}
	h.Later(2 * time.Minute)
	if w := h.get(tom, "alias.example"); w.Code != http.StatusOK {
		t.Errorf("two minutes later: status %d, want %d", w.Code, http.StatusOK)
	}
}
