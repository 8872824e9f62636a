package wire_test

import (
	"bytes"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/hearthdns/hearth/resolver/wire"
	"github.com/miekg/dns"
)

// carrying makes a query carry options, each as the library has it.
func carrying(options ...dns.EDNS0) func(*dns.Msg) {
	return func(m *dns.Msg) {
		m.SetEdns0(1232, false)
		m.IsEdns0().Option = options
	}
}

func local(code uint16, text string) *dns.EDNS0_LOCAL {
	return &dns.EDNS0_LOCAL{Code: code, Data: []byte(text)}
}

func TestOption(t *testing.T) {
	q := parsed(t, ask(t, "a.test.", dns.TypeA, carrying(local(65001, "one"), local(65001, "two"), local(65002, ""))))
	for _, tt := range []struct {
		code uint16
		want string
		ok   bool
	}{{65001, "one", true}, {65002, "", true}, {65003, "", false}} {
		if v, ok := q.Option(tt.code); ok != tt.ok || string(v) != tt.want {
			t.Errorf("option %d: %q, %v, want %q, %v", tt.code, v, ok, tt.want, tt.ok)
		}
	}
}

// A query whose options are not sound must not be believed in any of them.
func TestOptionAfterAFault(t *testing.T) {
	for what, msg := range map[string][]byte{
		"octets behind it": append(ask(t, "a.test.", dns.TypeA, carrying(local(65001, "one"))), 0),
		"EDNS version 1": ask(t, "a.test.", dns.TypeA, func(m *dns.Msg) {
			carrying(local(65001, "one"))(m)
			m.IsEdns0().SetVersion(1)
		}),
		"no OPT": ask(t, "a.test.", dns.TypeA, nil),
	} {
		q := new(wire.Query)
		q.Parse(ask(t, "a.test.", dns.TypeA, carrying(local(65001, "zero")))) // the one before
		q.Parse(msg)
		if v, ok := q.Option(65001); ok {
			t.Errorf("%s: option %q", what, v)
		}
	}
}

func TestAddOption(t *testing.T) {
	for _, words := range []string{"", "words"} {
		q := parsed(t, ask(t, "a.test.", dns.TypeAAAA, edns(1232, true)))
		b := long(q, 2, words)
		b = wire.AddOption(b, q, 65001, []byte("one"))
		b = wire.AddOption(b, q, 65002, nil)
		m := unpack(t, b)
		var got []string
		for _, o := range m.IsEdns0().Option[1:] {
			got = append(got, string(o.(*dns.EDNS0_LOCAL).Data))
		}
		if !slices.Equal(got, []string{"one", ""}) || len(m.Answer) != 2 || !m.IsEdns0().Do() {
			t.Errorf("reply: %v", m)
		}
		if ede := m.IsEdns0().Option[0].(*dns.EDNS0_EDE); ede.ExtraText != words {
			t.Errorf("EDE %v", ede)
		}
	}
}

func TestAddOptionWithoutRoom(t *testing.T) {
	plain := parsed(t, ask(t, "a.test.", dns.TypeAAAA, nil))
	without := long(plain, 1, "")
	if b := wire.AddOption(slices.Clone(without), plain, 65001, []byte("x")); !bytes.Equal(b, without) {
		t.Errorf("a client without EDNS gets %x", b)
	}
	q := parsed(t, ask(t, "a.test.", dns.TypeAAAA, edns(1232, true)))
	full := long(q, 2338, strings.Repeat("w", 29)) // 65534 octets
	if b := wire.AddOption(slices.Clone(full), q, 65001, nil); !bytes.Equal(b, full) {
		t.Errorf("a reply of %d octets became %d", len(full), len(b))
	}
}

func TestPad(t *testing.T) {
	q := parsed(t, ask(t, "a.test.", dns.TypeAAAA, edns(1232, true)))
	for n := 1; n < 60; n++ {
		whole := long(q, n, "words")
		b := wire.Pad(slices.Clone(whole), q, 468)
		if len(b)%468 != 0 || len(b)-len(whole) < 4 || len(b)-len(whole) >= 468+4 {
			t.Fatalf("%d octets became %d", len(whole), len(b))
		}
		m := unpack(t, b)
		last := m.IsEdns0().Option[len(m.IsEdns0().Option)-1].(*dns.EDNS0_PADDING)
		if len(m.Answer) != n || bytes.ContainsFunc(last.Padding, func(r rune) bool { return r != 0 }) {
			t.Errorf("reply: %v", m)
		}
	}
	without := parsed(t, ask(t, "a.test.", dns.TypeAAAA, nil))
	if b := long(without, 1, ""); !bytes.Equal(wire.Pad(slices.Clone(b), without, 468), b) {
		t.Error("a client without EDNS gets padding")
	}
	// 41 octets of header, question and OPT, 28 a record, and the words.
	for _, tt := range []struct{ records, words, want int }{{2338, 0, 65520}, {2338, 20, 65535}, {2338, 26, 65535}, {2338, 27, 65532}} {
		b := wire.Pad(long(q, tt.records, strings.Repeat("w", tt.words)), q, 468)
		if len(b) != tt.want {
			t.Errorf("%d records, %d octets of words: %d octets, want %d", tt.records, tt.words, len(b), tt.want)
		}
		unpack(t, b)
	}
}

