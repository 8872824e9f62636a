package resolver

import (
	"encoding/json"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/hearthdns/hearth/resolver/wire"
)

// reasons are what the tests' operator has clients told.
var reasons = Structured{Option: 65500, Legacy: true, Contact: []string{"mailto:family@home.example", "tel:+49301234567"}, Organization: `The "Test" Family`}

func newTelling(t testing.TB, households string, s Structured) *house {
	t.Helper()
	u := records(t)
	h := newHouse(t, u)
	h.r.Swap(newWorldWith(t, households, buildIndex(), u, func(c *WorldConfig) { c.Structured = s }))
	return h
}

func asking(name string, qtype uint16, options ...dns.EDNS0) *dns.Msg {
	m := withOPT(name, qtype)
	m.IsEdns0().Option = options
	return m
}

var (
	byOption = &dns.EDNS0_LOCAL{Code: 65500}
	byError  = &dns.EDNS0_EDE{}
)

func TestStructuredReason(t *testing.T) {
	h := newTelling(t, household, reasons)
	h.clock = now.Add(-time.Hour) // 11:00 in the household, where night lasts until noon
	for _, signal := range []dns.EDNS0{byOption, byError} {
		for _, c := range []struct {
			from, name string
			qtype      uint16
			rcode      int
			code       uint16
			j          string // up to the id
			id         string
		}{
			{guest, "porn.example", dns.TypeA, 0, 17, "Blocked on this profile: Sex. You can ask for it, say that it is a mistake, or talk to someone.", "10.adult.porn-"},
			{kim, "porn.example", dns.TypeA, 0, 17, "This page is not for now. Ask a grown-up.", "10-"},
			{guest, "sad.example", dns.TypeA, dns.RcodeNameError, 17, "Blocked on this profile. You can ask for it, say that it is a mistake, or talk to someone.", "10-"},
			{kim, "denied.example.com", dns.TypeA, 0, 17, "Blocked by a rule of this household. Ask a grown-up.", "3-"},
			{"10.0.0.15", "www.example", dns.TypeA, 0, 17, "Bedtime: everything is off. You can ask for it, say that it is a mistake, or talk to someone.", "5-"},
			{"10.0.0.12", "porn.example", dns.TypeA, 0, 17, "Blocked on this profile: Sex. You can ask for it, say that it is a mistake, or talk to someone.", "10.adult.porn-"},                // no null address
			{"10.0.0.13", "porn.example", dns.TypeA, dns.RcodeRefused, 17, "Blocked on this profile: Sex. You can ask for it, say that it is a mistake, or talk to someone.", "10.adult.porn-"}, // stays refused
		} {
			r := h.over(Client{Addr: netip.MustParseAddr(c.from), Transport: TLS}, asking(c.name, c.qtype, signal))
			e := extended(r)
			if r.Rcode != c.rcode || len(r.Answer) != 0 || e == nil || e.InfoCode != c.code {
				t.Errorf("%s from %s: %v, want rcode %d without an answer and EDE %d", c.name, c.from, r, c.rcode, c.code)
				continue
			}
			var got map[string]any
			if err := json.Unmarshal([]byte(e.ExtraText), &got); err != nil {
				t.Errorf("%s: %v: %s", c.name, err, e.ExtraText)
				continue
			}
			j, _ := got["j"].(string)
			if !strings.HasPrefix(j, c.j+" ["+c.id) || !strings.HasSuffix(j, "]") || got["l"] != "en" || got["o"] != reasons.Organization || len(got) != 4 {
				t.Errorf("%s from %s: %s", c.name, c.from, e.ExtraText)
			}
			if all, _ := got["c"].([]any); len(all) != 2 || all[0] != reasons.Contact[0] || all[1] != reasons.Contact[1] {
				t.Errorf("%s from %s: contacts %v", c.name, c.from, got["c"])
			}
			if strings.Contains(e.ExtraText, "Kim") || strings.ContainsAny(e.ExtraText, "\n\t") {
				t.Errorf("%s names a person or is not minified", e.ExtraText)
			}
		}
	}
}

