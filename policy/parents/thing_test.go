package parents_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/parents"
	"github.com/hearthdns/hearth/policy/store"
)

// toys has a bear in the first family.
var toys = strings.Replace(families, "      - {name: anna-laptop", "      - {name: bear, profile: things, addresses: [10.0.0.6]}\n      - {name: anna-laptop", 1)

func bear() parents.Who {
	return parents.Who{Actor: machine, Household: "one", Device: "bear", By: "Anna"}
}

// hears writes what the bear asked for, as activity does.
func (h *house) hears(names ...string) {
	h.t.Helper()
	heard := policy.Heard{Device: "bear"}
	for _, n := range names {
		heard.Names = append(heard.Names, policy.Destination{Name: n, Count: 1, First: 1, Last: 2})
	}
	must(h.Bolt.Put(h.t.Context(), store.Write{Key: store.Key{Household: "one", Kind: policy.KindHeard, ID: "bear"}, Value: must(json.Marshal(heard))}))
}

// TestLearning: a thing gets what no category blocks for some days, then what a parent confirmed, and nothing else.
func TestLearning(t *testing.T) {
	h := open(t, toys)
	h.doesNotGet("10.0.0.6", "cloud.example")
	_, err := h.ConfirmThing(t.Context(), bear())
	h.refuses(err, parents.Refused)
	_, err = h.Learn(t.Context(), one("Mia"), "7d")
	h.refuses(err, parents.Refused)
	_, err = h.Learn(t.Context(), bear(), "400d")
	h.refuses(err, parents.Refused)
	s, err := h.Learn(t.Context(), bear(), "")
	h.ok(err)
	if !s.Learning || s.Learned.Until.Sub(s.Learned.Since) != 7*24*time.Hour {
		t.Errorf("%+v", s)
	}
	h.gets("10.0.0.6", "cloud.example")
	h.doesNotGet("10.0.0.6", "casino.example")
	h.doesNotGet("10.0.0.6", "virus.example")
	h.Crash()
	h.gets("10.0.0.6", "cloud.example")
	h.hears("cloud.example", "time.example", "odd.example")
	_, err = h.ConfirmThing(t.Context(), bear(), "other.example")
	h.refuses(err, parents.Unknown)
	s, err = h.ConfirmThing(t.Context(), bear(), "odd.example")
	h.ok(err)
	states := func() (list []string) {
		for _, n := range must(h.Sheet(t.Context(), bear())).Names {
			list = append(list, n.Name+" "+n.State)
		}
		return list
	}
	if got := states(); s.Learning || !slices.Equal(got, []string{"cloud.example confirmed", "time.example confirmed", "odd.example declined"}) {
		t.Errorf("%v, %+v", got, s)
	}
	h.hears("cloud.example", "time.example", "odd.example", "late.example")
	if got := states(); !slices.Equal(got[2:], []string{"odd.example declined", "late.example waits"}) {
		t.Errorf("%v", got)
	}
	if text := string(must(json.Marshal(s))); !strings.Contains(text, `"confirmed_at":"2026-11-18T18:00:00+01:00"`) || !strings.Contains(text, `"first":"1970-01-01T01:00:01+01:00"`) {
		t.Errorf("times of the sheet: %s", text)
	}
	check := func() {
		t.Helper()
		h.gets("10.0.0.6", "cloud.example")
		h.gets("10.0.0.6", "eu.cloud.example")
		h.doesNotGet("10.0.0.6", "odd.example")
		h.doesNotGet("10.0.0.6", "new.example")
	}
	check()
	h.Crash()
	check()
}

// TestDeclined: what a parent declines stays blocked beneath what was confirmed, and while the thing learns again; the
// sheet says so, and which categories need no learning.
func TestDeclined(t *testing.T) {
	h := open(t, toys)
	_, err := h.Learn(t.Context(), bear(), "")
	h.ok(err)
	h.hears("cloud.example", "odd.cloud.example")
	s, err := h.ConfirmThing(t.Context(), bear(), "odd.cloud.example")
	h.ok(err)
	if s.Names[0].State != "confirmed" || s.Names[1].State != "declined" {
		t.Errorf("%+v", s.Names)
	}
	if want := []string{"fun.video", "fun.games", "ok.help", "ok.infra"}; !slices.Equal(slices.Sorted(slices.Values(s.Open)), slices.Sorted(slices.Values(want))) {
		t.Errorf("without learning: %q, want %q", s.Open, want)
	}
	h.gets("10.0.0.6", "eu.cloud.example")
	h.doesNotGet("10.0.0.6", "odd.cloud.example")
	_, err = h.Learn(t.Context(), bear(), "")
	h.ok(err)
	h.gets("10.0.0.6", "other.example")
	h.doesNotGet("10.0.0.6", "odd.cloud.example")
	_, err = h.ConfirmThing(t.Context(), bear())
	h.ok(err)
	h.gets("10.0.0.6", "odd.cloud.example")
}

// TestLearningEnds: when its days are over, a thing gets nothing that nobody confirmed, and the parents are told once.
func TestLearningEnds(t *testing.T) {
	h := open(t, toys)
	_, err := h.Learn(t.Context(), bear(), "7d")
	h.ok(err)
	h.hears("cloud.example")
	h.At("2026-11-25 17:59")
	h.ok(h.EndLearning(t.Context()))
	h.gets("10.0.0.6", "cloud.example")
	h.At("2026-11-25 18:00")
	h.ok(h.EndLearning(t.Context()))
	h.ok(h.EndLearning(t.Context()))
	h.doesNotGet("10.0.0.6", "cloud.example")
	s, err := h.Bolt.Snapshot(t.Context(), "one/"+policy.KindNotice+"/")
	h.ok(err)
	var n policy.Notice
	if len(s.Entries) != 1 || json.Unmarshal(s.Entries[0].Value, &n) != nil || n.Kind != policy.NoticeLearned || n.Device != "bear" {
		t.Errorf("%d notices, %+v", len(s.Entries), n)
	}
	_, err = h.ConfirmThing(t.Context(), bear())
	h.ok(err)
	h.gets("10.0.0.6", "cloud.example")
}

