package policy

import (
	"testing"
	"time"
)

// played is a household of Kim, who is 8, and Anna, with a tablet that both use and Kim's own phone; today is Monday.
const played = `A family.
-- config.yaml --
profiles:
  - {name: kim, band: child, quotas: [{of: total, minutes: 60}, {of: fun.ai, minutes: 30}]}
  - {name: mia, band: preteen, always_on: [social.chat], schedule: {windows: [{days: [all], from: "15:00", to: "16:00", kind: homework}]}}
  - {name: zoe, band: young, quotas: [{of: fun.games, minutes: 30}, {of: fun.video, minutes: 30}], services: [{id: youtube, action: timed}]}
households:
  - id: h
    consent: {by: Anna, at: 2026-01-10}
    timezone: UTC
    networks: [192.168.1.0/24]
    members: [{name: Kim, profile: kim}, {name: Mia, profile: mia}, {name: Zoe, profile: zoe}, {name: Anna, band: adult}]
    devices:
      - {name: tablet, members: [Kim, Anna], addresses: [192.168.1.20]}
      - {name: phone, member: Kim, addresses: [192.168.1.21], hostnames: [kims-phone]}
`

// TestUseEndsSoon: what is answered to a grown-up who uses a shared device is not kept there for longer than
// what a child is answered: the use may be ended before its time.
func TestUseEndsSoon(t *testing.T) {
	d, at := story(t, played), instant(t, "2026-03-02T16:00:00Z")
	if err := d.Apply("h", State{Uses: []Use{{Device: "tablet", Member: "Anna", At: at.Unix(), Until: at.Unix() + 7200}}}); err != nil {
		t.Fatal(err)
	}
	c := located(t, d, "tablet").Now(at)
	if c.Member == nil || c.Member.Name != "Anna" {
		t.Fatalf("%+v uses the tablet, want Anna", c.Member)
	}
	if allowed, timed := c.MaxTTL(); allowed != 300 || timed != 60 {
		t.Errorf("replies live %d and %d seconds, want 300 and 60", allowed, timed)
	}
}

// TestUseIsOfMembers: a use of a device by nobody, or by somebody whose device it is not any more, is left out.
func TestUseIsOfMembers(t *testing.T) {
	d, at := story(t, played), instant(t, "2026-03-02T16:00:00Z")
	for _, u := range []Use{{Device: "tablet"}, {Device: "phone", Member: "Anna"}, {Member: "Anna"}, {}} {
		u.At, u.Until = at.Unix(), at.Unix()+3600
		if err := d.Apply("h", State{Uses: []Use{u}}); err != nil {
			t.Fatal(err)
		}
		for _, device := range []string{"tablet", "phone"} {
			if c := located(t, d, device).Now(at); c.Profile.Band() != Child {
				t.Errorf("%+v: the %s has band %s, want child", u, device, c.Profile.Band())
			}
		}
	}
}

// TestBonusIsNotForWhoSeemsToBe: who gives itself a device's name gets none of the minutes that the device, or
// whose it is, was given.
func TestBonusIsNotForWhoSeemsToBe(t *testing.T) {
	d, at := story(t, played), instant(t, "2026-03-02T16:00:00Z")
	bonus := func(to Subject) Grant {
		return Grant{Subject: to, Kind: GrantBonus, Value: quotaTotal, Minutes: 15, At: at.Unix(), Until: at.Unix() + 3600}
	}
	seems, _, err := d.ReadClient("192.168.1.99 name:kims-phone")
	if err != nil || !seems.Assumed {
		t.Fatalf("%+v, %v", seems, err)
	}
	phone := located(t, d, "phone")
	for _, tt := range []struct {
		name         string
		to           Subject
		phone, seems int
	}{
		{"the device", Subject{Device: "phone"}, 15, 0},
		{"the member", Subject{Member: "Kim"}, 15, 0},
	} {
		if err := d.Apply("h", State{Grants: []Grant{bonus(tt.to)}}); err != nil {
			t.Fatal(err)
		}
		for who, want := range map[*Client]int{&phone: tt.phone, &seems: tt.seems} {
			if got := who.Quotas(at)[0]; got.Of != quotaTotal || got.Bonus != want {
				t.Errorf("a bonus for %s: %+v (assumed %v), want a bonus of %d", tt.name, got, who.Assumed, want)
			}
		}
	}
}

// TestTimedStops: homework stops timed names though one of their kinds is always on, and a quota that is used up is
// told of whatever else is timed.
func TestTimedStops(t *testing.T) {
	at := instant(t, "2026-03-02T15:30:00Z")
	for _, tt := range []struct {
		member, used string
		want         Clock
		until, ends  time.Duration
	}{
		{"Mia", "", Window, 30 * time.Minute, 30 * time.Minute},
		{"Zoe", "", NoClock, 30 * time.Minute, 0},
		{"Zoe", "fun.games", QuotaUsed, 8*time.Hour + 30*time.Minute, 8*time.Hour + 30*time.Minute},
		{"Zoe", "fun.video", QuotaUsed, 8*time.Hour + 30*time.Minute, 8*time.Hour + 30*time.Minute},
		{"Kim", "fun.ai", QuotaUsed, time.Hour, 8*time.Hour + 30*time.Minute}, // in an hour all may be used up
	} {
		c, err := story(t, played).Locate("h", tt.member)
		if err != nil {
			t.Fatal(err)
		}
		if tt.used != "" {
			for _, a := range c.budget.list {
				if a.of == tt.used { // since midnight, on and off
					a.meter.turn(DateOf(at).number()).merge(&Minutes{1<<30 - 1})
				}
			}
		}
		want := Stop{Clock: tt.want, Until: at.Add(tt.until).Unix()}
		if tt.ends != 0 {
			want.Ends = at.Add(tt.ends).Unix()
		}
		if got := c.StoppedTimed(at); got != want {
			t.Errorf("%s with %q used up: %+v, want %+v", tt.member, tt.used, got, want)
		}
	}
}

// TestLaterDaysStay: what is known of a day gone by does not take the place of what is counted today.
func TestLaterDaysStay(t *testing.T) {
	u, key := NewUsage(), MeterKey{"h", "Kim", quotaTotal}
	today := Date{2026, 3, 4}
	u.Merge(Used{key, today, Minutes{1}}, Used{key, Date{2026, 3, 2}, Minutes{7}}, Used{key, Date{2026, 3, 3}, Minutes{3}})
	for day, want := range map[Date]int{today: 1, {2026, 3, 3}: 2, {2026, 3, 2}: 0} {
		if got := u.Meter(key).on(day.number()).used(); got != want {
			t.Errorf("%s: %d minutes, want %d", day, got, want)
		}
	}
}

func located(t *testing.T, d *Directory, device string) Client {
	t.Helper()
	c, err := d.LocateDevice(device)
	if err != nil {
		t.Fatal(err)
	}
	return c
}
