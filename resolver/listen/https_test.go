package listen_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"net/http"
	"testing"

	"github.com/hearthdns/hearth/resolver/listen"
)

func TestSameReplyOverEveryTransport(t *testing.T) {
	for _, name := range []string{"a.test", "long.test", "slow.test"} {
		q := query(t, 0, name)
		want := overTCP(t, q)
		h := newStub()
		close(h.gate)
		s := startShielded(t, listen.HTTPS, listen.Config{Handler: h}, nil)
		for _, version := range versions {
			c := s.web(version, webName)
			for _, req := range []*http.Request{s.getting("/dns-query", q), s.posting("/dns-query", q)} {
				got := s.fetch(c, req)
				if got.StatusCode != http.StatusOK || got.Header.Get("Content-Type") != "application/dns-message" {
					t.Errorf("%s HTTP/%s %s: %s, %s", name, version, req.Method, got.Status, got.Header.Get("Content-Type"))
				}
				if !bytes.Equal(got.body, want) {
					t.Errorf("%s HTTP/%s %s: \n%.80x, want\n%.80x", name, version, req.Method, got.body, want)
				}
			}
		}
		d := startShielded(t, listen.QUIC, listen.Config{Handler: h}, nil)
		if got := ask(t, d.quic(webName), frame(q)); !bytes.Equal(got, frame(want)) {
			t.Errorf("%s QUIC: \n%.80x, want\n%.80x", name, got, frame(want))
		}
	}
}

// overTCP is what a client gets over TCP, which carries any length.
func overTCP(t *testing.T, q []byte) []byte {
	t.Helper()
	h := newStub()
	close(h.gate)
	s := start(t, listen.Config{Handler: h})
	c := s.dial("tcp")
	send(t, c, frame(q))
	head := make([]byte, 2)
	if _, err := io.ReadFull(c, head); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, binary.BigEndian.Uint16(head))
	if _, err := io.ReadFull(c, b); err != nil {
		t.Fatal(err)
	}
	return b
}
