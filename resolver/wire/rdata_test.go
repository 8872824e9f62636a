package wire_test

import (
	"bytes"
	"testing"

	"github.com/hearthdns/hearth/resolver/wire"
	"github.com/miekg/dns"
)

// withRecord is a reply to example.com that holds one record of that name, and where
// that is.
func withRecord(t testing.TB, rtype uint16, data []byte) ([]byte, wire.RR) {
	t.Helper()
	msg := packet(t, "abcd 8180 0001 0001 0000 0000"+example+"c00c")
	msg = append(msg, byte(rtype>>8), byte(rtype), 0, 1, 0, 0, 0, 60, byte(len(data)>>8), byte(len(data)))
	msg = append(msg, data...)
	end, err := wire.SkipQuestion(msg)
	if err != nil {
		t.Fatal(err)
	}
	var found wire.RR
	if err := wire.WalkRRs(msg, end, func(rr wire.RR) bool { found = rr; return true }); err != nil {
		t.Fatal(err)
	}
	return msg, found
}

var rdata = []struct {
	name  string
	rtype uint16
	hex   string
	want  bool
}{
	{"address", wire.TypeA, "c0000201", true},
	{"address cut", wire.TypeA, "c00002", false},
	{"address and an octet", wire.TypeA, "c000020100", false},
	{"nothing", wire.TypeA, "", false},
	{"IPv6", wire.TypeAAAA, "20010db8000000000000000000000001", true},
	{"IPv6 cut", wire.TypeAAAA, "20010db80000000000000000000000", false},
	{"target", wire.TypeCNAME, "03777777 c00c", true},
	{"target with a tail", wire.TypeCNAME, "03777777 c00c 00", false},
	{"target cut", wire.TypeCNAME, "03777777", false},
	{"target points forward", wire.TypeCNAME, "c0ff", false},
	{"name server", wire.TypeNS, "c014", true},
	{"pointer record", wire.TypePTR, "01 57 c00c", true},
	{"mail", wire.TypeMX, "000a 046d61696c c00c", true},
	{"mail without a name", wire.TypeMX, "000a", false},
	{"mail, preference cut", wire.TypeMX, "00", false},
	{"start", wire.TypeSOA, "c00c 026e73 c00c 00000001 00000002 00000003 00000004 00000005", true},
	{"start, numbers cut", wire.TypeSOA, "c00c c00c 00000001 00000002 00000003 00000004 000000", false},
	{"start, one name", wire.TypeSOA, "c00c 00000001 00000002 00000003 00000004 00000005", false},
	{"text", wire.TypeTXT, "03616263 00 0161", true},
	{"text cut", wire.TypeTXT, "03616263 02 61", false},
	{"no text", wire.TypeTXT, "", false},
	{"digest", wire.TypeDS, "0001 08 02 0011", true},
	{"no digest", wire.TypeDS, "0001 08 02", false},
	{"key", wire.TypeDNSKEY, "0101 03 08 000000", true},
	{"no key", wire.TypeDNSKEY, "0101 03 08", false},
	{"signature", wire.TypeRRSIG, "0001 08 02 0000003c 70dbd880 5e0be100 0001 c00c 000000", true},
	{"signature without the octets", wire.TypeRRSIG, "0001 08 02 0000003c 70dbd880 5e0be100 0001 c00c", false},
	{"signature cut", wire.TypeRRSIG, "0001 08 02 0000003c 70dbd880 5e0be100 00", false},
	{"next", wire.TypeNSEC, "017a c00c 0006 400000000003 0104 00000020", true},
	{"next without types", wire.TypeNSEC, "017a c00c", true},
	{"next, windows fall", wire.TypeNSEC, "017a c00c 0101 40 0001 40", false},
	{"next, window twice", wire.TypeNSEC, "017a c00c 0001 40 0001 40", false},
	{"next, window empty", wire.TypeNSEC, "017a c00c 0000 0101 40", false},
	{"next, window too long", wire.TypeNSEC, "017a c00c 0021" + a61[:66], false},
	{"next, window ends in zero", wire.TypeNSEC, "017a c00c 0002 4000", false},
	{"next, window cut", wire.TypeNSEC, "017a c00c 0002 40", false},
	{"next, half a window", wire.TypeNSEC, "017a c00c 0001 40 01", false},
	{"hashed", wire.TypeNSEC3, "01 01 000c 02aabb 04deadbeef 0001 40", true},
	{"hashed without salt and types", wire.TypeNSEC3, "01 01 000c 00 04deadbeef", true},
	{"hashed without hash", wire.TypeNSEC3, "01 01 000c 00 00", false},
	{"hashed, salt cut", wire.TypeNSEC3, "01 01 000c 02aa", false},
	{"hashed, no salt", wire.TypeNSEC3, "01 01 000c", false},
	{"hashed, hash cut", wire.TypeNSEC3, "01 01 000c 00 04dead", false},
	{"hashed, window cut", wire.TypeNSEC3, "01 01 000c 00 04deadbeef 0002 40", false},
	{"of another type", dns.TypeSRV, "0001 0002 0003 c00c", false},
}

func TestRDATA(t *testing.T) {
	for _, tt := range rdata {
		t.Run(tt.name, func(t *testing.T) {
			msg, rr := withRecord(t, tt.rtype, packet(t, tt.hex))
			if got := likeLibrary(t, msg, rr); got != tt.want {
				t.Errorf("well formed: %v, want %v", got, tt.want)
			}
		})
	}
}

// likeLibrary fails the test unless rr is refused or the library takes it and
// packs the same RDATA without compression.
func likeLibrary(t testing.TB, msg []byte, rr wire.RR) (sound bool) {
	t.Helper()
	sound = wire.SoundRR(msg, rr)
	got, ok := wire.AppendRDATA([]byte("x"), msg, rr)
	if ok != sound || got[0] != 'x' || !ok && len(got) != 1 {
		t.Fatalf("SoundRR says %v, AppendRDATA %v with %x", sound, ok, got)
	}
	if !sound {
		return false
	}
	m, plain := unpack(t, msg), make([]byte, 2*len(msg)+2*wire.MaxName)
	end, err := dns.PackRR(m.Answer[0], plain, 0, nil, false)
	if err != nil {
		t.Fatal(err)
	}
	owner, _ := wire.SkipName(plain, 0)
	if want := plain[owner+10 : end]; !bytes.Equal(got[1:], want) {
		t.Fatalf("type %d: %x, the library has %x", rr.Type, got[1:], want)
	}
	return true
}

// FuzzRDATA holds the layouts to the library: what they take it takes too and
// packs alike.
func FuzzRDATA(f *testing.F) {
	for _, tt := range rdata {
		f.Add(tt.rtype, packet(f, tt.hex))
	}
	f.Fuzz(func(t *testing.T, rtype uint16, data []byte) {
		if len(data) < 1<<14 {
			msg, rr := withRecord(t, rtype, data)
			likeLibrary(t, msg, rr)
		}
	})
}
