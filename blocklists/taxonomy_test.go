package blocklists

import (
	"fmt"
	"strings"
	"testing"
)

// The ids of the product's category table, and the group under which parents find each.
const categoryTable = `
adult.porn sex
adult.mixed sex
adult.services sex
adult.dating sex
harm.selfharm selfharm
harm.gore violence
harm.hate violence
harm.weapons violence
harm.drugs drugs
harm.alcohol drugs
harm.tobacco drugs
harm.crime piracy
money.gambling money
money.crypto money
money.shopping money
piracy piracy
social.networks social
social.chat social
social.chat.random social
social.ugc social
fun.games games
fun.video video
fun.ai social
bypass.vpn bypass
bypass.dns bypass
bypass.remote bypass
search.other bypass
sec.malware security
sec.phishing security
sec.scam security
sec.miner security
sec.stalkerware security
sec.nrd security
ads.trackers ads
talk.profanity social
misinfo social
illegal.csam -
illegal.order -
ok.help -
ok.help.core -
ok.kids -
ok.infra -
ok.school -
meta.popular -
meta.open -
`

func builtinTaxonomy(t testing.TB) *Taxonomy {
	t.Helper()
	taxonomy, err := NewTaxonomy()
	if err != nil {
		t.Fatal(err)
	}
	return taxonomy
}

func TestEveryCategoryOfTheTableIsBuiltIn(t *testing.T) {
	taxonomy := builtinTaxonomy(t)
	want := map[string]bool{}
	for line := range strings.Lines(strings.TrimSpace(categoryTable)) {
		var id, group string
		if _, err := fmt.Sscan(line, &id, &group); err != nil {
			t.Fatal(err)
		}
		want[id] = true
		c, ok := taxonomy.Lookup(id)
		if !ok {
			t.Errorf("%s is missing", id)
			continue
		}
		row := taxonomy.Definition(c)
		if row.Group != strings.TrimPrefix(group, "-") || row.ID != id || taxonomy.ID(c) != id || row.Service {
			t.Errorf("%s: got %+v, want group %s", id, row, group)
		}
	}
	for _, row := range taxonomy.All() {
		if !row.Service && !want[row.ID] {
			t.Errorf("%s is not in the table", row.ID)
		}
	}
}

func TestServicesHangBeneathACategory(t *testing.T) {
	taxonomy := builtinTaxonomy(t)
	parents := map[string]string{
		"service.youtube": "fun.video", "service.tiktok": "social.networks", "service.roblox": "fun.games",
		"service.whatsapp": "social.chat", "service.chatgpt": "fun.ai", "service.reddit": "social.ugc",
		"service.omegle": "social.chat.random",
	}
	services := 0
	for _, row := range taxonomy.All() {
		if row.Service != strings.HasPrefix(row.ID, "service.") {
			t.Errorf("%s: Service is %v", row.ID, row.Service)
		}
		if !row.Service {
			continue
		}
		services++
		c, ok := taxonomy.Lookup(row.Parent)
		if !ok || taxonomy.Definition(c).Service || taxonomy.Definition(c).Group != row.Group {
			t.Errorf("%s: parent %q does not fit", row.ID, row.Parent)
		}
		if want := parents[row.ID]; want != "" && want != row.Parent {
			t.Errorf("%s: parent %s, want %s", row.ID, row.Parent, want)
		}
		delete(parents, row.ID)
	}
	if services < 25 || len(parents) > 0 {
		t.Errorf("%d services, missing %v", services, parents)
	}
}

func TestOwnCategoriesComeBehindTheBuiltIn(t *testing.T) {
	taxonomy, err := NewTaxonomy(Definition{ID: "family.pets"}, Definition{ID: "service.home", Service: true, Parent: "fun.video", Group: "video"})
	if err != nil {
		t.Fatal(err)
	}
	c, ok := taxonomy.Lookup("family.pets")
	if !ok || int(c) != len(Builtin()) || taxonomy.Len() != len(Builtin())+2 {
		t.Errorf("family.pets has number %d of %d", c, taxonomy.Len())
	}
	if got := taxonomy.Definition(255); got != (Definition{}) {
		t.Errorf("a number beyond the end has definition %+v", got)
	}
	builtin := builtinTaxonomy(t)
	if taxonomy.Equal(builtin) || !builtin.Equal(builtinTaxonomy(t)) {
		t.Error("Equal does not tell taxonomies apart")
	}
	taxonomy.All()[0].ID = "changed"
	if taxonomy.ID(0) == "changed" {
		t.Error("All gives access to the taxonomy's own rows")
	}
}

func TestTaxonomyRefusals(t *testing.T) {
	many := make([]Definition, MaxCategories-len(Builtin())+1)
	for i := range many {
		many[i].ID = fmt.Sprintf("own-%d", i)
	}
	if _, err := NewTaxonomy(many[1:]...); err != nil {
		t.Errorf("as many as fit: %v", err)
	}
	for _, test := range []struct {
		own  []Definition
		says string
	}{
		{[]Definition{{ID: "adult.porn"}}, "exists already"},
		{[]Definition{{ID: "pets"}, {ID: "pets"}}, "exists already"},
		{[]Definition{{ID: ""}}, "family.pets"},
		{[]Definition{{ID: "Pets"}}, "family.pets"},
		{[]Definition{{ID: "pets."}}, "family.pets"},
		{[]Definition{{ID: "a..b"}}, "family.pets"},
		{[]Definition{{ID: "pets and more"}}, "family.pets"},
		{[]Definition{{ID: strings.Repeat("a", 65)}}, "64 octets"},
		{[]Definition{{ID: "pets", Group: "animals"}}, "violence"},
		{[]Definition{{ID: "pets", Parent: "fun.vidoe"}}, `"fun.video"`},
		{many, "remove 1"},
	} {
		_, err := NewTaxonomy(test.own...)
		if err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%v: got %v, want an error that says %q", test.own[0], err, test.says)
		}
	}
}

func TestSelect(t *testing.T) {
	taxonomy := builtinTaxonomy(t)
	for _, test := range []struct{ pattern, want string }{
		{"adult.porn", "adult.porn"},
		{"adult", "adult.porn adult.mixed adult.services adult.dating"},
		{"adult.*", "adult.porn adult.mixed adult.services adult.dating"},
		{"social.chat", "social.chat"},
		{"social.chat.*", "social.chat social.chat.random"},
		{"piracy", "piracy"},
		{"ok.help", "ok.help"},
		{"bypass.*", "bypass.vpn bypass.dns bypass.remote"},
	} {
		got, err := taxonomy.Select(test.pattern)
		var want Categories
		for id := range strings.FieldsSeq(test.want) {
			c, _ := taxonomy.Lookup(id)
			want.Add(c)
		}
		if err != nil || got != want {
			t.Errorf("%s: got %v, %v, want %v", test.pattern, got, err, want)
		}
	}
	for pattern, nearest := range map[string]string{
		"adult.pron": "adult.porn", "adlt": "adult", "service.tictoc": "service.tiktok", "money.gamble.*": "money.gambling",
	} {
		if _, err := taxonomy.Select(pattern); err == nil || !strings.Contains(err.Error(), `"`+nearest+`"`) {
			t.Errorf("%s: got %v, want an error that suggests %s", pattern, err, nearest)
		}
	}
	for _, pattern := range []string{"", "*", ".*", ".", "adult.p"} {
		if set, err := taxonomy.Select(pattern); err == nil {
			t.Errorf("%q selects %v", pattern, set)
		}
	}
}
