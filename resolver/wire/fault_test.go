package wire_test

import (
	"bytes"
	"testing"

	"github.com/hearthdns/hearth/resolver/wire"
	"github.com/miekg/dns"
)

func TestAppendFault(t *testing.T) {
	tests := []struct {
		name, packet, want string
	}{
		{"a response", "abcd 8180 0001 0000 0000 0000" + example, ""},
		{"too short", "abcd", ""},
		{"no question", "abcd 0110 0000 0000 0000 0000", "abcd 8191 0000 0000 0000 0000"},
		{"two questions", "abcd 0100 0002 0000 0000 0000" + example + example, "abcd 8181 0000 0000 0000 0000"},
		{"question cut", plain + "07 6578", "abcd 8181 0000 0000 0000 0000"},
		{"pointer in the name", plain + "01 61 c00c 0001 0001", "abcd 8181 0000 0000 0000 0000"},
		{"lying count", "abcd 0000 0001 0001 0000 0000" + example, "abcd 8081 0001 0000 0000 0000" + example},
		{"two OPTs", "abcd 0100 0001 0000 0000 0002" + example + opt + opt, "abcd 8181 0001 0000 0000 0000" + example},
		{"spelling kept", "abcd 0100 0001 0000 0000 0000 03 466f4f 00 0001 0001 00", "abcd 8181 0001 0000 0000 0000 03 466f4f 00 0001 0001"},
		{"NOTIFY", "abcd 2400 0001 0000 0000 0000" + example, "abcd a004 0001 0000 0000 0000" + example},
		{"DSO", "abcd 3000 0000 0000 0000 0000", "abcd b004 0000 0000 0000 0000"},
		{"EDNS version 1", withOPT + example + "00 0029 1000 00 01 8000 0000", "abcd 8180 0001 0000 0000 0001" + example + "00 0029 04d0 01 00 0000 0000"},
	}
	var q wire.Query
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			msg, want := packet(t, tt.packet), packet(t, tt.want)
			f := q.Parse(msg)
			if got := wire.AppendFault(nil, msg, f); !bytes.Equal(got, want) {
				t.Errorf("reply to %v:\n got %x\nwant %x", f, got, want)
			}
			behind := wire.AppendFault([]byte("xy"), msg, f)
			if !bytes.Equal(behind, append([]byte("xy"), want...)) {
				t.Errorf("appended behind two octets: %x", behind)
			}
			if inPlace := wire.AppendFault(msg[:0], msg, f); !bytes.Equal(inPlace, want) {
				t.Errorf("in place: %x", inPlace)
			}
		})
	}
}

func TestAppendFaultIsReadByTheLibrary(t *testing.T) {
	msg := ask(t, "ExAmple.com.", dns.TypeA, func(m *dns.Msg) {
		m.SetEdns0(4096, true)
		m.IsEdns0().SetVersion(1)
	})
	m := unpack(t, wire.AppendFault(nil, msg, wire.FaultBadVers))
	if m.Rcode != dns.RcodeBadVers || m.IsEdns0() == nil || m.IsEdns0().Version() != 0 || m.Question[0].Name != "ExAmple.com." {
		t.Errorf("BADVERS reply: %v", m)
	}
}

func TestFaultNames(t *testing.T) {
	seen := map[string]bool{}
	for f := range wire.Fault(wire.Faults) {
		if s := f.String(); s == "unknown" || seen[s] {
			t.Errorf("fault %d is called %q", f, s)
		}
		seen[f.String()] = true
	}
}
