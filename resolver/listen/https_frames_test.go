package listen_test

import (
	"bytes"
	"crypto/tls"
	"encoding/base64"
	"net"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// framer speaks HTTP/2 frame by frame, as no well-meaning client does.
type framer struct {
	*http2.Framer
	conn   *tls.Conn
	header bytes.Buffer
	hpack  *hpack.Encoder
	next   uint32
}

func (s *shielded) frames(settings ...http2.Setting) *framer {
	s.t.Helper()
	conn := tls.Client(s.dial("tcp"), s.trusting(webName, "h2"))
	if err := conn.Handshake(); err != nil {
		s.t.Fatal(err)
	}
	f := &framer{Framer: http2.NewFramer(conn, conn), conn: conn, next: 1}
	f.hpack = hpack.NewEncoder(&f.header)
	write(s.t.(*testing.T), conn, []byte(http2.ClientPreface))
	if err := f.WriteSettings(settings...); err != nil {
		s.t.Fatal(err)
	}
	return f
}

// get writes the header of a GET request on a stream of its own.
func (f *framer) get(s *shielded, query []byte) (stream uint32, err error) {
	f.header.Reset()
	for _, h := range [][2]string{
		{":method", "GET"}, {":scheme", "https"}, {":authority", webName},
		{":path", "/dns-query?dns=" + base64.RawURLEncoding.EncodeToString(query)},
	} {
		_ = f.hpack.WriteField(hpack.HeaderField{Name: h[0], Value: h[1]})
	}
	stream = f.next
	f.next += 2
	return stream, f.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: f.header.Bytes(), EndStream: true, EndHeaders: true})
}

// post writes the header of a POST request on a stream of its own, without the body, whose
// length it tells if it is not empty.
func (f *framer) post(length string) (stream uint32, err error) {
	f.header.Reset()
	for _, h := range [][2]string{
		{":method", "POST"}, {":scheme", "https"}, {":authority", webName}, {":path", "/dns-query"},
		{"content-type", "application/dns-message"}, {"content-length", length},
	} {
		if h[1] != "" {
			_ = f.hpack.WriteField(hpack.HeaderField{Name: h[0], Value: h[1]})
		}
	}
	stream = f.next
	f.next += 2
	return stream, f.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: f.header.Bytes(), EndHeaders: true})
}

// drained reads until the server ends the connection.
func (f *framer) drained(t *testing.T) {
	t.Helper()
	for {
		if _, err := f.ReadFrame(); err != nil {
			if ne, ok := err.(net.Error); ok && ne.Timeout() { //nolint:errorlint // as net gives it
				t.Error("the server does not end the connection")
			}
			return
		}
	}
}