// TestLearningEndsUnwritten: a thing learns no longer than it should where that cannot be written down; the Directory is
// compiled for it once, and the parents are told as soon as there is room.
func TestLearningEndsUnwritten(t *testing.T) {
	h := open(t, toys)
	_, err := h.Learn(t.Context(), bear(), "7d")
	h.ok(err)
	h.gets("10.0.0.6", "cloud.example")
	h.fill("one", "other")
	h.At("2026-11-25 18:00")
	compiled := 0
	h.Between = func() { compiled++ }
	for range 3 {
		if err := h.EndLearning(t.Context()); !errors.Is(err, store.ErrFull) {
			t.Errorf("got %v, want that there is no room", err)
		}
		h.doesNotGet("10.0.0.6", "cloud.example")
	}
	if compiled != 1 {
		t.Errorf("compiled %d times, want once", compiled)
	}
	must(h.Bolt.Put(t.Context(), store.Write{Key: store.Key{Household: "one", Kind: "other", ID: fmt.Sprintf("%011d-x", store.MaxShare-1)}}))
	h.ok(h.EndLearning(t.Context()))
	if s := must(h.Bolt.Snapshot(t.Context(), "one/"+policy.KindNotice+"/")); len(s.Entries) != 1 {
		t.Errorf("%d notices, want one", len(s.Entries))
	}
}

// TestLearningEndsOnceInForce: what could not be put in force when the days were over is tried again.
func TestLearningEndsOnceInForce(t *testing.T) {
	h := open(t, toys)
	_, err := h.Learn(t.Context(), bear(), "7d")
	h.ok(err)
	h.At("2026-11-25 18:00")
	good, _ := h.Written()
	bad := good
	bad.Profiles = nil
	h.Write(bad)
	if err := h.EndLearning(t.Context()); err == nil {
		t.Error("a configuration that makes no sense is compiled")
	}
	h.Write(good)
	h.ok(h.EndLearning(t.Context()))
	h.doesNotGet("10.0.0.6", "cloud.example")
}

// TestDiary: a log begins by the band, is written down, and ends.
func TestDiary(t *testing.T) {
	h := open(t, strings.Replace(toys, "{name: Anna, band: adult}", "{name: Anna, band: adult}\n      - {name: Jo, band: young}", 1))
	logs := func() (names []string) {
		hh, _ := h.Live().Household("one")
		for _, l := range hh.Logs(h.Clock().Unix()) {
			for _, m := range hh.Members {
				if m.Name == l.Member && l.InForce(m.Band, h.Clock().Unix()) {
					names = append(names, m.Name)
				}
			}
		}
		return names
	}
	for _, tc := range []struct {
		who parents.Who
		ask parents.Diary
	}{
		{one("Anna"), parents.Diary{For: "1d"}}, {one("Mia"), parents.Diary{For: "8d"}}, {one("Mia"), parents.Diary{}},
		{one("Mia"), parents.Diary{For: "-1d"}}, {bear(), parents.Diary{For: "1d"}}, {one(""), parents.Diary{For: "1d"}},
	} {
		_, err := h.Diary(t.Context(), tc.who, tc.ask)
		h.refuses(err, parents.Refused)
	}
	_, err := h.Diary(t.Context(), one("Mia"), parents.Diary{Told: true})
	h.refuses(err, parents.Unknown)
	for _, name := range []string{"Mia", "Tom", "Jo"} {
		_, err := h.Diary(t.Context(), one(name), parents.Diary{Full: true, For: "7d"})
		h.ok(err)
	}
	if got := logs(); !slices.Equal(got, []string{"Mia"}) {
		t.Errorf("in force for %v, want Mia alone", got)
	}
	_, err = h.Diary(t.Context(), one("Tom"), parents.Diary{Told: true})
	h.ok(err)
	_, err = h.Diary(t.Context(), one("Jo"), parents.Diary{Confirmed: true})
	h.ok(err)
	if got := logs(); !slices.Equal(got, []string{"Jo", "Mia"}) {
		t.Errorf("in force for %v, want Jo and Mia", got)
	}
	h.At("2026-11-19 18:00")
	h.Crash()
	if got := logs(); !slices.Equal(got, []string{"Jo", "Mia", "Tom"}) {
		t.Errorf("a day later in force for %v, want all three", got)
	}
	_, err = h.Diary(t.Context(), one("Jo"), parents.Diary{Off: true})
	h.ok(err)
	h.At("2026-11-25 18:00")
	if got := logs(); !slices.Equal(got, []string{"Tom"}) {
		t.Errorf("a week later in force for %v, want Tom, whose log began a day late", got)
	}
	h.At("2026-11-26 18:00")
	if got := logs(); len(got) != 0 {
		t.Errorf("in the end in force for %v", got)
	}
	_, list, err := h.Audit(t.Context(), of("one"))
	h.ok(err)
	said := map[string]int{}
	for _, e := range list {
		said[e.What+" "+e.Detail]++
	}
	if want := map[string]int{"log all names": 3, "log told of all names": 1, "log agreed to all names": 1, "log ended all names": 1}; !maps.Equal(said, want) {
		t.Errorf("remembered %v, want %v", said, want)
	}
}
