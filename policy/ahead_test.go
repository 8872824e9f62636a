package policy

import (
	"net/netip"
	"slices"
	"testing"
	"time"
)

// comingOf tells what comes for a device, as "HH:MM what why".
func comingOf(t *testing.T, d *Directory, device string, now time.Time) (list []string) {
	t.Helper()
	c, err := d.LocateDevice(device)
	if err != nil {
		t.Fatal(err)
	}
	for _, next := range c.Coming(now) {
		what := "all"
		if next.Timed {
			what = "timed"
		}
		list = append(list, next.From.Format("15:04")+" "+what+" "+next.Clock.String())
	}
	return list
}

// aheadHome is a child with a bedtime, homework time and a quota of all.
func aheadHome(t *testing.T, more string) *Directory {
	t.Helper()
	s, err := ParseScenario([]byte(`A home.
-- config.yaml --
today: 2026-03-02
profiles:
  - name: kids
    band: child
    ` + more + `
    schedule:
      bedtime: {school: "20:00-07:00", free: "21:00-07:00"}
      homework: "15:00-17:00"
households:
  - id: h-home
    consent: {by: Anna, at: 2026-01-01}
    timezone: UTC
    networks: [192.168.1.0/24]
    exceptions: [{date: 2026-03-03, bedtime: off}]
    members: [{name: Kim, profile: kids}, {name: Anna, band: adult}]
    devices:
      - {name: tablet, member: Kim, addresses: [192.168.1.20]}
      - {name: shared, members: [Kim, Anna], addresses: [192.168.1.21]}
-- expect --
`))
	if err != nil {
		t.Fatal(err)
	}
	c, err := s.Prepare(t.Context(), CompileConfig{})
	if err != nil {
		t.Fatal(err)
	}
	d, err := Compile(c)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func day(hour, minute int) time.Time { return time.Date(2026, 3, 2, hour, minute, 0, 0, time.UTC) } // a Monday

// TestComing: people are told of a stop ten minutes ahead: of a window, of the end of extra time, of a pause that extra
// time lifts, on a shared device of the end of its use; a change that stops nothing does not hide one.
func TestComing(t *testing.T) {
	d := aheadHome(t, "")
	apply := func(s State) {
		t.Helper()
		if err := d.Apply("h-home", s); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		name   string
		state  State
		device string
		now    time.Time
		want   []string
	}{
		{"homework", State{}, "tablet", day(14, 50), []string{"15:00 timed window"}},
		{"too early", State{}, "tablet", day(14, 49), nil},
		{"already", State{}, "tablet", day(15, 0), nil},
		{"bedtime", State{}, "tablet", day(19, 55), []string{"20:00 all window"}},
		{"extra time in bedtime", State{Grants: []Grant{{Kind: GrantTime, At: day(20, 0).Unix(), Until: day(20, 30).Unix()}}}, "tablet", day(20, 21), []string{"20:30 all window"}},
		{"extra time to the end", State{Grants: []Grant{{Kind: GrantTime, At: day(12, 0).Unix(), Until: day(12, 30).Unix()}}}, "tablet", day(12, 25), nil},
		{"a pause lifted", State{
			Pauses: []Pause{{Subject: Subject{Member: "Kim"}, At: day(12, 0).Unix()}},
			Grants: []Grant{{Kind: GrantTime, Subject: Subject{Member: "Kim"}, At: day(12, 10).Unix(), Until: day(12, 30).Unix()}},
		}, "tablet", day(12, 22), []string{"12:30 all pause"}},
		{"an edge before it", State{Grants: []Grant{{Kind: GrantTime, At: day(19, 0).Unix(), Until: day(19, 58).Unix()}}}, "tablet", day(19, 55), []string{"20:00 all window"}},
		{"use of a shared device", State{Uses: []Use{{Device: "shared", Member: "Anna", At: day(20, 0).Unix(), Until: day(20, 30).Unix()}}}, "shared", day(20, 21), []string{"20:30 all window"}},
	} {
		apply(tt.state)
		if got := comingOf(t, d, tt.device, tt.now); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

// TestOffTimes: the windows of two days as the schedule has them, with exceptions.
func TestOffTimes(t *testing.T) {
	c, err := aheadHome(t, "").Locate("h-home", "Kim")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, w := range c.Profile.OffTimes(day(0, 0), day(0, 0).AddDate(0, 0, 2)) {
		kind := "bedtime"
		if w.Timed {
			kind = "homework"
		}
		got = append(got, kind+" "+w.From.Format("Mon 15:04")+" "+w.Until.Format("Mon 15:04"))
	}
	want := []string{"bedtime Mon 20:00 Tue 07:00", "homework Mon 15:00 Mon 17:00", "homework Tue 15:00 Tue 17:00"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if c, err = aheadHome(t, "observe: true").Locate("h-home", "Kim"); err != nil || len(c.Profile.OffTimes(day(0, 0), day(23, 0))) != 0 {
		t.Errorf("what is only observed is told as off (%v)", err)
	}
}

// TestUnseenIsNobody: where machines are told apart, an address alone is nobody's.
func TestUnseenIsNobody(t *testing.T) {
	s, err := ParseScenario([]byte(`A home.
-- config.yaml --
today: 2026-03-02
households:
  - id: h-home
    consent: {by: Anna, at: 2026-01-01}
    timezone: UTC
    networks: [192.168.1.0/24]
    members: [{name: Kim, band: teen}, {name: Anna, band: adult}]
    devices:
      - {name: phone, member: Kim, addresses: [192.168.1.20]}
      - {name: laptop, member: Anna, macs: ["02:00:00:00:00:01"]}
  - id: h-other
    consent: {by: Bob, at: 2026-01-01}
    timezone: UTC
    networks: [192.168.2.0/24]
    members: [{name: Bob, band: adult}]
    devices: [{name: desk, member: Bob, addresses: [192.168.2.20]}]
-- expect --
`))
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := s.Prepare(t.Context(), CompileConfig{})
	if err != nil {
		t.Fatal(err)
	}
	d, err := Compile(cfg)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		addr    string
		status  Status
		unnamed bool
	}{{"192.168.1.20", Guest, true}, {"192.168.1.99", Guest, true}, {"192.168.2.20", Known, false}, {"203.0.113.9", Stranger, true}} {
		c := d.IdentifyUnseen(netip.MustParseAddr(tt.addr))
		if c.Status != tt.status || (c.Member == nil && c.Device == nil) != tt.unnamed {
			t.Errorf("%s is %v, %v, %v", tt.addr, c.Status, c.Member, c.Device)
		}
	}
}
