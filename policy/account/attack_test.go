package account_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hearthdns/hearth/policy/account"
	"github.com/hearthdns/hearth/policy/store"
)

// bubble runs a test in its own time, in which waiting takes none.
func bubble(t *testing.T, do func(h *house)) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, realClock)
		do(h)
	})
}

// TestFixation: whatever a browser brings, a sign-in makes a new cookie, and the one that it brought opens nothing any more.
func TestFixation(t *testing.T) {
	h := open(t)
	eve := h.joins(account.Offer{Household: "home", Role: account.Child, Name: "Eve"}, other)
	anna := h.joins(account.Offer{Household: "home", Role: account.Parent, Name: "Anna"}, words)
	for _, planted := range []string{eve.Cookie, "home.planted", "", strings.Repeat("x", 1<<16)} {
		c := at("192.0.2.1")
		c.Cookie = planted
		s, err := h.signIn(c, "home", "Anna", words)
		h.ok(err)
		if s.Cookie == planted || s.Cookie == anna.Cookie || s.Browser == planted {
			t.Fatalf("the cookie %q is used on", planted)
		}
		want(t, "the planted cookie", h.valid(planted), false)
	}
	c := at("192.0.2.1")
	c.Cookie = anna.Cookie
	s, err := h.SetPassphrase(h.ctx, c, words, "four grey geese in the rain")
	h.ok(err)
	want(t, "the cookie before the change", h.valid(anna.Cookie), false)
	want(t, "the cookie after it", h.valid(s.Cookie), true)
}

// TestCookiesOpenNothingElse: a cookie is good for its household alone, whichever way it is bent, and what the store
// holds of it is none.
func TestCookiesOpenNothingElse(t *testing.T) {
	h := open(t)
	anna := h.first("home")
	bert := h.joins(account.Offer{Household: "next", Role: account.Parent, Name: "Bert"}, other)
	_, secret, _ := strings.Cut(anna.Cookie, ".")
	want(t, "the cookie itself", h.valid("home."+secret), true)
	_, bearer, err := h.NewToken(h.ctx, anna.Session.Actor(), account.Wish{Household: "home", Name: "x", Scopes: []account.Scope{"explain"}, Until: h.Now().Add(time.Hour)})
	h.ok(err)
	for _, bent := range []string{
		"next." + secret, secret, "." + secret, "operators." + secret, "home/session." + secret, "home.." + secret, "HOME." + secret,
		"home." + anna.Session.ID, anna.Session.ID, "home." + secret + "=", "home." + secret[:42], anna.Browser, bearer,
		strings.TrimPrefix(bearer, "hearth."), "home.\x00", "home." + strings.Repeat("A", 300),
	} {
		want(t, fmt.Sprintf("cookie %.60q", bent), h.valid(bent), false)
		for _, text := range []string{bent, "hearth." + bent} {
			if _, err := h.Token(h.ctx, text); err == nil && text != bearer {
				t.Errorf("%.60q is a token", text)
			}
		}
	}
	if _, err := h.Token(h.ctx, "hearth."+strings.Replace(strings.TrimPrefix(bearer, "hearth."), "home.", "next.", 1)); err == nil {
		t.Error("a token of one household is good in another")
	}
	for _, record := range h.keys(true) {
		for what, text := range map[string]string{"cookie": anna.Cookie, "browser": anna.Browser, "token": bearer, "another's": bert.Cookie} {
			if _, hidden, _ := strings.Cut(text, "."); strings.Contains(record, hidden) {
				t.Errorf("the store holds a %s: %s", what, record)
			}
		}
		if strings.Contains(record, words) {
			t.Errorf("the store holds a passphrase: %s", record)
		}
	}
	// A record that somebody copied into another household opens nothing there.
	s, err := h.bolt.Snapshot(h.ctx, "home/session/"+anna.Session.ID)
	h.ok(err)
	for _, kind := range []string{"session", "account"} {
		from, err := h.bolt.Snapshot(h.ctx, "home/"+kind+"/")
		h.ok(err)
		for _, e := range from.Entries {
			e.Key.Household = "next"
			_, err = h.bolt.Put(h.ctx, store.Write{Key: e.Key, Value: e.Value})
			h.ok(err)
		}
	}
	want(t, "copied records", len(s.Entries), 1)
	want(t, "a copied session", h.valid("next."+secret), false)
}

