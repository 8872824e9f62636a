package events

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthdns/hearth/policy"
)

const family = `A family.
-- config.yaml --
today: 2000-01-01
profiles:
  - name: kids
    band: child
    schedule:
      bedtime: {school: "20:00-07:00"}
      windows: [{days: [sat], from: "01:00", to: "02:00", kind: homework}]
households:
  - id: h-home
    consent: {by: Anna, at: 2000-01-01}
    timezone: UTC
    networks: [192.168.1.0/24]
    members: [{name: Kim, profile: kids}, {name: Anna, band: adult}]
    devices:
      - {name: tablet, member: Kim, addresses: [192.168.1.20]}
      - {name: laptop, member: Anna, addresses: [192.168.1.21]}
-- expect --
`

func directory(t *testing.T, story string) *policy.Directory {
	t.Helper()
	s, err := policy.ParseScenario([]byte(story))
	if err != nil {
		t.Fatal(err)
	}
	c, err := s.Prepare(t.Context(), policy.CompileConfig{})
	if err != nil {
		t.Fatal(err)
	}
	d, err := policy.Compile(c)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// notes collects what is delivered.
type notes struct{ lines []string }

func (n *notes) String() string { return "notes" }

func (n *notes) Deliver(_ context.Context, event []byte) error {
	var e Event
	if err := json.Unmarshal(event, &e); err != nil {
		return err
	}
	until := "-"
	if !e.Until.IsZero() {
		until = e.Until.Format("Mon 15:04")
	}
	words := []string{time.Now().UTC().Format("Mon 15:04"), string(e.Event)}
	if e.Device != "" {
		words = append(words, e.What, e.Why, e.Household, e.Device, e.Member, strings.Trim(fmt.Sprint(e.Addresses), "[]"), e.From.Format("Mon 15:04"), until)
	}
	n.lines = append(n.lines, strings.Join(words, " "))
	return nil
}

// TestEdges: edges of the schedule and a parent's hand are told as they happen. The clock of synctest begins on
// Saturday, 1 January 2000, at midnight.
func TestEdges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, got := directory(t, family), new(notes)
		w := New(Config{View: func() *policy.Directory { return d }, Deliver: []Receiver{got}})
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- w.Run(ctx) }()
		time.Sleep(12 * time.Hour)
		act := func(s policy.State) {
			if err := d.Apply("h-home", s); err != nil {
				t.Error(err)
			}
			w.Changed()
			synctest.Wait()
		}
		now := time.Now().Unix()
		act(policy.State{Pauses: []policy.Pause{{Subject: policy.Subject{Member: "Kim"}, At: now, Until: now + 3600}}})
		time.Sleep(30 * time.Minute)
		act(policy.State{})
		time.Sleep(36 * time.Hour) // to Monday, past a bedtime
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		want := []string{
			"Sat 00:00 reset",
			"Sat 00:50 soon timed window h-home tablet Kim 192.168.1.20 Sat 01:00 Sat 02:00",
			"Sat 01:00 stop timed window h-home tablet Kim 192.168.1.20 Sat 01:00 Sat 02:00",
			"Sat 02:00 go timed window h-home tablet Kim 192.168.1.20 Sat 02:00 Sun 20:00",
			"Sat 12:00 stop all pause h-home tablet Kim 192.168.1.20 Sat 12:00 Sat 13:00",
			"Sat 12:30 go all pause h-home tablet Kim 192.168.1.20 Sat 12:30 Sun 20:00",
			"Sun 19:50 soon all window h-home tablet Kim 192.168.1.20 Sun 20:00 Mon 07:00",
			"Sun 20:00 stop all window h-home tablet Kim 192.168.1.20 Sun 20:00 Mon 07:00",
		}
		if diff := cmp.Diff(want, got.lines); diff != "" {
			t.Error(diff)
		}
	})
}

// TestStopsAreToldOnce: what stops timed names is told once, though minutes of something else that nobody uses put off
// when there may be a change; a pause that is made longer is told at once.
func TestStopsAreToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := directory(t, strings.Replace(family, "    schedule:\n", "    quotas: [{of: total, minutes: 30}]\n    schedule:\n", 1))
		got := new(notes)
		w := New(Config{View: func() *policy.Directory { return d }, Deliver: []Receiver{got}})
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- w.Run(ctx) }()
		time.Sleep(4 * time.Hour)
		for _, hours := range []int64{1, 2} {
			at := time.Now().Unix()
			if err := d.Apply("h-home", policy.State{Pauses: []policy.Pause{{At: at, Until: at + hours*3600}}}); err != nil {
				t.Error(err)
			}
			w.Changed()
			time.Sleep(30 * time.Minute)
		}
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		want := []string{
			"Sat 00:00 reset",
			"Sat 00:50 soon timed window h-home tablet Kim 192.168.1.20 Sat 01:00 Sat 02:00",
			"Sat 01:00 stop timed window h-home tablet Kim 192.168.1.20 Sat 01:00 Sat 02:00", // though all may be used up before
			"Sat 02:00 go timed window h-home tablet Kim 192.168.1.20 Sat 02:00 Sat 02:30",
			"Sat 04:00 stop all pause h-home tablet Kim 192.168.1.20 Sat 04:00 Sat 05:00",
			"Sat 04:30 stop all pause h-home tablet Kim 192.168.1.20 Sat 04:30 Sat 06:30",
		}
		if diff := cmp.Diff(want, got.lines); diff != "" {
			t.Error(diff)
		}
	})
}

