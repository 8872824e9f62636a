package querylog

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/store"
)

// taught has the bear confirmed, without a name.
var taught = map[string]policy.State{"home": {Things: []policy.Thing{{Device: "bear", Taught: true}}}}

// learns has the bear learn.
var learns = map[string]policy.State{"home": {Things: []policy.Thing{{Device: "bear", Learning: true}}}}

// keep puts a value into the store, or takes it away.
func (h *home) keep(key, value string) {
	h.t.Helper()
	k, err := store.ParseKey(key)
	h.ok(err)
	w := store.Write{Key: k}
	if value != "" {
		w.Value = json.RawMessage(value)
	}
	_, err = h.bolt.Put(h.t.Context(), w)
	h.ok(err)
}

// kept says what the store has under a key.
func (h *home) kept(key string) string {
	h.t.Helper()
	s, err := h.bolt.Snapshot(h.t.Context(), key)
	h.ok(err)
	text, err := json.Marshal(s.Entries)
	h.ok(err)
	return string(text)
}

// TestThingsWithoutRoom: what has no room makes no notices, is counted, and has room again once others are gone.
func TestThingsWithoutRoom(t *testing.T) {
	h := newHome(t)
	h.compile(taught)
	for i := range maxThings {
		h.hearing(device{"home", fmt.Sprint("gone", i)}).news["x.test"] = h.now.Unix()
	}
	h.asks("10.0.0.8", "x.new.test", "x.new.test", "y.new.test")
	if len(h.findings) != 0 || len(h.things) != maxThings || h.notices.Load() != 3 {
		t.Errorf("%d findings of a thing that is not followed, %d things, %d counted", len(h.findings), len(h.things), h.notices.Load())
	}
	h.compile(learns)
	if h.asks("10.0.0.8", "cloud.test"); h.lost.Load() != 1 {
		t.Errorf("%d names of a thing without room are counted as lost, want 1", h.lost.Load())
	}
	h.ok(h.Flush())
	h.compile(taught)
	h.asks("10.0.0.8", "x.new.test", "x.new.test", "y.new.test")
	h.wantNotices("home", false, "destination  bear x.new.test")
}

// TestThingsAreForgotten: those that are gone at once, with what they asked for, and others once there is nothing to say.
func TestThingsAreForgotten(t *testing.T) {
	h := newHome(t)
	h.compile(taught)
	h.hearing(device{"home", "gone"}).add(policy.Destination{Name: "a.test", Count: 1}, "a.test")
	h.hearing(device{"gone", "bear"}).add(policy.Destination{Name: "a.test", Count: 1}, "a.test")
	h.asks("10.0.0.8", "x.new.test")
	h.ok(h.Settle())
	if len(h.things) != 1 || h.things[device{"home", "bear"}] == nil || h.kept("") != h.kept("home/notice/") {
		t.Errorf("%d things, and the store has %s", len(h.things), h.kept(""))
	}
	h.now = h.now.Add(24 * time.Hour)
	if h.ok(h.Flush()); len(h.things) != 0 {
		t.Errorf("%d things a day after the last notice", len(h.things))
	}
}

// TestNoisyThings: the notices of things never take the place of a child's, whoever comes first.
func TestNoisyThings(t *testing.T) {
	h := newHome(t)
	h.compile(taught)
	h.asks("10.0.0.2", vpns...)
	h.asks("10.0.0.3", "dark.test")
	h.ok(h.Flush())
	h.now = h.now.Add(24 * time.Hour)
	h.asks("10.0.0.3", "dark.test")
	h.now = h.now.Add(time.Hour)
	h.asks("10.0.0.3", "dark.test")
	noise := finding{household: "home", person: "device:bear", notice: policy.Notice{Kind: policy.NoticeDestination, Device: "bear", Name: "x.test"}}
	for range maxFindings + 10 { // within ten seconds
		h.found(noise)
	}
	h.asks("10.0.0.3", vpns...)
	for range 3 {
		h.ok(h.Flush())
		h.now = h.now.Add(time.Hour)
		for range 2 * policy.MaxNotices {
			h.found(noise)
		}
		h.asks("10.0.0.3", "dark.test")
	}
	h.wantNotices("home/Kim", true, "bypass Kim kim")
	h.wantNotices("home/Pre", true, "bypass Pre pre", "selfharm Pre")
	all, err := h.noticesOf(t.Context(), "home")
	h.ok(err)
	if len(all) != 3+policy.NoticeDestination.Room() {
		t.Errorf("%d notices, want those of the children and %d", len(all), policy.NoticeDestination.Room())
	}
}

