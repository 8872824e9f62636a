package wire_test

import (
	"encoding/base64"
	"encoding/hex"
	"net/netip"
	"strings"
	"testing"

	"github.com/hearthdns/hearth/resolver/wire"
	"github.com/miekg/dns"
)

// The MAC of these tests in the three forms of dnsmasq.
const (
	macOctets = "\xa4\xcf\x12\x00\x4d\x91"
	macText   = "a4:cf:12:00:4d:91"
	mac64     = "pM8SAE2R"
)

// umbrella is option 20292 as dnsmasq's --umbrella=deviceid:0123456789abcdef,orgid:7,assetid:9 has it.
const umbrella = "ODNS\x01\x00" +
	"\x00\x08\x00\x00\x00\x07" + "\x00\x10\xc0\xa8\x01\x14" + "\x00\x40\x01\x23\x45\x67\x89\xab\xcd\xef" + "\x00\x04\x00\x00\x00\x09"

func subnet(address string, bits uint8) *dns.EDNS0_SUBNET {
	a := netip.MustParseAddr(address)
	family := uint16(1)
	if a.Is6() {
		family = 2
	}
	return &dns.EDNS0_SUBNET{Code: dns.EDNS0SUBNET, Family: family, SourceNetmask: bits, Address: a.AsSlice()}
}

func TestTold(t *testing.T) {
	const v4 = "192.168.1.20"
	for _, tt := range []struct {
		what      string
		options   []dns.EDNS0
		mac       string
		token     string
		addr      string
		vague     bool
		something bool // was left out
	}{
		{what: "nothing", options: nil},
		{what: "other options", options: []dns.EDNS0{local(65002, macOctets), &dns.EDNS0_NSID{Code: dns.EDNS0NSID}}},
		{what: "--add-mac", options: []dns.EDNS0{local(65001, macOctets)}, mac: macText},
		{what: "--add-mac=text", options: []dns.EDNS0{local(65073, macText)}, mac: macText},
		{what: "text in capitals", options: []dns.EDNS0{local(65073, strings.ToUpper(macText))}, mac: macText},
		{what: "--add-mac=base64", options: []dns.EDNS0{local(65073, mac64)}, mac: macText},
		{what: "octets and text", options: []dns.EDNS0{local(65001, macOctets), local(65073, macText)}, mac: macText},
		{what: "octets and another text", options: []dns.EDNS0{local(65001, macOctets), local(65073, "a4:cf:12:00:4d:92")}, something: true},
		{what: "a MAC twice", options: []dns.EDNS0{local(65001, macOctets), local(65001, macOctets)}, something: true},
		{what: "a text twice", options: []dns.EDNS0{local(65073, macText), local(65073, macText)}, something: true},
		{what: "an empty MAC", options: []dns.EDNS0{local(65001, "")}, something: true},
		{what: "a short MAC", options: []dns.EDNS0{local(65001, macOctets[:5])}, something: true},
		{what: "a long MAC", options: []dns.EDNS0{local(65001, macOctets+"\x00")}, something: true},
		{what: "a short MAC beside a sound text", options: []dns.EDNS0{local(65001, macOctets[:5]), local(65073, macText)}, something: true},
		{what: "nobody's MAC", options: []dns.EDNS0{local(65001, "\x00\x00\x00\x00\x00\x00")}, something: true},
		{what: "a group's MAC", options: []dns.EDNS0{local(65001, "\x01\x00\x5e\x00\x00\x01")}, something: true},
		{what: "everybody's MAC", options: []dns.EDNS0{local(65073, "ff:ff:ff:ff:ff:ff")}, something: true},
		{what: "text with another sign between", options: []dns.EDNS0{local(65073, "a4-cf-12-00-4d-91")}, something: true},
		{what: "text that is no number", options: []dns.EDNS0{local(65073, "a4:cf:12:00:4d:9g")}, something: true},
		{what: "text of another length", options: []dns.EDNS0{local(65073, "a4cf12004d91")}, something: true},
		{what: "base64 of five octets", options: []dns.EDNS0{local(65073, "pM8SAE0=")}, something: true},
		{what: "base64 with a line break", options: []dns.EDNS0{local(65073, "pM8S\nAE2")}, something: true},
		{what: "--add-cpe-id", options: []dns.EDNS0{local(65074, "kids")}, token: "kids"},
		{what: "an empty text", options: []dns.EDNS0{local(65074, "")}, something: true},
		{what: "two texts", options: []dns.EDNS0{local(65074, "kids"), local(65074, "kids")}, something: true},
		{what: "--add-subnet=32,128", options: []dns.EDNS0{subnet(v4, 32)}, addr: v4},
		{what: "the same over IPv6", options: []dns.EDNS0{subnet("2001:db8::20", 128)}, addr: "2001:db8::20"},
		{what: "--add-subnet=24,96", options: []dns.EDNS0{subnet("192.168.1.0", 24)}, vague: true},
		{what: "--add-subnet", options: []dns.EDNS0{subnet("0.0.0.0", 0)}, vague: true},
		{what: "two subnets", options: []dns.EDNS0{subnet(v4, 32), subnet(v4, 32)}, vague: true, something: true},
		{what: "--umbrella", options: []dns.EDNS0{local(20292, umbrella)}, token: "0123456789abcdef", addr: v4},
		{what: "--umbrella with --add-subnet=32", options: []dns.EDNS0{local(20292, umbrella), subnet(v4, 32)}, token: "0123456789abcdef", addr: v4},
		{what: "--umbrella and another address", options: []dns.EDNS0{local(20292, umbrella), subnet("192.168.1.21", 32)}, token: "0123456789abcdef", something: true},
		{what: "--umbrella and a text", options: []dns.EDNS0{local(20292, umbrella), local(65074, "kids")}, addr: v4, something: true},
		{what: "--umbrella, IPv6 alone", options: []dns.EDNS0{local(20292, "ODNS\x01\x00\x00\x20\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x20")}, addr: "2001:db8::20"},
		{what: "--umbrella cut", options: []dns.EDNS0{local(20292, umbrella[:len(umbrella)-1])}, something: true},
		{what: "umbrella of version 2", options: []dns.EDNS0{local(20292, "ODNS\x02\x00")}, something: true},
		{what: "umbrella with an unknown field", options: []dns.EDNS0{local(20292, "ODNS\x01\x00\x00\x80\x00\x00")}, something: true},
		{what: "umbrella with two addresses", options: []dns.EDNS0{local(20292, "ODNS\x01\x00\x00\x10\xc0\xa8\x01\x14\x00\x10\xc0\xa8\x01\x15")}, something: true},
		{what: "umbrella twice", options: []dns.EDNS0{local(20292, umbrella), local(20292, umbrella)}, something: true},
		{what: "one broken, another not", options: []dns.EDNS0{local(65001, ""), local(65074, "kids")}, token: "kids", something: true},
	} {
		q := parsed(t, ask(t, "a.test.", dns.TypeA, carrying(tt.options...)))
		told := wire.Told{MAC: [6]byte{2, 9}, Token: []byte("of another"), Broken: true} // must not stay
		q.Told(&told)
		var mac, addr string
		if told.MAC != [6]byte{} {
			mac = spell(told.MAC)
		}
		if told.Addr.IsValid() {
			addr = told.Addr.String()
		}
		if mac != tt.mac || string(told.Token) != tt.token || addr != tt.addr || told.Vague != tt.vague || told.Broken != tt.something {
			t.Errorf("%s: MAC %q, token %q, address %q, vague %v, broken %v", tt.what, mac, told.Token, addr, told.Vague, told.Broken)
		}
		if told.IsZero() != (tt.mac+tt.token+tt.addr == "") {
			t.Errorf("%s: IsZero is %v", tt.what, told.IsZero())
		}
		if n := testing.AllocsPerRun(50, func() { q.Told(&told) }); n != 0 {
			t.Errorf("%s: %v allocations, want none", tt.what, n)
		}
	}
}

