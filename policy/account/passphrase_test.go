package account_test

import (
	"strings"
	"testing"
	"time"

	"github.com/hearthdns/hearth/policy/account"
	"github.com/hearthdns/hearth/policy/store"
)

// TestPassphraseRule: NIST SP 800-63B-4, 3.1.1.2: at least 15 characters, counted as code points; 64 and more are
// accepted; every sign, spaces and other languages too; no rule of composition; nothing that is tried first.
func TestPassphraseRule(t *testing.T) {
	h := open(t)
	code, err := h.Setup(h.ctx)
	h.ok(err)
	accept := func(passphrase string) error {
		_, err := h.Accept(h.ctx, account.Join{Client: at("192.0.2.1"), Code: code.Code, Household: "smiths", Name: "Rosalinde", Passphrase: passphrase})
		return err
	}
	for what, text := range map[string]string{
		"none": "", "14 characters": "kettle at dawn", "14 code points in 42 octets": "窓鳥雨橋森塩針箱貝旗波鐘糸雪",
		"129 characters": strings.Repeat("kettle at dawn, ", 8) + "x", "control characters": "purple kettle\x00 at dawn", "not UTF-8": "purple kettle\xff at dawn",
		"one sign": "aaaaaaaaaaaaaaaaaaa", "a row": "123456789012345678", "keys": "qwertyuiopasdfghjkl", "German keys": "qwertzuiopasdfghjkl",
		"a repetition": "abc123abc123abc123", "a common word": "passwordpassword", "this program": "hearth hearth hearth", "the own name": "rosalinderosalinde", "the household": "smiths smiths smiths",
	} {
		err := accept(text)
		if err == nil {
			t.Fatalf("%s is accepted", what)
		}
		h.refuses(err, account.Refused)
		if !strings.Contains(err.Error(), "passphrase") {
			t.Errorf("%s: it says %q", what, err)
		}
	}
	for _, text := range []string{"kettle at dawns", "窓鳥雨橋森塩針箱貝旗波鐘糸雪月", "قطة تشرب حليبا باردا", "hfkwpqzmvbxlrtn", "1 9 4 7 2 8 5 0 3 6", strings.Repeat("kettle at dawn, ", 8)[:128]} {
		h := open(t)
		code, err = h.Setup(h.ctx)
		h.ok(err)
		s, err := h.Accept(h.ctx, account.Join{Client: at("192.0.2.1"), Code: code.Code, Household: "smiths", Name: "Rosalinde", Passphrase: text})
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		_, err = h.signIn(at("192.0.2.1"), "smiths", s.Session.Who.Name, text+" ")
		h.refuses(err, account.Wrong)
		_, err = h.signIn(at("192.0.2.1"), "smiths", s.Session.Who.Name, text)
		h.ok(err)
	}
}

// TestKeyboardsDiffer: a passphrase is the same however a keyboard composes its letters (RFC 8265, 4.2.2), and not the
// same in another case.
func TestKeyboardsDiffer(t *testing.T) {
	h := open(t)
	h.joins(account.Offer{Household: "home", Role: account.Parent, Name: "Anna"}, "f\u00fcnf gr\u00fcne Bretter")
	_, err := h.signIn(at("192.0.2.1"), "home", "Anna", "fu\u0308nf gru\u0308ne\u00a0Bretter")
	h.ok(err)
	_, err = h.signIn(at("192.0.2.1"), "home", "Anna", "f\u00fcnf gr\u00fcne bretter")
	h.refuses(err, account.Wrong)
}

