package main

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/store"
)

const quotaFamily = `
resolve: {upstreams: [192.0.2.1]}
profiles:
  - {name: kids, band: teen, quotas: [{of: total, minutes: 60}, {of: tiktok, minutes: 10}]}
households:
  - id: home
    consent: {by: test, at: 2026-01-01}
    timezone: Europe/Berlin
    networks: [10.0.0.0/24]
    members: [{name: Kim, profile: kids}]
    devices:
      - {name: tablet, member: Kim, addresses: [10.0.0.2]}
      - {name: console, profile: kids, addresses: [10.0.0.3]}
`

// restart makes a server of a configuration on a state folder, and ends it with the test.
func restart(t *testing.T, text, state string) *server {
	t.Helper()
	file, environ := writeConfig(t, text), []string{"HEARTH__STATE=" + state}
	l, err := load(file, environ)
	if err != nil {
		t.Fatal(err)
	}
	return started(t, l, environ, new(bytes.Buffer))
}

// started is restart with a configuration that was read, and a log.
func started(t *testing.T, l *loaded, environ []string, out *bytes.Buffer) *server {
	t.Helper()
	s, err := newServer(&app{environ: environ, err: out}, l, newLog(out, l.Config.Log, new(slog.LevelVar)), new(slog.LevelVar))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.store.Close() }) // closed already, for most
	return s
}

// spend counts minutes of a device, the present one and those before, as if it had asked for a name.
func (s *server) spend(t *testing.T, device string, minutes int) {
	t.Helper()
	c, err := s.directory().LocateDevice("home/" + device)
	if err != nil {
		t.Fatal(err)
	}
	for n := range minutes {
		c.Count(&policy.Question{}, policy.Decision{Step: policy.StepUnknown}, noonToday().Add(time.Duration(n)*time.Minute))
	}
}

// spent says how many minutes of the total a device has used.
func (s *server) spent(t *testing.T, device string) int {
	t.Helper()
	c, err := s.directory().LocateDevice("home/" + device)
	if err != nil {
		t.Fatal(err)
	}
	return c.Quotas(noonToday())[0].Used
}

// noonToday is a time of the present day in the household's zone.
func noonToday() time.Time {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		panic(err)
	}
	y, m, d := time.Now().In(berlin).Date()
	return time.Date(y, m, d, 12, 0, 0, 0, berlin)
}

// TestQuotasSurvive: what is used of quotas is known after a reload, after a restart, and after a server that was
// killed, but for the minute since it was kept last.
func TestQuotasSurvive(t *testing.T) {
	state := t.TempDir()
	s := restart(t, quotaFamily, state)
	s.spend(t, "tablet", 25)
	s.spend(t, "console", 3)
	if _, err := s.reload(t.Context(), "test"); err != nil {
		t.Fatal(err)
	}
	if a, b := s.spent(t, "tablet"), s.spent(t, "console"); a != 25 || b != 3 {
		t.Errorf("after a reload %d and %d minutes are used, want 25 and 3", a, b)
	}
	s.used.keep()
	s.spend(t, "tablet", 26) // this minute nobody kept when the server is killed
	if err := s.store.Close(); err != nil {
		t.Fatal(err)
	}

	again := restart(t, quotaFamily, state)
	if a, b := again.spent(t, "tablet"), again.spent(t, "console"); a != 25 || b != 3 {
		t.Errorf("after a restart %d and %d minutes are used, want 25 and 3", a, b)
	}
	again.spend(t, "tablet", 30) // of which 25 are known
	ctx, end := context.WithCancel(t.Context())
	end()
	if err := again.used.Run(ctx); err != nil { // the end
		t.Fatal(err)
	}
	if err := again.store.Close(); err != nil {
		t.Fatal(err)
	}
	if n := restart(t, quotaFamily, state).spent(t, "tablet"); n != 30 {
		t.Errorf("after the end %d minutes are used, want 30", n)
	}
}

// TestLateQuota: a quota that comes back with a reload goes on where it was.
func TestLateQuota(t *testing.T) {
	state := t.TempDir()
	s := restart(t, quotaFamily, state)
	s.spend(t, "tablet", 7)
	s.used.keep()
	if err := s.store.Close(); err != nil {
		t.Fatal(err)
	}
	without := restart(t, strings.Replace(quotaFamily, "{of: total, minutes: 60}, ", "", 1), state)
	if err := without.store.Close(); err != nil {
		t.Fatal(err)
	}
	if n := restart(t, quotaFamily, state).spent(t, "tablet"); n != 7 {
		t.Errorf("%d minutes are used, want 7", n)
	}
}

// TestOldMinutesAreForgotten: days that are over in every zone are dropped; the day before is kept.
func TestOldMinutesAreForgotten(t *testing.T) {
	state := t.TempDir()
	s := restart(t, quotaFamily, state)
	day := func(ago int) store.Partition {
		return store.Partition{Kind: usageKind, Day: store.DayOf(noonToday().AddDate(0, 0, -ago)), Household: "home", Person: "Kim"}
	}
	for ago := range 5 {
		if _, err := s.store.Append(store.Addition{Partition: day(ago), Records: []store.Record{{Key: "total", Bits: []uint64{1}}}}); err != nil {
			t.Fatal(err)
		}
	}
	s.used.oldest = ""
	s.used.keep()
	for ago, want := range []int{1, 1, -1, 0, 0} {
		records, err := s.store.Records(day(ago))
		if err != nil {
			t.Fatal(err)
		}
		if want >= 0 && len(records) != want {
			t.Errorf("of %d days ago %d records are kept, want %d", ago, len(records), want)
		}
	}
}

// TestMinutesThatCannotBeKept: the server serves on, says so once, and keeps them later.
func TestMinutesThatCannotBeKept(t *testing.T) {
	s := restart(t, quotaFamily, t.TempDir())
	var log bytes.Buffer
	s.used.log = slog.New(slog.NewTextHandler(&log, nil))
	s.spend(t, "tablet", 2)
	if err := s.store.Close(); err != nil {
		t.Fatal(err)
	}
	s.used.keep()
	s.used.keep()
	if n := strings.Count(log.String(), "are not kept"); n != 1 || s.spent(t, "tablet") != 2 {
		t.Errorf("told %d times, %d minutes are used; want once and 2: %s", n, s.spent(t, "tablet"), log.String())
	}
}

// TestDamagedStateIsSaidOnce: a state that cannot be opened is one error, which says all that comes of it.
func TestDamagedStateIsSaidOnce(t *testing.T) {
	state := t.TempDir()
	if err := os.WriteFile(storePath(state), []byte("no store"), 0o600); err != nil {
		t.Fatal(err)
	}
	environ, out := []string{"HEARTH__STATE=" + state}, new(bytes.Buffer)
	l, err := load(writeConfig(t, quotaFamily), environ)
	if err != nil {
		t.Fatal(err)
	}
	s := started(t, l, environ, out)
	s.spend(t, "tablet", 2)
	s.used.keep()
	over, end := context.WithCancel(t.Context())
	end()
	if err := s.activity.Run(over); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(out.String(), "level=ERROR"); n != 1 || !strings.Contains(out.String(), "neither activity nor used minutes are kept") || !strings.Contains(out.String(), "hearth restore FILE") {
		t.Errorf("%d errors, want one that says all: %s", n, out)
	}
}