func spell(mac [6]byte) string {
	text := hex.EncodeToString(mac[:])
	parts := make([]string, 0, len(mac))
	for i := 0; i < len(text); i += 2 {
		parts = append(parts, text[i:i+2])
	}
	return strings.Join(parts, ":")
}

// FuzzTold has two options with any contents, and holds what is read of them to what the forms of
// each allow.
func FuzzTold(f *testing.F) {
	codes := []uint16{wire.OptionMAC, wire.OptionMACText, wire.OptionToken, wire.OptionUmbrella}
	for i, seed := range []string{macOctets, macText, "kids", umbrella, mac64} {
		f.Add(uint8(i), []byte(seed), uint8(i+1), []byte(umbrella))
	}
	f.Fuzz(func(t *testing.T, a uint8, first []byte, b uint8, second []byte) {
		one, two := codes[int(a)%len(codes)], codes[int(b)%len(codes)]
		if len(first)+len(second) > 4000 {
			return
		}
		q := parsed(t, ask(t, "a.test.", dns.TypeA, carrying(local(one, string(first)), local(two, string(second)))))
		var told wire.Told
		q.Told(&told)
		if one == two && (told.MAC != [6]byte{} || len(told.Token) > 0 || told.Addr.IsValid() || !told.Broken) {
			t.Fatalf("option %d twice is believed: %+v", one, told)
		}
		if m := told.MAC; m != [6]byte{} {
			if m[0]&1 != 0 {
				t.Fatalf("the MAC of a group: %x", m)
			}
			holds := func(code uint16, v []byte) bool {
				return code == wire.OptionMAC && string(v) == string(m[:]) ||
					code == wire.OptionMACText && (strings.EqualFold(string(v), spell(m)) || string(v) == base64.StdEncoding.EncodeToString(m[:]))
			}
			if !holds(one, first) && !holds(two, second) {
				t.Fatalf("the MAC %x stands in neither %x nor %x", m, first, second)
			}
		}
		if n := len(told.Token); n > 0 && string(told.Token) != string(first) && string(told.Token) != string(second) && n != 16 {
			t.Fatalf("the token %q stands nowhere", told.Token)
		}
		var again wire.Told
		q.Told(&again)
		if again.MAC != told.MAC || string(again.Token) != string(told.Token) || again.Addr != told.Addr || again.Broken != told.Broken {
			t.Fatalf("read twice: %+v and %+v", told, again)
		}
	})
}
