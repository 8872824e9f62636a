package policy

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// remembered is a family with somebody of each band, a guest, and a household that has not opted in.
const remembered = `Everyone.
-- config.yaml --
households:
  - id: h
    consent: {by: Anna, at: 2026-01-10}
    networks: [192.168.1.0/24]
    members:
      - {name: Little, band: little}
      - {name: Child, band: child}
      - {name: Preteen, band: preteen}
      - {name: Teen, band: teen}
      - {name: Young, band: young}
      - {name: Adult, band: adult}
    devices:
      - {name: toy, addresses: [192.168.1.9], profile: things}
      - {name: tablet, addresses: [192.168.1.8], members: [Teen, Child]}
      - {name: console, addresses: [192.168.1.7], members: [Young, Child]}
    guest: things
  - id: out
    enabled: false
    networks: [192.168.2.0/24]
    members: [{name: Kid, band: child}]
-- lists/sec.malware.txt --
bad.test
-- lists/illegal.order.txt --
order.test
-- lists/illegal.csam.txt --
abuse.test
-- lists/ok.help.txt --
help.test
-- lists/ok.help.core.txt --
core.test
-- lists/harm.selfharm.txt --
dark.test
-- lists/money.gambling.txt --
bet.test
`

// kinds are the kinds of names that tiers tell apart, in the order of the columns below.
var kinds = []string{"page.test", "bet.test", "bad.test", "dark.test", "help.test", "core.test", "order.test", "abuse.test"}

func rememberedBy(t *testing.T, s State) *Directory {
	t.Helper()
	d := story(t, remembered)
	if err := d.Apply("h", s); err != nil {
		t.Fatal(err)
	}
	return d
}

// TestTiers: each band and each kind of name, and with each log that parents may ask for. F nothing, T totals, N names.
func TestTiers(t *testing.T) {
	day := time.Date(2026, 6, 10, 10, 0, 0, 0, time.UTC)
	at := day.Unix()
	log := func(full bool) func(string) []Log {
		return func(member string) []Log {
			return []Log{{Member: member, Full: full, At: at - 3*86400, Until: at + 3*86400, Told: at - 2*86400, Confirmed: at - 86400}}
		}
	}
	for _, tt := range []struct {
		who                 string
		base, blocked, full string // page bet bad dark help core order abuse
	}{
		{"Little", "TTTTFFFF", "NNNTFFFF", "NNNTFFFF"}, // an allow-list blocks the page too
		{"Child", "TTTTFFFF", "TNNTFFFF", "NNNTFFFF"},
		{"Preteen", "TTTTFFFF", "TNNTFFFF", "NNNTFFFF"},
		{"Teen", "TTNTFFFF", "TNNTFFFF", "NNNTFFFF"},
		{"Young", "FFNFFFFF", "FNNTFFFF", "NNNTFFFF"},
		{"Adult", "FFFFFFFF", "FFFFFFFF", "FFFFFFFF"},
	} {
		for tier, want := range map[string]string{"base": tt.base, "blocked": tt.blocked, "full": tt.full} {
			var logs []Log
			if tier != "base" {
				logs = log(tier == "full")(tt.who)
			}
			a := asker{d: rememberedBy(t, State{Logs: logs})}
			c, err := a.d.Locate("h", tt.who)
			if err != nil {
				t.Fatal(err)
			}
			if got := tiersOf(t, a, c, day); got != want {
				t.Errorf("%s, %s: %s, want %s", tt.who, tier, got, want)
			}
		}
	}
	everybody := State{}
	for _, who := range []string{"Child", "Teen"} {
		everybody.Logs = append(everybody.Logs, log(true)(who)...)
	}
	a := asker{d: rememberedBy(t, everybody)}
	for client, want := range map[string]string{
		"toy":          "NNNTFFFF",
		"tablet":       "TTTTFFFF", // nobody knows which of the two it is
		"192.168.1.77": "TTTTFFFF", // a guest, whatever profile guests have
		"192.168.2.5":  "FFFFFFFF", // a household that has not opted in
		"203.0.113.9":  "",
	} {
		c, err := a.d.Find(client)
		if err != nil {
			if c, err = a.d.LocateDevice("h/" + client); err != nil {
				t.Fatal(err)
			}
		}
		if c.Profile == nil {
			var q Question
			if c.Remembers(&q, Decision{}, day) != Forget {
				t.Errorf("%s is remembered", client)
			}
			continue
		}
		if got := tiersOf(t, a, c, day); got != want {
			t.Errorf("%s: %s, want %s", client, got, want)
		}
	}
}

