package presence

import (
	"net"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/hearthdns/hearth/policy"
)

// TestReverseName has the examples of RFC 1035 section 3.5 and RFC 3596 section 2.5.
func TestReverseName(t *testing.T) {
	for text, want := range map[string]string{
		"10.2.0.52":                 "52.0.2.10.in-addr.arpa.",
		"4321:0:1:2:3:4:567:89ab":   "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.0.0.0.0.1.2.3.4.ip6.arpa.",
		"4321:0:1:2:3:4:567:89ab%2": "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.0.0.0.0.1.2.3.4.ip6.arpa.",
	} {
		if got := reverseName(netip.MustParseAddr(text)); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

// router answers questions for names as say does.
func router(t *testing.T, say func(query dnsmessage.Message) dnsmessage.Message) netip.AddrPort {
	t.Helper()
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	go func() {
		b := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFromUDPAddrPort(b)
			if err != nil {
				return
			}
			var query dnsmessage.Message
			if query.Unpack(b[:n]) != nil {
				continue
			}
			reply := say(query)
			if packed, err := reply.Pack(); err == nil {
				_, _ = conn.WriteToUDPAddrPort(packed, from)
			}
		}
	}()
	return conn.LocalAddr().(*net.UDPAddr).AddrPort()
}

func answer(query dnsmessage.Message, name string) dnsmessage.Message {
	query.Response = true
	question := query.Questions[0].Name
	alias := dnsmessage.Resource{Header: dnsmessage.ResourceHeader{Name: question, Class: dnsmessage.ClassINET}, Body: &dnsmessage.CNAMEResource{CNAME: question}}
	query.Answers = []dnsmessage.Resource{alias, {
		Header: dnsmessage.ResourceHeader{Name: question, Class: dnsmessage.ClassINET},
		Body:   &dnsmessage.PTRResource{PTR: dnsmessage.MustNewName(name)},
	}}
	return query
}

// afterSome answers when it was asked some times.
func afterSome(times int32, say func(dnsmessage.Message) dnsmessage.Message) func(dnsmessage.Message) dnsmessage.Message {
	var asked atomic.Int32
	return func(q dnsmessage.Message) dnsmessage.Message {
		if asked.Add(1) <= times {
			return q
		}
		return say(q)
	}
}

// TestNamesAreAskedFor: a neighbour without a name is asked for it, and what is no answer is none.
func TestNamesAreAskedFor(t *testing.T) {
	for _, tt := range []struct {
		story string
		say   func(q dnsmessage.Message) dnsmessage.Message
		want  string
	}{
		{"the router knows it", func(q dnsmessage.Message) dnsmessage.Message { return answer(q, "Kims-iPad.fritz.box.") }, "kims-ipad"},
		{"multicast DNS", func(q dnsmessage.Message) dnsmessage.Message { return answer(q, "living_room.local.") }, "living_room"},
		{"the first questions are lost", afterSome(3, func(q dnsmessage.Message) dnsmessage.Message { return answer(q, "slow.local.") }), "slow"},
		{"nothing is known", func(q dnsmessage.Message) dnsmessage.Message { q.Response = true; return q }, ""},
		{"another question's answer", func(q dnsmessage.Message) dnsmessage.Message { q.ID++; return answer(q, "other.local.") }, ""},
		{"no answer at all", func(q dnsmessage.Message) dnsmessage.Message { return q }, ""},
		{"no host's name", func(q dnsmessage.Message) dnsmessage.Message { return answer(q, "a!b.local.") }, ""},
	} {
		server := router(t, tt.say)
		k := &fakeKernel{knows: map[netip.Addr]policy.MAC{tablet: mac(1), six: mac(1), phone: mac(2)}}
		table := New(Config{Reverse: []netip.AddrPort{server}})
		table.SetLeases([]Lease{{Addr: phone, MAC: mac(2), Name: "phone"}})
		table.watch(k)
		if n := len(table.unnamed); n != 2 {
			t.Errorf("%s: %d are asked for names, want the two without one", tt.story, n)
		}
		go func() { _ = table.Run(t.Context()) }()
		deadline := time.Now().Add(5 * time.Second)
		for len(table.unnamed) > 0 || tt.want != "" && found(table, six) == mac(1).String() {
			if time.Now().After(deadline) {
				break
			}
			time.Sleep(time.Millisecond)
		}
		want := mac(1).String()
		if tt.want != "" {
			want += " " + tt.want
		}
		expect(t, table, map[netip.Addr]string{tablet: want, six: want, phone: mac(2).String() + " phone"})
	}
}
