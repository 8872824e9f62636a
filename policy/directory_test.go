package policy

import (
	"net/netip"
	"strings"
	"testing"
	"time"
)

const family = `A family.
-- config.yaml --
name: hearth.home.arpa
categories: [{id: family.pets, group: video, title: Katzenbilder}]
profiles:
  - name: kids
    band: preteen
    block_mode: nxdomain
    categories: [{id: family.pets, action: block}]
    services: [{id: tiktok, action: block}]
  - name: floating
households:
  - id: h-a
    tenant: north
    consent: {by: Anna, at: 2026-01-10}
    timezone: Europe/Berlin
    language: de-AT
    country: AT
    networks: [192.168.1.0/24]
    members: [{name: Mia, profile: kids}, {name: Tom, profile: kids}, {name: Anna, band: adult, profile: floating}]
    devices:
      - {name: tablet, addresses: [192.168.1.20], member: Mia}
      - {name: tv, addresses: [192.168.9.30], members: [Mia, Tom]}
      - {name: camera, addresses: [192.168.1.40], profile: things}
    rules: [{name: advice.test, action: deny}, {name: sos.test, action: deny}, {name: hearth.home.arpa, action: deny}, {name: club.test, action: deny}]
  - id: h-b
    consent: {by: Eva, at: 2026-01-10}
    networks: [192.168.2.0/24]
    members: [{name: Ben, profile: kids}]
    devices: [{name: tv, addresses: [192.168.2.30], member: Ben}]
-- lists/ok.help.txt --
advice.test
-- lists/ok.help.core.txt --
sos.test
-- lists/adult.porn.txt --
porn.test
-- lists/harm.selfharm.txt --
dark.test
-- lists/sec.malware.txt --
bad.test
-- lists/illegal.csam.txt --
banned.test
-- lists/family.pets.txt --
cats.test
-- lists/service.tiktok.txt --
tok.test
-- lists/sec.nrd.txt --
fresh.test
`

func TestIdentify(t *testing.T) {
	d := story(t, family)
	for _, c := range []struct {
		addr, household, member, device, profile string
		status                                   Status
	}{
		{"192.168.1.20", "h-a", "Mia", "tablet", "kids", Known},
		{"192.168.9.30", "h-a", "", "tv", "kids", Known}, // shared: nobody's alone
		{"192.168.1.40", "h-a", "", "camera", "things", Known},
		{"192.168.1.99", "h-a", "", "", "preteen", Guest},
		{"192.168.2.30", "h-b", "Ben", "tv", "kids", Known},
		{"8.8.8.8", "", "", "", "", Stranger},
	} {
		got := d.Identify(netip.MustParseAddr(c.addr))
		var household, member, device, profile string
		if got.Household != nil {
			household = got.Household.ID
		}
		if got.Member != nil {
			member = got.Member.Name
		}
		if got.Device != nil {
			device = got.Device.Name
		}
		if got.Profile != nil {
			profile = got.Profile.Name()
		}
		if got.Status != c.status || household != c.household || member != c.member || device != c.device || profile != c.profile {
			t.Errorf("%s: %s %q %q %q %q, want %s %q %q %q %q", c.addr, got.Status, household, member, device, profile,
				c.status, c.household, c.member, c.device, c.profile)
		}
	}
}

func TestLocate(t *testing.T) {
	d := story(t, family)
	if c, err := d.Locate("h-b", "Ben"); err != nil || c.Member.Name != "Ben" || c.Household.ID != "h-b" {
		t.Errorf("h-b/Ben: %+v, %v", c, err)
	}
	if c, err := d.LocateDevice("camera"); err != nil || c.Device.Name != "camera" {
		t.Errorf("camera: %+v, %v", c, err)
	}
	if c, err := d.LocateDevice("h-b/tv"); err != nil || c.Household.ID != "h-b" {
		t.Errorf("h-b/tv: %+v, %v", c, err)
	}
	for _, c := range []struct{ got, want string }{
		{errText(d.Locate("h-c", "Ben")), "h-a, h-b"},
		{errText(d.Locate("h-a", "Ben")), "Mia, Tom, Anna"},
		{errText(d.LocateDevice("tv")), "h-a/tv, h-b/tv"},
		{errText(d.LocateDevice("fridge")), "household/device"},
	} {
		if !strings.Contains(c.got, c.want) {
			t.Errorf("%q does not say %q", c.got, c.want)
		}
	}
}

