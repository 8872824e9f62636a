package main

import (
	"bytes"
	"log/slog"
	"net/netip"
	"strings"
	"testing"

	"github.com/hearthdns/hearth/policy/account"
	"github.com/hearthdns/hearth/policy/notify"
)

// TestAccountWords: what happens to an account has words of its own in the audit and in messages. A token's name is not
// taken for a member's; what is told at once of several names nobody.
func TestAccountWords(t *testing.T) {
	titles := map[string]account.Event{}
	for event, what := range accountWords {
		n := account.Notice{Event: event, Household: "home", Name: "Kim", By: "Anna", Network: netip.MustParsePrefix("192.0.2.7/32")}
		e := entryOf(n)
		if e.What != what || e.By != "Anna" || e.Detail != "from 192.0.2.7" || (e.Member == "Kim") == (event == account.EventToken) {
			t.Errorf("%s: %+v", event, e)
		}
		if event == account.EventAmended || event == account.EventWithdrew {
			continue // no message
		}
		text := sentences("en", notify.Draft{Kind: notify.SignIn, What: string(event), Count: 1, Member: "Kim"})
		if before, twice := titles[text.Title]; twice || text.Title == "" {
			t.Errorf("%s and %s have the same words", event, before)
		}
		titles[text.Title] = event
		if several := sentences("en", notify.Draft{Kind: notify.SignIn, Count: 3}); strings.Contains(several.Title, "Kim") || several.Title == text.Title {
			t.Errorf("of several it says %q", several.Title)
		}
	}
	if e := entryOf(account.Notice{Event: account.EventToken, Name: "light", By: "Anna"}); e.Member != "" || e.Detail != "light" {
		t.Errorf("a token: %+v", e)
	}
	if e := entryOf(account.Notice{Event: account.EventSignIn, Name: "Kim"}); e.By != "Kim" {
		t.Errorf("a sign-in: %+v", e)
	}
	if e := entryOf(account.Notice{Event: account.EventGuessed, Name: "Kim"}); e.By != "" {
		t.Errorf("a guess was not Kim's: %+v", e)
	}
}

// TestInviteTakesHousehold: HOUSEHOLD/NAME, as other commands take it, is no invitation for somebody called "Bert/".
func TestInviteTakesHousehold(t *testing.T) {
	if r := hearth(t, "account", "invite", "home/Bert", "--role", "parent"); r.code == 0 || !strings.Contains(r.err, "--name") {
		t.Errorf("code %d: %s%s", r.code, r.out, r.err)
	}
}

// TestNoticesNeverWait: whoever signs in does not wait for the audit, however much waits there.
func TestNoticesNeverWait(t *testing.T) {
	var log bytes.Buffer
	s := &server{notices: make(chan account.Notice, 2), log: slog.New(slog.NewTextHandler(&log, nil))}
	for range 5 {
		s.heard(account.Notice{Event: account.EventSignIn, Name: "Kim"})
	}
	if text := log.String(); strings.Count(text, "is not written down") != 3 || strings.Contains(text, "Kim") {
		t.Errorf("the log: %s", text)
	}
	if got := s.untold.Load(); got != 3 {
		t.Errorf("the metric is to say 3, not %v", got)
	}
}

// TestBeginsWith: an id may be shortened as far as it means one thing, and not to nothing.
func TestBeginsWith(t *testing.T) {
	all := []account.Token{{ID: "abcdefgh"}, {ID: "abcdefij"}, {ID: "short"}}
	for id, want := range map[string]string{"abcdefg": "abcdefgh", "abcdefij": "abcdefij", "abcdef": "", "abc": "", "": "", "short": "", "zzzzzzzz": "", "abcdefghi": ""} {
		got, err := begins(all, id, "tokens", func(t account.Token) string { return t.ID })
		if got.ID != want || (err == nil) != (want != "") {
			t.Errorf("%q gives %q, %v, want %q", id, got.ID, err, want)
		}
	}
}
