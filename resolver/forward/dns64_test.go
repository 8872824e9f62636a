package forward

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/hearthdns/hearth/resolver/wire"
)

// zone is an Exchanger that knows records, by type and name; a question for others it answers
// with an SOA and the code that codes have for it, "TYPE name" being the key of each.
type zone struct {
	t       *testing.T
	records map[string][]string
	codes   map[string]int
	soa     string
	ede     uint16 // of SERVFAIL
	asked   []string
	silent  map[string]bool
}

var errSilent = errors.New("nobody answers")

func (z *zone) Exchange(q wire.Question, done func([]byte, error)) {
	name, _, err := dns.UnpackDomainName(q.Name, 0)
	if err != nil {
		z.t.Fatal(err)
	}
	key := dns.TypeToString[q.Type] + " " + name
	z.asked = append(z.asked, key)
	if z.silent[key] {
		done(nil, errSilent)
		return
	}
	m := new(dns.Msg).SetQuestion(name, q.Type)
	m.Response, m.AuthenticatedData, m.Rcode = true, true, z.codes[key]
	add := func(section *[]dns.RR, text string) {
		rr, err := dns.NewRR(text)
		if err != nil {
			z.t.Fatal(err)
		}
		*section = append(*section, rr)
	}
	for _, text := range z.records[key] {
		add(&m.Answer, text)
	}
	if len(m.Answer) == 0 && z.soa != "" {
		add(&m.Ns, z.soa)
	}
	if z.ede != 0 && m.Rcode == dns.RcodeServerFailure {
		m.SetEdns0(1232, true)
		m.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_EDE{InfoCode: z.ede}}
	}
	raw, err := m.Pack()
	if err != nil {
		z.t.Fatal(err)
	}
	done(raw, nil)
	clear(raw) // it was lent
}

// through asks a DNS64 before z and returns the reply.
func (z *zone) through(prefix, name string, qtype uint16, cd bool) (*dns.Msg, error) {
	z.t.Helper()
	d, err := NewDNS64(netip.MustParsePrefix(prefix), z)
	if err != nil {
		z.t.Fatal(err)
	}
	var packed [wire.MaxName]byte
	n, err := dns.PackDomainName(name, packed[:], 0, nil, false)
	if err != nil {
		z.t.Fatal(err)
	}
	var m *dns.Msg
	calls := 0
	d.Exchange(wire.Question{Name: packed[:n], Type: qtype, Class: wire.ClassIN, CD: cd}, func(raw []byte, failed error) {
		calls++
		if err = failed; err == nil {
			m = new(dns.Msg)
			if e := m.Unpack(raw); e != nil {
				z.t.Errorf("the reply does not unpack: %v", e)
			}
		}
	})
	if calls != 1 {
		z.t.Errorf("done was called %d times", calls)
	}
	return m, err
}

// answers returns the records of m's answer section.
func answers(m *dns.Msg) (all []string) {
	for _, rr := range m.Answer {
		all = append(all, strings.Join(strings.Fields(rr.String()), " "))
	}
	return all
}

const soa = "example. 900 IN SOA ns.example. mail.example. 1 2 3 4 120"