func tiersOf(t *testing.T, a asker, c Client, at time.Time) string {
	t.Helper()
	var b strings.Builder
	for _, name := range kinds {
		q := a.question(t, name)
		d := c.Decide(q, at)
		b.WriteByte("FTN"[c.Remembers(q, d, at)])
		if n := testing.AllocsPerRun(10, func() { c.Remembers(q, d, at) }); n != 0 {
			t.Errorf("%v allocations, want none", n)
		}
	}
	return b.String()
}

// TestLogBegins: when a log is in force, by band.
func TestLogBegins(t *testing.T) {
	const hour, day, at = 3600, 86400, 1_800_000_000
	week := Log{At: at, Until: at + 7*day}
	long := Log{At: at, Until: at + 8*day}
	told, confirmed, late := long, week, long
	told.Told, confirmed.Confirmed, late.Told = at+hour, at+2*hour, at+5*day
	for _, tt := range []struct {
		what        string
		band        Band
		log         Log
		begins, end int64 // 0: never
	}{
		{"a child", Child, week, at, at + 7*day},
		{"a preteen", Preteen, week, at, at + 7*day},
		{"a teenager who does not know", Teen, week, 0, 0},
		{"a teenager who was told", Teen, told, at + 25*hour, at + 8*day},
		{"a teenager who was told late", Teen, late, at + 6*day, at + 8*day},
		{"a young person who has not agreed", Young, told, 0, 0},
		{"a young person who agreed", Young, confirmed, at + 2*hour, at + 7*day},
		{"an adult", Adult, confirmed, 0, 0},
		{"a thing", Things, week, 0, 0},
	} {
		got := tt.log.Begins(tt.band)
		if got != tt.begins {
			t.Errorf("%s: begins %d, want %d", tt.what, got-at, tt.begins-at)
		}
		for _, at := range []int64{tt.begins - 1, tt.begins, tt.end - 1, tt.end} {
			want := tt.begins != 0 && at >= tt.begins && at < tt.end
			if tt.log.InForce(tt.band, at) != want {
				t.Errorf("%s: at %d in force %v", tt.what, at-tt.log.At, !want)
			}
		}
	}
	for _, tt := range []struct {
		band Band
		log  Log
		good bool
	}{
		{Child, week, true}, {Child, long, false}, {Teen, long, true}, {Teen, Log{At: at, Until: at + 9*day}, false},
		{Young, week, true}, {Adult, week, false}, {Things, week, false}, {Child, Log{At: at, Until: at}, false},
	} {
		if err := tt.log.Check(tt.band); (err == nil) != tt.good {
			t.Errorf("%s: %v", tt.band, err)
		}
	}
}

// TestTold: sums never tell of self-harm, help or the law, and of a name that security knows nothing else.
func TestTold(t *testing.T) {
	a := asker{d: rememberedBy(t, State{})}
	c, err := a.d.Locate("h", "Preteen")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]string{
		"bet.test": {"money.gambling"}, "bad.test": {"sec.malware"}, "page.test": nil,
		"dark.test": nil, "help.test": nil, "core.test": nil, "order.test": nil, "abuse.test": nil,
	} {
		if got := c.Profile.Told(a.question(t, name).Match.Categories); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}

// TestPerson: under whose name activity lies.
func TestPerson(t *testing.T) {
	d := rememberedBy(t, State{})
	toy, _ := d.LocateDevice("h/toy")
	kid, _ := d.Locate("h", "Child")
	assumed := kid
	assumed.Assumed = true
	for want, c := range map[string]Client{"device:toy": toy, "Child": kid, PersonGuests: assumed} {
		if got := c.Person(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	for name, good := range map[string]bool{"Kim": true, "Kim's tablet: old": true, "a/b": false, "device:toy": false, PersonGuests: false, strings.Repeat("x", 201): false, "a\nb": false} {
		if nameable(name) != good {
			t.Errorf("%q: %v", name, !good)
		}
	}
}
