package policy

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/hearthdns/hearth/blocklists"
)

// routed has a router that tells its devices apart in every way, one that hides them, one that tells MACs alone with a
// profile of its own, and a second home whose router claims to have a device of the first.
const routed = `
households:
  - id: h-1
    consent: {by: Anna, at: 2026-01-10}
    networks: [192.168.1.0/24]
    members: [{name: Mia, band: child}, {name: Tom, band: teen}, {name: Anna, band: adult}]
    devices:
      - {name: tablet, member: Mia, macs: ["a4:cf:12:00:00:01"]}
      - {name: phone, member: Tom, macs: ["a4:cf:12:00:00:02"], addresses: [192.168.1.30]}
      - {name: laptop, member: Anna, macs: ["a4:cf:12:00:00:03"]}
      - {name: desk, member: Anna, addresses: [192.168.1.50]}
      - {name: room, member: Mia, tokens: [room, 0123456789abcdef]}
      - {name: heating, profile: things, macs: ["b8:27:eb:00:00:01"]}
    recognise: [{mac: "b8:27:eb", profile: things}]
    forwarders:
      - {address: 192.168.1.1, options: [mac, token, subnet]}
      - {address: 192.168.1.2}
      - {address: 192.168.1.3, options: [mac], profile: child}
      - {address: 192.168.1.4, profile: adult}
      - {address: 192.168.1.5, options: [token]}
      - {address: 192.168.1.6, options: [subnet]}
  - id: h-2
    consent: {by: Ben, at: 2026-01-10}
    networks: [192.168.2.0/24]
    members: [{name: Ben, band: adult}]
    devices: [{name: phone, member: Ben, macs: ["a4:cf:12:00:00:09"], tokens: [ben]}]
    forwarders: [{address: 192.168.2.1, options: [mac, token, subnet]}]
  - id: h-3
    enabled: false
    networks: [192.168.3.0/24]
    members: [{name: Eva, band: child}]
    devices: [{name: phone, member: Eva, addresses: [192.168.3.7], macs: ["a4:cf:12:00:00:07"]}]
    forwarders: [{address: 192.168.3.1, options: [mac, subnet]}]
`

const (
	mias, toms, annas, bens = "a4:cf:12:00:00:01", "a4:cf:12:00:00:02", "a4:cf:12:00:00:03", "a4:cf:12:00:00:09"
	nobodys                 = "a4:cf:12:99:99:99"
)

// midday is a Tuesday in school time.
var midday = time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC)

func configOf(t *testing.T, text string) (c Config) {
	t.Helper()
	if err := yaml.Unmarshal([]byte(text), &c); err != nil {
		t.Fatal(err)
	}
	return c
}

