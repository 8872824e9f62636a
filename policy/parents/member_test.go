package parents_test

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/parents"
)

// stored opens the families with the second in the store, and gives the revision of its definition.
func stored(t *testing.T) (h *house, revision uint64) {
	t.Helper()
	h = open(t, families)
	_, err := h.Adopt(t.Context(), two(), "")
	h.ok(err)
	h.write(without())
	h.ok(h.Reload(t.Context()))
	return h, must(h.Show(t.Context(), of("two"))).Revision
}

func inTwo(member string) parents.Who {
	return parents.Who{Actor: machine, Household: "two", Member: member, By: "Bert"}
}

// memory remembers days of people, and fails while it is broken.
type memory struct {
	days   map[string]int
	broken error
}

func (m *memory) Erase(_ context.Context, of string, _ bool) (r policy.ActivityErased, err error) {
	if m.broken != nil {
		return r, m.broken
	}
	r.Partitions = m.days[of]
	delete(m.days, of)
	return r, nil
}

func text(s string) *string { return &s }

// TestAddMember: somebody is taken into a household of the store, once, and what cannot be says what to write.
func TestAddMember(t *testing.T) {
	h, revision := stored(t)
	got, err := h.AddMember(t.Context(), two(), policy.MemberConfig{Name: " Ida ", Born: policy.Date{Year: 2024, Month: 2, Day: 3}}, &revision)
	h.ok(err)
	if got.Name != "Ida" || got.Band != "little" {
		t.Errorf("%+v", got)
	}
	_, err = h.AddMember(t.Context(), two(), policy.MemberConfig{Name: "Eva", Band: "teen"}, &revision)
	if e := h.refuses(err, parents.Conflict); e.Revision <= revision || e.Field != "revision" {
		t.Errorf("%+v", e)
	}
	for _, tt := range []struct {
		m           policy.MemberConfig
		field, want string
	}{
		{policy.MemberConfig{Band: "teen"}, "name", "write a name"},
		{policy.MemberConfig{Name: "ida", Band: "teen"}, "name", "another name"},
		{policy.MemberConfig{Name: "a/b", Band: "teen"}, "name", "without /"},
		{policy.MemberConfig{Name: "Eva"}, "", "born as YYYY-MM-DD"},
		{policy.MemberConfig{Name: "Eva", Band: "tean"}, "band", "write little, child, preteen, teen, young or adult"},
		{policy.MemberConfig{Name: "Eva", Profile: "none"}, "profile", "kids"},
		{policy.MemberConfig{Name: "Eva", Born: policy.Date{Year: 2027, Month: 1, Day: 1}}, "born", "in the future"},
	} {
		_, err := h.AddMember(t.Context(), two(), tt.m, nil)
		if e := h.refuses(err, parents.Refused); e.Field != tt.field || !strings.Contains(e.Text, tt.want) || strings.Contains(e.Text, "[") {
			t.Errorf("%+v: %+v, want %q of %q", tt.m, e, tt.want, tt.field)
		}
	}
	_, err = h.AddMember(t.Context(), of("one"), policy.MemberConfig{Name: "Eva", Band: "teen"}, nil)
	if e := h.refuses(err, parents.InFile); e.Place != "hearth.yaml:1" {
		t.Errorf("%+v", e)
	}
	h.Crash()
	if show := must(h.Show(t.Context(), of("two"))); len(show.Members) != 3 {
		t.Errorf("after a restart: %+v", show.Members)
	}
	_, list, err := h.Audit(t.Context(), two())
	h.ok(err)
	if !slices.ContainsFunc(list, func(e parents.Entry) bool {
		return e.What == "member added" && e.Member == "Ida" && e.By == "Bert"
	}) {
		t.Errorf("the audit: %+v", list)
	}
}