// TestSessionsEnd: after 30 days without use and 180 in all on somebody's own device, after half an hour and twelve hours
// on any other, for an operator always; at once when it is ended, and never for being looked at.
func TestSessionsEnd(t *testing.T) {
	const day = 24 * time.Hour
	for _, tt := range []struct {
		what           string
		own            bool
		role           account.Role
		idle, absolute time.Duration
	}{
		{"own device", true, account.Parent, 30 * day, 180 * day},
		{"other device", false, account.Parent, 30 * time.Minute, 12 * time.Hour},
		{"operator", true, account.Operator, 30 * time.Minute, 12 * time.Hour},
	} {
		t.Run(tt.what, func(t *testing.T) {
			h := open(t)
			household := "home"
			if tt.role == account.Operator {
				household = account.Operators
			}
			h.joins(account.Offer{Household: household, Role: tt.role, Name: "Anna"}, words)
			c := at("192.0.2.1")
			c.Own = tt.own
			s, err := h.signIn(c, household, "Anna", words)
			h.ok(err)
			h.later(tt.idle - time.Second)
			want(t, "before it was idle too long", h.valid(s.Cookie), true)
			h.later(tt.idle)
			want(t, "idle too long", h.valid(s.Cookie), false)
			if s, err = h.signIn(c, household, "Anna", words); err != nil {
				t.Fatal(err)
			}
			step := tt.idle / 2
			for used := time.Duration(0); used < tt.absolute-step; used += step {
				want(t, fmt.Sprintf("in use for %s", used), h.valid(s.Cookie), true)
				h.later(step)
			}
			h.later(step)
			want(t, "in use for too long", h.valid(s.Cookie), false)
		})
	}
}

// TestClockJumps: a clock that is set back, as on a board without a battery, signs nobody out and locks nobody out.
func TestClockJumps(t *testing.T) {
	h := open(t)
	anna := h.first("home")
	for range 5 {
		_, err := h.signIn(at("192.0.2.9"), "home", "Anna", other)
		h.refuses(err, account.Wrong)
	}
	h.later(-20 * 365 * 24 * time.Hour)
	want(t, "session", h.valid(anna.Cookie), true)
	h.later(time.Hour)
	_, err := h.signIn(at("192.0.2.9"), "home", "Anna", words)
	h.ok(err)
}

// TestGuessingFromOneNetwork: five wrong passphrases are free, then one in ten minutes, whatever name is tried. Whoever
// guesses is slowed; the parent elsewhere, her known browser in the same network, her session and her passkey are not.
func TestGuessingFromOneNetwork(t *testing.T) {
	bubble(t, func(h *house) {
		anna := h.first("home")
		phone := newAuthenticator()
		h.adds(phone, anna.Cookie)
		for i := range 5 {
			_, err := h.signIn(at(fmt.Sprintf("2001:db8::%d", i+1)), "home", []string{"Anna", "Nobody"}[i%2], other)
			h.refuses(err, account.Wrong) // an IPv6 machine takes a new address each time
		}
		guesser := at("2001:db8::ffff")
		_, err := h.signIn(guesser, "home", "Anna", words)
		h.refuses(err, account.Wait)
		_, err = h.Invited(h.ctx, guesser, "home.AAAA-AAAA-AAAA-AAAA")
		h.refuses(err, account.Wait)
		_, err = h.signIn(at("2001:db8:0:1::1"), "home", "Anna", words)
		h.ok(err)
		known := guesser
		known.Browser = anna.Browser
		_, err = h.signIn(known, "home", "Anna", words)
		h.ok(err)
		want(t, "session", h.valid(anna.Cookie), true)
		_, err = h.presents(phone)
		h.ok(err)
		time.Sleep(10 * time.Minute)
		_, err = h.signIn(guesser, "home", "Anna", other)
		h.refuses(err, account.Wrong)
		_, err = h.signIn(guesser, "home", "Anna", words)
		h.refuses(err, account.Wait)
		time.Sleep(10 * time.Minute)
		_, err = h.signIn(guesser, "home", "Anna", words)
		h.ok(err)
		if h.heard(account.EventGuessed, "home") == 0 {
			t.Error("the parents do not hear of it")
		}
	})
}

