package parents_test

import (
	"strings"
	"testing"
	"time"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/policy/parents"
)

// TestShowTellsMinutes: a parent sees how much of today's minutes is used, with the bonus, and what stops the child.
func TestShowTellsMinutes(t *testing.T) {
	h := open(t, strings.Replace(families, "    standing:", "    quotas: [{of: total, minutes: 30}]\n    standing:", 1))
	dir := h.Live()
	c := must(dir.Locate("one", "Mia"))
	var hashes blocklists.Hashes
	q := dir.Ask(must(blocklists.ParseName("news.example")), &hashes)
	for i := range 3 {
		at := h.Clock().Add(time.Duration(i) * time.Minute)
		c.Count(&q, c.Decide(&q, at), at)
	}
	mia := must(h.Show(t.Context(), of("one"))).Members[0]
	if len(mia.Quotas) != 1 || mia.Quotas[0].Used != 3 || mia.Quotas[0].Limit != 30 || mia.Quotas[0].Of != "total" || mia.Stopped != "" {
		t.Errorf("of Mia: %+v", mia)
	}
	h.At("2026-11-18 21:00")
	if mia = must(h.Show(t.Context(), of("one"))).Members[0]; mia.Stopped != "window" || mia.StoppedUntil.Format("Mon 15:04") != "Thu 07:00" {
		t.Errorf("of Mia at bedtime: %+v", mia)
	}
	_, err := h.Pause(t.Context(), one("Mia"), parents.Span{})
	h.ok(err)
	if mia = must(h.Show(t.Context(), of("one"))).Members[0]; mia.Stopped != "pause" || !mia.StoppedUntil.IsZero() {
		t.Errorf("of Mia in a pause without an end: %+v", mia)
	}
	if other := must(h.Show(t.Context(), of("two"))).Members[0]; len(other.Quotas) != 0 {
		t.Errorf("of another family: %+v", other)
	}
}