func inWire(t *testing.T, name string) blocklists.Name {
	t.Helper()
	n, err := blocklists.ParseName(name)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestIdentifyTold(t *testing.T) {
	d := directoryOf(t, routed)
	for _, tt := range []struct {
		story            string
		router           string
		mac, token, addr string
		vague            bool
		want             string
		band             Band
		telling          Telling
	}{
		{"a MAC", "192.168.1.1", mias, "", "", false, "h-1/tablet", Child, ToldDevice},
		{"another", "192.168.1.1", annas, "", "", false, "h-1/laptop", Adult, ToldDevice},
		{"a MAC and its address", "192.168.1.1", toms, "", "192.168.1.30", false, "h-1/phone", Teen, ToldDevice},
		{"a MAC at an address that alone tells another", "192.168.1.1", mias, "", "192.168.1.50", false, "h-1/tablet", Child, ToldDevice},
		{"a MAC at an address of nobody's", "192.168.1.1", mias, "", "192.168.1.99", false, "h-1/tablet", Child, ToldDevice},
		{"an address whose MAC the router does not know yet", "192.168.1.1", "", "", "192.168.1.50", false, "h-1 guest", Child, ToldNothing},
		{"the same for a device with a MAC", "192.168.1.1", "", "", "192.168.1.30", false, "h-1 guest", Child, ToldNothing},
		{"an address and the MAC that it is known without", "192.168.1.1", annas, "", "192.168.1.50", false, "h-1/laptop", Adult, ToldDevice},
		{"an address alone", "192.168.1.6", "", "", "192.168.1.50", false, "h-1/desk", Adult, ToldDevice},
		{"an address alone that nobody entered", "192.168.1.6", "", "", "192.168.1.99", false, "h-1 guest", Preteen, ToldUnknown},
		{"a token", "192.168.1.1", "", "room", "", false, "h-1/room", Child, ToldDevice},
		{"a token and a MAC that nobody entered", "192.168.1.1", nobodys, "room", "", false, "h-1/room", Child, ToldDevice},
		{"a MAC before a token", "192.168.1.1", annas, "room", "", false, "h-1/laptop", Adult, ToldDevice},
		{"a MAC that nobody entered", "192.168.1.1", nobodys, "", "", false, "h-1 guest", Preteen, ToldUnknown},
		{"a maker that a rule knows", "192.168.1.1", "b8:27:eb:00:00:77", "", "", false, "h-1 guest", Preteen, ToldUnknown},
		{"a token that nobody entered", "192.168.1.1", "", "attic", "", false, "h-1 guest", Preteen, ToldUnknown},
		{"an address that nobody entered", "192.168.1.1", nobodys, "", "192.168.1.99", false, "h-1 guest", Preteen, ToldUnknown},
		{"nothing: as strict as the strictest", "192.168.1.1", "", "", "", false, "h-1 guest", Child, ToldNothing},

		{"a MAC of another home", "192.168.1.1", bens, "", "", false, "h-1 guest", Preteen, ToldUnknown},
		{"a token of another home", "192.168.1.1", "", "ben", "", false, "h-1 guest", Preteen, ToldUnknown},
		{"an address of another home", "192.168.1.1", "", "", "192.168.2.7", false, "h-1 guest", Child, ToldNothing},
		{"another home's router with a MAC of this", "192.168.2.1", annas, "", "", false, "h-2 guest", Adult, ToldUnknown},
		{"another home's router with a token of this", "192.168.2.1", "", "room", "", false, "h-2 guest", Adult, ToldUnknown},
		{"another home's router with an address of this", "192.168.2.1", "", "", "192.168.1.30", false, "h-2 guest", Adult, ToldNothing},
		{"another home's router with its own", "192.168.2.1", bens, "", "", false, "h-2/phone", Adult, ToldDevice},
		{"the address of a router", "192.168.1.1", "", "", "192.168.1.2", false, "h-1 guest", Child, ToldNothing},

		{"a MAC beside a network", "192.168.1.1", annas, "", "", true, "h-1 guest", Child, ToldNothing},
		{"a MAC beside an address elsewhere", "192.168.1.1", annas, "", "203.0.113.9", false, "h-1 guest", Child, ToldNothing},
		{"a token beside a network", "192.168.1.1", "", "room", "", true, "h-1/room", Child, ToldDevice},

		{"a router that hides its devices is not believed", "192.168.1.2", annas, "room", "192.168.1.50", false, "h-1 guest", Preteen, ToldNothing},
		{"and has one profile", "192.168.1.4", mias, "", "", false, "h-1 guest", Adult, ToldNothing},
		{"a token where MACs are told", "192.168.1.3", "", "room", "", false, "h-1 guest", Child, ToldNothing},
		{"an address where MACs are told", "192.168.1.3", "", "", "192.168.1.50", false, "h-1 guest", Child, ToldNothing},
		{"a MAC where tokens are told", "192.168.1.5", annas, "", "", false, "h-1 guest", Child, ToldNothing},
		{"a grown-up's MAC behind a strict router", "192.168.1.3", annas, "", "", false, "h-1/laptop", Adult, ToldDevice},
		{"an unknown device gets no more than its router", "192.168.1.3", nobodys, "", "", false, "h-1 guest", Child, ToldUnknown},
		{"nor one of a known maker", "192.168.1.3", "b8:27:eb:00:00:77", "", "", false, "h-1 guest", Child, ToldUnknown},

		{"who opted out", "192.168.3.1", "a4:cf:12:00:00:07", "", "192.168.3.7", false, "h-3 opted-out", NoBand, ToldUnknown},
		{"who opted out, nothing told", "192.168.3.1", "", "", "", false, "h-3 opted-out", NoBand, ToldNothing},
	} {
		c := d.IdentifyBy(&Facts{Addr: netip.MustParseAddr(tt.router), MAC: mac(t, annas)}) // the router's own says nothing
		if c.Forwarder == nil {
			t.Errorf("%s: %s is no forwarder", tt.story, tt.router)
			continue
		}
		told := Told{MAC: mac(t, tt.mac), Token: []byte(tt.token), Vague: tt.vague}
		if tt.addr != "" {
			told.Addr = netip.MustParseAddr(tt.addr)
		}
		got, telling := d.IdentifyTold(c.Forwarder, &told)
		if said(got) != tt.want || got.Profile.Band() != tt.band || telling != tt.telling {
			t.Errorf("%s: %s with %s, telling %d; want %s with %s, telling %d", tt.story, said(got), got.Profile.Band(), telling, tt.want, tt.band, tt.telling)
		}
		if n := testing.AllocsPerRun(20, func() { _, _ = d.IdentifyTold(c.Forwarder, &told) }); n != 0 {
			t.Errorf("%s: %v allocations, want none", tt.story, n)
		}
	}
}

// TestWhomARouterDoesNotTell: what all members and guests alike are allowed, cell by cell, things left out.
func TestWhomARouterDoesNotTell(t *testing.T) {
	d := directoryOf(t, routed)
	own := d.Identify(netip.MustParseAddr("192.168.1.1"))
	tax := d.Index().Taxonomy()
	for i, row := range tax.All() {
		var q Question
		var h blocklists.Hashes
		d.Index().Key().Hash(inWire(t, "x.example"), &h)
		q.Hashes = &h
		q.Match.Labels = 1
		q.Match.Categories.Add(blocklists.Category(i)) //nolint:gosec // at most 256
		blocks := own.Decide(&q, midday).Blocks()
		for _, who := range []string{"Mia", "Tom", "Anna"} {
			m, err := d.Locate("h-1", who)
			if err != nil {
				t.Fatal(err)
			}
			if m.Decide(&q, midday).Blocks() && !blocks {
				t.Errorf("%s is blocked for %s, not for whom the router does not tell", row.ID, who)
			}
		}
	}
}

// TestPausesOfWhomARouterDoesNotTell: a paused child's tablet with a new address must not be online for a moment.
func TestPausesOfWhomARouterDoesNotTell(t *testing.T) {
	for _, tt := range []struct {
		to     Subject
		router string
		paused bool
	}{
		{Subject{Member: "Mia"}, "192.168.1.1", true}, {Subject{Member: "Tom"}, "192.168.1.1", true}, {Subject{Device: "tablet"}, "192.168.1.1", true},
		{Subject{}, "192.168.1.1", true}, {Subject{}, "192.168.1.2", true},
		{Subject{Member: "Mia"}, "192.168.1.2", false}, {Subject{Device: "tablet"}, "192.168.1.2", false},
	} {
		d := directoryOf(t, routed)
		if err := d.Apply("h-1", State{Pauses: []Pause{{Subject: tt.to, At: midday.Unix() - 60, Until: midday.Unix() + 600}}}); err != nil {
			t.Fatal(err)
		}
		var h blocklists.Hashes
		c := d.Identify(netip.MustParseAddr(tt.router))
		q := d.Ask(inWire(t, "anything.example"), &h)
		if got := c.Decide(&q, midday); got.Blocks() != tt.paused {
			t.Errorf("a pause of %+v, through %s: blocked %v, want %v", tt.to, tt.router, got.Blocks(), tt.paused)
		}
	}
}

func TestForwarderErrors(t *testing.T) {
	for _, tt := range []struct{ old, text, path, words string }{
		{"[mac, token, subnet]", "[mac, ip]", "households[0].forwarders[0].options[1]", "write mac, token or subnet"},
		{"[mac, token, subnet]", "[mac, mac]", "households[0].forwarders[0].options[1]", "twice"},
		{"{address: 192.168.1.4, profile: adult}", "{address: 192.168.1.4, profile: odd}", "households[0].forwarders[3].profile", "there is no profile"},
		{"{address: 192.168.1.4, profile: adult}", "{profile: adult}", "households[0].forwarders[3].address", "such as 192.168.1.1"},
		{"{address: 192.168.1.4, profile: adult}", `{address: "0.0.0.0"}`, "households[0].forwarders[3].address", "such as 192.168.1.1"},
		{"{address: 192.168.1.4, profile: adult}", "{address: 192.168.2.4}", "households[0].forwarders[3].address", "a forwarder asks for its own household"},
		{"{address: 192.168.1.4, profile: adult}", "{address: 192.168.1.2}", "households[0].forwarders[3].address", "already"},
		{"{address: 192.168.1.4, profile: adult}", "{address: 192.168.1.50}", "households[0].forwarders[3].address",
			"keeps what one child was answered for another, so one profile holds for all behind it: take the address from that device and write profile: here, or leave it to the guests' profile, or have the forwarder tell its devices apart (dnsmasq: add-mac)"},
		{"{address: 192.168.1.4, profile: adult}", "{address: 192.168.1.50, options: [mac]}", "households[0].forwarders[3].address", "its macs or tokens"},
	} {
		err := configOf(t, strings.Replace(routed, tt.old, tt.text, 1)).Validate(nil)
		if err == nil || !strings.Contains(err.Error(), tt.words) || !strings.Contains(err.Error(), tt.path) {
			t.Errorf("%s: %v\nwant one at %s with %q", tt.text, err, tt.path, tt.words)
		}
	}
}