// TestGuessesInADay: from one network 5 passphrases and one more each ten minutes are compared, however often somebody
// tries: 5 + 6*6 in six hours. The parents hear of it now and then.
func TestGuessesInADay(t *testing.T) {
	bubble(t, func(h *house) {
		h.first("home")
		before := h.metric("hearth_account_hashes_total")
		for end := time.Now().Add(6*time.Hour - time.Second); time.Now().Before(end); time.Sleep(20 * time.Second) {
			_, _ = h.signIn(at("192.0.2.9"), "home", "Anna", other)
		}
		want(t, "compared", h.metric("hearth_account_hashes_total")-before, 5+6*6-1)
		if n := h.heard(account.EventGuessed, "home"); n < 1 || n > 4 {
			t.Errorf("the parents hear of it %d times", n)
		}
	})
}

// TestGuessingAtOnce: a hundred wrong tries in one moment are no more than in turn.
func TestGuessingAtOnce(t *testing.T) {
	bubble(t, func(h *house) {
		h.first("home")
		before := h.metric("hearth_account_hashes_total")
		var all sync.WaitGroup
		var wrong atomic.Int64
		for range 100 {
			all.Go(func() {
				_, err := h.signIn(at("192.0.2.9"), "home", "Anna", other)
				if e := new(account.Error); errors.As(err, &e) && e.Reason == account.Wrong {
					wrong.Add(1)
				}
			})
		}
		all.Wait()
		want(t, "compared", h.metric("hearth_account_hashes_total")-before, 5)
		want(t, "wrong", wrong.Load(), 5)
	})
}

// TestGuessingFromManyNetworks: from sixty networks an account is tried. From then on a network that was wrong once waits,
// and the parent who has the right passphrase gets in from anywhere at the first try.
func TestGuessingFromManyNetworks(t *testing.T) {
	bubble(t, func(h *house) {
		h.first("home")
		for i := range 60 {
			_, err := h.signIn(account.Client{Address: numbered("10.%d.%d.1", i)}, "home", "Anna", other)
			h.refuses(err, account.Wrong)
		}
		_, err := h.signIn(account.Client{Address: numbered("10.%d.%d.1", 3)}, "home", "Anna", other)
		h.refuses(err, account.Wait)
		_, err = h.signIn(at("198.51.100.77"), "home", "Anna", words)
		h.ok(err)
		if h.heard(account.EventGuessed, "home") == 0 {
			t.Error("the parents do not hear of it")
		}
	})
}

