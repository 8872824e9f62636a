package portal

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/parents"
	"github.com/hearthdns/hearth/policy/policytest"
)

// The house of these tests: Mia (child), Leo (preteen), Tom (teen), Lea (young) and Anna (adult) with a device each, a tablet that
// Mia and Tom share, and everyone else in 10.0.0.0/24 as a guest. It is Wednesday, 18 November 2026.
const (
	own      = policytest.Own
	mia      = "10.0.0.2"
	leo      = "10.0.0.3"
	tom      = "10.0.0.4"
	anna     = "10.0.0.5"
	tablet   = "10.0.0.6"
	lea      = "10.0.0.7"
	guest    = "10.0.0.77"
	stranger = "192.0.2.9"
)

// listed are the names of the tests' lists.
func listed() map[string][]string {
	return map[string][]string{
		"adult.porn":      {"naked.example"},
		"harm.selfharm":   {"harm.example", "both.example"},
		"harm.gore":       {"both.example"},
		"money.gambling":  {"casino.example"},
		"fun.games":       {"games.example"},
		"social.networks": {"social.example"},
		"social.ugc":      {"forum.example"},
		"sec.phishing":    {"phish.example"},
		"sec.malware":     {"virus.example"},
		"illegal.csam":    {"forbidden.example"},
		"illegal.order":   {"ordered.example"},
		"ads.trackers":    {"ads.example", "ads1.example", "ads2.example"},
		"ok.help":         {"help.example"},
		"ok.kids":         {"de.vikidia.example"},
		"sec.nrd":         {"fresh.example"},
		"service.tiktok":  {"clips.example"},
	}
}

type houseOptions struct {
	language, country string
	config            func(*policy.Config)
}

var index = sync.OnceValue(func() *blocklists.Index {
	return policytest.Index(listed(), func(b *blocklists.Builder, taxonomy *blocklists.Taxonomy) error {
		set, err := taxonomy.Select("adult.porn")
		list := b.List(set)
		for _, p := range []blocklists.Pattern{{Expr: `^pattern[0-9]\.`}, {Expr: "^typed[0-9]", Types: []uint16{28}}} { // AAAA
			err = errors.Join(err, b.AddPattern(list, p))
		}
		return err
	})
})

func directory(t testing.TB, o houseOptions) *policy.Directory {
	t.Helper()
	dir, err := policy.Compile(policy.CompileConfig{Config: house(o), Index: index(), Own: wire(t, own)})
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func house(o houseOptions) policy.Config {
	device := func(name, addr string, members ...string) policy.DeviceConfig {
		d := policy.DeviceConfig{Name: name, Addresses: []netip.Addr{netip.MustParseAddr(addr)}}
		if len(members) == 1 {
			d.Member = members[0]
		} else {
			d.Members = members
		}
		return d
	}
	bands := func(band string) policy.ProfileConfig {
		return policy.ProfileConfig{Name: band + "s", Band: band, Schedule: policy.ScheduleConfig{Preset: true}}
	}
	c := policy.Config{
		Profiles: []policy.ProfileConfig{bands("child"), bands("preteen"), bands("teen")},
		Households: []policy.HouseholdConfig{{
			ID: "family", Timezone: "Europe/Vienna", Language: o.language, Country: o.country,
			Consent:  policy.ConsentConfig{By: "Anna", At: policy.Date{Year: 2026, Month: 1, Day: 1}},
			Networks: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/24")},
			Members: []policy.MemberConfig{
				{Name: "Mia", Band: "child", Profile: "childs"}, {Name: "Leo", Band: "preteen", Profile: "preteens"},
				{Name: "Tom", Band: "teen", Profile: "teens"}, {Name: "Anna", Band: "adult"}, {Name: "Lea", Band: "young"},
			},
			Devices: []policy.DeviceConfig{
				device("mia-tablet", mia, "Mia"), device("leo-laptop", leo, "Leo"), device("tom-phone", tom, "Tom"),
				device("anna-phone", anna, "Anna"), device("family-tablet", tablet, "Mia", "Tom"), device("lea-phone", lea, "Lea"),
			},
			Rules: []policy.RuleConfig{{Name: "denied.example", Action: "deny"}},
		}},
	}
	if o.config != nil {
		o.config(&c)
	}
	return c
}

func wire(t testing.TB, text string) blocklists.Name {
	t.Helper()
	n, err := blocklists.ParseName(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// moment is a time of the week of the tests in Vienna.
func moment(t testing.TB, text string) time.Time {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Vienna")
	if err != nil {
		t.Fatal(err)
	}
	at, err := time.ParseInLocation("2006-01-02 15:04", text, zone)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

const (
	noon    = "2026-11-18 12:00"
	evening = "2026-11-18 22:30" // bed time for all under 16
	lessons = "2026-11-18 16:00" // homework for child and preteen
)

// home is a house with the pages of children.
type home struct {
	*policytest.House
	*Portal
}

// newHome makes one whose pages know of no desk; change may change what they stand on.
func newHome(t testing.TB, o houseOptions, change ...func(*Config)) *home {
	t.Helper()
	h := &home{House: policytest.Open(t, index(), noon, house(o), nil)}
	c := Config{Name: own, View: h.Live, Now: h.Clock}
	for _, change := range change {
		change(&c)
	}
	var err error
	if h.Portal, err = New(c); err != nil {
		t.Fatal(err)
	}
	return h
}

// get asks as a browser does for a document.
func (h *home) get(from, host string, fields ...string) *httptest.ResponseRecorder {
	return h.getPath(from, host, "/", fields...)
}

func (h *home) getPath(from, host, path string, fields ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, "http://placeholder"+path, nil)
	r.Host, r.RemoteAddr = host, from+":40000"
	r.Header.Set("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	h.Landing().ServeHTTP(w, r)
	return w
}

// at sets the clock.
func (h *home) at(t testing.TB, text string) *home {
	t.Helper()
	h.At(text)
	return h
}

// block decides as the resolver does and tells the portal.
func (h *home) block(t testing.TB, from, name string, at time.Time) {
	t.Helper()
	addr := netip.MustParseAddr(from)
	var hashes blocklists.Hashes
	q := h.Live().Ask(wire(t, name), &hashes)
	client := h.Live().Identify(addr)
	if client.Profile == nil {
		h.Observe(client, addr, wire(t, name), policy.Decision{Action: policy.Block, Step: policy.StepCategory, Applied: true}, at)
		return
	}
	h.Observe(client, addr, wire(t, name), client.Profile.Decide(&q, at), at)
}

// machine may do everything.
var machine = parents.Actor{Role: parents.Machine}

// of is a household, for whoever may do everything.
var of = policytest.Machine