// TestCommand: a program gets the event as its standard input, a line of its own; one that fails is tried again, and what it
// said is in the error.
func TestCommand(t *testing.T) {
	dir := t.TempDir()
	program := filepath.Join(dir, "on-event")
	if err := os.WriteFile(program, []byte("#!/bin/sh\ncat > \"$1\"\n"), 0o700); err != nil { //nolint:gosec // it is run
		t.Fatal(err)
	}
	to := filepath.Join(dir, "got")
	if err := (Command{program, to}).Deliver(t.Context(), []byte(`{"event":"stop"}`)); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(to); string(got) != `{"event":"stop"}`+"\n" {
		t.Errorf("the program got %q", got)
	}
	err := (Command{"/bin/sh", "-c", "echo no such table; exit 3"}).Deliver(t.Context(), nil)
	if err == nil || !strings.Contains(err.Error(), "no such table") {
		t.Errorf("a failing program: %v", err)
	}
}

// TestWebhook: events are signed as RFC 2104 says, and redirects are not followed. The signature was made with
// printf '{"event":"go"}' | openssl dgst -sha256 -hmac key.
func TestWebhook(t *testing.T) {
	var body bytes.Buffer
	var signature string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/away" {
			http.Redirect(w, r, "/", http.StatusTemporaryRedirect)
			return
		}
		_, _ = body.ReadFrom(r.Body)
		signature = r.Header.Get("Hearth-Signature")
	}))
	defer server.Close()
	if err := NewWebhook(server.URL, []byte("key")).Deliver(t.Context(), []byte(`{"event":"go"}`)); err != nil {
		t.Fatal(err)
	}
	if want := "sha256=7776e58f865d67c3ea3b271aa3a063d9dbecaa4fee77ab16dda11492818801ee"; body.String() != `{"event":"go"}` || signature != want {
		t.Errorf("posted %q with %q, want %q", &body, signature, want)
	}
	err := NewWebhook(server.URL+"/away?key=opensesame", nil).Deliver(t.Context(), []byte(`{}`))
	if err == nil {
		t.Fatal("a redirect was followed")
	}
	if strings.Contains(err.Error(), "opensesame") { // it goes into the log
		t.Errorf("the error tells the URL: %v", err)
	}
}

// TestValidate: what is wrong is said with what to write.
func TestValidate(t *testing.T) {
	for _, tt := range []struct {
		name string
		r    Receivers
		want string
	}{
		{"none", Receivers{}, ""},
		{"both", Receivers{Command: []string{"/bin/true"}, Webhook: "https://home.example/x", SecretFile: "s"}, ""},
		{"relative", Receivers{Command: []string{"on-event"}}, "command"},
		{"no URL", Receivers{Webhook: "home.example"}, "webhook"},
		{"file", Receivers{Webhook: "file:///etc/passwd"}, "webhook"},
		{"secret alone", Receivers{SecretFile: "s"}, "secret_file"},
	} {
		err := tt.r.Validate()
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.HasPrefix(err.Error(), tt.want)) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

// TestLastMinutes: the last ten minutes of a quota are told once a day, and with when it may stop at the earliest.
func TestLastMinutes(t *testing.T) {
	now := time.Date(2026, 3, 2, 18, 0, 0, 0, time.UTC)
	first, second := now.Add(6*time.Hour), now.Add(30*time.Hour)
	l := &device{warned: map[string]time.Time{}}
	for i, tt := range []struct {
		quota policy.QuotaState
		want  bool
	}{
		{policy.QuotaState{Of: "fun.video", Used: 49, Limit: 60, Resets: first}, false},
		{policy.QuotaState{Of: "fun.video", Used: 53, Limit: 60, Resets: first, Soon: true}, true},
		{policy.QuotaState{Of: "fun.video", Used: 54, Limit: 60, Resets: first, Soon: true}, false},
		{policy.QuotaState{Of: "total", Used: 53, Limit: 60, Resets: first, Soon: true}, true},
		{policy.QuotaState{Of: "total", Person: "Tim", Used: 53, Limit: 60, Resets: first, Soon: true}, true}, // who shares the device
		{policy.QuotaState{Of: "fun.video", Used: 60, Limit: 60, Resets: second, Soon: true, UsedUp: true}, false},
		{policy.QuotaState{Of: "fun.video", Used: 53, Limit: 60, Resets: second, Soon: true}, true},
	} {
		e, got := l.lastMinutes(now, &tt.quota)
		if got != tt.want {
			t.Fatalf("%d: %v, want %t", i, e, tt.want)
		}
		if !got {
			continue
		}
		l.warned[quota(&tt.quota)] = tt.quota.Resets
		if what := map[bool]string{true: all, false: timed}[tt.quota.Of == "total"]; e.What != what || e.Quota != tt.quota.Of || !e.From.Equal(now.Add(7*time.Minute)) || e.Until != tt.quota.Resets {
			t.Errorf("%d: %+v", i, e)
		}
	}
}
