package portal

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestDecisionsAreBounded: each household has room for so many ids, and there is room for so many households; who was
// silent longest goes first.
func TestDecisionsAreBounded(t *testing.T) {
	var m decisions
	at := time.Date(2026, 11, 18, 12, 0, 0, 0, time.UTC)
	for i := range 3 * decidedIDs {
		m.add("one", decided{id: fmt.Sprint(i), last: at.Add(time.Duration(i) * time.Second)})
		m.add("one", decided{id: "often", last: at.Add(time.Duration(i) * time.Second)})
	}
	if n := m.held(); n != decidedIDs {
		t.Errorf("one household has %d ids, want %d", n, decidedIDs)
	}
	if often := m.of("one", "often", at.Add(time.Hour)); len(often) != 1 || often[0].count != 3*decidedIDs {
		t.Errorf("what comes often is %+v", often)
	}
	if first := m.of("one", "0", at.Add(time.Hour)); first != nil {
		t.Errorf("the first is %+v", first)
	}
	for i := range decidedHouseholds + 10 {
		m.add(fmt.Sprint("h", i), decided{id: "x", last: at.Add(time.Hour + time.Duration(i)*time.Second)})
	}
	if len(m.homes) != decidedHouseholds || m.homes["one"] != nil || m.homes["h0"] != nil {
		t.Errorf("%d households, one: %v", len(m.homes), m.homes["one"])
	}
	m.add("late", decided{id: "x", last: at.Add(48 * time.Hour)})
	if len(m.homes) != 1 {
		t.Errorf("a day later there are %d households, want 1", len(m.homes))
	}
}

// TestForgottenWithAnErasure: of a household of which something was erased nothing is in memory, and of others all.
func TestForgottenWithAnErasure(t *testing.T) {
	h := newHome(t, houseOptions{language: "en"})
	h.block(t, tom, "casino.example", h.Clock())
	if !strings.Contains(h.lastBlocksOf(t, tom), "casino.example") || h.decided.held() != 1 {
		t.Fatal("nothing is remembered")
	}
	for _, at := range []string{"/phone", "@10.0.0.9"} {
		h.recent.add("other"+at, block{name: "casino.example", at: h.Clock()})
	}
	h.decided.add("other", decided{id: "x", last: h.Clock()})
	home := h.view().Households()[0].ID
	h.Forget(home)
	if strings.Contains(h.lastBlocksOf(t, tom), "casino.example") || len(h.recent.devices) != 2 || h.decided.held() != 1 {
		t.Errorf("left are %d devices, %d decisions", len(h.recent.devices), h.decided.held())
	}
	h.Forget("other")
	if len(h.recent.devices) != 0 || h.decided.held() != 0 {
		t.Errorf("left are %d devices, %d decisions", len(h.recent.devices), h.decided.held())
	}
}
