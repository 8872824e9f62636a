package parents_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/parents"
)

// TestRoles holds the table of who may do what: each use-case for each role, at home and in another household.
func TestRoles(t *testing.T) {
	actor := func(r parents.Role, household, name string) parents.Actor {
		return parents.Actor{Role: r, Household: household, Name: name}
	}
	everybody := map[string]parents.Actor{
		"nobody":   {},
		"homeless": actor(parents.Parent, "", "Anna"),
		"child":    actor(parents.Child, "one", "Mia"),
		"carer":    actor(parents.Carer, "one", "Omi"),
		"parent":   actor(parents.Parent, "one", "Anna"),
		"other":    actor(parents.Parent, "two", "Berta"),
		"former":   {Role: parents.Carer, Household: "one", Name: "Omi", Until: time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)},
		"operator": actor(parents.Operator, "", "support"),
		"machine":  actor(parents.Machine, "", ""),
	}
	h := open(t, families)
	ctx := context.Background()
	span := parents.Span{For: "30m"}
	name := parents.Ask{Kind: policy.GrantName, Value: "allowed.example", Span: span}
	for _, tc := range []struct {
		what string
		do   func(parents.Who) error
		may  []string
	}{
		{"take", func(w parents.Who) error { _, err := h.Take(ctx, w); return err }, []string{"child", "carer", "parent", "operator", "machine"}},
		{"show", func(w parents.Who) error { _, err := h.Show(ctx, w); return err }, []string{"carer", "parent", "operator", "machine"}},
		{"audit", func(w parents.Who) error { _, _, err := h.Audit(ctx, w); return err }, []string{"carer", "parent", "operator", "machine"}},
		{"devices", func(w parents.Who) error { _, _, err := h.Devices(ctx, w); return err }, []string{"carer", "parent", "operator", "machine"}},
		{"acts", func(w parents.Who) error { _, err := h.Acts(ctx, w); return err }, []string{"carer", "parent", "operator", "machine"}},
		{"grant", func(w parents.Who) error { _, err := h.Grant(ctx, w, name); return err }, []string{"carer", "parent", "operator", "machine"}},
		{"pause", func(w parents.Who) error { _, err := h.Pause(ctx, w, span); return err }, []string{"carer", "parent", "operator", "machine"}},
		{"filter off", func(w parents.Who) error { _, err := h.FilterOff(ctx, w, span); return err }, []string{"parent", "operator", "machine"}},
		{"pin", func(w parents.Who) error { return h.SetPIN(ctx, w, "4711") }, []string{"parent", "operator", "machine"}},
		{"log", func(w parents.Who) error { _, err := h.Diary(ctx, w, parents.Diary{For: "1d"}); return err }, []string{"parent", "operator", "machine"}},
		{"export", func(w parents.Who) error { _, _, err := h.Export(ctx, w, false); return err }, []string{"parent", "operator", "machine"}},
		{"add a member", func(w parents.Who) error {
			w.Member = ""
			_, err := h.AddMember(ctx, w, policy.MemberConfig{Name: "Ida", Band: "child"}, nil)
			return err
		}, []string{"parent", "operator", "machine"}},
		{"change a member", func(w parents.Who) error {
			_, err := h.ChangeMember(ctx, w, nil, func(*policy.MemberConfig) error { return nil })
			return err
		}, []string{"parent", "operator", "machine"}},
		{"erase a member", func(w parents.Who) error { _, err := h.EraseMember(ctx, w, &memory{}, nil); return err }, []string{"parent", "operator", "machine"}},
		{"invite", func(w parents.Who) error {
			_, err := h.Invite(ctx, w, parents.Assignment{Members: []string{"Mia"}}, "")
			return err
		}, []string{"parent", "operator", "machine"}},
	} {
		for role, a := range everybody {
			err := tc.do(parents.Who{Household: "one", Member: "Mia", Actor: a})
			if refused := forbids(err); refused == slices.Contains(tc.may, role) {
				t.Errorf("%s by %s: refused is %v (%v)", tc.what, role, refused, err)
			}
		}
	}
}

// forbids says whether somebody was refused for who they are: whether something exists in another household is nobody's business.
func forbids(err error) bool {
	e, is := err.(*parents.Error) //nolint:errorlint // what a face gets
	return is && (e.Reason == parents.Forbidden || e.Reason == parents.Unknown && e.Field == "household")
}

