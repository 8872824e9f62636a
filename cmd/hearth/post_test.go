package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hearthdns/hearth/policy/account"
	"github.com/hearthdns/hearth/policy/notify"
	"github.com/hearthdns/hearth/policy/words"
)

// TestMessages: mistakes in notify are told with their place, files of its secrets are looked at, and every kind of message
// has words that name no site unless they are given one.
func TestMessages(t *testing.T) {
	const house = "households: [{id: h, consent: {by: x, at: 2026-01-01}, timezone: Europe/Berlin, networks: [10.0.0.0/8], members: [{name: Kim, band: child}]}]\n"
	r := hearth(t, "check-config", writeConfig(t, house+"notify: {contact: me, mail: {server: smtp.home.example, tls: none, user: a, password_file: p}, ntfy: {server: ntfy.sh}}\n"))
	for _, want := range []string{"notify.contact", "notify.mail.tls", "notify.mail.from", "notify.ntfy.server", ":2:"} {
		if r.code == 0 || !strings.Contains(r.out+r.err, want) {
			t.Errorf("code %d, no %s in %s%s", r.code, want, r.out, r.err)
		}
	}
	file := writeConfig(t, house+"notify: {mail: {server: smtp.home.example, from: a@home.example, user: a, password_file: mail.password}, ntfy: {server: https://ntfy.example, token_file: token}}\n")
	if err := os.WriteFile(filepath.Join(filepath.Dir(file), "token"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if r = hearth(t, "check-config", file); r.code != 0 || !strings.Contains(r.out, "notify.mail.password_file") || strings.Contains(r.out, "notify.ntfy.token_file") {
		t.Errorf("code %d: %s%s", r.code, r.out, r.err)
	}
	for _, language := range words.Languages() {
		for _, k := range append(notify.Kinds(), "test") {
			for _, n := range []int{1, 10} {
				text := sentences(language, notify.Draft{Kind: k, Count: n, Member: "Kim"})
				if text.Title == "" || k == notify.Request && (n == 10) != strings.Contains(text.Title, "10") || strings.ContainsAny(text.Title+text.Body, "{}") {
					t.Errorf("%s: %s %d: %+v", language, k, n, text)
				}
			}
		}
		for event := range accountWords {
			d := notify.Draft{Kind: notify.SignIn, Count: 1, What: string(event)}
			if text := sentences(language, d); event != account.EventAmended && event != account.EventWithdrew && text.Title == sentences(language, notify.Draft{Kind: notify.SignIn, Count: 2}).Title {
				t.Errorf("%s has no words for %s", language, event)
			}
		}
	}
}

// TestMessagesInTheLanguageOfTheHousehold: the household's own, and English for one that has chosen none or is none.
func TestMessagesInTheLanguageOfTheHousehold(t *testing.T) {
	speak := func(to, id string) string {
		return strings.Replace(to, "- id: "+id+"\n", "- id: "+id+"\n    language: de-AT\n", 1)
	}
	home := withBand("child")
	other := strings.NewReplacer("id: home", "id: other", "10.0.0.", "10.0.1.", "Kim", "Leo").Replace(home[strings.Index(home, "  - id"):])
	s, _, _ := testServer(t, speak(home, "home")+other)
	for household, want := range map[string]string{"home": "Kim fragt nach etwas", "other": "Kim asks for something", "operators": "Kim asks for something"} {
		if got := s.word(notify.Draft{Household: household, Kind: notify.Request, Count: 1, Member: "Kim"}).Title; got != want {
			t.Errorf("%s is told %q, want %q", household, got, want)
		}
	}
}
