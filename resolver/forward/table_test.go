package forward

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/miekg/dns"
)

// plight is an upstream that goes wrong in one way.
type plight struct {
	name  string
	alone string                                        // what a client sees of it if there is no other
	start func(t *testing.T) (cfg Config, spoil func()) // its part of a configuration; spoil begins the misbehaviour
}

func over(network string, script func(*visit)) func(*testing.T) (Config, func()) {
	return func(t *testing.T) (Config, func()) {
		e := newEvil(t, truth)
		return Config{Upstreams: []string{network + "://" + e.addr.String()}}, func() { e.become(script) }
	}
}

// What a client sees, in the words of RFC 8914 section 4.
const (
	answered      = "NOERROR"
	unreachable   = "SERVFAIL, 22 no reachable authority"
	networkError  = "SERVFAIL, 23 network error"
	forgedAddress = "192.0.2.66"
)

// forging says what change makes of a reply with a forged address.
func forging(change func(*dns.Msg)) func(*visit) {
	return func(v *visit) {
		m := v.reply(forgedAddress)
		change(m)
		v.say(m)
	}
}

// halved sends half of a reply, over TCP with the length of the whole.
func halved(v *visit) {
	raw := v.pack(v.reply(forgedAddress))
	if v.network == "udp" {
		v.send(raw[:len(raw)/2])
		return
	}
	_, _ = v.conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(raw))), raw[:len(raw)/2]...))
	_, _ = v.conn.Read(make([]byte, 1)) // until the other side has enough
}