// TestNobodyIsTold: names that nobody has get the same words and cost the same as wrong passphrases, so do accounts that
// have no passphrase or have ended, and other households.
func TestNobodyIsTold(t *testing.T) {
	bubble(t, func(h *house) {
		h.first("home")
		end := time.Now().Add(time.Hour)
		h.joins(account.Offer{Household: "home", Role: account.Carer, Name: "Oma", Until: end}, other)
		time.Sleep(2 * time.Hour)
		texts := map[string]bool{}
		for i, l := range []account.Login{
			{Household: "home", Name: "Anna", Passphrase: other},
			{Household: "home", Name: "Nobody", Passphrase: other},
			{Household: "home", Name: "", Passphrase: ""},
			{Household: "home", Name: "Oma", Passphrase: other},
			{Household: "nowhere", Name: "Anna", Passphrase: words},
			{Household: "../x", Name: "Anna", Passphrase: words},
			{Household: account.Operators, Name: "Anna", Passphrase: words},
			{Household: "home", Name: strings.Repeat("x", 1<<16), Passphrase: other},
			{Household: "home", Name: "Anna", Passphrase: strings.Repeat("x", 1<<20)},
			{Household: "home", Name: "Anna", Passphrase: "\xff\x00"},
		} {
			l.Client = account.Client{Address: numbered("10.%d.%d.1", i)}
			before := h.metric("hearth_account_hashes_total")
			_, err := h.SignIn(h.ctx, l)
			h.refuses(err, account.Wrong)
			texts[err.Error()] = true
			want(t, fmt.Sprintf("hashes for %.20q", l.Name), h.metric("hearth_account_hashes_total")-before, 1)
		}
		want(t, "different words", len(texts), 1)
	})
}

// TestGuessingInAnUnlockedPhone: who has a parent's session cannot guess the passphrase that changing it asks for.
func TestGuessingInAnUnlockedPhone(t *testing.T) {
	h := open(t)
	anna := h.first("home")
	c := at("192.0.2.1")
	c.Cookie, c.Browser = anna.Cookie, anna.Browser
	for range 5 {
		_, err := h.SetPassphrase(h.ctx, c, other, "four grey geese in the rain")
		h.refuses(err, account.Wrong)
	}
	_, err := h.SetPassphrase(h.ctx, c, words, "four grey geese in the rain")
	h.refuses(err, account.Wait)
	want(t, "the session", h.valid(anna.Cookie), true)
	_, err = h.signIn(at("192.0.2.1"), "home", "Anna", words)
	h.ok(err)
}

// TestFreshSignIn: what gives somebody else a way in needs a sign-in of the last quarter of an hour.
func TestFreshSignIn(t *testing.T) {
	h := open(t)
	anna := h.first("home")
	h.later(16 * time.Minute)
	s, err := h.Session(h.ctx, anna.Cookie)
	h.ok(err)
	a := s.Actor()
	_, err = h.Invite(h.ctx, a, account.Offer{Household: "home", Role: account.Parent})
	h.refuses(err, account.Stale)
	_, _, err = h.NewToken(h.ctx, a, account.Wish{Household: "home", Name: "x", Scopes: []account.Scope{"explain"}, Until: h.Now().Add(time.Hour)})
	h.refuses(err, account.Stale)
	h.refuses(h.Remove(h.ctx, a, "home", anna.Session.Account), account.Stale)
	_, err = h.Accounts(h.ctx, a, "home")
	h.ok(err)
}

// TestSessionsAreBounded: an account has sixteen; the one unused for longest goes. All can be ended but one's own.
func TestSessionsAreBounded(t *testing.T) {
	h := open(t)
	anna := h.first("home")
	var last account.Signed
	for range 20 {
		h.later(time.Minute)
		var err error
		last, err = h.signIn(at("192.0.2.1"), "home", "Anna", words)
		h.ok(err)
	}
	all, err := h.Sessions(h.ctx, last.Session.Actor(), "home", last.Session.Account)
	h.ok(err)
	want(t, "sessions", len(all), 16)
	want(t, "the first", h.valid(anna.Cookie), false)
	want(t, "the newest is listed first", all[0].ID, last.Session.ID)
	h.ok(h.EndSession(h.ctx, last.Session.Actor(), "home", all[1].ID))
	h.ok(h.EndSessions(h.ctx, last.Session.Actor(), "home", last.Session.Account, last.Cookie))
	want(t, "sessions", h.kinds("session"), 1)
	want(t, "one's own", h.valid(last.Cookie), true)
	h.ok(h.SignOut(h.ctx, last.Cookie))
	want(t, "signed out", h.valid(last.Cookie), false)
	h.ok(h.SignOut(h.ctx, "junk"))
}

