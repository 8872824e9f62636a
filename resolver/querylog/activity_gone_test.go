package querylog

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/store"
)

// TestEraseWhoIsGone: a name that the household no longer has is erased within that household, and nothing of others.
func TestEraseWhoIsGone(t *testing.T) {
	h := newHome(t)
	h.compile(learns)
	h.asks("10.0.0.2", "page.test")
	h.asks("10.0.0.2", vpns...)
	h.asks("10.0.0.7", "page.test") // the tablet
	h.asks("10.0.0.8", "cloud.test")
	h.asks("10.0.0.77", "page.test")
	h.ok(h.Settle())
	h.asks("10.0.0.2", "page.test") // these wait
	h.asks("10.0.0.7", "page.test")
	h.asks("10.0.0.8", "waits.test")
	for _, p := range []string{"Kim", "device:tablet"} { // of the same names elsewhere
		_, err := h.bolt.Append(additionOf("out", p, h.now))
		h.ok(err)
	}
	h.renames = strings.NewReplacer("name: Kim,", "name: Kai,", "member: Kim", "member: Kai", "[Kim,", "[Kai,", "name: tablet", "name: slate", "name: bear", "name: fox", "id: out", "id: new")
	h.compile(nil)
	for _, tt := range []struct {
		of                  string
		all                 bool
		partitions, records int
	}{
		{"home/Kim", false, 1, 1},           // the notice
		{"home/device:tablet", false, 1, 0}, // by its partition, or by its name
		{"home/bear", false, 1, 1},          // what it was heard to ask for
		{"home/Kim", false, 0, 0},
		{"out/tablet", false, 1, 0},
		{"out", true, 1, 0},
		{"never", true, 0, 0},
	} {
		gone, err := h.Erase(t.Context(), tt.of, tt.all)
		if err != nil || !gone.Gone || gone.Partitions != tt.partitions || gone.Records != tt.records {
			t.Errorf("%s: %+v, %v; want %d and %d", tt.of, gone, err, tt.partitions, tt.records)
		}
	}
	h.ok(h.Settle())
	var left []string
	for _, p := range h.partitions() {
		left = append(left, p.Household+"/"+p.Person)
	}
	if !slices.Equal(left, []string{"home/guests:"}) || len(h.findings)+len(h.things) != 0 || h.kept("home/") != h.kept("none/") {
		t.Errorf("left: %q, %d findings, %d things, %s", left, len(h.findings), len(h.things), h.kept("home/"))
	}
	if found := h.sightings.List("home", h.now.Unix()); len(found) != 1 || found[0].Device != "kim" { // the device is there still
		t.Errorf("seen: %+v", found)
	}
	for of, says := range map[string]string{"home": "of one that is configured write HOUSEHOLD/MEMBER", "home/Kim": "write its id alone", "NOT GOOD": "no id of a household"} {
		var e *Error
		if _, err := h.Erase(t.Context(), of, true); !errors.As(err, &e) || !strings.Contains(e.Text, says) {
			t.Errorf("%s: %v, want one that says %q", of, err, says)
		}
	}
}

// TestReadWhoIsGone: what is kept under a name that the household no longer has can be read and taken until it is erased.
func TestReadWhoIsGone(t *testing.T) {
	h := newHome(t)
	h.compile(learns)
	h.asks("10.0.0.2", "page.test")
	h.asks("10.0.0.7", "page.test") // the tablet
	h.ok(h.Flush())
	h.keep("home/grant/1", `{"subject":{"member":"Kim"}}`)
	h.renames = strings.NewReplacer("name: Kim,", "name: Kai,", "member: Kim", "member: Kai", "[Kim,", "[Kai,", "name: tablet", "name: slate")
	h.compile(nil)
	for _, of := range []string{"home/Kim", "home/device:tablet", "home/tablet"} {
		r, err := h.Show(t.Context(), of, "")
		if err != nil || len(r.Days) != 1 || len(r.Days[0].Sums) == 0 || r.Household != "home" {
			t.Errorf("%s: %+v, %v", of, r, err)
		}
	}
	x, err := h.Export(t.Context(), "home/Kim")
	if err != nil || len(x.Partitions) != 1 || len(x.State) != 1 || x.State[0].Key != "home/grant/1" || x.Person != "Kim" {
		t.Errorf("export: %+v, %v", x, err)
	}
	_, err = h.Erase(t.Context(), "home/tablet", false)
	h.ok(err)
	for _, of := range []string{"home/tablet", "home/Nobody", "out/Kim/x", "none/Kim"} {
		var e *Error
		if _, err := h.Show(t.Context(), of, ""); !errors.As(err, &e) || !e.Unknown {
			t.Errorf("%s: %v", of, err)
		}
		if _, err := h.Export(t.Context(), of); !errors.As(err, &e) || !e.Unknown {
			t.Errorf("export of %s: %v", of, err)
		}
	}
}

// TestEraseOfWhenItWasShared: what lies under the name of a device that is one member's now is from before, and can go.
func TestEraseOfWhenItWasShared(t *testing.T) {
	h := newHome(t)
	h.asks("10.0.0.7", "page.test")
	h.ok(h.Flush())
	h.renames = strings.NewReplacer("members: [Kim, Tom]", "member: Tom")
	h.compile(nil)
	for i, want := range []string{"", "write home/Tom"} {
		gone, err := h.Erase(t.Context(), "home/tablet", false)
		if want == "" && (err != nil || gone.Partitions != 1 || gone.Gone) || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("time %d: %+v, %v", i, gone, err)
		}
	}
}

// TestRename: what is remembered of a device lies under its new name, and is erased under that.
func TestRename(t *testing.T) {
	h := newHome(t)
	h.compile(learns)
	h.asks("10.0.0.8", "forum.test", "bad.test", "cloud.test")
	h.ok(h.Flush())
	h.asks("10.0.0.8", "forum.test")
	h.keep("home/notice/1", fmt.Sprintf(`{"kind":"destination","device":"bear","name":"x.test","at":%d}`, h.now.Unix()))
	h.keep("home/heard/bear", "") // the desk moves what is written
	h.asks("10.0.0.8", "late.test")
	before, names := h.sums("home/bear")
	h.asks("10.0.0.8", "later.test")
	h.ok(h.Rename("home", "bear", "fox")) // the new name may come in force later
	h.renames = strings.NewReplacer("name: bear", "name: fox")
	h.compile(map[string]policy.State{"home": {Things: []policy.Thing{{Device: "fox", Learning: true}}}})
	h.ok(h.Settle())
	sums, now := h.sums("home/fox")
	if len(names) != 4 || len(now) != 5 || len(before) != len(sums) {
		t.Errorf("before %q %q, now %q %q", before, names, sums, now)
	}
	h.wantNotices("home/fox", false, "destination  fox x.test")
	if got := h.kept("home/heard/"); !strings.Contains(got, "heard/fox") || !strings.Contains(got, "later.test") || strings.Contains(got, "bear") {
		t.Errorf("heard: %s", got)
	}
	for _, p := range h.partitions() {
		if p.Person != "device:fox" {
			t.Errorf("left under the old name: %v", p)
		}
	}
	if gone, err := h.Erase(t.Context(), "home/fox", false); err != nil || gone.Partitions != 1 || gone.Records != 2 {
		t.Errorf("erased: %+v, %v", gone, err)
	}
}

func additionOf(household, person string, at time.Time) store.Addition {
	return store.Addition{Partition: store.Partition{Kind: kindWeek, Day: store.DayOf(at), Household: household, Person: person}, Records: []store.Record{{Key: "allowed", Count: 1}}}
}
