package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hearthdns/hearth/policy/notify"
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
	for _, k := range append(notify.Kinds(), "test") {
		for _, n := range []int{1, 10} {
			text := sentences(notify.Draft{Kind: k, Count: n, Member: "Kim"})
			if text.Title == "" || k == notify.Request && (n == 10) != strings.Contains(text.Title, "10") {
				t.Errorf("%s %d: %+v", k, n, text)
			}
		}
	}
}
