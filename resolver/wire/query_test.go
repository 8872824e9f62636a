package wire_test

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/hearthdns/hearth/resolver/wire"
)

func TestParseFaults(t *testing.T) {
	tests := []struct {
		name, packet string
		want         wire.Fault
	}{
		// Valid, however odd.
		{"plain", plain + example, wire.None},
		{"recursion not desired", "abcd 0000 0001 0000 0000 0000" + example, wire.None},
		{"AD and CD set", "abcd 0130 0001 0000 0000 0000" + example, wire.None},
		{"reserved Z bit, TC, AA and an RCODE set", "abcd 064f 0001 0000 0000 0000" + example, wire.None},
		{"root", plain + "00 0002 0001", wire.None},
		{"class CH", plain + "07 76657273696f6e 04 62696e64 00 0010 0003", wire.None},
		{"type 0, class 0", plain + "00 0000 0000", wire.None},
		{"type ANY, class ANY", plain + "00 00ff 00ff", wire.None},
		{"name of 255 octets", plain + bigName + "0001 0001", wire.None},
		{"a zero octet inside a label", plain + "03 610062 00 0001 0001", wire.None},
		{"EDNS", withOPT + example + opt, wire.None},
		{"EDNS with unknown option", withOPT + example + "00 0029 04d0 00 00 0000 0008 fde9 0004 01020304", wire.None},
		{"EDNS with unknown flags", withOPT + example + "00 0029 04d0 00 00 7fff 0000", wire.None},
		{"EDNS with an upper RCODE", withOPT + example + "00 0029 04d0 ff 00 0000 0000", wire.None},
		{"EDNS with client cookie", withOPT + example + "00 0029 04d0 00 00 0000 000c 000a 0008 0102030405060708", wire.None},
		{"EDNS with client subnet", withOPT + example + "00 0029 04d0 00 00 0000 000b 0008 0007 0001 18 00 c00002", wire.None},
		{"EDNS with empty subnet", withOPT + example + "00 0029 04d0 00 00 0000 0008 0008 0004 0001 00 00", wire.None},
		{"OPT before TSIG", "abcd 0100 0001 0000 0000 0002" + example + opt + tsigRR, wire.None},
		{"owner of TSIG compressed", "abcd 0100 0001 0000 0000 0001" + example + "c00c 00fa 00ff 00000000 0000", wire.None},

		// Not for an answer.
		{"empty", "", wire.Ignore},
		{"header cut", "abcd 0100 0001 0000 0000 00", wire.Ignore},
		{"a response", "abcd 8180 0001 0000 0000 0000" + example, wire.Ignore},
		{"a response of another opcode", "abcd a980 0001 0000 0000 0000" + example, wire.Ignore},

		// Other opcodes, whatever stands in their sections.
		{"IQUERY", "abcd 0900 0001 0000 0000 0000" + example, wire.FaultNotImp},
		{"STATUS", "abcd 1000 0000 0000 0000 0000", wire.FaultNotImp},
		{"NOTIFY", "abcd 2400 0001 0001 0000 0000" + example, wire.FaultNotImp},
		{"UPDATE", "abcd 2800 0001 0000 0000 0000" + example, wire.FaultNotImp},
		{"DSO", "abcd 3000 0000 0000 0000 0000", wire.FaultNotImp},
		{"opcode 15", "abcd 7900 ffff ffff ffff ffff", wire.FaultNotImp},

		// Malformed.
		{"no question", "abcd 0100 0000 0000 0000 0000", wire.FaultFormErr},
		{"two questions", "abcd 0100 0002 0000 0000 0000" + example + example, wire.FaultFormErr},
		{"two questions said, one there", "abcd 0100 0002 0000 0000 0000" + example, wire.FaultFormErr},
		{"65535 questions", "abcd 0100 ffff 0000 0000 0000" + example, wire.FaultFormErr},
		{"header only", plain, wire.FaultFormErr},
		{"name cut", plain + "07 6578", wire.FaultFormErr},
		{"name without root", plain + "07 6578616d706c65", wire.FaultFormErr},
		{"type cut", plain + "00 00", wire.FaultFormErr},
		{"class cut", plain + "00 0001 00", wire.FaultFormErr},
		{"name is a pointer to itself", plain + "c00c 0001 0001", wire.FaultFormErr},
		{"name ends in a pointer", plain + "01 61 c00c 0001 0001", wire.FaultFormErr},
		{"name points into the header", plain + "c000 0001 0001", wire.FaultFormErr},
		{"label type 01", plain + "41 61 00 0001 0001", wire.FaultFormErr},
		{"label type 10", plain + "81 61 00 0001 0001", wire.FaultFormErr},
		{"name of 256 octets", plain + overBig + "0001 0001", wire.FaultFormErr},
		{"answers", "abcd 0100 0001 0001 0000 0000" + example + "c00c 0001 0001 00000000 0004 7f000001", wire.FaultFormErr},
		{"answers said, none there", "abcd 0100 0001 0001 0000 0000" + example, wire.FaultFormErr},
		{"authority", "abcd 0100 0001 0000 0001 0000" + example + tsigRR, wire.FaultFormErr},
		{"octet behind the question", plain + example + "00", wire.FaultFormErr},
		{"octet behind the OPT", withOPT + example + opt + "00", wire.FaultFormErr},
		{"OPT not counted", plain + example + opt, wire.FaultFormErr},
		{"OPT said, none there", withOPT + example, wire.FaultFormErr},
		{"two OPTs", "abcd 0100 0001 0000 0000 0002" + example + opt + opt, wire.FaultFormErr},
		{"OPT in authority", "abcd 0100 0001 0000 0001 0000" + example + opt, wire.FaultFormErr},
		{"OPT with a name", withOPT + example + "01 61 00 0029 04d0 00 00 8000 0000", wire.FaultFormErr},
		{"OPT with a pointer to the question", withOPT + example + "c00c 0029 04d0 00 00 8000 0000", wire.FaultFormErr},
		{"OPT cut", withOPT + example + "00 0029 04d0 00 00 80", wire.FaultFormErr},
		{"OPT longer than the packet", withOPT + example + "00 0029 04d0 00 00 8000 0004 0003", wire.FaultFormErr},
		{"option header cut", withOPT + example + "00 0029 04d0 00 00 8000 0003 000300", wire.FaultFormErr},
		{"option longer than the OPT", withOPT + example + "00 0029 04d0 00 00 8000 0005 0003 0002 61", wire.FaultFormErr},
		{"cookie of 7 octets", withOPT + example + "00 0029 04d0 00 00 0000 000b 000a 0007 01020304050607", wire.FaultFormErr},
		{"subnet with spare bits set", withOPT + example + "00 0029 04d0 00 00 0000 000b 0008 0007 0001 17 00 c00003", wire.FaultFormErr},
		{"subnet with an octet too many", withOPT + example + "00 0029 04d0 00 00 0000 000b 0008 0007 0001 10 00 c00002", wire.FaultFormErr},
		{"subnet wider than an address", withOPT + example + "00 0029 04d0 00 00 0000 000d 0008 0009 0001 21 00 c000020100", wire.FaultFormErr},
		{"additional owner points forward", withOPT + example + "c0ff 00fa 00ff 00000000 0000", wire.FaultFormErr},

		// EDNS versions.
		{"EDNS version 1", withOPT + example + "00 0029 04d0 00 01 0000 0000", wire.FaultBadVers},
		{"EDNS version 255 with options of its own form", withOPT + example + "00 0029 04d0 00 ff 0000 0001 00", wire.FaultBadVers},
		{"EDNS version 1 twice", "abcd 0100 0001 0000 0000 0002" + example + "00 0029 04d0 00 01 0000 0000" + "00 0029 04d0 00 01 0000 0000", wire.FaultFormErr},
	}
	var q wire.Query // one for all: nothing may be left from the one before
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := q.Parse(packet(t, tt.packet)); got != tt.want {
				t.Errorf("Parse = %v, want %v", got, tt.want)
			}
		})
	}
}

