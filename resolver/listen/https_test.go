package listen_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/hearthdns/hearth/resolver/listen"
	"github.com/hearthdns/hearth/resolver/wire"
	"github.com/miekg/dns"
)

func TestSameReplyOverEveryTransport(t *testing.T) {
	h := newStub()
	close(h.gate)
	s := startShielded(t, listen.HTTPS, listen.Config{Handler: h}, nil)
	d := startShielded(t, listen.QUIC, listen.Config{Handler: h}, nil)
	for _, name := range []string{"a.test", "long.test", "slow.test"} {
		q := query(t, 0, name)
		want := overTCP(t, q)
		for _, version := range versions {
			c := s.web(version, webName)
			for _, req := range []*http.Request{s.getting("/dns-query", q), s.posting("/dns-query", q)} {
				got := s.fetch(c, req)
				if got.StatusCode != http.StatusOK || got.Header.Get("Content-Type") != "application/dns-message" {
					t.Errorf("%s HTTP/%s %s: %s, %s", name, version, req.Method, got.Status, got.Header.Get("Content-Type"))
				}
				if !bytes.Equal(got.body, want) {
					t.Errorf("%s HTTP/%s %s:\n%.80x, want\n%.80x", name, version, req.Method, got.body, want)
				}
			}
		}
		if got := ask(t, d.quic(webName), frame(q)); !bytes.Equal(got, frame(want)) {
			t.Errorf("%s QUIC:\n%.80x, want\n%.80x", name, got, frame(want))
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

func TestReplyKeepsTheIDAndIsPadded(t *testing.T) {
	s := startShielded(t, listen.HTTPS, listen.Config{Handler: newStub()}, nil)
	m := new(dns.Msg)
	m.SetQuestion("a.test.", dns.TypeAAAA)
	m.Id = 4711 // RFC 8484 4.1 asks clients for 0, not servers
	m.SetEdns0(1232, false)
	m.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_PADDING{Padding: make([]byte, 1)}}
	q, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	for _, version := range versions {
		for _, req := range []*http.Request{s.getting("/dns-query", q), s.posting("/dns-query", q)} {
			got := s.fetch(s.web(version, webName), req)
			if len(got.body) != 468 || binary.BigEndian.Uint16(got.body) != 4711 { // RFC 8467 4.1
				t.Errorf("HTTP/%s %s: %d octets beginning with %x, want 468 with 1267", version, req.Method, len(got.body), got.body[:2])
			}
		}
	}
}

// wrongRequests are requests without a query, and what they get.
func wrongRequests(s *shielded, t *testing.T) []struct {
	name string
	req  *http.Request
	want int
} {
	q := query(t, 0, "a.test")
	get := func(path string) *http.Request { return s.request(http.MethodGet, path, nil) }
	post := func(contentType string, body io.Reader) *http.Request {
		req := s.request(http.MethodPost, "/dns-query", body)
		req.Header.Set("Content-Type", contentType)
		return req
	}
	const kind = "application/dns-message"
	encoded := base64.RawURLEncoding.EncodeToString(q)
	response := slices.Clone(q)
	response[2] |= 0x80
	method := func(name, path string) *http.Request { return s.request(name, path, nil) }
	return []struct {
		name string
		req  *http.Request
		want int
	}{
		{"no parameter", get("/dns-query"), 400},
		{"an empty parameter", get("/dns-query?dns="), 400},
		{"two parameters", get("/dns-query?dns=" + encoded + "&dns=" + encoded), 400},
		{"another parameter as well", get("/dns-query?ct&dns=" + encoded + "&x=y"), 200},
		{"padding", get("/dns-query?dns=" + base64.URLEncoding.EncodeToString(append(slices.Clone(q), 0))), 400},
		{"base64 of the other alphabet", get("/dns-query?dns=" + encoded[:20] + "%2B%2F"), 400},
		{"no base64", get("/dns-query?dns=" + encoded[:20] + "!!!!"), 400},
		{"a line break inside", get("/dns-query?dns=" + encoded[:20] + "%0A" + encoded[20:]), 400},
		{"bits left over", get("/dns-query?dns=" + strings.Repeat("A", 17) + "B"), 400},
		{"a short message", get("/dns-query?dns=" + encoded[:14]), 400},
		{"a header without a question", get("/dns-query?dns=" + strings.Repeat("A", 16)), 200}, // FORMERR
		{"a response", s.getting("/dns-query", response), 400},
		{"another path", get("/?dns=" + encoded), 404},
		{"a path that begins alike", get("/dns-query2?dns=" + encoded), 404},
		{"a path too deep", get("/dns-query/" + deviceName + "/x?dns=" + encoded), 404},
		{"a slash behind", get("/dns-query/?dns=" + encoded), 200},
		{"an unknown id", get("/dns-query/" + deviceName + "?dns=" + encoded), 200},
		{"no id at all", get("/dns-query/%00?dns=" + encoded), 200},
		{"PUT", method(http.MethodPut, "/dns-query?dns="+encoded), 405},
		{"OPTIONS", method(http.MethodOptions, "/dns-query"), 405},
		{"HEAD", method(http.MethodHead, "/dns-query?dns="+encoded), 200},
		{"POST without a type", post("", bytes.NewReader(q)), 415},
		{"POST of another type", post("application/json", bytes.NewReader(q)), 415},
		{"POST with a parameter of the type", post(kind+"; charset=utf-8", bytes.NewReader(q)), 200},
		{"POST of nothing", post(kind, bytes.NewReader(nil)), 400},
		{"POST of 11 octets", post(kind, bytes.NewReader(q[:11])), 400},
		{"POST of a broken query", post(kind, bytes.NewReader(q[:len(q)-1])), 200}, // FORMERR
		{"POST of unknown length", post(kind, io.MultiReader(bytes.NewReader(q))), 200},
		{"POST of 65535 octets", post(kind, bytes.NewReader(make([]byte, 65535))), 200}, // FORMERR
		{"POST of 65536 octets", post(kind, bytes.NewReader(make([]byte, 65536))), 413},
		{"endless POST", post(kind, io.LimitReader(zeros{}, 1<<30)), 413},
	}
}

// zeros never ends.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}

func TestStatus(t *testing.T) {
	s := startShielded(t, listen.HTTPS, listen.Config{Handler: newStub()}, nil)
	for _, version := range versions {
		c := s.web(version, webName)
		for _, x := range wrongRequests(s, t) {
			res, err := c.Do(x.req)
			if err != nil {
				// A client may see the connection end while it still sends the body.
				if x.want == 413 {
					continue
				}
				t.Errorf("HTTP/%s, %s: %v", version, x.name, err)
				continue
			}
			body, _ := io.ReadAll(res.Body)
			_ = res.Body.Close()
			if res.StatusCode != x.want {
				t.Errorf("HTTP/%s, %s: %s, want %d", version, x.name, res.Status, x.want)
			}
			if res.Header.Get("X-Content-Type-Options") != "nosniff" || res.Header.Get("Server") != "" {
				t.Errorf("HTTP/%s, %s: headers %v", version, x.name, res.Header)
			}
			if x.want != 200 && (len(body) == 0 || res.Header.Get("Cache-Control") != "no-store") {
				t.Errorf("HTTP/%s, %s: says %q, cache %q", version, x.name, body, res.Header.Get("Cache-Control"))
			}
			if x.want == 405 && res.Header.Get("Allow") != "GET, HEAD, POST" {
				t.Errorf("HTTP/%s, %s: allows %q", version, x.name, res.Header.Get("Allow"))
			}
			if x.req.Method == http.MethodHead && len(body) > 0 {
				t.Errorf("HTTP/%s, %s: %d octets", version, x.name, len(body))
			}
		}
	}
}

func TestLongHeaderIsRefused(t *testing.T) {
	s := startShielded(t, listen.HTTPS, listen.Config{Handler: newStub()}, nil)
	for _, version := range versions {
		c := s.web(version, webName)
		for name, req := range map[string]*http.Request{
			"path of 1 MiB":   s.request(http.MethodGet, "/dns-query?dns="+strings.Repeat("A", 1<<20), nil),
			"header of 1 MiB": s.getting("/dns-query", query(t, 0, "a.test")),
		} {
			if name != "path of 1 MiB" {
				req.Header.Set("X-Long", strings.Repeat("a", 1<<20))
			}
			res, err := c.Do(req)
			if err != nil {
				continue // the client found out from the settings, or the connection was ended
			}
			_ = res.Body.Close()
			if res.StatusCode != 431 && res.StatusCode != 414 {
				t.Errorf("HTTP/%s, %s: %s, want 431", version, name, res.Status)
			}
		}
		got := s.fetch(s.web(version, webName), s.getting("/dns-query", query(t, 0, "a.test")))
		if got.StatusCode != http.StatusOK {
			t.Errorf("HTTP/%s afterwards: %s", version, got.Status)
		}
	}
}

// sent replies with records of the test's choice.
type sent struct{ rcode, answer, soa, minimum atomic.Uint32 }

func (h *sent) reply(r *listen.Request) []byte {
	code := wire.Rcode(h.rcode.Load())
	b := wire.Start(r.Buf(), &r.Query, code)
	if ttl := h.answer.Load(); ttl > 0 {
		b = wire.AppendRR(b, wire.Answer, nil, wire.TypeAAAA, wire.ClassIN, ttl+7, make([]byte, 16))
		b = wire.AppendRR(b, wire.Answer, nil, wire.TypeAAAA, wire.ClassIN, ttl, make([]byte, 16))
	}
	if ttl := h.soa.Load(); ttl > 0 {
		b = wire.AppendSOA(b, nil, ttl, h.minimum.Load())
	}
	return wire.Finish(b, &r.Query, code, nil)
}

func TestCacheControl(t *testing.T) {
	var h sent
	s := startShielded(t, listen.HTTPS, listen.Config{Handler: replies(h.reply)}, nil)
	q, c := query(t, 0, "a.test"), s.web("2", webName)
	for _, x := range []struct {
		rcode                wire.Rcode
		answer, soa, minimum uint32
		want                 string
	}{
		{wire.NoError, 60, 0, 0, "private, max-age=60"},     // the smallest of the answer
		{wire.NoError, 60, 30, 900, "private, max-age=30"},  // a chain that ends nowhere
		{wire.NoError, 0, 900, 300, "private, max-age=300"}, // RFC 2308 5
		{wire.NoError, 0, 30, 300, "private, max-age=30"},   //
		{wire.NXDomain, 0, 3600, 60, "private, max-age=60"}, //
		{wire.NXDomain, 0, 3600, 0, "private, max-age=0"},   //
		{wire.NXDomain, 0, 0, 0, "no-store"},                // nothing says how long
		{wire.NoError, 0, 0, 0, "no-store"},                 //
		{wire.ServFail, 0, 0, 0, "no-store"},                //
		{wire.Refused, 0, 60, 60, "no-store"},               //
		{wire.NXDomain, 60, 0, 0, "no-store"},               // a chain, but not how long its end is missing
	} {
		h.rcode.Store(uint32(x.rcode))
		h.answer.Store(x.answer)
		h.soa.Store(x.soa)
		h.minimum.Store(x.minimum)
		got := s.fetch(c, s.getting("/dns-query", q))
		if cache := got.Header.Get("Cache-Control"); cache != x.want || got.StatusCode != http.StatusOK {
			t.Errorf("%s, answer %d, SOA %d, minimum %d: %s, %q, want %q", x.rcode, x.answer, x.soa, x.minimum, got.Status, cache, x.want)
		}
	}
}

func TestAltSvcTellsOfHTTP3(t *testing.T) {
	s := startShielded(t, listen.HTTPS, listen.Config{Handler: newStub()}, nil)
	want := map[string]string{"1.1": fmt.Sprintf(`h3=":%d"; ma=86400`, s.addr.Port()), "3": ""}
	want["2"] = want["1.1"]
	for _, version := range versions {
		got := s.fetch(s.web(version, webName), s.getting("/dns-query", query(t, 0, "a.test")))
		if a := got.Header.Get("Alt-Svc"); a != want[version] || got.ProtoMajor != int(version[0]-'0') {
			t.Errorf("HTTP/%s (%s): Alt-Svc %q, want %q", version, got.Proto, a, want[version])
		}
	}
}

// TestNoReplyEndsTheExchange holds that a query that the handler wants unanswered gets no
// HTTP response either.
func TestNoReplyEndsTheExchange(t *testing.T) {
	s := startShielded(t, listen.HTTPS, listen.Config{Handler: newStub()}, nil)
	for _, version := range versions {
		res, err := s.web(version, webName).Do(s.posting("/dns-query", query(t, 0, "silent.test")))
		if err == nil {
			_ = res.Body.Close()
			t.Errorf("HTTP/%s: %s", version, res.Status)
		}
	}
}

func TestPanicOverHTTPSGetsServfail(t *testing.T) {
	h := newStub()
	h.broken = true
	s := startShielded(t, listen.HTTPS, listen.Config{Handler: h}, nil)
	for _, version := range versions {
		for _, name := range []string{"panic.test", "slow.test"} {
			got := s.fetch(s.web(version, webName), s.getting("/dns-query", query(t, 0, name)))
			if got.StatusCode != http.StatusOK || got.body[3]&0xF != dns.RcodeServerFailure {
				t.Errorf("HTTP/%s %s: %s, %x", version, name, got.Status, got.body)
			}
		}
	}
}