// TestTornRecords: what cannot be read, or is another's, opens nothing and harms nobody else.
func TestTornRecords(t *testing.T) {
	for _, torn := range []string{`{}`, `null`, `[]`, `"x"`, `{"id":1}`, `{"household":"next","account":"a","id":"a"}`, `{"passkeys":"many"}`,
		`{"household":"home","account":"ACCOUNT","hash":"$argon2id$v=19$m=4194304,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}`,
		`{"household":"home","account":"ACCOUNT","hash":"$argon2id$v=19$m=8,t=1,p=1$AAAAAAAAAAA$"}`,
		`{"household":"home","account":"ACCOUNT","hash":"plain"}`} {
		bubble(t, func(h *house) {
			t.Log(torn)
			anna := h.first("home")
			tom := h.joins(account.Offer{Household: "home", Role: account.Parent, Name: "Tom"}, other)
			h.adds(newAuthenticator(), tom.Cookie)
			_, bearer, err := h.NewToken(h.ctx, tom.Session.Actor(), account.Wish{Household: "home", Name: "x", Scopes: []account.Scope{"explain"}, Until: h.Now().Add(time.Hour)})
			h.ok(err)
			i, err := h.Invite(h.ctx, tom.Session.Actor(), account.Offer{Household: "home", Role: account.Parent})
			h.ok(err)
			s, err := h.bolt.Snapshot(h.ctx, "")
			h.ok(err)
			text := strings.ReplaceAll(torn, "ACCOUNT", tom.Session.Account)
			for _, e := range s.Entries {
				hers := slices.Contains([]string{anna.Session.ID, anna.Session.Account}, e.Key.ID)
				if !hers {
					_, err := h.bolt.Put(h.ctx, store.Write{Key: e.Key, Value: []byte(text)})
					h.ok(err)
				}
			}
			want(t, "his session", h.valid(tom.Cookie), false)
			_, err = h.Token(h.ctx, bearer)
			h.refuses(err, account.SignedOut)
			_, err = h.Invited(h.ctx, at("192.0.2.3"), i.Code)
			h.refuses(err, account.Wrong)
			_, err = h.signIn(at("192.0.2.3"), "home", "Tom", other)
			h.refuses(err, account.Wrong)
			_, err = h.signIn(at("192.0.2.3"), "home", "Tom", "")
			h.refuses(err, account.Wrong)
			_, err = h.signIn(at("192.0.2.4"), "home", "Anna", words)
			h.ok(err)
			want(t, "her session", h.valid(anna.Cookie), true)
			if h.metric("hearth_account_torn_total") == 0 {
				t.Error("nobody hears of it")
			}
			h.ok(h.Sweep(h.ctx))
			_, err = h.Erase(h.ctx, "home", "")
			h.ok(err)
			want(t, "left of the household", strings.Join(slices.DeleteFunc(h.keys(false), func(k string) bool { return !strings.HasPrefix(k, "home/") }), " "), "")
		})
	}
}