func errText(_ Client, err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestProfiles(t *testing.T) {
	d := story(t, family)
	mia, tom, ben := d.order[0].Members[0].Profile, d.order[0].Members[1].Profile, d.order[1].Members[0].Profile
	if mia != tom {
		t.Error("equal profiles of one household are not one")
	}
	if mia == ben {
		t.Error("profiles with other rules and language are one")
	}
	e := story(t, `Two equal families.
-- config.yaml --
households:
  - {id: h-1, tenant: a, consent: {by: A, at: 2026-01-10}, members: [{name: Mia, band: child}, {name: A, band: adult}]}
  - {id: h-2, tenant: b, consent: {by: B, at: 2026-01-10}, members: [{name: Mia, band: child}, {name: B, band: adult}]}
`)
	if e.order[0].Members[0].Profile != e.order[1].Members[0].Profile || e.order[0].Guest != e.order[1].Guest {
		t.Error("equal profiles of two households are not one")
	}
	if d.Profile("floating") != nil || d.Profile("nobody") != nil {
		t.Error("a profile without a band stands alone")
	}
	if p := d.Profile("teen"); p == nil || p.Band() != Teen || p.Name() != "teen" || p.Mode() != Landing {
		t.Errorf("the preset teen is %+v", p)
	}
	if mia.Mode() != NXDOMAIN || mia.Language() != "de-AT" || !mia.Managed() || mia.Observe() {
		t.Errorf("kids: %s, %s, managed %t, observe %t", mia.Mode(), mia.Language(), mia.Managed(), mia.Observe())
	}
	if allowed, timed := mia.MaxTTL(); allowed != 300 || timed != 60 {
		t.Errorf("a child's replies live %d and %d s, want 300 and 60", allowed, timed)
	}
	anna := d.order[0].Members[2].Profile
	if allowed, timed := anna.MaxTTL(); anna.Band() != Adult || anna.Managed() || allowed != 0 || timed != 0 {
		t.Errorf("a grown-up without a schedule is managed")
	}
}

// TestTexts: what a block says names no name, no person, and neither self-harm
// nor the law.
func TestTexts(t *testing.T) {
	a := asker{d: story(t, family)}
	p := a.member(t, "h-a", "Mia")
	for _, c := range []struct{ name, text, id string }{
		{"www.porn.test", "In diesem Profil gesperrt: Sex", "10.adult.porn"},
		{"cats.test", "In diesem Profil gesperrt: Katzenbilder", "10.family.pets"},
		{"tok.test", "In diesem Profil gesperrt: TikTok", "9.service.tiktok"},
		{"dark.test", "In diesem Profil gesperrt", "10"},
		{"club.test", "Durch eine Regel dieses Haushalts gesperrt", "3"},
		{"fresh.test", "Diese Seite ist sehr neu", "12.sec.nrd"},
		{"bad.test", "", "7"}, // neither of the two says more
		{"banned.test", "", "7"},
		{"www.other.test", "", "12"},
	} {
		d := p.Decide(a.question(t, c.name), time.Unix(0, 0))
		if got := p.Text(d); got != c.text {
			t.Errorf("%s: text %q, want %q", c.name, got, c.text)
		}
		id := string(p.AppendID([]byte("id="), d))
		parts := strings.Split(strings.TrimPrefix(id, "id="), "-")
		if len(parts) != 3 || parts[0] != c.id || parts[1] != a.d.Hash()[:8] || len(parts[2]) == 0 || len(parts[2]) > 8 {
			t.Errorf("%s: id %q, want %s-%s-lists", c.name, id, c.id, a.d.Hash()[:8])
		}
	}
	d := p.Decide(a.question(t, "dark.test"), time.Unix(0, 0))
	if p.Reason(d) != ReasonSelfharm || p.What(d) != "" {
		t.Errorf("self-harm: reason %d, what %q", p.Reason(d), p.What(d))
	}
}

// TestTextsOfAChild: to those under ten, no text and no id says what it was.
func TestTextsOfAChild(t *testing.T) {
	for tag, headline := range map[string]string{"de-AT": "Diese Seite ist jetzt nichts für dich.", "ja": "This page is not for now.", "": "This page is not for now."} {
		text := strings.ReplaceAll(family, "language: de-AT", "language: "+tag)
		a := asker{d: story(t, strings.ReplaceAll(text, "band: preteen", "band: child"))}
		p := a.member(t, "h-a", "Mia")
		for name, id := range map[string]string{"www.porn.test": "10", "cats.test": "10", "tok.test": "9", "dark.test": "10"} {
			d := p.Decide(a.question(t, name), time.Unix(0, 0))
			if got := p.Text(d); got != headline {
				t.Errorf("%s: text %q, want %q", name, got, headline)
			}
			if got := string(p.AppendID(nil, d)); !strings.HasPrefix(got, id+"-"+a.d.Hash()[:8]+"-") {
				t.Errorf("%s: id %q, want %s and the versions", name, got, id)
			}
		}
		fresh := p.Decide(a.question(t, "fresh.test"), time.Unix(0, 0))
		if got := string(p.AppendID(nil, fresh)); !strings.HasPrefix(got, "12-") {
			t.Errorf("fresh.test: id %q, want step and versions", got)
		}
	}
}

// TestLanguageNotChosen: a household that has chosen none says so, and its texts
// are English.
func TestLanguageNotChosen(t *testing.T) {
	a := asker{d: story(t, strings.ReplaceAll(family, "    language: de-AT\n", ""))}
	p := a.member(t, "h-a", "Mia")
	if got := p.Language() + a.d.order[0].Language + a.d.Profile("teen").Language(); got != "" {
		t.Errorf("nobody chose the language %q", got)
	}
	if got := p.Text(p.Decide(a.question(t, "porn.test"), time.Unix(0, 0))); got != "Blocked on this profile: Sex" {
		t.Errorf("text %q, want the English one", got)
	}
}

func TestWarnings(t *testing.T) {
	d := story(t, family)
	want := map[string]string{
		"households[0].rules[0].name":           "help site",
		"households[0].rules[1].name":           "no effect",
		"households[0].rules[2].name":           "answers itself",
		"households[0].devices[1].addresses[0]": "none of the household's networks",
	}
	for _, w := range d.Warnings() {
		if part, ok := want[w.Path]; !ok || !strings.Contains(w.Text, part) {
			t.Errorf("unexpected: %s: %s", w.Path, w.Text)
		}
		delete(want, w.Path)
	}
	for path := range want {
		t.Errorf("no warning at %s", path)
	}
}

// TestHash: the version changes with the policy and with nothing else.
func TestHash(t *testing.T) {
	a, b := story(t, family), story(t, family)
	if a.Hash() != b.Hash() || len(a.Hash()) != 16 {
		t.Errorf("the same policy is %s and %s", a.Hash(), b.Hash())
	}
	for _, change := range []struct{ what, old, new string }{
		{"rule", "club.test", "clubs.test"},
		{"own name", "name: hearth.home.arpa", "name: hearth.test"},
		{"title", "Katzenbilder", "Katzen"},
		{"block mode", "block_mode: nxdomain", "block_mode: null"},
		{"address of the last device", "192.168.2.30", "192.168.2.31"},
		{"age of the last member", "{name: Ben, profile: kids}", "{name: Ben, band: adult}"},
	} {
		if c := story(t, strings.Replace(family, change.old, change.new, 1)); c.Hash() == a.Hash() {
			t.Errorf("another %s leaves the hash", change.what)
		}
	}
	const born = "Birthday.\n-- config.yaml --\ntoday: 2026-02-01\nhouseholds: [{id: h, consent: {by: A, at: 2026-01-10}, members: [{name: Mia, born: 2016-02-02}]}]\n"
	before, after := story(t, born), story(t, strings.Replace(born, "2026-02-01", "2026-02-02", 1))
	if before.Hash() == after.Hash() {
		t.Error("a birthday that changes the band leaves the hash")
	}
}
