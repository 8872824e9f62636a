package listen_test

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/hearthdns/hearth/resolver/listen"
	"github.com/pires/go-proxyproto"
)

// watched is a Handler that remembers who asked last.
type watched struct{ client atomic.Value }

func (h *watched) reply(r *listen.Request) []byte {
	h.client.Store(r.Client)
	return reply(r, 1)
}

func (h *watched) last() listen.Client {
	c, _ := h.client.Load().(listen.Client)
	return c
}

func TestIdentityOverHTTPS(t *testing.T) {
	const byPath, byPassword, bySNI, byHost = "path-q2m9x4w8b3c5", "pass-q2m9x4w8b3c5", "name-q2m9x4w8b3c5", "host-q2m9x4w8b3c5"
	var h watched
	s := startShielded(t, listen.HTTPS, listen.Config{Handler: replies(h.reply)}, nil)
	for _, version := range versions {
		named, plain := s.web(version, bySNI+"."+webName), s.web(version, webName)
		for _, x := range []struct {
			name                 string
			client               *http.Client
			path, password, host string
			want                 string
		}{
			{"none", plain, "", "", "", ""},
			{"path", plain, byPath, "", "", byPath},
			{"path in upper case", plain, strings.ToUpper(byPath), "", "", byPath},
			{"password", plain, "", byPassword, "", byPassword},
			{"server name", named, "", "", "", bySNI},
			{"authority", plain, "", "", byHost + "." + webName, byHost},
			{"authority with port", plain, "", "", byHost + "." + webName + ":8443", byHost},
			{"path before password", named, byPath, byPassword, "", byPath},
			{"password before server name", named, "", byPassword, "", byPassword},
			{"authority before server name", named, "", "", byHost + "." + webName, byHost}, // RFC 9113 9.1.1
			{"authority without an id", named, "", "", webName, bySNI},
			{"malformed path", named, "path", byPassword, "", byPassword},
			{"path of 64", plain, strings.Repeat("a", 64), "", "", ""},
			{"path of 63", plain, strings.Repeat("a", 63), "", "", strings.Repeat("a", 63)},
			{"path of 15", plain, strings.Repeat("a", 15), "", "", ""},
			{"path with a dot", plain, byPath + ".x", "", "", ""},
			{"path of other letters", plain, "ä" + byPath, "", "", ""},
			{"malformed password", named, "", "secret", "", bySNI},
			{"authority two deep", plain, "", "", byHost + ".x." + webName, ""},
			{"authority of another name", plain, "", "", byHost + ".dns.test", ""},
		} {
			path := "/dns-query"
			if x.path != "" {
				path += "/" + x.path
			}
			req := s.posting(path, query(t, 0, "a.test"))
			if x.password != "" {
				req.SetBasicAuth("anybody", x.password)
			}
			req.Host = x.host
			got := s.fetch(x.client, req)
			if id := h.last().Identity; id != x.want || got.StatusCode != http.StatusOK {
				t.Errorf("HTTP/%s, %s: %s, identity %q, want %q", version, x.name, got.Status, id, x.want)
			}
			if got.Header.Get("WWW-Authenticate") != "" {
				t.Errorf("HTTP/%s, %s: asks for a password", version, x.name)
			}
		}
	}
}

// TestIdentityOverQUIC also resumes sessions: an identity is that of its own connection.
func TestIdentityOverQUIC(t *testing.T) {
	var h watched
	s := startShielded(t, listen.QUIC, listen.Config{Handler: replies(h.reply)}, nil)
	for name, want := range map[string]string{
		webName:                    "",
		deviceName + "." + webName: deviceName,
		strings.ToUpper(deviceName) + ".Dns.Example": deviceName,
		"short." + webName:                           "",
	} {
		ask(t, s.quic(name), frame(query(t, 0, "a.test")))
		c := h.last()
		if c.Identity != want || c.Transport != listen.QUIC || c.Local != s.addr {
			t.Errorf("%s: %+v, want identity %q", name, c, want)
		}
	}
}