// TestJunkIsBounded: a hundred thousand sign-ins with junk, from as many networks, write nothing, keep nothing to speak of
// and start nothing; a parent in a known browser gets in meanwhile, and with a passkey.
func TestJunkIsBounded(t *testing.T) {
	h := open(t)
	anna := h.first("home")
	phone := newAuthenticator()
	h.adds(phone, anna.Cookie)
	before := h.keys(true)
	const sent, workers = 100_000, 50
	var left atomic.Int64
	left.Store(sent)
	var all sync.WaitGroup
	var most atomic.Uint64
	for range workers {
		all.Go(func() {
			for n := left.Add(-1); n >= 0; n = left.Add(-1) {
				from := account.Client{Address: netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, 0, byte(n >> 16), byte(n >> 8), byte(n)}), Cookie: junk(), Browser: junk(), Label: junk()}
				switch n % 4 {
				case 0:
					_, _ = h.SignIn(h.ctx, account.Login{Client: from, Household: "home", Name: "Anna", Passphrase: junk()})
				case 1:
					_, _ = h.Accept(h.ctx, account.Join{Client: from, Code: "home.ABCD-EFGH-JKLM-NPQR", Name: junk(), Passphrase: junk()})
				case 2:
					_, sealed, _ := h.BeginSignIn()
					_, _ = h.FinishSignIn(h.ctx, from, sealed, []byte(junk()))
				case 3:
					_, _ = h.Session(h.ctx, junk())
					_, _ = h.Token(h.ctx, "hearth.home."+junk())
				}
				if n%1000 == 0 {
					var m runtime.MemStats
					runtime.ReadMemStats(&m)
					most.Store(max(most.Load(), m.HeapInuse))
				}
			}
		})
	}
	all.Wait()
	want(t, "goroutines that are left", runtime.NumGoroutine() < 20, true)
	if n := h.metric("hearth_account_guessers"); n < 8000 || n > 8192 {
		t.Errorf("%v networks are remembered; the flood should fill 8192", n)
	}
	t.Logf("%d MiB of heap in use at most", most.Load()>>20)
	if most.Load() > 128<<20 {
		t.Errorf("%d MiB of heap in use", most.Load()>>20)
	}
	if !slices.Equal(before, h.keys(true)) {
		t.Error("junk was written down")
	}
	known := at("192.0.2.1")
	known.Browser = anna.Browser
	_, err := h.signIn(known, "home", "Anna", words)
	h.ok(err)
	_, err = h.presents(phone)
	h.ok(err)
}

func junk() string {
	raw := make([]byte, 40)
	for i := range raw {
		raw[i] = byte(rand.IntN(256))
	}
	return string(raw)
}

// TestGivingUp: who stops waiting for their turn takes nobody else's, and no try.
func TestGivingUp(t *testing.T) {
	bubble(t, func(h *house) {
		h.first("home")
		for range 2 {
			ctx, stop := context.WithCancel(h.ctx)
			var all sync.WaitGroup
			for i := range 9 {
				all.Go(func() {
					_, _ = h.SignIn(ctx, account.Login{Client: account.Client{Address: numbered("10.%d.%d.1", i)}, Household: "home", Name: "Anna", Passphrase: other})
				})
			}
			synctest.Wait()
			stop()
			all.Wait()
		}
		if n := h.metric("hearth_account_guessers"); n > 2 { // whose turn it was
			t.Errorf("%v are remembered", n)
		}
		time.Sleep(time.Second)
		var all sync.WaitGroup
		for i := range 9 {
			all.Go(func() {
				if _, err := h.signIn(account.Client{Address: numbered("172.%d.%d.1", i)}, "home", "Anna", words); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	})
}

// TestKnownBrowserPassesTheFlood: while strangers fill their lane and its queue, a browser that is known does not wait
// behind them.
func TestKnownBrowserPassesTheFlood(t *testing.T) {
	bubble(t, func(h *house) {
		anna := h.first("home")
		var all sync.WaitGroup
		var busy atomic.Int64
		for i := range 200 {
			all.Go(func() {
				_, err := h.signIn(account.Client{Address: numbered("10.%d.%d.1", i)}, "home", "Anna", other)
				if e := new(account.Error); errors.As(err, &e) && e.Reason == account.Wait {
					busy.Add(1)
				}
			})
		}
		synctest.Wait()
		began := time.Now()
		known := at("192.0.2.1")
		known.Browser = anna.Browser
		_, err := h.signIn(known, "home", "Anna", words)
		h.ok(err)
		want(t, "waited", time.Since(began), 0)
		all.Wait()
		want(t, "sent away at once", busy.Load(), 200-9)
	})
}