// TestNoStructuredOracle: for who understands reasons too, nothing tells the abuse list from a virus list, in any
// mode, at any hour, with or without contacts.
func TestNoStructuredOracle(t *testing.T) {
	for _, s := range []Structured{reasons, {Option: 65500}} {
		h := newTelling(t, household, s)
		for _, from := range []string{guest, kim, pat, "10.0.0.11", "10.0.0.12", "10.0.0.13", "10.0.0.15", "10.0.0.16", "10.0.0.17"} {
			for transport := range transports {
				for _, qtype := range []uint16{dns.TypeA, dns.TypeAAAA, dns.TypeHTTPS} {
					c := Client{Addr: netip.MustParseAddr(from), Transport: transport}
					a, b := h.over(c, asking("abuse.example", qtype, byOption)), h.over(c, asking("virus.example", qtype, byOption))
					e := extended(a)
					if e == nil || e.InfoCode != 15 || !strings.Contains(e.ExtraText, `"s":6`) || strings.Contains(e.ExtraText, `"j"`) || !json.Valid([]byte(e.ExtraText)) {
						t.Errorf("abuse.example: %v, want EDE 15 without a justification", e)
					}
					a.Id = b.Id
					if got, want := strings.ReplaceAll(a.String(), "abuse.example", "virus.example"), b.String(); got != want {
						t.Errorf("the answers differ:\n%s\n%s", got, want)
					}
				}
			}
		}
	}
}

// TestOnlyWhoAsksGetsStructure: everybody else gets the landing address and words.
func TestOnlyWhoAsksGetsStructure(t *testing.T) {
	plain := "porn.example. A 10.0.0.1"
	for _, c := range []struct {
		what   string
		config Structured
		signal []dns.EDNS0
		want   string
	}{
		{"nothing", reasons, nil, plain},
		{"the option", reasons, []dns.EDNS0{byOption}, ""},
		{"the option with contents", reasons, []dns.EDNS0{&dns.EDNS0_LOCAL{Code: 65500, Data: []byte{0}}}, plain},
		{"another option", reasons, []dns.EDNS0{&dns.EDNS0_LOCAL{Code: 65501}}, plain},
		{"an error of code 0", reasons, []dns.EDNS0{byError}, ""},
		{"an error with text", reasons, []dns.EDNS0{&dns.EDNS0_EDE{ExtraText: "x"}}, plain},
		{"an error of another code", reasons, []dns.EDNS0{&dns.EDNS0_EDE{InfoCode: 17}}, plain},
		{"both, among others", reasons, []dns.EDNS0{&dns.EDNS0_LOCAL{Code: 65501, Data: []byte{1}}, byError, byOption}, ""},
		{"an error, where old clients are not served", Structured{Option: 65500}, []dns.EDNS0{byError}, plain},
		{"the option, where it has no code", Structured{Legacy: true}, []dns.EDNS0{byOption}, plain},
		{"all, switched off", Structured{}, []dns.EDNS0{byError, byOption}, plain},
	} {
		h := newTelling(t, household, c.config)
		r := h.over(Client{Addr: netip.MustParseAddr(guest)}, asking("porn.example", dns.TypeA, c.signal...))
		e := extended(r)
		if answers(r) != c.want || e == nil || strings.HasPrefix(e.ExtraText, "{") != (c.want == "") {
			t.Errorf("%s: %q, %v; want %q", c.what, answers(r), e, c.want)
		}
	}
}