// RFC 6147 section 5.1, case by case. 64:ff9b::/96 is the prefix.
func TestDNS64(t *testing.T) {
	const aaaa, a = "AAAA www.example.", "A www.example."
	for name, tt := range map[string]struct {
		zone  zone
		cd    bool
		want  []string
		code  int
		ad    bool
		asked []string
		err   error
	}{
		"5.1: AAAA is passed on": {
			zone: zone{records: map[string][]string{aaaa: {"www.example. 60 IN AAAA 2001:db8::1"}}},
			want: []string{"www.example. 60 IN AAAA 2001:db8::1"}, ad: true, asked: []string{aaaa},
		},
		"5.1: A becomes AAAA, TTL of the A": {
			zone: zone{soa: soa, records: map[string][]string{a: {"www.example. 60 IN A 192.0.2.1", "www.example. 60 IN A 192.0.2.2"}}},
			want: []string{"www.example. 60 IN AAAA 64:ff9b::c000:201", "www.example. 60 IN AAAA 64:ff9b::c000:202"}, asked: []string{aaaa, a},
		},
		"5.1.7: the TTL is the SOA's minimum": {
			zone: zone{soa: soa, records: map[string][]string{a: {"www.example. 600 IN A 192.0.2.1"}}},
			want: []string{"www.example. 120 IN AAAA 64:ff9b::c000:201"}, asked: []string{aaaa, a},
		},
		"5.1.7: without an SOA ten minutes": {
			zone: zone{records: map[string][]string{a: {"www.example. 3600 IN A 192.0.2.1"}}},
			want: []string{"www.example. 600 IN AAAA 64:ff9b::c000:201"}, asked: []string{aaaa, a},
		},
		"5.1.2: NXDOMAIN stays": {
			zone: zone{soa: soa, codes: map[string]int{aaaa: dns.RcodeNameError}, records: map[string][]string{a: {"www.example. 60 IN A 192.0.2.1"}}},
			code: dns.RcodeNameError, ad: true, asked: []string{aaaa},
		},
		"5.1.2: SERVFAIL is as an empty answer": {
			zone: zone{codes: map[string]int{aaaa: dns.RcodeServerFailure}, records: map[string][]string{a: {"www.example. 60 IN A 192.0.2.1"}}},
			want: []string{"www.example. 60 IN AAAA 64:ff9b::c000:201"}, asked: []string{aaaa, a},
		},
		"5.5: a failed validation stays": {
			zone: zone{ede: dns.ExtendedErrorCodeDNSBogus, codes: map[string]int{aaaa: dns.RcodeServerFailure}, records: map[string][]string{a: {"www.example. 60 IN A 192.0.2.1"}}},
			code: dns.RcodeServerFailure, ad: true, asked: []string{aaaa},
		},
		"5.1.2: SERVFAIL for another reason is as an empty answer": {
			zone: zone{ede: dns.ExtendedErrorCodeNetworkError, codes: map[string]int{aaaa: dns.RcodeServerFailure}, records: map[string][]string{a: {"www.example. 60 IN A 192.0.2.1"}}},
			want: []string{"www.example. 60 IN AAAA 64:ff9b::c000:201"}, asked: []string{aaaa, a},
		},
		"5.1.3: so is silence": {
			zone: zone{silent: map[string]bool{aaaa: true}, records: map[string][]string{a: {"www.example. 60 IN A 192.0.2.1"}}},
			want: []string{"www.example. 60 IN AAAA 64:ff9b::c000:201"}, asked: []string{aaaa, a},
		},
		"5.1.6: no A either: the first answer": {
			zone: zone{soa: soa}, ad: true, asked: []string{aaaa, a},
		},
		"5.1.6: no A either: the first error": {
			zone: zone{silent: map[string]bool{aaaa: true}}, err: errSilent, asked: []string{aaaa, a},
		},
		"5.1.6: no A either: the first SERVFAIL": {
			zone: zone{codes: map[string]int{aaaa: dns.RcodeServerFailure}, silent: map[string]bool{a: true}},
			code: dns.RcodeServerFailure, ad: true, asked: []string{aaaa, a},
		},
		"5.1.4: mapped addresses are none": {
			zone: zone{soa: soa, records: map[string][]string{aaaa: {"www.example. 60 IN AAAA ::ffff:192.0.2.9"}, a: {"www.example. 60 IN A 192.0.2.1"}}},
			want: []string{"www.example. 60 IN AAAA 64:ff9b::c000:201"}, asked: []string{aaaa, a},
		},
		"5.1.4: and are left out": {
			zone: zone{records: map[string][]string{aaaa: {"www.example. 60 IN AAAA ::ffff:192.0.2.9", "www.example. 60 IN AAAA 2001:db8::1"}}},
			want: []string{"www.example. 60 IN AAAA 2001:db8::1"}, asked: []string{aaaa},
		},
		"5.1.5: the chain is kept": {
			zone: zone{soa: soa, records: map[string][]string{
				aaaa: {"www.example. 60 IN CNAME web.example."},
				a:    {"www.example. 50 IN CNAME web.example.", "web.example. 40 IN A 192.0.2.1"},
			}},
			want: []string{"www.example. 50 IN CNAME web.example.", "web.example. 40 IN AAAA 64:ff9b::c000:201"}, asked: []string{aaaa, a},
		},
		"5.5: who validates gets what there is": {
			zone: zone{soa: soa, records: map[string][]string{a: {"www.example. 60 IN A 192.0.2.1"}}}, cd: true,
			ad: true, asked: []string{aaaa},
		},
	} {
		t.Run(name, func(t *testing.T) {
			z := tt.zone
			z.t = t
			m, err := z.through("64:ff9b::/96", "www.example.", dns.TypeAAAA, tt.cd)
			if !slices.Equal(z.asked, tt.asked) {
				t.Errorf("asked %q, want %q", z.asked, tt.asked)
			}
			if !errors.Is(err, tt.err) || err != nil {
				if err == nil || tt.err == nil {
					t.Fatalf("error %v, want %v", err, tt.err)
				}
				return
			}
			if got := answers(m); !slices.Equal(got, tt.want) || m.Rcode != tt.code || m.AuthenticatedData != tt.ad {
				t.Errorf("answer %q, code %d, AD %v; want %q, %d, %v", got, m.Rcode, m.AuthenticatedData, tt.want, tt.code, tt.ad)
			}
			if m.Question[0].Qtype != dns.TypeAAAA || m.Question[0].Name != "www.example." {
				t.Errorf("question %v", m.Question[0])
			}
		})
	}
}

