package listen

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/pires/go-proxyproto"
)

// FuzzTakeProxyHeader reads whatever a listed proxy may send. What is taken is as long as
// the header says, and never over 512 octets.
func FuzzTakeProxyHeader(f *testing.F) {
	sig := string(proxyproto.SIGV2)
	for _, s := range []string{
		"", sig, sig + "\x20\x00\x00\x00rest", sig + "\x21\x11\x00\x0c\xc6\x33\x64\x07\xc0\x00\x02\x35\x10\x01\x00\x35rest",
		sig + "\x21\x11\xff\xff", sig + "\x21\x31\x00\xd8", "PROXY TCP4 198.51.100.7 192.0.2.53 4097 53\r\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		in := bytes.NewReader(b)
		ahead := bufio.NewReaderSize(in, maxProxyHeader)
		client, err := takeProxyHeader(ahead)
		if err != nil {
			if client.IsValid() {
				t.Errorf("client %s and error %v", client, err)
			}
			return
		}
		taken, want := len(b)-in.Len()-ahead.Buffered(), 0
		if bytes.HasPrefix(b, proxyproto.SIGV2) {
			want = 16 + int(binary.BigEndian.Uint16(b[14:]))
		}
		if taken != want || taken > 512 {
			t.Errorf("took %d octets, want %d", taken, want)
		}
		if client.IsValid() && (want == 0 || client.Addr().Is4In6()) {
			t.Errorf("client %s", client)
		}
	})
}
