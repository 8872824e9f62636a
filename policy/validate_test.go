package policy

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// errorsOf unpacks a joined error into paths and texts.
func errorsOf(t *testing.T, err error) map[string]string {
	t.Helper()
	out := map[string]string{}
	if err == nil {
		return out
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		t.Fatalf("%T is not a joined error", err)
	}
	for _, e := range joined.Unwrap() {
		field, ok := e.(interface{ Path() string })
		if !ok {
			t.Fatalf("%v has no path", e)
		}
		out[field.Path()] += e.Error()
	}
	return out
}

// TestValidate writes everything wrong at once, and wants every place named
// together with what to write instead.
func TestValidate(t *testing.T) {
	const text = `
categories:
  - {id: family.pets, group: video}
  - {id: family.pets, group: video}
  - {id: ok.mine, group: video}
  - {id: family.cars, group: vehicles}
profiles:
  - {name: teen}
  - {name: kids, band: toddler, block_mode: page, unknown: maybe}
  - {name: kids}
  - name: third
    band: little
    unknown: allow
    categories:
      - {id: adult.prn, action: block}
      - {id: sec.malware, action: allow}
      - {id: service.tiktok, action: block}
      - {id: adult.porn, action: hide}
    services:
      - {id: tictoc, action: block}
      - {id: tiktok, action: warn}
    always_on: [adult.porn]
    rules:
      - {name: "*.example.com", action: deny}
      - {name: "https://example.com/x", action: deny}
      - {name: example.com, action: forbid, scope: all}
      - {name: example.com, action: deny, member: Mia}
    schedule:
      bedtime: {school: "21 to 6", free: "21:00-21:00"}
      homework: "9:00-10:00"
      windows:
        - {days: [], from: "10:00", to: "11:00", kind: bedtime}
        - {days: [mo], from: "10:00", to: "11:00", kind: bedtime}
        - {days: [mon], from: "10:00", to: "25:00", kind: bedtime}
        - {days: [mon], from: "10:00", to: "11:00", kind: party}
  - {}
  - {name: nobody}
households:
  - id: The Smiths
    language: "!"
    country: de
    networks: [192.168.1.5/24, 0.0.0.0/0]
    guest: nobody
    members:
      - {name: Mia, profile: unheard}
      - {name: Mia, band: preteen}
      - {name: Tom, band: things}
      - {name: Lea, born: 0011-01-02, schedule: {homework: late}, quotas: [{of: total, minutes: 2000}], services: [{id: tictoc, action: block}]}
    devices:
      - {name: tablet, addresses: [192.168.9.9], member: Mia, members: [Tom]}
      - {name: tablet, addresses: [192.168.9.9], member: Zoe}
      - {name: phone, member: Mia}
      - {name: lamp, addresses: [192.168.9.7]}
      - {name: clock, addresses: [192.168.9.8], profile: nobody}
    rules:
      - {name: example.com, action: deny, profile: none, member: none}
    schedule: {preset: true}
  - id: h-2
    consent: {by: Anna, at: 2026-01-10}
    timezone: Europe/Springfield
    networks: [192.168.1.0/24]
  - id: h-2
    enabled: false
    networks: [10.0.0.0/8]
    members: [{name: Mia, band: preteen}]
    devices: [{name: tablet, addresses: [192.168.1.7], member: Mia}]
`
	var c Config
	if err := yaml.UnmarshalWithOptions([]byte(text), &c, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	got := errorsOf(t, c.Validate(nil))
	want := map[string]string{ // path: a part of what to write
		"categories[1].id":                           "choose another id",
		"categories[2].id":                           "family.ok.mine",
		"categories[3].group":                        "games",
		"profiles[0].name":                           "band: teen",
		"profiles[1].band":                           "preteen",
		"profiles[1].block_mode":                     "nxdomain",
		"profiles[1].unknown":                        "popular",
		"profiles[2].name":                           "profiles[1]",
		"profiles[3].unknown":                        "leave unknown out",
		"profiles[3].categories[0].id":               "adult.porn",
		"profiles[3].categories[1].id":               "security",
		"profiles[3].categories[2].id":               "services",
		"profiles[3].categories[3].action":           "allow, block, warn or timed",
		"profiles[3].services[0].id":                 "service.tiktok",
		"profiles[3].services[1].action":             "allow, block or timed",
		"profiles[3].always_on[0]":                   "social.chat",
		"profiles[3].rules[0].name":                  `write "example.com" with scope subdomains`,
		"profiles[3].rules[1].name":                  "without http://",
		"profiles[3].rules[2].action":                "allow or deny",
		"profiles[3].rules[2].scope":                 "exact",
		"profiles[3].rules[3]":                       "under the household",
		"profiles[3].schedule.bedtime.school":        "21:00-06:30",
		"profiles[3].schedule.bedtime.free":          "00:00 to 24:00",
		"profiles[3].schedule.homework":              "HH:MM",
		"profiles[3].schedule.windows[0].days":       "mon",
		"profiles[3].schedule.windows[1].days[0]":    "mon, tue",
		"profiles[3].schedule.windows[2]":            "HH:MM",
		"profiles[3].schedule.windows[3].kind":       "bedtime or homework",
		"profiles[4].name":                           "write one",
		"households[0].id":                           "a-z",
		"households[0].consent.by":                   "enabled: false",
		"households[0].consent.at":                   "YYYY-MM-DD",
		"households[0].timezone":                     "Europe/Berlin",
		"households[0].language":                     "fr-CA",
		"households[0].country":                      "DE",
		"households[0].networks[0]":                  "192.168.1.0/24",
		"households[0].networks[1]":                  "whole internet",
		"households[0].guest":                        "write a band in the profile",
		"households[0].members[0].profile":           "teen",
		"households[0].members[0]":                   "born as YYYY-MM-DD",
		"households[0].members[1].name":              "another name",
		"households[0].members[2]":                   "profile: things",
		"households[0].members[3].born":              "full year",
		"households[0].members[3].schedule.homework": "no span of time",
		"households[0].members[3].quotas[0].minutes": "a day has no 2000 minutes",
		"households[0].members[3].services[0].id":    "service.tiktok",
		"households[0].devices[0]":                   "not both",
		"households[0].devices[1].name":              "another name",
		"households[0].devices[1].member":            "Lea, Mia or Tom",
		"households[0].devices[1].addresses[0]":      "households[0].devices[0].addresses[0]",
		"households[0].devices[2].addresses":         "192.168.1.20",
		"households[0].devices[3]":                   "profile such as things",
		"households[0].devices[4].profile":           "write a band in the profile",
		"households[0].rules[0].profile":             "kids",
		"households[0].rules[0].member":              "Mia",
		"households[1].timezone":                     "Europe/Berlin",
		"households[1].networks[0]":                  "households[0]",
		"households[2].id":                           "households[1]",
		"households[2].devices[0].addresses[0]":      "households[0]",
	}
	for path, part := range want {
		if !strings.Contains(got[path], part) {
			t.Errorf("%s: %q does not say %q", path, got[path], part)
		}
		if text := got[path]; text != "" && !strings.HasPrefix(text, path+": ") {
			t.Errorf("%q does not begin with its path", text)
		}
		delete(got, path)
	}
	for path, text := range got {
		t.Errorf("unexpected: %s (%s)", text, path)
	}
}

// TestEveryMistakeIsTold: one reading tells all that is wrong with a window, a span and a week; and nobody is offered what
// the next reading refuses.
func TestEveryMistakeIsTold(t *testing.T) {
	var c Config
	if err := yaml.UnmarshalWithOptions([]byte(`
profiles:
  - {name: robots, band: things}
  - name: kids
    band: child
    schedule:
      homework: "9:00-10:00"
      windows: [{days: [mo, all, tu], from: "7", to: "25:00", kind: party}]
households:
  - id: h-1
    consent: {by: Anna, at: 2026-01-10}
    timezone: Europe/Berlin
    networks: [192.168.1.0/24]
    calendar: {school_days: [mo, tue, we]}
    members: [{name: Mia, band: toddler}, {name: Tom, profile: kid}]
`), &c, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	const window = "profiles[1].schedule.windows[0]"
	text := c.Validate(nil).Error() + "\n"
	for _, line := range []string{
		window + `.kind: "party" is`, window + `.days[0]: "mo" is`, window + `.days[2]: "tu" is`, window + `: "7" is`, window + `: "25:00" is`,
		`profiles[1].schedule.homework: "9:00" is`, `households[0].calendar.school_days[0]: "mo" is`, `households[0].calendar.school_days[2]: "we" is`,
		`households[0].members[0].band: "toddler" is no band: write little, child, preteen, teen, young or adult` + "\n",
		`households[0].members[1].profile: there is no profile "kid": write little, child, preteen, teen, young, adult or kids` + "\n",
	} {
		if strings.Count("\n"+text, "\n"+line) != 1 {
			t.Errorf("is not told once: %s", line)
		}
	}
	if t.Failed() || strings.Count(text, "\n") != 11 { // and that Tom has no age
		t.Log("told is\n" + text)
		t.Fail()
	}
}

// TestCompileRefuses: what needs the day, and what has no index.
func TestCompileRefuses(t *testing.T) {
	d := story(t, "Empty.")
	home := HouseholdConfig{ID: "h", Consent: ConsentConfig{"Anna", Date{2026, 1, 1}},
		Networks: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")},
		Members:  []MemberConfig{{Name: "Mia", Born: Date{2015, 4, 30}}}}
	c := CompileConfig{Config: Config{Households: []HouseholdConfig{home}}, Index: d.Index()}
	_, err := Compile(c)
	if got := errorsOf(t, err); !strings.Contains(got["households[0].members[0].born"], "present day") {
		t.Errorf("a birth date without a day: %v", err)
	}
	c.Now = instant(t, "2015-04-29T12:00:00Z")
	_, err = Compile(c)
	if got := errorsOf(t, err); !strings.Contains(got["households[0].members[0].born"], "future") {
		t.Errorf("a birth in the future: %v", err)
	}
	c.Now = instant(t, "2026-04-29T12:00:00Z")
	got, err := Compile(c)
	if err != nil {
		t.Fatal(err)
	}
	if want := (Date{2028, 4, 30}); got.BandsUntil() != want {
		t.Errorf("the bands hold until %s, want %s", got.BandsUntil(), want)
	}
	c.Index = nil
	if _, err := Compile(c); err == nil {
		t.Error("compiled without an index")
	}
}

// TestValidateReservedIDs: what the program keeps under an id in the store is no household's.
func TestValidateReservedIDs(t *testing.T) {
	for _, id := range []string{"tickets", "operators"} {
		c := Config{Households: []HouseholdConfig{{ID: id, Language: "en", Consent: ConsentConfig{By: "Anna", At: Date{2026, 1, 10}}}}}
		found := errorsOf(t, c.Validate(nil))
		if text := found["households[0].id"]; !strings.Contains(text, "h-4711") {
			t.Errorf("the household id %q: %v, want an error that says what to write instead", id, found)
		}
	}
	c := Config{Households: []HouseholdConfig{{ID: "tickets-2", Language: "en", Consent: ConsentConfig{By: "Anna", At: Date{2026, 1, 10}}}}}
	if err := c.Validate(nil); err != nil {
		t.Errorf("the household id tickets-2 is refused: %v", err)
	}
}
