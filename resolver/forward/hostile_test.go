package forward

import (
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// junk are packets that are no reply to the query, by what is wrong with them.
func junk(v *visit) map[string][]byte {
	forged := func(change func(*dns.Msg)) []byte {
		m := v.reply("192.0.2.66")
		change(m)
		return v.pack(m)
	}
	octets := func(change func([]byte) []byte) []byte { return change(v.pack(v.reply("192.0.2.66"))) }
	end := len(v.raw) - len(opt)
	return map[string][]byte{
		"empty":             {},
		"one octet":         v.raw[:1],
		"cut header":        v.raw[:11],
		"header only":       octets(func(b []byte) []byte { clear(b[4:12]); return b[:12] }),
		"our own query":     v.raw,
		"QR clear":          forged(func(m *dns.Msg) { m.Response = false }),
		"another ID":        forged(func(m *dns.Msg) { m.Id++ }),
		"another opcode":    forged(func(m *dns.Msg) { m.Opcode = dns.OpcodeNotify }),
		"another name":      forged(func(m *dns.Msg) { m.Question[0].Name = "www.example.org." }),
		"a name beneath":    forged(func(m *dns.Msg) { m.Question[0].Name = "x.www.example.com." }),
		"a dot in a label":  forged(func(m *dns.Msg) { m.Question[0].Name = `www\.example.com.` }),
		"another type":      forged(func(m *dns.Msg) { m.Question[0].Qtype = dns.TypeAAAA }),
		"another class":     forged(func(m *dns.Msg) { m.Question[0].Qclass = dns.ClassCHAOS }),
		"two questions":     forged(func(m *dns.Msg) { m.Question = append(m.Question, m.Question[0]) }),
		"no question":       forged(func(m *dns.Msg) { m.Question = nil }),
		"FORMERR, other ID": forged(func(m *dns.Msg) { m.Id++; m.Rcode = dns.RcodeFormatError; m.Extra = nil }),
		"TC, other ID":      forged(func(m *dns.Msg) { m.Id++; m.Truncated = true }),
		"SERVFAIL, other question": forged(func(m *dns.Msg) {
			m.Question[0].Name, m.Rcode, m.Answer = "example.org.", dns.RcodeServerFailure, nil
		}),
		"lying counts":   octets(func(b []byte) []byte { b[7] = 200; return b }),
		"cut record":     octets(func(b []byte) []byte { return b[:len(b)-len(opt)-2] }),
		"pointer loop":   append(octets(func(b []byte) []byte { b[11] = 0; return b[:end] }), 0xc0, byte(end), 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, 1, 2, 3, 4),
		"short RDLENGTH": append(octets(func(b []byte) []byte { b[11] = 0; return b[:end] }), 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 2, 1, 2),
	}
}

// TuDoor, RFC 5452 section 9.1: whatever comes first, the truth that follows is
// the answer, and the upstream's standing is as if nothing had happened.
func TestJunkBeforeTheTruth(t *testing.T) {
	t.Parallel()
	kinds := make(chan string, 100)
	sample := newEvil(t, func(v *visit) {
		for kind := range junk(v) {
			kinds <- kind
		}
		close(kinds)
		truth(v)
	})
	want(t, forwarder(t, sample.addr), "192.0.2.1")
	for kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			e := newEvil(t, func(v *visit) {
				for range 50 {
					v.send(junk(v)[kind])
				}
				truth(v)
			})
			f := forwarder(t, e.addr)
			want(t, f, "192.0.2.1")
			if n := len(e.visits()); n != 1 {
				t.Errorf("%d queries, want 1: junk must not end the wait", n)
			}
			if got := scrape(t, f)["hearth_upstream_junk_total"]; got != 50 {
				t.Errorf("%v packets counted as junk, want 50", got)
			}
			if h := &f.upstreams[0].health; h.failures != 0 || h.down() || !h.knowsEDNS(time.Now()) {
				t.Errorf("the upstream's standing suffered: %+v", h)
			}
		})
	}
}

// A packet with the right ID and question from another address never reaches the
// connected socket.
func TestReplyFromAnotherAddress(t *testing.T) {
	t.Parallel()
	other, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Close() }()
	e := newEvil(t, func(v *visit) {
		for range 20 {
			if _, err := other.WriteToUDPAddrPort(v.pack(v.reply("192.0.2.66")), v.from); err != nil && !strings.Contains(err.Error(), "refused") {
				t.Errorf("forging: %v", err)
			}
		}
		truth(v)
	})
	want(t, forwarder(t, e.addr), "192.0.2.1")
}

