package wire_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/hearthdns/hearth/resolver/wire"
	"github.com/miekg/dns"
)

// long authors a reply of n addresses and an EDE with the text.
func long(q *wire.Query, n int, text string) []byte {
	b := wire.Start(nil, q, wire.NoError)
	for range n {
		b = wire.AppendAddress(b, 60, netip.MustParseAddr("2001:db8::1"))
	}
	return wire.Finish(b, q, wire.NoError, &wire.EDE{Code: 17, Text: []byte(text)})
}

func TestFit(t *testing.T) {
	tests := []struct {
		name      string
		edns      bool
		addresses int
		text      string
		limit     int
		truncated bool
		words     bool
	}{
		{"fits", true, 1, "words", 512, false, true},
		{"only the words are too much", true, 15, strings.Repeat("w", 400), 512, false, false},
		{"records are too many", true, 60, "words", 1232, true, false},
		{"records are too many without EDNS", false, 60, "", 512, true, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var edit func(*dns.Msg)
			if tt.edns {
				edit = edns(1232, true)
			}
			q := parsed(t, ask(t, "Example.com.", dns.TypeAAAA, edit))
			whole := long(q, tt.addresses, tt.text)
			b := wire.Fit(whole, q, tt.limit)
			if len(b) > tt.limit {
				t.Fatalf("%d octets of %d", len(b), tt.limit)
			}
			m := unpack(t, b)
			if m.Truncated != tt.truncated || m.Id != 0xABCD || m.Question[0].Name != "Example.com." {
				t.Errorf("reply: %v", m)
			}
			wantAnswers := tt.addresses
			if tt.truncated {
				wantAnswers = 0
			}
			if len(m.Answer) != wantAnswers {
				t.Errorf("%d answers, want %d", len(m.Answer), wantAnswers)
			}
			if (m.IsEdns0() != nil) != tt.edns {
				t.Fatalf("OPT: %v", m.IsEdns0())
			}
			if !tt.edns {
				return
			}
			ede := m.IsEdns0().Option[0].(*dns.EDNS0_EDE)
			if ede.InfoCode != 17 || (ede.ExtraText != "") != tt.words || !m.IsEdns0().Do() {
				t.Errorf("OPT: %v", m.IsEdns0())
			}
		})
	}
}

func TestFitOnEveryLimit(t *testing.T) {
	name := strings.Repeat(strings.Repeat("a", 63)+".", 3) + strings.Repeat("b", 61) + "."
	for limit := wire.MinUDP; limit <= wire.MaxUDP; limit++ {
		q := parsed(t, ask(t, name, dns.TypeAAAA, edns(1232, false)))
		b := wire.Fit(long(q, 33, strings.Repeat("w", 300)), q, limit)
		if len(b) > limit {
			t.Fatalf("limit %d: %d octets", limit, len(b))
		}
		unpack(t, b)
	}
}
