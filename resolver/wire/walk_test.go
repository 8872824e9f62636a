package wire_test

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/hearthdns/hearth/resolver/wire"
	"github.com/miekg/dns"
)

// chain is a reply as an upstream sends it: compressed, with a CNAME and an OPT.
func chain(t testing.TB) []byte {
	t.Helper()
	m := new(dns.Msg)
	m.SetQuestion("www.Example.com.", dns.TypeA)
	m.Response, m.Compress = true, true
	for _, text := range []string{"www.Example.com. 300 IN CNAME edge.CDN.example.net.", "edge.CDN.example.net. 60 IN A 192.0.2.1"} {
		m.Answer = append(m.Answer, rr(t, text))
	}
	m.Ns = append(m.Ns, rr(t, "example.net. 3600 IN NS ns1.example.net."))
	m.Extra = append(m.Extra, rr(t, "ns1.example.net. 3601 IN A 192.0.2.53"))
	m.SetEdns0(1232, true)
	b, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func rr(t testing.TB, text string) dns.RR {
	t.Helper()
	r, err := dns.NewRR(text)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestWalkRRs(t *testing.T) {
	msg := chain(t)
	end, err := wire.SkipQuestion(msg)
	if err != nil {
		t.Fatal(err)
	}
	type row struct {
		section wire.Section
		owner   string
		typ     uint16
		ttl     uint32
	}
	want := []row{
		{wire.Answer, "\x03www\x07example\x03com\x00", wire.TypeCNAME, 300},
		{wire.Answer, "\x04edge\x03cdn\x07example\x03net\x00", wire.TypeA, 60},
		{wire.Authority, "\x07example\x03net\x00", wire.TypeNS, 3600},
		{wire.Additional, "\x03ns1\x07example\x03net\x00", wire.TypeA, 3601},
		{wire.Additional, "\x00", wire.TypeOPT, 1 << 15},
	}
	var got []row
	err = wire.WalkRRs(msg, end, func(r wire.RR) bool {
		owner, behind, err := wire.AppendName(nil, msg, r.Start)
		if err != nil || behind != r.Fixed {
			t.Errorf("owner at %d: behind %d, want %d, error %v", r.Start, behind, r.Fixed, err)
		}
		got = append(got, row{r.Section, string(owner), r.Type, r.TTL})
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != len(want) {
		t.Fatalf("records: %v", got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("record %d: %v, want %v", i, got[i], want[i])
		}
	}
}

func TestWalkRRsStopsWhenTold(t *testing.T) {
	msg, n := chain(t), 0
	end, _ := wire.SkipQuestion(msg)
	if err := wire.WalkRRs(msg, end, func(wire.RR) bool { n++; return n < 2 }); err != nil || n != 2 {
		t.Errorf("%d records, error %v", n, err)
	}
}

func TestTTLOffsets(t *testing.T) {
	msg := chain(t)
	end, _ := wire.SkipQuestion(msg)
	var got []uint32
	err := wire.TTLOffsets(msg, end, func(off int) { got = append(got, binary.BigEndian.Uint32(msg[off:])) })
	if err != nil || len(got) != 4 || got[0] != 300 || got[1] != 60 || got[2] != 3600 || got[3] != 3601 {
		t.Errorf("TTLs %v, error %v", got, err)
	}
}

func TestWalkRRsRefusesWhatIsNotWhole(t *testing.T) {
	msg := chain(t)
	end, _ := wire.SkipQuestion(msg)
	for n := range len(msg) {
		if wire.TTLOffsets(msg[:n], min(end, n), func(int) {}) == nil {
			t.Errorf("first %d of %d octets pass", n, len(msg))
		}
	}
	if wire.TTLOffsets(append(bytes.Clone(msg), 0), end, func(int) {}) == nil {
		t.Error("an octet behind the last record passes")
	}
}

func TestAppendName(t *testing.T) {
	header := "0000 0000 0000 0000 0000 0000"
	tests := []struct {
		name, packet string
		off          int
		want         string // empty: an error
		end          int
	}{
		{"plain", header + "03 574677 00", 12, "\x03wfw\x00", 17},
		{"pointer", header + "01 61 00 01 42 c00c", 15, "\x01b\x01a\x00", 19},
		{"pointer to a pointer", header + "00 c00c c00d", 15, "\x00", 17},
		{"pointer to itself", header + "c00c", 12, "", 0},
		{"pointers in a ring", header + "01 61 c00e c00c", 14, "", 0},
		{"pointer forward", header + "c00e 00", 12, "", 0},
		{"pointer into the header", header + "c000", 12, "", 0},
		{"pointer into its own labels", header + "01 61 01 62 c00e", 12, "", 0},
		{"pointer to labels that run into it", header + "01 61 01 62 c00c 00", 14, "", 0},
		{"pointer to a label that covers it", header + "05 61 01 62 c00c 00", 14, "", 0},
		{"pointer cut", header + "c0", 12, "", 0},
		{"label cut", header + "05 6161", 12, "", 0},
		{"no root", header + "01 61", 12, "", 0},
		{"reserved label type", header + "41 61 00", 12, "", 0},
		{"offset behind the end", header, 12, "", 0},
		{"offset below zero", header, -1, "", 0},
		{"255 octets in two pieces", header + bigName + "c00c", 267, string(make([]byte, 255)), 269},
		{"256 octets in two pieces", header + bigName + "00 c00c", 268, string(make([]byte, 255)), 270},
		{"over 255 octets by a pointer", header + bigName + "01 61 c00c", 267, "", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			msg := packet(t, tt.packet)
			got, end, err := wire.AppendName([]byte("x"), msg, tt.off)
			if (err == nil) != (tt.want != "") || end != tt.end {
				t.Fatalf("AppendName = %q, %d, %v", got, end, err)
			}
			if len(got) != 1+len(tt.want) {
				t.Errorf("appended %d octets, want %d", len(got)-1, len(tt.want))
			}
			if len(tt.want) < 255 && string(got[1:]) != tt.want {
				t.Errorf("name %q, want %q", got[1:], tt.want)
			}
		})
	}
}

// A name goes through as many pointers as the library follows, and no more.
func TestAppendNameThroughPointers(t *testing.T) {
	for n, want := range map[int]bool{1: true, 126: true, 127: false, 4000: false} {
		msg, to := make([]byte, wire.HeaderLen+1), wire.HeaderLen // of the root
		for range n {
			at := len(msg)
			msg = append(msg, 0xC0|byte(to>>8), byte(to))
			to = at
		}
		_, end, err := wire.AppendName(nil, msg, to)
		_, _, library := dns.UnpackDomainName(msg, to)
		if (err == nil) != want || (library == nil) != want || want && end != len(msg) {
			t.Errorf("%d pointers: %v, library %v, want passed: %v", n, err, library, want)
		}
	}
}

func TestQuestion(t *testing.T) {
	for text, want := range map[string]int{
		plain + example: 29,
		"abcd 8180 0001 0000 0000 0000" + example:     29,
		"abcd 8180 0000 0000 0000 0000":               0,
		"abcd 8180 0002 0000 0000 0000" + example:     0,
		"abcd 8180 0001 0000 0000":                    0,
		"abcd 8180 0001 0000 0000 0000 00 0001 00":    0,
		"abcd 8180 0001 0000 0000 0000 c00c 00010001": 0,
	} {
		if end, err := wire.SkipQuestion(packet(t, text)); end != want || (err == nil) != (want > 0) {
			t.Errorf("Question(%s) = %d, %v, want %d", text, end, err, want)
		}
	}
}