func TestParseEveryPrefixIsCut(t *testing.T) {
	whole := packet(t, withOPT+example+"00 0029 04d0 00 00 8000 0008 fde9 0004 01020304")
	var q wire.Query
	for n := range whole {
		want := wire.FaultFormErr
		if n < wire.HeaderLen {
			want = wire.Ignore
		}
		if got := q.Parse(whole[:n]); got != want {
			t.Errorf("first %d octets: Parse = %v, want %v", n, got, want)
		}
	}
}

func TestParseFacts(t *testing.T) {
	var q wire.Query
	msg := packet(t, "1234 0130 0001 0000 0000 0001 07 4578416d506c45 03 632e6d 00 001c 0001"+opt)
	if f := q.Parse(msg); f != wire.None {
		t.Fatalf("Parse = %v", f)
	}
	if q.ID != 0x1234 || !q.RD || !q.AD || !q.CD || q.Opcode != 0 {
		t.Errorf("header: %#x RD %v AD %v CD %v opcode %d", q.ID, q.RD, q.AD, q.CD, q.Opcode)
	}
	if q.Type != wire.TypeAAAA || q.Class != wire.ClassIN || q.Labels != 2 {
		t.Errorf("question: type %d class %d labels %d", q.Type, q.Class, q.Labels)
	}
	if want := []byte("\x07example\x03c.m\x00"); !bytes.Equal(q.Name(), want) {
		t.Errorf("Name = %q, want %q: lower case, and a dot is no boundary", q.Name(), want)
	}
	if !q.EDNS || !q.DO || q.Version != 0 || q.Size != 1232 {
		t.Errorf("EDNS %v DO %v version %d size %d", q.EDNS, q.DO, q.Version, q.Size)
	}
	if q.End != len(msg)-11 {
		t.Errorf("End = %d, want %d", q.End, len(msg)-11)
	}

	if f := q.Parse(packet(t, "0001 0000 0001 0000 0000 0000 00 0001 0001")); f != wire.None {
		t.Fatalf("Parse = %v", f)
	}
	if q.EDNS || q.DO || q.RD || q.AD || q.CD || q.Size != 512 || q.Labels != 0 || len(q.Name()) != 1 {
		t.Errorf("facts of the packet before are left: %+v", q)
	}
}

func TestParseSizeIsNeverBelow512(t *testing.T) {
	for said, want := range map[uint16]uint16{0: 512, 1: 512, 511: 512, 512: 512, 513: 513, 1232: 1232, 65535: 65535} {
		msg := packet(t, withOPT+example+opt)
		binary.BigEndian.PutUint16(msg[len(msg)-8:], said)
		var q wire.Query
		if f := q.Parse(msg); f != wire.None || q.Size != want {
			t.Errorf("size %d: Parse = %v, Size = %d, want %d", said, f, q.Size, want)
		}
	}
}

func TestParseEveryOpcode(t *testing.T) {
	var q wire.Query
	for op := range uint16(16) {
		msg := packet(t, plain+example)
		binary.BigEndian.PutUint16(msg[2:], op<<11|0x0100)
		want := wire.FaultNotImp
		if op == 0 {
			want = wire.None
		}
		if got := q.Parse(msg); got != want {
			t.Errorf("opcode %d: Parse = %v, want %v", op, got, want)
		}
	}
}
