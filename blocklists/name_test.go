package blocklists

import (
	"bytes"
	"strings"
	"testing"
)

func TestParseName(t *testing.T) {
	for _, test := range []struct{ text, wire, text2 string }{
		{"example.com", "\x07example\x03com\x00", "example.com"},
		{"example.com.", "\x07example\x03com\x00", "example.com"},
		{"WWW.Example.COM", "\x03www\x07example\x03com\x00", "www.example.com"},
		{".", "\x00", "."},
		{`a\.b.c`, "\x03a.b\x01c\x00", `a\.b.c`},
		{`a\046b.c`, "\x03a.b\x01c\x00", `a\.b.c`},
		{`\065.c`, "\x01a\x01c\x00", "a.c"},
		{`a\000.c`, "\x02a\x00\x01c\x00", `a\000.c`},
		{`\255\032`, "\x02\xff \x00", `\255\032`},
		{`a\\b`, "\x03a\\b\x00", `a\\b`},
		{`_dmarc.example`, "\x06_dmarc\x07example\x00", "_dmarc.example"},
		{`a\"b(c`, "\x05a\"b(c\x00", `a\"b\(c`},
		{"xn--caf-dma.fr", "\x0bxn--caf-dma\x02fr\x00", "xn--caf-dma.fr"},
	} {
		name, err := ParseName(test.text)
		if err != nil || string(name) != test.wire {
			t.Errorf("%s: got %q, %v, want %q", test.text, name, err, test.wire)
		}
		if got := Name(test.wire).String(); got != test.text2 {
			t.Errorf("%q: got %s, want %s", test.wire, got, test.text2)
		}
	}
}

func TestParseNameRefusals(t *testing.T) {
	long := strings.Repeat("a", 63)
	longest := long + "." + long + "." + long + "." + strings.Repeat("a", 61)
	if name, err := ParseName(longest); err != nil || len(name) != 255 {
		t.Errorf("a name of 255 octets: %d, %v", len(name), err)
	}
	if name, err := ParseName(strings.Repeat("a.", 127)); err != nil || name.Labels() != 127 {
		t.Errorf("a name of 127 labels: %d, %v", name.Labels(), err)
	}
	for _, text := range []string{
		"", "..", ".com", "a..b", "a..", `a\`, `a\1`, `a\12`, `a\256`, `a\1x2`, "a b", "a\tb", "a\x00", "caf\u00e9.fr", "\\\u00e9",
		long + "a.com", longest + "a", strings.Repeat("a.", 128),
	} {
		if name, err := ParseName(text); err == nil {
			t.Errorf("%q is accepted as %q", text, name)
		}
	}
}

// A dot inside a label is an octet like any other: RFC 1035 section 3.1 counts labels by their length octets.
func TestDotInsideALabelIsNoBoundary(t *testing.T) {
	dotted, split := mustName(t, `www\.example.com`), mustName(t, "www.example.com")
	if bytes.Equal(dotted, split) || dotted.Labels() != 2 || split.Labels() != 3 {
		t.Errorf("%q and %q", []byte(dotted), []byte(split))
	}
	b := newTestBuilder(t, BuilderConfig{})
	if err := b.Add(b.List(setOf(1)), Entry{Name: mustName(t, "example.com")}); err != nil {
		t.Fatal(err)
	}
	ix, _ := buildIndex(t, b)
	if got := lookup(t, ix, `www\.example.com`); got.Labels != 0 {
		t.Errorf("a label with a dot is taken for a name beneath example.com: %+v", got)
	}
	if got := lookup(t, ix, "www.example.com"); got.Labels != 2 {
		t.Errorf("www.example.com: %+v", got)
	}
}

func TestNameCheck(t *testing.T) {
	for _, wire := range []string{
		"", "\x03com", "\x03com\x00\x00", "\x04com\x00", "\x40" + strings.Repeat("a", 64) + "\x00", "\xc0\x0c", "\x03Com\x00",
		strings.Repeat("\x01a", 128) + "\x00",
	} {
		if err := Name(wire).check(); err == nil {
			t.Errorf("%q passes", wire)
		}
	}
}

func FuzzParseName(f *testing.F) {
	for _, text := range []string{"example.com", ".", "a..b", `a\.b`, `\046.\255`, `\`, "A.b.", "a\\", strings.Repeat("a.", 127)} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		name, err := ParseName(text)
		if err != nil {
			return
		}
		if err := name.check(); err != nil {
			t.Fatalf("%q gives %q: %v", text, []byte(name), err)
		}
		again, err := ParseName(name.String())
		if err != nil || !bytes.Equal(name, again) {
			t.Fatalf("%q gives %q, which prints as %s and reads as %q, %v", text, []byte(name), name, []byte(again), err)
		}
	})
}

// Whatever the octets of a wire name, printing and parsing gives it back.
func FuzzNameString(f *testing.F) {
	f.Add([]byte("\x03www\x00"))
	f.Add([]byte("\x03a.b\x01\x00\x00"))
	f.Add([]byte("\xc0\x0c"))
	f.Fuzz(func(t *testing.T, wire []byte) {
		text, labels := Name(wire).String(), Name(wire).Labels() // never panics
		if Name(wire).check() != nil {
			return
		}
		name, err := ParseName(text)
		if err != nil || !bytes.Equal(name, wire) || name.Labels() != labels {
			t.Fatalf("%q prints as %s and reads as %q, %v", wire, text, []byte(name), err)
		}
	})
}