// dripping sends an octet at a time, without end.
func dripping(v *visit) {
	raw := append([]byte{0xff, 0xff}, v.pack(v.reply(forgedAddress))...)
	for i := range 1 << 16 {
		if _, err := v.conn.Write([]byte{append(raw, 0)[min(i, len(raw))]}); err != nil {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func plights() []plight {
	return []plight{
		{"none", answered, over("udp", truth)},
		{"death", networkError, func(t *testing.T) (Config, func()) {
			e := newEvil(t, truth)
			return Config{Upstreams: []string{e.addr.String()}}, func() { _, _ = e.udp.Close(), e.tcp.Close() }
		}},
		{"hang", unreachable, over("udp", silent)},
		{"half answers over UDP", unreachable, over("udp", halved)},
		{"half answers over TCP", unreachable, over("tcp", halved)},
		{"wrong ID", unreachable, over("udp", forging(func(m *dns.Msg) { m.Id++ }))},
		{"wrong question", unreachable, over("udp", forging(func(m *dns.Msg) { m.Question[0].Name = "www.example.org." }))},
		{"forged TC", answered, over("udp", func(v *visit) {
			if v.network == "udp" {
				forging(func(m *dns.Msg) { m.Truncated = true })(v)
			}
			truth(v)
		})},
		{"TC without TCP", networkError, over("udp", func(v *visit) {
			if v.network == "udp" {
				forging(func(m *dns.Msg) { m.Truncated = true })(v)
			}
		})},
		{"refused", unreachable, over("udp", says(dns.RcodeRefused))},
		{"SERVFAIL", "SERVFAIL", over("udp", says(dns.RcodeServerFailure))},
		{"slow drip", unreachable, over("tcp", dripping)},
		{"certificate change", networkError, func(t *testing.T) (Config, func()) {
			a, other := newAuthority(t, nil), newAuthority(t, nil)
			h := newHost(t, "tls", a.issue(nil), honest)
			return Config{Upstreams: []string{h.url()}, Servers: []Server{{URL: h.url(), CAFile: a.file}}}, func() { h.turn(other.issue(nil)) }
		}},
	}
}

// clientSees tells what a client sees of the answer to one question, and what is wrong with it.
func clientSees(raw []byte, err error) (string, error) {
	var failed *Failure
	switch {
	case errors.As(err, &failed):
		return fmt.Sprintf("SERVFAIL, %d %s", failed.EDE, strings.ToLower(dns.ExtendedErrorCodeToString[failed.EDE])), nil
	case err != nil:
		return "", err
	}
	m := new(dns.Msg)
	if err := m.Unpack(raw); err != nil {
		return "", err
	}
	for _, rr := range m.Answer {
		if a, ok := rr.(*dns.A); ok && a.A.Equal(net.ParseIP(forgedAddress)) {
			return "", errors.New("the forged address")
		}
	}
	return dns.RcodeToString[m.Rcode], nil
}

// TestChaosTable shows what clients see when an upstream goes wrong, and how long they wait: with
// another upstream behind it an answer in every case, without what is left to say. The latencies
// are for the reader (go test -v); "first" is that of the first question, "later" that of the sixth,
// when the upstream is known.
func TestChaosTable(t *testing.T) {
	once(t) // it is long
	var lines sync.Map
	var wg sync.WaitGroup
	room := make(chan struct{}, 6)
	kinds := plights()
	cases := []string{"alone", Strict, Fastest, Race, Hedge}
	for i, kind := range kinds {
		for j, strategy := range cases {
			wg.Go(func() {
				room <- struct{}{}
				defer func() { <-room }()
				lines.Store(i*len(cases)+j, suffer(t, kind, strategy))
			})
		}
	}
	wg.Wait()
	var table strings.Builder
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "chaos\tupstreams\tclient sees\tfirst\tlater")
	for n := range len(kinds) * len(cases) {
		line, _ := lines.Load(n)
		_, _ = fmt.Fprintln(w, line)
	}
	_ = w.Flush()
	t.Logf("\n%s", table.String())
}

// suffer asks a Forwarder whose first upstream goes wrong, and returns its line of the table.
func suffer(t *testing.T, kind plight, strategy string) string {
	cfg, spoil := kind.start(t)
	cfg.Timeout, cfg.Attempts = 1500*time.Millisecond, 2
	wanted, questions, upstreams := answered, 6, "and another, "+strategy
	if strategy == "alone" {
		wanted, questions, upstreams = kind.alone, 2, strategy
	} else {
		cfg.Strategy = strategy
		cfg.Upstreams = append(cfg.Upstreams, newEvil(t, slow(5*time.Millisecond)).addr.String())
	}
	f := impatient(t, cfg)
	for i := range f.upstreams {
		knowing(f, []time.Duration{time.Millisecond, 6 * time.Millisecond}[:i+1]...)
	}
	if raw, err := answer(f, query(t, "www.example.com.", nil)); err != nil {
		t.Errorf("%s, %s: before it: %v, %v", kind.name, strategy, raw, err)
	}
	spoil()
	var waited []time.Duration
	for range questions {
		began := time.Now()
		got, err := clientSees(answer(f, query(t, "www.example.com.", nil)))
		waited = append(waited, time.Since(began))
		if err != nil || got != wanted {
			t.Errorf("%s, %s: the client sees %q (%v), want %q", kind.name, strategy, got, err, wanted)
		}
	}
	ms := func(d time.Duration) string { return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond)) }
	return fmt.Sprintf("%s\t%s\t%s\t%s\t%s", kind.name, upstreams, wanted, ms(waited[0]), ms(waited[questions-1]))
}

// AD is kept of one upstream alone: one that is said to validate and has proven who it is.
func TestADIsBelievedOfWhomItMay(t *testing.T) {
	t.Parallel()
	vouch := func(v *visit) {
		m := v.reply("192.0.2.1")
		m.AuthenticatedData = true
		v.say(m)
	}
	a := newAuthority(t, nil)
	for _, network := range encryptions {
		h := newHost(t, network, a.issue(nil), func(v *errand) { vouch(&v.visit) })
		for _, validates := range []bool{false, true} {
			f := impatient(t, Config{Upstreams: []string{h.url()}, Servers: []Server{{URL: h.url(), CAFile: a.file, Validates: validates}}})
			t.Cleanup(f.Close)
			if m, err := ask(t, f); err != nil || m.AuthenticatedData != validates {
				t.Errorf("%s, validates %v: %v, %v", network, validates, m, err)
			}
		}
	}
	for _, network := range []string{"udp", "tcp"} {
		f := impatient(t, Config{Upstreams: []string{network + "://" + newEvil(t, vouch).addr.String()}})
		if m, err := ask(t, f); err != nil || m.AuthenticatedData {
			t.Errorf("%s: %v, %v", network, m, err)
		}
	}
}
