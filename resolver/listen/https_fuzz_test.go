package listen_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"strings"
	"testing"

	"github.com/hearthdns/hearth/resolver/listen"
)

// FuzzParameter holds the parameter dns to RFC 8484 4.1 and RFC 4648 5: what is taken is the
// one encoding of the octets that come out.
func FuzzParameter(f *testing.F) {
	f.Add("AAABAAABAAAAAAAAAWEEdGVzdAAAHAAB")
	f.Add("AAABAAABAAAAAAAAAWEEdGVzdAAAHAAB==")
	f.Add("AAAB\nAAAB")
	f.Add(strings.Repeat("_-", 50))
	f.Fuzz(func(t *testing.T, value string) {
		r := listen.NewRequest()
		got, ok := listen.FromParameter([]string{value}, r)
		if ok != (ok && len(got) >= 12 && len(got) <= 65535 && base64.RawURLEncoding.EncodeToString(got) == value) {
			t.Errorf("%q is taken as %x", value, got)
		}
		if want, err := base64.RawURLEncoding.DecodeString(value); !ok && err == nil && len(want) >= 12 && len(want) <= 65535 &&
			base64.RawURLEncoding.EncodeToString(want) == value {
			t.Errorf("%q is not taken", value)
		}
	})
}

// FuzzFrame holds the framing to RFC 9250 4.2: a length, so many octets, the end.
func FuzzFrame(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{0, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})
	f.Add([]byte{0, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})
	f.Add([]byte{0xFF, 0xFF, 0})
	f.Fuzz(func(t *testing.T, octets []byte) {
		src, r := bytes.NewReader(octets), listen.NewRequest()
		got, err := listen.OneFrame(src, func(n int) ([]byte, error) { return r.Receive(src, n) })
		want := len(octets) >= 14 && int(binary.BigEndian.Uint16(octets)) == len(octets)-2
		if want != (err == nil) || want && !bytes.Equal(got, octets[2:]) {
			t.Errorf("%x: %x, %v", octets, got, err)
		}
		if room := r.Room(); room > 4096+2*len(octets) {
			t.Errorf("%d octets of memory for %d", room, len(octets))
		}
	})
}
