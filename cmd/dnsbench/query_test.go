//go:build linux

package main

import (
	"net"
	"slices"
	"testing"

	"github.com/miekg/dns"
)

// reply answers q as the library would write it.
func reply(t *testing.T, q query, change func(*dns.Msg), records ...string) []byte {
	t.Helper()
	var asked dns.Msg
	if err := asked.Unpack(q.frame[2:]); err != nil {
		t.Fatalf("the query is none: %v", err)
	}
	var m dns.Msg
	m.SetReply(&asked)
	m.Compress = true
	for _, text := range records {
		rr, err := dns.NewRR(text)
		if err != nil {
			t.Fatal(err)
		}
		m.Answer = append(m.Answer, rr)
	}
	if change != nil {
		change(&m)
	}
	b, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestQueryIsWhatItSays(t *testing.T) {
	var m dns.Msg
	q := newQuery("www.example.com", typeHTTPS, allowed)
	if err := m.Unpack(q.frame[2:]); err != nil {
		t.Fatal(err)
	}
	want := dns.Question{Name: "www.example.com.", Qtype: dns.TypeHTTPS, Qclass: dns.ClassINET}
	if len(m.Question) != 1 || m.Question[0] != want {
		t.Errorf("asks %v, want %v", m.Question, want)
	}
	if e := m.IsEdns0(); e == nil || e.Do() || e.UDPSize() != 1232 {
		t.Errorf("EDNS is %v, want it with 1232 octets and without DO", e)
	}
	if !m.RecursionDesired || int(q.frame[0])<<8+int(q.frame[1]) != len(q.frame)-2 || q.kind() != typeHTTPS {
		t.Error("RD, the length or the type is wrong")
	}
}

func TestAnswerCheck(t *testing.T) {
	const name = "www.example.com"
	a, aaaa, https := newQuery(name, typeA, allowed), newQuery(name, typeAAAA, allowed), newQuery(name, typeHTTPS, allowed)
	stopped, stopped6 := newQuery(name, typeA, blocked), newQuery(name, typeAAAA, blocked)
	const (
		upstream = name + ". 60 IN A 192.0.2.1"
		landed   = name + ". 60 IN A 127.0.0.1"
		six      = name + ". 60 IN AAAA 2001:db8::1"
	)
	for what, c := range map[string]struct {
		query  query
		reply  []byte
		expect bool
	}{
		"the upstream's address":             {a, reply(t, a, nil, upstream), true},
		"behind a CNAME":                     {a, reply(t, a, nil, name+". 60 IN CNAME x.example.", "x.example. 60 IN A 192.0.2.1"), true},
		"another address":                    {a, reply(t, a, nil, landed), false},
		"no record":                          {a, reply(t, a, nil), false},
		"an error":                           {a, reply(t, a, func(m *dns.Msg) { m.Rcode = dns.RcodeServerFailure }, upstream), false},
		"truncated":                          {a, reply(t, a, func(m *dns.Msg) { m.Truncated = true }, upstream), false},
		"another question":                   {a, reply(t, a, func(m *dns.Msg) { m.Question[0].Name = "xxx.example.com." }, upstream), false},
		"another type":                       {a, reply(t, a, func(m *dns.Msg) { m.Question[0].Qtype = dns.TypeMX }, upstream), false},
		"the query itself":                   {a, a.frame[2:], false},
		"the AAAA":                           {aaaa, reply(t, aaaa, nil, six), true},
		"an A for AAAA":                      {aaaa, reply(t, aaaa, nil, upstream), false},
		"the HTTPS record":                   {https, reply(t, https, nil, name+`. 60 IN HTTPS 1 . alpn="h2"`), true},
		"the landing address":                {stopped, reply(t, stopped, nil, landed), true},
		"a blocked name let through":         {stopped, reply(t, stopped, nil, upstream), false},
		"a blocked name without an address":  {stopped, reply(t, stopped, nil), false},
		"blocked AAAA: none":                 {stopped6, reply(t, stopped6, nil), true},
		"blocked AAAA: the landing page's":   {stopped6, reply(t, stopped6, nil, name+". 60 IN AAAA ::1"), true},
		"blocked AAAA: let through":          {stopped6, reply(t, stopped6, nil, six), false},
		"blocked AAAA: an error is no block": {stopped6, reply(t, stopped6, func(m *dns.Msg) { m.Rcode = dns.RcodeNameError }), false},
	} {
		if got := c.query.right(c.reply); got != c.expect {
			t.Errorf("%s: right is %v, want %v", what, got, c.expect)
		}
		for cut := range len(c.reply) {
			if c.query.want == allowed && c.query.right(c.reply[:cut]) {
				t.Errorf("%s: right when cut at %d of %d", what, cut, len(c.reply))
			}
		}
	}
}

func TestTurn(t *testing.T) {
	for _, c := range []struct {
		kind uint16
		want string
	}{
		{typeA, "a.example.\t3600\tIN\tA\t192.0.2.1"},
		{typeAAAA, "a.example.\t3600\tIN\tAAAA\t2001:db8::1"},
		{typeHTTPS, "a.example.\t3600\tIN\tHTTPS\t1 . alpn=\"h2\""},
		{dns.TypeMX, ""},
	} {
		q := newQuery("a.example", c.kind, allowed)
		var m dns.Msg
		if err := m.Unpack(turn(append(make([]byte, 0, 512), q.frame[2:]...))); err != nil {
			t.Fatal(err)
		}
		got := ""
		if len(m.Answer) > 0 {
			got = m.Answer[0].String()
		}
		if got != c.want || !m.Response || m.Rcode != 0 || m.IsEdns0() == nil {
			t.Errorf("type %d: answered %q in\n%v\nwant %q", c.kind, got, &m, c.want)
		}
	}
	for i, p := range garbage() {
		turn(append(make([]byte, 0, 1024), p...)) // must not fall over what a server passes on
		if len(p) < 2 || p[0]&0x80 == 0 {
			t.Errorf("garbage %d carries no marked ID", i)
		}
	}
}

// TestGarbageIsRefused holds that each kind is what a parser must refuse, and
// that they differ.
func TestGarbageIsRefused(t *testing.T) {
	kinds := map[string]bool{}
	for i, p := range garbage() {
		var m dns.Msg
		if err := m.Unpack(p); err == nil {
			t.Errorf("kind %d is a message:\n%v", i, &m)
		}
		kinds[string(p)] = true
	}
	if len(kinds) != 8 {
		t.Errorf("%d kinds, want 8", len(kinds))
	}
}

// answering serves what answer makes of each query, over UDP and TCP, on one
// loopback address.
func answering(t *testing.T, answer func(q *dns.Msg) *dns.Msg) net.Addr {
	t.Helper()
	c, l, err := listenFree()
	if err != nil {
		t.Fatal(err)
	}
	h := dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		if m := answer(q); m != nil {
			_ = w.WriteMsg(m)
		}
	})
	for _, s := range []*dns.Server{{PacketConn: c, Handler: h}, {Listener: l, Handler: h}} {
		started := make(chan struct{})
		s.NotifyStartedFunc = func() { close(started) }
		go func() { _ = s.ActivateAndServe() }()
		<-started
		t.Cleanup(func() { _ = s.Shutdown() })
	}
	return c.LocalAddr()
}

func TestBlockedIsHalfBeneath(t *testing.T) {
	b := &bench{names: names{blocked: []string{"one.example", "two.example", "three.example"}}}
	beneath := 0
	for _, q := range b.blocked(100) {
		if q.want != blocked || q.kind() != typeA {
			t.Fatal("not a question for the address of a blocked name")
		}
		if slices.Equal(q.frame[14:18], []byte("\x03sub")) {
			beneath++
		}
	}
	if beneath != 50 {
		t.Errorf("%d of 100 beneath a listed name, want 50", beneath)
	}
}
