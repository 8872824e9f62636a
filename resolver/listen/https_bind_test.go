package listen_test

import (
	"net"
	"net/http"
	"testing"

	"github.com/hearthdns/hearth/resolver/listen"
)

// TestFailedStartGivesEverySocketBack has the second listener find its port taken.
func TestFailedStartGivesEverySocketBack(t *testing.T) {
	taken, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	free, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := free.LocalAddr().(*net.UDPAddr).AddrPort()
	_ = free.Close()
	conf, _ := tlsConfigs(t)
	for _, over := range []listen.Transport{listen.QUIC, listen.HTTPS} {
		_, err = listen.New(listen.Config{Handler: newStub(), Log: quiet(), TLS: conf, Listeners: []listen.Listener{
			{Addr: at, Protocols: []listen.Transport{over}},
			{Addr: taken.LocalAddr().(*net.UDPAddr).AddrPort(), Protocols: []listen.Transport{listen.QUIC}},
		}})
		if err == nil {
			t.Fatal("New succeeded")
		}
		again, err := net.ListenPacket("udp4", at.String())
		if err != nil {
			t.Errorf("%s: the UDP port is still taken: %v", over, err)
			continue
		}
		_ = again.Close()
	}
}

func TestPathOfHTTPS(t *testing.T) {
	for path, reached := range map[string]string{"": "/dns-query", "/": "/", "/dns/": "/dns", "/a/b": "/a/b/" + deviceName} {
		s := startShielded(t, listen.HTTPS, listen.Config{Handler: newStub()}, func(l *listen.Listener) { l.Path = path })
		c := s.web("2", webName)
		if got := s.fetch(c, s.getting(reached, query(t, 0, "a.test"))); got.StatusCode != http.StatusOK {
			t.Errorf("%q at %s: %s", path, reached, got.Status)
		}
		if got := s.fetch(c, s.getting(reached+"/x/y", query(t, 0, "a.test"))); got.StatusCode != http.StatusNotFound {
			t.Errorf("%q at %s/x/y: %s", path, reached, got.Status)
		}
	}
}