// A reply that is cut keeps what dress put in: a client that gets no cookie with TC
// cannot come back with one.
func TestFitKeepsOptions(t *testing.T) {
	for _, addresses := range []int{15, 60} {
		q := parsed(t, ask(t, "Example.com.", dns.TypeAAAA, edns(512, true)))
		b := wire.AddOption(long(q, addresses, strings.Repeat("w", 400)), q, wire.OptionCookie, bytes.Repeat([]byte{7}, 24))
		b = wire.Fit(b, q, 512)
		m := unpack(t, b)
		if len(b) > 512 || len(m.IsEdns0().Option) != 2 || m.Truncated != (addresses == 60) {
			t.Fatalf("%d octets: %v", len(b), m)
		}
		ede, cookie := m.IsEdns0().Option[0].(*dns.EDNS0_EDE), m.IsEdns0().Option[1].(*dns.EDNS0_COOKIE)
		if ede.InfoCode != 17 || ede.ExtraText != "" || cookie.Cookie != strings.Repeat("07", 24) {
			t.Errorf("options %v", m.IsEdns0().Option)
		}
	}
}

func TestFitDropsOptionsThatAloneAreTooLong(t *testing.T) {
	q := parsed(t, ask(t, "Example.com.", dns.TypeAAAA, edns(512, true)))
	b := wire.Fit(wire.AddOption(long(q, 1, ""), q, 65001, make([]byte, 600)), q, 512)
	if m := unpack(t, b); len(b) > 512 || !m.Truncated || m.IsEdns0() == nil {
		t.Errorf("%d octets: %v", len(b), m)
	}
}

func TestTruncate(t *testing.T) {
	q := parsed(t, ask(t, "Example.com.", dns.TypeAAAA, edns(1232, true)))
	m := unpack(t, wire.Truncate(long(q, 3, ""), q))
	if !m.Truncated || len(m.Answer) != 0 || m.IsEdns0() == nil || m.Question[0].Name != "Example.com." {
		t.Errorf("reply: %v", m)
	}
}

// FuzzOptions holds the reading and the writing of options to the library.
func FuzzOptions(f *testing.F) {
	f.Add(packet(f, withOPT+example+opt), uint16(10), []byte("12345678"), 3)
	f.Add(packet(f, withOPT+example+"00 0029 04d0 00 00 0000 000c 000a 0008 0102030405060708"), uint16(65001), []byte{}, 60)
	f.Fuzz(func(t *testing.T, msg []byte, code uint16, value []byte, records int) {
		var q wire.Query
		if q.Parse(msg) != wire.None || records < 0 || records > 100 || len(value) > 1000 {
			return
		}
		checkOption(t, &q, msg, code)
		b := wire.Start(nil, &q, wire.NoError)
		for range records {
			b = wire.AppendAddress(b, 60, netip.IPv6Unspecified())
		}
		b = wire.Finish(b, &q, wire.NoError, &wire.EDE{Code: 3, Text: []byte("stale")})
		before := len(unpack(t, b).Extra)
		b = wire.AddOption(b, &q, 65001, value) // of a code whose form the library does not judge
		fit := wire.Fit(slices.Clone(b), &q, wire.MinUDP)
		padded := wire.Pad(b, &q, 468)
		if len(fit) > wire.MinUDP || q.EDNS && len(padded)%468 != 0 {
			t.Errorf("%d octets fit in 512; %d padded", len(fit), len(padded))
		}
		unpack(t, fit)
		m := unpack(t, padded)
		if len(m.Answer) != records || len(m.Extra) != before {
			t.Errorf("reply: %v", m)
		}
		if o := m.IsEdns0(); o != nil && (len(o.Option) != 3 || !bytes.Equal(o.Option[1].(*dns.EDNS0_LOCAL).Data, value)) {
			t.Errorf("options: %v", o.Option)
		}
	})
}

// checkOption holds Option to what the library packs of the first option of the code.
func checkOption(t *testing.T, q *wire.Query, msg []byte, code uint16) {
	value, ok := q.Option(code)
	m := new(dns.Msg)
	if m.Unpack(msg) != nil {
		return
	}
	has := m.IsEdns0() != nil && slices.ContainsFunc(m.IsEdns0().Option, func(o dns.EDNS0) bool { return o.Option() == code })
	if has != ok {
		t.Errorf("option %d: %x, %v; the library says %v", code, value, ok, m.IsEdns0())
	}
	if !ok {
		return
	}
	i := slices.IndexFunc(m.IsEdns0().Option, func(o dns.EDNS0) bool { return o.Option() == code })
	if l, unknown := m.IsEdns0().Option[i].(*dns.EDNS0_LOCAL); unknown && !bytes.Equal(l.Data, value) {
		t.Errorf("option %d: %x, library %x", code, value, l.Data)
	}
}