// TestChangeMember: band, birth date and profile change, and hold at once.
func TestChangeMember(t *testing.T) {
	h, revision := stored(t)
	change := func(traits parents.Traits, expect *uint64) (parents.Person, error) {
		return h.ChangeMember(t.Context(), inTwo("mia"), expect, traits.Apply)
	}
	h.doesNotGet("10.0.1.2", "casino.example")
	got, err := change(parents.Traits{Band: text("adult")}, &revision)
	h.ok(err)
	if got.Name != "Mia" || got.Band != "adult" {
		t.Errorf("%+v", got)
	}
	h.gets("10.0.1.2", "casino.example")
	_, err = change(parents.Traits{Band: text("teen")}, &revision)
	h.refuses(err, parents.Conflict)
	got, err = change(parents.Traits{Born: text("2018-01-01")}, nil) // a band that was written would hold on
	h.ok(err)
	if got.Band != "child" {
		t.Errorf("by birth date: %+v", got)
	}
	got, err = change(parents.Traits{Profile: text("owl")}, nil)
	h.ok(err)
	if got.Profile != "owl" || got.Band != "teen" {
		t.Errorf("with a profile: %+v", got)
	}
	got, err = change(parents.Traits{Profile: text("")}, nil)
	h.ok(err)
	if got.Band != "child" {
		t.Errorf("without it: %+v", got)
	}
	_, err = change(parents.Traits{Born: text("")}, nil)
	h.refuses(err, parents.Refused) // nothing says how old she is
	_, err = change(parents.Traits{Born: text("tomorrow")}, nil)
	if e := h.refuses(err, parents.Refused); e.Field != "born" || !strings.Contains(e.Text, "YYYY-MM-DD") {
		t.Errorf("%+v", e)
	}
	_, err = h.ChangeMember(t.Context(), inTwo("Nobody"), nil, parents.Traits{Band: text("teen")}.Apply)
	h.refuses(err, parents.Unknown)
	_, err = h.ChangeMember(t.Context(), two(), nil, parents.Traits{Band: text("teen")}.Apply)
	h.refuses(err, parents.Refused)
	h.doesNotGet("10.0.1.2", "casino.example")
}

// TestEraseMember: who is erased leaves nothing, others keep what is theirs, and what failed on the way is finished by
// asking again.
func TestEraseMember(t *testing.T) {
	h, _ := stored(t)
	ctx := t.Context()
	h.Seen = []parents.Seen{{Address: netip.MustParseAddr("10.0.1.7"), Name: "hers"}, {Address: netip.MustParseAddr("10.0.1.8"), Name: "sofa"}}
	for i, members := range [][]string{{"Mia"}, {"Mia", "Bert"}} {
		code := must(h.Invite(ctx, two(), parents.Assignment{Members: members}, ""))
		_, err := h.Redeem(ctx, code.Code, h.Seen[i].Address)
		h.ok(err)
	}
	h.ok(h.SetPIN(ctx, inTwo("Mia"), "4711"))
	_, err := h.Pause(ctx, parents.Who{Actor: machine, Household: "two", Device: "hers"}, parents.Span{For: "1h"})
	h.ok(err)
	kept := &memory{days: map[string]int{"two/Mia": 3, "two/Bert": 5, "one/Mia": 7}, broken: errors.New("the disk is full")}
	stale := uint64(1)
	_, err = h.EraseMember(ctx, inTwo("Mia"), kept, &stale)
	h.refuses(err, parents.Conflict)
	if _, err = h.EraseMember(ctx, inTwo("Mia"), kept, nil); err == nil || !strings.Contains(err.Error(), "once more") {
		t.Fatalf("half done: %v", err)
	}
	kept.broken = nil
	got, err := h.EraseMember(ctx, inTwo("Mia"), kept, nil)
	h.ok(err)
	if got.Household != "two" || got.Person != "Mia" || got.Partitions != 3 || got.State["pin"] != 1 || !got.Gone {
		t.Errorf("%+v", got)
	}
	if len(kept.days) != 2 {
		t.Errorf("what is left is %v", kept.days)
	}
	show := must(h.Show(ctx, of("two")))
	devices, _, err := h.Devices(ctx, of("two"))
	h.ok(err)
	if len(show.Members) != 1 || len(devices) != 1 || devices[0].Name != "sofa" || !slices.Equal(devices[0].Members, []string{"Bert"}) {
		t.Errorf("left are %+v with %+v", show.Members, devices)
	}
	for _, e := range must(h.Bolt.Snapshot(ctx, "two/")).Entries {
		if strings.Contains(string(e.Value), "Mia") || strings.Contains(string(e.Value), "hers") {
			t.Errorf("%s still says %s", e.Key, e.Value)
		}
	}
	_, err = h.EraseMember(ctx, inTwo("Mia"), kept, nil)
	h.refuses(err, parents.Unknown)
	_, err = h.EraseMember(ctx, inTwo("sofa"), kept, nil)
	h.refuses(err, parents.Unknown)
	_, err = h.EraseMember(ctx, inTwo("guests:"), kept, nil)
	h.refuses(err, parents.Unknown)
}

