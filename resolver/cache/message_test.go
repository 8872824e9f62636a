package cache

import (
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/hearthdns/hearth/resolver/wire"
)

// rrs parses records in presentation form, one a line.
func rrs(t testing.TB, text string) []dns.RR {
	t.Helper()
	var all []dns.RR
	for line := range strings.Lines(text) {
		if strings.TrimSpace(line) == "" {
			continue
		}
		rr, err := dns.NewRR(line)
		if err != nil {
			t.Fatalf("record %q: %v", line, err)
		}
		all = append(all, rr)
	}
	return all
}

// sections are the records of a reply in presentation form.
type sections struct {
	answer, authority, additional string
}

// upstream packs a reply as an upstream sends it: its own ID, AA and AD set, an OPT.
func upstream(t testing.TB, name string, qtype uint16, rcode int, s sections) []byte {
	t.Helper()
	m := new(dns.Msg).SetQuestion(name, qtype)
	m.Id, m.Response, m.Authoritative, m.AuthenticatedData, m.RecursionAvailable = 0x4242, true, true, true, true
	m.Compress = true
	m.Answer, m.Ns, m.Extra = rrs(t, s.answer), rrs(t, s.authority), rrs(t, s.additional)
	m.SetEdns0(1232, true)
	m.Rcode = rcode
	msg, err := m.Pack()
	if err != nil {
		t.Fatalf("packing: %v", err)
	}
	return msg
}

// query is a client's query, parsed.
func query(t testing.TB, name string, qtype uint16, change func(*dns.Msg)) *wire.Query {
	t.Helper()
	m := new(dns.Msg).SetQuestion(name, qtype)
	if change != nil {
		change(m)
	}
	msg, err := m.Pack()
	if err != nil {
		t.Fatalf("packing: %v", err)
	}
	q := new(wire.Query)
	if f := q.Parse(msg); f != wire.None {
		t.Fatalf("parsing the query for %s: %v", name, f)
	}
	return q
}

func withDO(m *dns.Msg) { m.SetEdns0(1232, true) }

// key returns the key of a question in view 1.
func key(t testing.TB, name string, qtype uint16) *Key {
	t.Helper()
	q := query(t, name, qtype, nil)
	return &Key{View: 1, Name: q.Name(), Type: q.Type, Class: q.Class}
}

// read unpacks a reply.
func read(t testing.TB, msg []byte) *dns.Msg {
	t.Helper()
	m := new(dns.Msg)
	if err := m.Unpack(msg); err != nil {
		t.Fatalf("the reply % x does not unpack: %v", msg, err)
	}
	return m
}

// apart takes a packed reply apart, as its inspector does; ok is false if it
// cannot be.
func apart(msg []byte) (r *Reply, ok bool) {
	end, err := wire.SkipQuestion(msg)
	if err != nil {
		return nil, false
	}
	r, ok = &Reply{Rcode: wire.Rcode(msg[3] & 0xF)}, true
	err = wire.WalkRRs(msg, end, func(rr wire.RR) bool {
		ok = rr.Type == wire.TypeOPT || r.Add(msg, rr)
		return ok
	})
	return r, ok && err == nil
}

// reply is apart of a message that can be.
func reply(t testing.TB, msg []byte) *Reply {
	t.Helper()
	r, ok := apart(msg)
	if !ok {
		t.Fatalf("the reply % x cannot be taken apart", msg)
	}
	return r
}

// store stores a reply at time 1000 and fails the test if it cannot.
func store(t testing.TB, c *Cache, k *Key, msg []byte) *Entry {
	t.Helper()
	e, err := c.Store(k, reply(t, msg), Facts{}, 1000)
	if err != nil {
		t.Fatalf("storing: %v", err)
	}
	return e
}

// fresh is the entry for k that has not run out at now, or nil.
func fresh(c *Cache, k *Key, now int64) *Entry {
	if e, ok := c.Lookup(k, now); ok {
		return e
	}
	return nil
}