// TestPHC: what is kept of a passphrase has the form of the PHC string format, with the settings of the time, and one with
// others is renewed at the next sign-in. The hash is that of the reference program: of the passphrase with the salt
// "somesalt", 256 KiB, two passes, one lane, 32 octets.
func TestPHC(t *testing.T) {
	h := open(t)
	s := h.joins(account.Offer{Household: "home", Role: account.Parent, Name: "Anna"}, words)
	k := store.Key{Household: "home", Kind: "proof", ID: s.Session.Account}
	kept := func() string {
		snap, err := h.bolt.Snapshot(h.ctx, k.String())
		h.ok(err)
		return string(snap.Entries[0].Value)
	}
	if !strings.Contains(kept(), `"$argon2id$v=19$m=19456,t=2,p=1$`) {
		t.Errorf("it is %s", kept())
	}
	// From the tests of the reference implementation of Argon2 (phc-winner-argon2, src/test.c): version 0x13, id,
	// t=2, m=2^8, p=1, "password", "somesalt".
	_, err := h.bolt.Put(h.ctx, store.Write{Key: k, Value: []byte(`{"household":"home","account":"` + s.Session.Account +
		`","hash":"$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"}`)})
	h.ok(err)
	_, err = h.signIn(at("192.0.2.1"), "home", "Anna", words)
	h.refuses(err, account.Wrong)
	_, err = h.signIn(at("192.0.2.1"), "home", "Anna", "password")
	h.ok(err)
	if !strings.Contains(kept(), `"$argon2id$v=19$m=19456,t=2,p=1$`) {
		t.Errorf("it is not renewed: %s", kept())
	}
	_, err = h.signIn(at("192.0.2.1"), "home", "Anna", "password")
	h.ok(err)
}

// TestPHCBounds: nobody who writes into the store can have a sign-in take more than 76 MiB or eight passes.
func TestPHCBounds(t *testing.T) {
	const salt, hash = "$c29tZXNhbHQ$", "nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"
	for text, want := range map[string]bool{
		"$argon2id$v=19$m=256,t=2,p=1" + salt + hash: true, "$argon2id$v=19$m=77824,t=8,p=4" + salt + hash: true,
		"$argon2id$v=19$m=77825,t=2,p=1" + salt + hash: false, "$argon2id$v=19$m=4194304,t=2,p=1" + salt + hash: false,
		"$argon2id$v=19$m=256,t=9,p=1" + salt + hash: false, "$argon2id$v=19$m=256,t=0,p=1" + salt + hash: false,
		"$argon2id$v=19$m=256,t=2,p=5" + salt + hash: false, "$argon2id$v=19$m=256,t=2,p=0" + salt + hash: false,
		"$argon2id$v=19$m=7,t=2,p=1" + salt + hash: false, "$argon2id$v=16$m=256,t=2,p=1" + salt + hash: false,
		"$argon2i$v=19$m=256,t=2,p=1" + salt + hash: false, "$argon2id$v=19$m=256,t=2,p=1" + salt + "nf65": false,
		"$argon2id$v=19$m=256,t=2,p=1$$" + hash: false, "$argon2id$v=19$m=256,t=2,p=1" + salt + hash + "$": false,
		"$argon2id$v=19$m=256,t=2,p=1 " + salt + hash: false, "$argon2id$v=19$m=-1,t=2,p=1" + salt + hash: false, "": false,
	} {
		if got := account.ReadsPHC(text); got != want {
			t.Errorf("%s: read %v", text, got)
		}
	}
}

// TestChangingAPassphrase: the old one is asked for; all other sessions end and known browsers are known no more.
func TestChangingAPassphrase(t *testing.T) {
	h := open(t)
	anna := h.first("home")
	tablet, err := h.signIn(at("192.0.2.4"), "home", "Anna", words)
	h.ok(err)
	c := at("192.0.2.1")
	c.Cookie, c.Browser = anna.Cookie, anna.Browser
	_, err = h.SetPassphrase(h.ctx, at("192.0.2.1"), words, other)
	h.refuses(err, account.SignedOut)
	_, err = h.SetPassphrase(h.ctx, c, words, "short")
	h.refuses(err, account.Refused)
	_, err = h.SetPassphrase(h.ctx, c, other, other)
	h.refuses(err, account.Wrong)
	s, err := h.SetPassphrase(h.ctx, c, words, other)
	h.ok(err)
	for what, cookie := range map[string]string{"the tablet": tablet.Cookie, "the old cookie": anna.Cookie} {
		want(t, what, h.valid(cookie), false)
	}
	want(t, "this one", h.valid(s.Cookie), true)
	if s.Browser == anna.Browser {
		t.Error("a browser from before is still known")
	}
	h.later(time.Minute)
	_, err = h.signIn(at("192.0.2.4"), "home", "Anna", words)
	h.refuses(err, account.Wrong)
	_, err = h.signIn(at("192.0.2.4"), "home", "Anna", other)
	h.ok(err)
	want(t, "told", h.heard(account.EventChanged, "home"), 1)
}