func TestForwardedForCountsFromProxiesOnly(t *testing.T) {
	var h watched
	q := query(t, 0, "a.test")
	for _, trusted := range []bool{true, false} {
		s := startShielded(t, listen.HTTPS, listen.Config{Handler: replies(h.reply)}, func(l *listen.Listener) {
			if trusted {
				l.Proxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32"), netip.MustParsePrefix("198.51.100.0/24")}
			}
		})
		for _, version := range versions {
			req := s.getting("/dns-query", q)
			req.Header.Add("X-Forwarded-For", "203.0.113.9, 192.0.2.7")
			req.Header.Add("X-Forwarded-For", "198.51.100.1")
			got := s.fetch(s.web(version, webName), req)
			want := "127.0.0.1"
			if trusted {
				want = "192.0.2.7"
			}
			if c := h.last(); c.Addr.Addr().String() != want || c.Transport != listen.HTTPS {
				t.Errorf("HTTP/%s, trusted %v: %+v, want %s", version, trusted, c, want)
			}
			if trusted && got.Header.Get("Alt-Svc") != "" {
				t.Errorf("HTTP/%s: a proxy is told of a port that its clients cannot reach", version)
			}
		}
	}
}

func TestHTTPSTakesAProxyHeader(t *testing.T) {
	var h watched
	s := startShielded(t, listen.HTTPS, listen.Config{Handler: replies(h.reply)}, func(l *listen.Listener) {
		l.Proxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}
	})
	named := netip.MustParseAddrPort("192.0.2.7:4711")
	for _, version := range versions[:2] {
		c := s.web(version, webName)
		tr, _ := c.Transport.(*http.Transport)
		tr.DialContext = func(_ context.Context, network, _ string) (net.Conn, error) {
			conn, err := net.Dial(network, s.addr.String())
			if err == nil {
				head := proxyproto.HeaderProxyFromAddrs(2, net.TCPAddrFromAddrPort(named), conn.RemoteAddr())
				_, err = head.WriteTo(conn)
			}
			return conn, err
		}
		req := s.getting("/dns-query", query(t, 0, "a.test"))
		req.Header.Set("X-Forwarded-For", "203.0.113.9") // by a client, which is no proxy
		s.fetch(c, req)
		if got := h.last().Addr; got != named {
			t.Errorf("HTTP/%s: %s, want %s", version, got, named)
		}
	}
	broken := s.dial("tcp")
	send(t, broken, append([]byte(proxyproto.SIGV2), 0x21, 0x11, 0xFF, 0xFF))
	closed(t, broken)
	eventually(t, "every place is given back", func() bool { return listen.Connections(s.Server, listen.HTTPS) == 2 })
}

func TestForwardedFor(t *testing.T) {
	known := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for _, x := range []struct {
		headers []string
		want    string // "": the peer itself
	}{
		{nil, ""},
		{[]string{""}, ""},
		{[]string{" , ,"}, ""},
		{[]string{"192.0.2.1"}, "192.0.2.1"},
		{[]string{"192.0.2.1, 192.0.2.2"}, "192.0.2.2"},            // the first is only claimed
		{[]string{"192.0.2.1, 10.0.0.1"}, "192.0.2.1"},             // a proxy before ours
		{[]string{"192.0.2.1", "192.0.2.2,10.0.0.1"}, "192.0.2.2"}, // headers in their order
		{[]string{"10.0.0.1, 10.0.0.2"}, "10.0.0.1"},               // a proxy asks for itself
		{[]string{"192.0.2.1, unknown"}, ""},
		{[]string{"192.0.2.1, 10.0.0.1, _hidden"}, ""},
		{[]string{"garbage, 192.0.2.1"}, "192.0.2.1"},
		{[]string{"garbage, 10.0.0.1"}, ""},
		{[]string{"192.0.2.1,192.0.2.1,192.0.2.1"}, "192.0.2.1"},
		{[]string{"192.0.2.1:4711"}, "192.0.2.1"},
		{[]string{"2001:db8::1"}, "2001:db8::1"},
		{[]string{"[2001:db8::1]"}, "2001:db8::1"},
		{[]string{"[2001:db8::1]:443"}, "2001:db8::1"},
		{[]string{"[2001:db8::1"}, ""},
		{[]string{"2001:db8::1]"}, ""},
		{[]string{"fe80::1%eth0"}, "fe80::1"},
		{[]string{"2001:db8::1, fd00::1%7"}, "2001:db8::1"},
		{[]string{"::ffff:192.0.2.1"}, "192.0.2.1"},
		{[]string{"192.0.2.1, ::ffff:10.1.1.1"}, "192.0.2.1"},
		{[]string{"192.0.2.256"}, ""},
		{[]string{"192.0.2.1 10.0.0.1"}, ""},
		{[]string{"192.0.2.1;10.0.0.1"}, ""},
		{[]string{strings.Repeat("1", 1<<16)}, ""},
	} {
		got, ok := listen.ForwardedFor(x.headers, known)
		if want, err := netip.ParseAddr(x.want); ok != (err == nil) || ok && got != want {
			t.Errorf("%.60q: %s %v, want %q", x.headers, got, ok, x.want)
		}
	}
}