// TestChildIsOnlyOneself: what a child may, it may for itself, and it sees of others nothing.
func TestChildIsOnlyOneself(t *testing.T) {
	h := open(t, families)
	mia := parents.Actor{Role: parents.Child, Household: "one", Name: "Mia"}
	for _, whom := range []parents.Who{{Household: "one", Member: "Anna"}, {Household: "one"}, {Household: "two"}} {
		whom.As(mia)
		if _, err := h.Take(t.Context(), whom); !forbids(err) {
			t.Errorf("Mia takes for %q of %q: %v", whom.Member, whom.Household, err)
		}
	}
}

// TestCarerGrantsForATime: a carer's grants end, and lift nothing of security.
func TestCarerGrantsForATime(t *testing.T) {
	h := open(t, families)
	omi := parents.Who{Household: "one", Member: "Mia", Actor: parents.Actor{Role: parents.Carer, Household: "one", Name: "Omi"}}
	always := parents.Ask{Kind: policy.GrantCategory, Value: "money.gambling", Span: parents.Span{For: "always"}}
	if _, err := h.Grant(t.Context(), omi, always); !forbids(err) {
		t.Errorf("a grant for ever by a carer: %v", err)
	}
	site := parents.Ask{Kind: policy.GrantName, Value: "site.example", Span: parents.Span{For: "always"}}
	if _, err := h.Grant(t.Context(), omi, site); !forbids(err) {
		t.Errorf("a site for ever by a carer: %v", err)
	}
}

// TestOperatorIsSeen: what an operator looks at stands in the household's own record, once an hour, with the role.
func TestOperatorIsSeen(t *testing.T) {
	h := open(t, families)
	support := parents.Who{Household: "one", Actor: parents.Actor{Role: parents.Operator, Name: "support"}}
	for range 3 {
		_, err := h.Show(t.Context(), support)
		h.ok(err)
	}
	_, list, err := h.Audit(t.Context(), parents.Who{Household: "one", Actor: parents.Actor{Role: parents.Parent, Household: "one", Name: "Anna"}})
	h.ok(err)
	if len(list) != 1 || list[0].By != "support" || list[0].Role != "operator" || list[0].What != "household looked at" {
		t.Errorf("the household reads %+v", list)
	}
	if _, other, err := h.Audit(t.Context(), of("two")); err != nil || len(other) != 0 {
		t.Errorf("the other household reads %+v, %v", other, err)
	}
}

// TestOperatorLooksAtAll: a look at many households is one revision of the store, and each of them reads it; what is not
// looked at reads of none.
func TestOperatorLooksAtAll(t *testing.T) {
	h := open(t, families)
	support := parents.Actor{Role: parents.Operator, Name: "support"}
	ids := h.Visible(support)
	if len(ids) < 2 || !slices.Equal(h.Visible(parents.Actor{Role: parents.Parent, Household: "one", Name: "Anna"}), []string{"one"}) {
		t.Fatalf("an operator may see %v", ids)
	}
	revision := func() uint64 {
		s, err := h.Bolt.Snapshot(t.Context(), "")
		h.ok(err)
		return s.Revision
	}
	looks := func(id string) (n int) {
		_, list, err := h.Audit(t.Context(), of(id))
		h.ok(err)
		for _, e := range list {
			if e.By == "support" && e.Role == "operator" && e.What == "household looked at" {
				n++
			}
		}
		return n
	}
	before := revision()
	list, err := h.List(t.Context(), support, ids[:1])
	h.ok(err)
	if len(list) != 1 || list[0].ID != ids[0] || looks(ids[0]) != 1 || looks(ids[1]) != 0 || revision() != before+1 {
		t.Errorf("of one: %+v, %d revisions", list, revision()-before)
	}
	h.Later(2 * time.Hour)
	before = revision()
	if list, err = h.List(t.Context(), support, append([]string{"gone"}, ids...)); err != nil || len(list) != len(ids) || revision() != before+1 {
		t.Errorf("of %d: %d, %v, %d revisions", len(ids), len(list), err, revision()-before)
	}
	h.ok(h.OverseeAll(t.Context(), support)) // within the hour
	if revision() != before+1 || looks(ids[0]) != 2 || looks(ids[1]) != 1 {
		t.Errorf("%d revisions, %d and %d looks", revision()-before, looks(ids[0]), looks(ids[1]))
	}
	h.Later(2 * time.Hour)
	h.ok(h.OverseeAll(t.Context(), support))
	if revision() != before+2 || looks(ids[1]) != 2 {
		t.Errorf("%d revisions, %d looks", revision()-before, looks(ids[1]))
	}
}