// Other questions are not touched.
func TestDNS64LeavesAlone(t *testing.T) {
	z := &zone{t: t, records: map[string][]string{"A www.example.": {"www.example. 60 IN A 192.0.2.1"}}}
	if m, err := z.through("64:ff9b::/96", "www.example.", dns.TypeA, false); err != nil || !m.AuthenticatedData || len(m.Answer) != 1 {
		t.Errorf("A: %v, %v", m, err)
	}
	if want := []string{"A www.example."}; !slices.Equal(z.asked, want) {
		t.Errorf("asked %q, want %q", z.asked, want)
	}
}

// RFC 6147 section 5.3.1: the name of an address behind the prefix is an alias of that of the
// address in it; that of another address is asked for as it is.
func TestDNS64Pointer(t *testing.T) {
	for prefix, address := range map[string]string{"64:ff9b::/96": "64:ff9b::c000:221", "2001:db8:122:344::/64": "2001:db8:122:344:c0:2:2100::"} {
		reverse, err := dns.ReverseAddr(address)
		if err != nil {
			t.Fatal(err)
		}
		z := &zone{t: t, soa: soa, records: map[string][]string{"PTR 33.2.0.192.in-addr.arpa.": {"33.2.0.192.in-addr.arpa. 77 IN PTR host.example."}}}
		m, err := z.through(prefix, reverse, dns.TypePTR, false)
		if err != nil {
			t.Fatal(err)
		}
		want := []string{reverse + " 77 IN CNAME 33.2.0.192.in-addr.arpa.", "33.2.0.192.in-addr.arpa. 77 IN PTR host.example."}
		if got := answers(m); !slices.Equal(got, want) || m.AuthenticatedData || m.Question[0].Name != reverse {
			t.Errorf("%s: %q, want %q", prefix, got, want)
		}
		z.records, z.codes = nil, map[string]int{"PTR 33.2.0.192.in-addr.arpa.": dns.RcodeNameError}
		if m, err = z.through(prefix, reverse, dns.TypePTR, false); err != nil || m.Rcode != dns.RcodeNameError || len(m.Answer) != 1 || len(m.Ns) != 1 {
			t.Errorf("%s: no name gives %v, %v", prefix, m, err)
		}
	}
	z := &zone{t: t, ede: dns.ExtendedErrorCodeDNSBogus, codes: map[string]int{"PTR 33.2.0.192.in-addr.arpa.": dns.RcodeServerFailure}}
	reverse, _ := dns.ReverseAddr("64:ff9b::c000:221")
	if m, err := z.through("64:ff9b::/96", reverse, dns.TypePTR, false); err != nil || m.Rcode != dns.RcodeServerFailure || m.IsEdns0() == nil || !saysBogus(m.IsEdns0()) {
		t.Errorf("a failed validation gives %v, %v; want that it failed", m, err)
	}
	other, _ := dns.ReverseAddr("2001:db8::1")
	z = &zone{t: t, soa: soa}
	if _, err := z.through("64:ff9b::/96", other, dns.TypePTR, false); err != nil || len(z.asked) != 1 || z.asked[0] != "PTR "+other {
		t.Errorf("asked %q, %v", z.asked, err)
	}
}

// Whose name a private address is, no public server knows, nor is it to learn who asks for it (RFC
// 6303): behind the prefix as well.
func TestDNS64PrivatePointer(t *testing.T) {
	for _, address := range []string{"10.1.2.3", "172.16.0.1", "192.168.178.20", "100.64.0.1", "127.0.0.1", "169.254.1.1", "0.0.0.0"} {
		embedded := "64:ff9b::" + address
		reverse, err := dns.ReverseAddr(netip.MustParseAddr(embedded).String())
		if err != nil {
			t.Fatal(err)
		}
		z := &zone{t: t, soa: soa}
		m, err := z.through("64:ff9b::/96", reverse, dns.TypePTR, false)
		if err != nil || m.Rcode != dns.RcodeNameError || len(m.Answer) > 0 || len(m.Ns) != 1 || m.Ns[0].Header().Rrtype != dns.TypeSOA {
			t.Errorf("%s: %v, %v; want NXDOMAIN with an SOA", embedded, m, err)
		}
		if len(z.asked) > 0 {
			t.Errorf("%s: asked %q", embedded, z.asked)
		}
	}
}

func TestDNS64Prefixes(t *testing.T) {
	for _, bad := range []string{"64:ff9b::/95", "64:ff9b::1/96", "192.0.2.0/24", "2001:db8:0:0:ff00::/96"} {
		if _, err := NewDNS64(netip.MustParsePrefix(bad), &zone{t: t}); err == nil || !strings.Contains(err.Error(), "64:ff9b::/96") {
			t.Errorf("%s: %v, want an error that says what to write", bad, err)
		}
	}
}
