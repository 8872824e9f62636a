package listen

import (
	"encoding/hex"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"
)

// The vectors of RFC 9018 appendix A: the secret, the client, what it sent (the client
// cookie, or that and a server cookie), when, and what it gets.
var rfc9018 = []struct {
	name, secret, addr, sent string
	at                       int64
	gets                     string
}{
	{"A.1", "e5e973e5a6b2a43f48e7dc849e37bfcf", "198.51.100.100", "2464c4abcf10c957", 1559731985, "2464c4abcf10c957010000005cf79f111f8130c3eee29480"},
	{"A.2", "e5e973e5a6b2a43f48e7dc849e37bfcf", "198.51.100.100", "2464c4abcf10c957010000005cf79f111f8130c3eee29480", 1559734385, "2464c4abcf10c957010000005cf7a871d4a564a1442aca77"},
	{"A.3", "e5e973e5a6b2a43f48e7dc849e37bfcf", "203.0.113.203", "fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5", 1559734700, "fc93fc62807ddb86010000005cf7a9acf73a7810aca2381e"},
	{"A.4", "445536bcd2513298075a5d379663c962", "2001:db8:220:1:59de:d0f4:8769:82b8", "22681ab97d52c298010000005cf7c57926556bd0934c72f8", 1559741961, "22681ab97d52c298010000005cf7c609a6bb79d16625507a"},
}

// rolledOver is the secret before that of A.4.
const rolledOver = "dd3bdf9344b678b185a6f5cb60fca715"

func octets(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func secretOf(t testing.TB, text string) [2]uint64 { return keyOf([16]byte(octets(t, text))) }

func TestCookiesOfTheStandard(t *testing.T) {
	for _, v := range rfc9018 {
		s := &secrets{fresh: secretOf(t, v.secret), old: secretOf(t, rolledOver)}
		a, sent, at := netip.MustParseAddr(v.addr), octets(t, v.sent), time.Unix(v.at, 0)
		if got := s.bake(sent[:clientCookie], a, at); hex.EncodeToString(got[:]) != v.gets {
			t.Errorf("%s: %x, want %s", v.name, got, v.gets)
		}
		if got := octets(t, v.gets); s.judge(got, a, at) != proved {
			t.Errorf("%s: what it gets is not good", v.name)
		}
		if len(sent) == clientCookie {
			continue
		}
		if v.name == "A.3" { // made almost two hours before, which section 4.3 is too old
			if s.judge(sent, a, at) != unproved {
				t.Errorf("%s: a cookie of two hours is good", v.name)
			}
			at = at.Add(-time.Hour)
		}
		if got := s.judge(sent, a, at); got != aging {
			t.Errorf("%s: what it sent is %v, want aging", v.name, got)
		}
	}
}

func TestCookieProves(t *testing.T) {
	at, a := time.Unix(1559731985, 0), netip.MustParseAddr("198.51.100.100")
	s := &secrets{fresh: randomKey(), old: randomKey()}
	made := s.bake(octets(t, "2464c4abcf10c957"), a, at)
	for what, tt := range map[string]struct {
		after time.Duration
		addr  string
		flip  int // an octet, 0: none
		want  proof
	}{
		"at once":                {0, "198.51.100.100", 0, proved},
		"30 minutes later":       {30 * time.Minute, "198.51.100.100", 0, proved},
		"after 30 minutes":       {30*time.Minute + time.Second, "198.51.100.100", 0, aging},
		"an hour later":          {time.Hour, "198.51.100.100", 0, aging},
		"after an hour":          {time.Hour + time.Second, "198.51.100.100", 0, unproved},
		"5 minutes before":       {-5 * time.Minute, "198.51.100.100", 0, proved},
		"more before":            {-5*time.Minute - time.Second, "198.51.100.100", 0, unproved},
		"from another address":   {0, "198.51.100.101", 0, unproved},
		"from an IPv6 one":       {0, "::ffff:198.51.100.100", 0, unproved},
		"of another version":     {0, "198.51.100.100", clientCookie, unproved},
		"with reserved octets":   {0, "198.51.100.100", clientCookie + 1, unproved},
		"of another time":        {0, "198.51.100.100", clientCookie + 7, unproved},
		"of another hash":        {0, "198.51.100.100", clientCookie + 15, unproved},
		"with another client's ": {0, "198.51.100.100", 1, unproved},
	} {
		v := made
		if tt.flip > 0 {
			v[tt.flip] ^= 1
		}
		if got := s.judge(v[:], netip.MustParseAddr(tt.addr), at.Add(tt.after)); got != tt.want {
			t.Errorf("%s: %v, want %v", what, got, tt.want)
		}
	}
}

func TestSecretsRollOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c cookies
		a, client := netip.MustParseAddr("192.0.2.1"), octets(t, "2464c4abcf10c957")
		time.Sleep(time.Nanosecond)
		first := c.current(time.Now())
		time.Sleep(24*time.Hour - time.Minute)
		if c.current(time.Now()) != first {
			t.Error("the secret changes before the day is over")
		}
		made := c.current(time.Now()).bake(client, a, time.Now())
		time.Sleep(time.Minute)
		second := c.current(time.Now())
		if second == first || second.fresh == first.fresh {
			t.Fatal("the secret does not change after a day")
		}
		if got := second.judge(made[:], a, time.Now()); got != aging {
			t.Errorf("a cookie of the secret before is %v, want aging", got)
		}
		renewed := second.bake(client, a, time.Now())
		if got := second.judge(renewed[:], a, time.Now()); got != proved {
			t.Errorf("the renewed cookie is %v, want proved", got)
		}
		time.Sleep(24 * time.Hour)
		if third := c.current(time.Now()); third.fresh == first.fresh || third.old != second.fresh {
			t.Error("the secret of two days ago is still good")
		}
	})
}