// TestSelfHarmUnderPressure: where there is no room for one more, none is made: had another gone for it, that would be
// told of twice within 7 days.
func TestSelfHarmUnderPressure(t *testing.T) {
	h := newHome(t)
	for i := range policy.NoticeSelfHarm.Room() {
		h.keep(fmt.Sprintf("home/notice/%d", i), fmt.Sprintf(`{"kind":"selfharm","member":"Child %d","at":%d}`, i, h.now.Unix()))
	}
	for range 4 {
		h.asks("10.0.0.3", "dark.test")
		h.ok(h.Flush())
		h.now = h.now.Add(20 * time.Hour)
	}
	if n := strings.Count(h.kept("home/notice/"), "selfharm"); n != policy.NoticeSelfHarm.Room() || strings.Contains(h.kept("home/notice/"), "Pre") {
		t.Errorf("%d notices: %s", n, h.kept("home/notice/"))
	}
	if h.notices.Load() == 0 {
		t.Error("that there was no room is not counted")
	}
}

// TestRoomForNotices: the rooms of all kinds are what docs and the gauge say of a household.
func TestRoomForNotices(t *testing.T) {
	sum := 0
	for _, k := range []policy.NoticeKind{policy.NoticeBypass, policy.NoticeSelfHarm, policy.NoticeDestination, policy.NoticeLearned} {
		sum += k.Room()
	}
	if sum != policy.MaxNotices {
		t.Errorf("%d, want %d", sum, policy.MaxNotices)
	}
}

// TestNoticesOfAFullHousehold: where a household has no room for one value more, a notice takes the place of an old one.
func TestNoticesOfAFullHousehold(t *testing.T) {
	h := newHome(t)
	writes := make([]store.Write, 0, store.MaxShare)
	for i := range store.MaxShare {
		key, value := store.Key{Household: "home", Kind: "x", ID: fmt.Sprint(i)}, `{}`
		if i < policy.NoticeBypass.Room() {
			key.Kind, value = policy.KindNotice, fmt.Sprintf(`{"kind":"bypass","member":"Pre","at":%d}`, h.now.Unix())
		}
		writes = append(writes, store.Write{Key: key, Value: json.RawMessage(value)})
	}
	for batch := range slices.Chunk(writes, store.MaxBatch) {
		_, err := h.bolt.Put(t.Context(), batch...)
		h.ok(err)
	}
	h.now = h.now.Add(time.Minute)
	h.asks("10.0.0.2", vpns...)
	h.ok(h.Flush())
	h.wantNotices("home/Kim", true, "bypass Kim kim")
}

// TestOldNoticesAreDropped: after 7 days a notice is not on disk either, though none comes after it.
func TestOldNoticesAreDropped(t *testing.T) {
	h := newHome(t)
	h.asks("10.0.0.2", vpns...)
	h.ok(h.Flush())
	h.now = h.now.Add(6 * 24 * time.Hour)
	if h.ok(h.retain()); !strings.Contains(h.kept("home/"), "bypass") {
		t.Error("it is gone before its time")
	}
	h.now = h.now.Add(2 * 24 * time.Hour)
	if h.ok(h.retain()); strings.Contains(h.kept("home/"), "bypass") {
		t.Errorf("on the eighth day: %s", h.kept("home/"))
	}
}

// TestTriedAgain: what a thing asked for and notices wait until the store takes them, as far as there is room.
func TestTriedAgain(t *testing.T) {
	h := newHome(t)
	h.compile(learns)
	h.keep("home/heard/bear", `"torn"`)
	h.keep("home/notice/x", `"torn"`)
	h.asks("10.0.0.8", "first.test", "first.test")
	h.asks("10.0.0.2", vpns...)
	if err := h.Settle(); err == nil {
		t.Fatal("the store takes it")
	}
	h.now = h.now.Add(time.Minute)
	h.asks("10.0.0.8", "first.test", "second.test")
	if err := h.Settle(); err == nil || h.unkept.Load() != 0 {
		t.Fatalf("%v, %d lost", err, h.unkept.Load())
	}
	for i := range policy.MaxDestinations {
		h.asks("10.0.0.8", fmt.Sprintf("n%d.test", i))
	}
	if n := len(h.things[device{"home", "bear"}].fresh); n != policy.MaxDestinations {
		t.Errorf("%d names wait", n)
	}
	h.keep("home/heard/bear", "")
	h.keep("home/notice/x", "")
	h.ok(h.Flush())
	h.now = h.now.Add(time.Minute)
	h.ok(h.Flush())
	if got := h.kept("home/heard/bear"); !strings.Contains(got, `"name":"first.test","count":3`) || !strings.Contains(got, "second.test") {
		t.Errorf("kept: %s", got)
	}
	h.wantNotices("home/Kim", true, "bypass Kim kim")
}