func TestSpellingOfTheQuestionIsFree(t *testing.T) {
	t.Parallel()
	e := newEvil(t, func(v *visit) {
		m := v.reply("192.0.2.1")
		m.Question[0].Name = "wWW.Example.cOm."
		v.say(m)
	})
	want(t, forwarder(t, e.addr), "192.0.2.1")
}

// A forged truncation leads to TCP, where the truth is; the packet's records are
// not looked at, cut or not.
func TestForgedTruncation(t *testing.T) {
	t.Parallel()
	for name, cut := range map[string]int{"whole": 0, "cut in a record": 3} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEvil(t, func(v *visit) {
				if v.network == "tcp" {
					truth(v)
					return
				}
				m := v.reply("192.0.2.66")
				m.Truncated = true
				raw := v.pack(m)
				v.send(raw[:len(raw)-cut])
			})
			f := forwarder(t, e.addr)
			want(t, f, "192.0.2.1")
			seen := e.visits()
			if len(seen) != 2 || seen[0].network != "udp" || seen[1].network != "tcp" {
				t.Fatalf("%d queries, want one over UDP and one over TCP", len(seen))
			}
			if seen[0].query.Id == seen[1].query.Id {
				t.Errorf("both had the ID %d", seen[0].query.Id) // once in 65536 runs by chance
			}
		})
	}
}

// The answer to a try that was given up goes to a socket that no longer is; the
// next try has another ID and port.
func TestLateAnswerIsNotTaken(t *testing.T) {
	t.Parallel()
	again := make(chan *visit, 1)
	e := newEvil(t, func(v *visit) {
		if v.number == 1 {
			next := <-again
			v.say(v.reply("192.0.2.66")) // to the old port, with the old ID
			stale := v.reply("192.0.2.66")
			next.say(stale) // to the new port, with the old ID
			truth(next)
			return
		}
		again <- v
	})
	want(t, forwarder(t, e.addr), "192.0.2.1")
	if seen := e.visits(); seen[0].from.Port() == seen[1].from.Port() {
		t.Errorf("both tries came from port %d", seen[0].from.Port())
	}
}

func TestHostileTCP(t *testing.T) {
	t.Parallel()
	drip := func(v *visit) {
		raw := v.pack(v.reply("192.0.2.66"))
		for _, b := range append([]byte{0, byte(len(raw))}, raw...) {
			if _, err := v.conn.Write([]byte{b}); err != nil {
				return
			}
			time.Sleep(200 * time.Millisecond)
		}
	}
	for name, script := range map[string]func(*visit){
		"drip":             drip,
		"closes at once":   silent,
		"cut frame":        func(v *visit) { _, _ = v.conn.Write([]byte{2, 0, 1, 2, 3}) },
		"truncated too":    func(v *visit) { m := v.reply("192.0.2.66"); m.Truncated = true; v.say(m) },
		"junk then nought": func(v *visit) { m := v.reply("192.0.2.66"); m.Id++; v.say(m) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEvil(t, script)
			good := newEvil(t, second)
			f := impatient(t, Config{Upstreams: []string{"tcp://" + e.addr.String(), "tcp://" + good.addr.String()}})
			want(t, f, "192.0.2.2")
		})
	}
	t.Run("junk before the truth", func(t *testing.T) {
		t.Parallel()
		e := newEvil(t, func(v *visit) {
			m := v.reply("192.0.2.66")
			m.Id++
			v.say(m)
			v.send(nil)
			truth(v)
		})
		want(t, impatient(t, Config{Upstreams: []string{"tcp://" + e.addr.String()}}), "192.0.2.1")
	})
}

// The largest message there is comes whole over TCP.
func TestLargeReplyOverTCP(t *testing.T) {
	t.Parallel()
	e := newEvil(t, func(v *visit) {
		m := v.fault(dns.RcodeSuccess)
		if v.network == "udp" {
			m.Truncated = true
			v.say(m)
			return
		}
		for range 240 {
			m.Answer = append(m.Answer, &dns.TXT{
				Hdr: dns.RR_Header{Name: "www.example.com.", Rrtype: dns.TypeTXT, Class: dns.ClassINET, Ttl: 60},
				Txt: []string{strings.Repeat("x", 240)},
			})
		}
		v.say(m)
	})
	m, err := ask(t, forwarder(t, e.addr))
	if err != nil || len(m.Answer) != 240 {
		t.Fatalf("answer = %v, %v; want 240 records", m, err)
	}
	runtime.KeepAlive(e)
}