// TestStructuredFits: over UDP what does not fit goes in order: justification and organization, then all.
func TestStructuredFits(t *testing.T) {
	long := "a" + strings.Repeat(".abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz", 3) + ".porn.example"
	for _, c := range []struct {
		what, name string
		contact    int // octets
		size       uint16
		transport  Transport
		want       string
	}{
		{"room for all", "porn.example", 20, 1232, UDP, "cjlo"},
		{"a small buffer", long, 60, 512, UDP, "c"},
		{"a smaller one", long, 240, 512, UDP, ""},
		{"not over TCP", long, 60, 512, TCP, "cjlo"},
		{"too long for any reason", "porn.example", 400, 1232, TCP, "c"},
		{"nothing fits", "porn.example", 600, 1232, TCP, ""},
	} {
		h := newTelling(t, household, Structured{Option: 65500, Contact: []string{"mailto:" + strings.Repeat("x", c.contact)}, Organization: "Us"})
		m := asking(c.name, dns.TypeA, byOption)
		m.IsEdns0().SetUDPSize(c.size)
		r := h.over(Client{Addr: netip.MustParseAddr(guest), Transport: c.transport}, m)
		e := extended(r)
		if e == nil || r.Truncated {
			t.Errorf("%s: %v", c.what, r)
			continue
		}
		var got map[string]json.RawMessage
		if e.ExtraText != "" {
			if err := json.Unmarshal([]byte(e.ExtraText), &got); err != nil {
				t.Errorf("%s: %v", c.what, err)
			}
		}
		keys := ""
		for _, k := range "cjlo" {
			if _, ok := got[string(k)]; ok {
				keys += string(k)
			}
		}
		if keys != c.want || len(keys) != len(got) {
			t.Errorf("%s: members %q in %s, want %q", c.what, keys, e.ExtraText, c.want)
		}
		r.Compress = true
		if wire := r.Len(); c.transport == UDP && wire > int(c.size)-28 {
			t.Errorf("%s: %d octets leave no room for a cookie in %d", c.what, wire, c.size)
		}
	}
}

// TestStructuredInEveryLanguage: what has quotes, umlauts or line separators in it is escaped as JSON wants it.
func TestStructuredInEveryLanguage(t *testing.T) {
	for _, tag := range []string{"de-AT", "fr", "es", "it", "fi", "is", ""} {
		odd := "Ünïts \"<&>\\ \u2028 日本"
		h := newTelling(t, `
households:
  - {id: h, language: "`+tag+`", consent: {by: a, at: 2026-01-01}, networks: [10.0.0.0/24], members: [{name: Ann, band: teen}]}
`, Structured{Option: 65500, Organization: odd})
		e := extended(h.over(Client{Addr: netip.MustParseAddr("10.0.0.9"), Transport: TLS}, asking("porn.example", dns.TypeA, byOption)))
		var got struct{ J, L, O string }
		if err := json.Unmarshal([]byte(e.ExtraText), &got); err != nil || got.O != odd || got.J == "" {
			t.Errorf("%q: %s, %v", tag, e.ExtraText, err)
		}
		want := map[string]string{"de-AT": "de", "is": "en", "": "en"}[tag]
		if want == "" {
			want = tag
		}
		if got.L != want {
			t.Errorf("%q: the text is said to be %q, want %q", tag, got.L, want)
		}
	}
}

func TestStructuredAllocatesNothing(t *testing.T) {
	h := newTelling(t, household, reasons)
	for _, name := range []string{"porn.example", "virus.example", "denied.example.com", "sad.example"} {
		for _, signal := range []dns.EDNS0{byOption, byError} {
			packet, err := asking(name, dns.TypeA, signal).Pack()
			if err != nil {
				t.Fatal(err)
			}
			var q wire.Query
			var s Stroke
			buf := make([]byte, 0, 1500)
			c := Client{Addr: netip.MustParseAddr(guest), Transport: TLS}
			if n := testing.AllocsPerRun(200, func() {
				q.Parse(packet)
				if _, done := h.r.Answer(&s, &q, c, buf); !done {
					t.Fatalf("%s is not answered at once", name)
				}
				h.r.events.each(func(*Event) {})
			}); n != 0 {
				t.Errorf("%s: %v allocations, want none", name, n)
			}
		}
	}
}