// TestEraseMemberTells: the answer says which devices went, nobody erases themself, and a device of the same name is no
// person.
func TestEraseMemberTells(t *testing.T) {
	h, _ := stored(t)
	kept := &memory{days: map[string]int{}}
	bert := parents.Actor{Role: parents.Parent, Household: "two", Name: "bert", Account: "b"}
	_, err := h.EraseMember(t.Context(), parents.Who{Actor: bert, Member: "Bert"}, kept, nil)
	if e := h.refuses(err, parents.Refused); !strings.Contains(e.Text, "this is you") {
		t.Errorf("%+v", e)
	}
	_, err = h.AddMember(t.Context(), two(), policy.MemberConfig{Name: "mia-tablet", Band: "child"}, nil)
	h.ok(err)
	_, err = h.EraseMember(t.Context(), inTwo("mia-tablet"), kept, nil)
	if e := h.refuses(err, parents.Refused); !strings.Contains(e.Text, "give it another name") {
		t.Errorf("%+v", e)
	}
	_, err = h.Pause(t.Context(), parents.Who{Actor: machine, Household: "two", Device: "mia-tablet"}, parents.Span{For: "1h"})
	h.ok(err)
	_, err = h.AddMember(t.Context(), two(), policy.MemberConfig{Name: "Ida", Band: "child"}, nil)
	h.ok(err)
	got, err := h.EraseMember(t.Context(), parents.Who{Actor: bert, Member: "Mia"}, kept, nil)
	h.ok(err)
	for _, e := range must(h.Bolt.Snapshot(t.Context(), "two/")).Entries {
		if strings.Contains(string(e.Value), "Mia") || strings.Contains(string(e.Value), "\"mia-tablet\"") && e.Key.Kind != "definition" && !strings.Contains(string(e.Value), "member added") {
			t.Errorf("%s still says %s", e.Key, e.Value)
		}
	}
	if !slices.Equal(got.Devices, []string{"mia-tablet"}) || len(got.Shared) != 0 {
		t.Errorf("%+v", got)
	}
	if c := h.Live().Identify(netip.MustParseAddr("10.0.1.2")); c.Status != policy.Guest {
		t.Errorf("her device is %+v", c)
	}
}

// names says of which records of a household a key or value has one of some names.
func (h *house) names(household string, names ...string) (found []string) {
	h.t.Helper()
	for _, e := range must(h.Bolt.Snapshot(h.t.Context(), household+"/")).Entries {
		for _, name := range names {
			if strings.Contains(e.Key.String(), policy.RecordID(name)) || strings.Contains(string(e.Value), name) {
				found = append(found, e.Key.String()+" has "+name+": "+string(e.Value))
			}
		}
	}
	return found
}

