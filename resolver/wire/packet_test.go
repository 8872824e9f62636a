package wire_test

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// packet turns hex with spaces and line breaks into octets.
func packet(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil {
		t.Fatalf("reading packet: %v", err)
	}
	return b
}

// Pieces of packets: a header says ID, flags and the four counts.
const (
	plain   = "abcd 0100 0001 0000 0000 0000"                            // RD, one question
	withOPT = "abcd 0100 0001 0000 0000 0001"                            // and one additional record
	example = "07 6578616d706c65 03 636f6d 00 0001 0001"                 // example.com A IN
	opt     = "00 0029 04d0 00 00 8000 0000"                             // size 1232, DO
	tsigRR  = "00 00fa 00ff 00000000 0000"                               // a TSIG record, empty
	bigName = "3f" + a63 + "3f" + a63 + "3f" + a63 + "3d" + a61 + "00"   // 255 octets
	overBig = "3f" + a63 + "3f" + a63 + "3f" + a63 + "3e" + a61 + "6100" // 256 octets
	a61     = "61616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161"
	a63     = a61 + "6161"
)

// ask packs a query with the library, as a client would.
func ask(t testing.TB, name string, typ uint16, edit func(*dns.Msg)) []byte {
	t.Helper()
	m := new(dns.Msg)
	m.SetQuestion(name, typ)
	m.Id = 0xABCD
	if edit != nil {
		edit(m)
	}
	b, err := m.Pack()
	if err != nil {
		t.Fatalf("packing query: %v", err)
	}
	return b
}

// unpack reads a packet with the library.
func unpack(t testing.TB, b []byte) *dns.Msg {
	t.Helper()
	m := new(dns.Msg)
	if err := m.Unpack(b); err != nil {
		t.Fatalf("unpacking %x: %v", b, err)
	}
	return m
}