// furnished opens the families with devices in the second that have had other owners and names, and are named in what
// was done to others.
func furnished(t *testing.T) *house {
	t.Helper()
	h, _ := stored(t)
	ctx := t.Context()
	device := func(name string) parents.Who {
		return parents.Who{Actor: machine, Household: "two", Device: name}
	}
	mias, berts := parents.Assignment{Members: []string{"Mia"}}, parents.Assignment{Members: []string{"Bert"}}
	for i, name := range []string{"kim-tablet", "kim-watch", "bert-desk", "kim-gave"} {
		at, whose := netip.AddrFrom4([4]byte{10, 0, 1, byte(20 + i)}), mias
		if name == "bert-desk" {
			whose = berts
		}
		h.Seen = []parents.Seen{{Address: at, Name: name}}
		_, err := h.Redeem(ctx, must(h.Invite(ctx, two(), whose, "")).Code, at)
		h.ok(err)
		_, err = h.Grant(ctx, device(name), parents.Ask{Kind: policy.GrantName, Value: "casino.example", Span: parents.Span{For: "1h"}})
		h.ok(err)
	}
	_, err := h.Pause(ctx, two(), parents.Span{For: "1h"})
	h.ok(err)
	must(h.Rename(ctx, device("kim-tablet"), "kim-slate"))
	must(h.Assign(ctx, device("kim-slate"), berts))
	must(h.Assign(ctx, device("kim-slate"), mias))
	must(h.Assign(ctx, device("kim-gave"), berts))
	must(h.Rename(ctx, device("mia-tablet"), "mia-slate")) // it stands in the definition
	h.ok(h.Remove(ctx, device("kim-watch")))
	return h
}

// TestEraseMemberNamesNoDevice: no record names the devices that were theirs alone, by any name that they had, also when
// it failed on the way, nor a device that was removed before; what others have keeps its name.
func TestEraseMemberNamesNoDevice(t *testing.T) {
	for _, breaks := range []bool{false, true} {
		h := furnished(t)
		ctx := t.Context()
		kept := &memory{days: map[string]int{"two/device:kim-slate": 1, "two/Mia": 1}}
		if breaks {
			kept.broken = errors.New("the disk is full")
			if _, err := h.EraseMember(ctx, inTwo("Mia"), kept, nil); err == nil || len(h.names("two", "kim-tablet")) == 0 {
				t.Fatalf("nothing is half done: %v", err)
			}
			kept.broken = nil
			h.Crash()
		}
		_, err := h.EraseMember(ctx, inTwo("mia"), kept, nil)
		h.ok(err)
		for _, left := range h.names("two", "Mia", "kim-tablet", "kim-slate", "kim-watch", "mia-tablet", "mia-slate") {
			t.Errorf("failed before: %v: %s", breaks, left)
		}
		if len(kept.days) != 0 || len(h.names("two", "bert-desk")) < 3 || len(h.names("two", "kim-gave")) < 3 {
			t.Errorf("left are %v, %q", kept.days, h.names("two", "bert-desk", "kim-gave"))
		}
		_, err = h.EraseMember(ctx, inTwo("Nobody"), kept, nil)
		h.refuses(err, parents.Unknown)
	}
}

// TestEraseTellsWhoWasAdult: others learn whether an account of the name may be theirs in any role, also when it failed on
// the way.
func TestEraseTellsWhoWasAdult(t *testing.T) {
	h, _ := stored(t)
	_, err := h.AddMember(t.Context(), two(), policy.MemberConfig{Name: "Ida", Band: "adult"}, nil)
	h.ok(err)
	for name, want := range map[string]bool{"Mia": false, "Ida": true} {
		broken, told := errors.New("the disk is full"), 0
		h.Forget = func(_ context.Context, _, person string, adult bool) (map[string]int, error) {
			if strings.HasPrefix(person, policy.PersonOfDevice("")) {
				return nil, nil
			}
			if told++; person != name || adult != want {
				t.Errorf("of %s they hear %s, adult: %v", name, person, adult)
			}
			return nil, broken
		}
		if _, err := h.EraseMember(t.Context(), inTwo(name), &memory{}, nil); err == nil {
			t.Error("nothing failed")
		}
		broken = nil
		_, err := h.EraseMember(t.Context(), inTwo(name), &memory{}, nil)
		h.ok(err)
		if told != 2 {
			t.Errorf("of %s they hear %d times", name, told)
		}
	}
}
