package e2e

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// written is a list as somebody might write it, odd lines and all, and what they would expect of it.
type written struct {
	file     string
	format   string // "" for what is told from its lines
	text     string
	blocked  []string
	open     []string
	rejected map[string]int
}

// crlf gives a text Windows' line ends and a byte order mark.
func crlf(text string) string { return "\ufeff" + strings.ReplaceAll(text, "\n", "\r\n") }

// longLabel has one octet more than a label may have.
var longLabel = strings.Repeat("x", 64)

var writtenLists = []written{
	{
		file: "hosts",
		text: crlf(`0.0.0.0 bom.h.example
# a comment with 0.0.0.0 comment.h.example in it
127.0.0.1	tab.h.example
0.0.0.0 one.h.example two.h.example # three.h.example
:: six.h.example
0.0.0.0    UPPER.H.Example.
127.0.0.1 localhost
::1 ip6-localhost
0.0.0.0 bücher.h.example
0.0.0.0 xn--bcher-kva.puny.h.example
0.0.0.0 under_score.h.example
0.0.0.0 port.h.example:8443
0.0.0.0 https://page.h.example/ads.html
0.0.0.0 198.51.100.7
0.0.0.0 198.51.100.0/24
0.0.0.0 nodots
0.0.0.0 co.uk
0.0.0.0 ` + longLabel + `.h.example
==================
0.0.0.0 last.h.example`),
		blocked: []string{"bom.h.example", "tab.h.example", "www.tab.h.example", "one.h.example", "two.h.example", "six.h.example", "upper.h.example",
			"xn--bcher-kva.h.example", "XN--BCHER-KVA.puny.h.example", "under_score.h.example", "port.h.example", "last.h.example"},
		open:     []string{"comment.h.example", "three.h.example", "page.h.example", "h.example", "xtab.h.example", "tab-h.example", "tab.h.example.com", "shop.co.uk"},
		rejected: map[string]int{"ip": 2, "url-path": 1, "single-label": 1, "public-suffix": 1},
	}, {
		file:   "domains",
		format: "domains", // it has a star as well, so that it could be a wildcard list
		text: crlf(`plain.d.example
###################### BANNER of.d.example ######################
inline.d.example          # a note on note.d.example
	space.d.example  
.dotted.d.example
*.star.d.example
Trailing.D.example.
münchen.d.example
_under.d.example
http://site.d.example/
http://page.d.example/x?y=1
port.d.example:443
203.0.113.9
203.0.113.0/24
2001:db8::9
0x7f.1
-hyphen.d.example
com
github.io
================
last.d.example`),
		blocked: []string{"plain.d.example", "a.b.plain.d.example", "inline.d.example", "space.d.example", "dotted.d.example", "x.star.d.example",
			"trailing.d.example", "xn--mnchen-3ya.d.example", "_under.d.example", "site.d.example", "port.d.example", "last.d.example"},
		open:     []string{"of.d.example", "note.d.example", "page.d.example", "d.example", "hyphen.d.example", "somebody.github.io", "example.com", "plain-d.example", "notplain.d.example"},
		rejected: map[string]int{"url-path": 1, "ip": 4, "bad-label": 2, "single-label": 1, "public-suffix": 1},
	}, {
		file: "wildcard",
		text: `# blocky, HaGeZi and OISD mean x and all beneath it
*.one.w.example
*.Two.W.Example
*.three.w.example # a note
*.bücher.w.example
*.under_score.w.example
plain.w.example
a*.inner.w.example
*.*.twice.w.example
*
*.com
*.co.uk
*.203.0.113.9
`,
		blocked:  []string{"one.w.example", "a.b.one.w.example", "two.w.example", "three.w.example", "www.xn--bcher-kva.w.example", "under_score.w.example", "plain.w.example"},
		open:     []string{"ab.inner.w.example", "inner.w.example", "twice.w.example", "example.com", "shop.co.uk", "w.example", "none.w.example"},
		rejected: map[string]int{"public-suffix": 1, "ip": 1},
	}, {
		file: "dnsmasq",
		text: `# dnsmasq(8)
address=/zero.q.example/0.0.0.0
address=/six.q.example/::
address=/hash.q.example/#
address=/nothing.q.example/
server=/server.q.example/
local=/local.q.example/
local=/first.q.example/second.q.example/
  local=/space.q.example/  # a note
local=/bücher.q.example/
LOCAL=/not.an.option.q.example/
server=/forwarded.q.example/192.0.2.53
server=192.0.2.53
no-resolv
local=/203.0.113.9/
local=/com/
`,
		blocked: []string{"zero.q.example", "www.zero.q.example", "six.q.example", "hash.q.example", "nothing.q.example", "server.q.example", "local.q.example",
			"first.q.example", "second.q.example", "space.q.example", "xn--bcher-kva.q.example"},
		open:     []string{"forwarded.q.example", "xzero.q.example", "q.example", "example.com"},
		rejected: map[string]int{"ip": 1, "single-label": 1},
	}, {
		file: "unbound",
		text: `# unbound.conf(5)
server:
    local-zone: "nx.u.example." always_nxdomain
    local-zone: "static.u.example" static
	local-zone: 'refuse.u.example' refuse # a note
local-zone: "null.u.example" always_null
local-zone: "redirect.u.example" redirect
local-data: "redirect.u.example A 0.0.0.0"
local-zone: "transparent.u.example" transparent
local-data: "data.u.example. IN A 0.0.0.0"
local-zone: "good.nx.u.example" always_transparent
local-zone: "com." static
local-zone: "203.0.113.9" static
`,
		blocked: []string{"nx.u.example", "www.nx.u.example", "static.u.example", "a.b.static.u.example", "refuse.u.example", "null.u.example",
			"redirect.u.example", "www.redirect.u.example", "data.u.example"},
		open:     []string{"transparent.u.example", "good.nx.u.example", "u.example", "xnx.u.example", "example.com"},
		rejected: map[string]int{"ip": 1, "single-label": 1},
	}, {
		file: "rpz",
		text: `$TTL 60
$ORIGIN rpz.local.
@ IN SOA localhost. root.localhost. (
	7 3600 ; serial, refresh
	600 86400 60 )
  IN NS localhost.
nx.r.example CNAME .
*.beneath.r.example 300 IN CNAME .
both.r.example CNAME .
*.both.r.example CNAME .
absolute.r.example.rpz.local. CNAME .
nodata.r.example IN CNAME *.
local.r.example A 192.0.2.66
garden.r.example 60 CNAME garden.example.net.
UPPER.R.Example CNAME .
*.zone.r.example CNAME .
good.zone.r.example CNAME rpz-passthru.
24.0.100.51.198.rpz-ip CNAME .
32.9.100.51.198.rpz-ip CNAME rpz-passthru.
drop.r.example CNAME rpz-drop.
tcp.r.example CNAME rpz-tcp-only.
24.0.113.0.203.rpz-client-ip CNAME .
ns.evil.example.rpz-nsdname CNAME .
32.9.113.0.203.rpz-nsip CNAME .
outside.other.example. CNAME .
`,
		blocked: []string{"nx.r.example", "www.beneath.r.example", "both.r.example", "www.both.r.example", "absolute.r.example", "nodata.r.example",
			"local.r.example", "garden.r.example", "upper.r.example", "bad.zone.r.example", "address-198-51-100-77.example"},
		open: []string{"www.nx.r.example", "beneath.r.example", "good.zone.r.example", "zone.r.example", "drop.r.example", "tcp.r.example",
			"address-198-51-100-9.example", "address-203-0-113-9.example", "outside.other.example"},
		rejected: map[string]int{"unsupported-action": 2, "unsupported-trigger": 3},
	}, {
		file: "adblock",
		text: crlf(`[Adblock Plus 2.0]
! Title: a list
||tree.a.example^
|exact.a.example^
||Upper.A.example^
@@||good.tree.a.example^
||strong.a.example^$important
@@||weak.strong.a.example^
@@||stronger.strong.a.example^$important
||mistake.a.example^
||mistake.a.example^$badfilter
||most.a.example^$denyallow=but.most.a.example|and.most.a.example
||six.a.example^$dnstype=AAAA
||rewritten.a.example^$dnsrewrite=NXDOMAIN
||moved.a.example^$dnsrewrite=192.0.2.9
||phone.a.example^$client=phone
||tagged.a.example^$ctag=device_phone
||third.a.example^$third-party
||inner*.a.example^
||*.star.a.example^
/^slots[0-9]+\.a\.example$/
@@/^slots7\.a\.example$/
/^(?!not)re2\.a\.example$/
||page.a.example/ads/
||bücher.a.example^
||under_score.a.example^
||203.0.113.5^
||com^
example.com##.advert
example.com#@#.advert
0.0.0.0 hosts.a.example
plain.a.example
`),
		blocked: []string{"tree.a.example", "bad.tree.a.example", "exact.a.example", "upper.a.example", "strong.a.example", "weak.strong.a.example",
			"most.a.example", "x.most.a.example", "rewritten.a.example", "inner1.a.example", "www.inner2.a.example", "x.star.a.example", "slots1.a.example",
			"xn--bcher-kva.a.example", "under_score.a.example", "hosts.a.example", "plain.a.example", "AAAA six.a.example"},
		open: []string{"good.tree.a.example", "www.good.tree.a.example", "www.exact.a.example", "stronger.strong.a.example", "mistake.a.example",
			"but.most.a.example", "www.and.most.a.example", "six.a.example", "phone.a.example", "tagged.a.example", "third.a.example", "slots7.a.example",
			"slots.a.example", "re2.a.example", "page.a.example", "example.com", "a.example", "xtree.a.example"},
		rejected: map[string]int{"client": 2, "modifier": 1, "regex": 1, "url-path": 1, "ip": 1, "single-label": 1, "cosmetic": 2},
	}, {
		file: "v2fly/casino",
		text: `# a list of v2fly
plain.v.example
domain:domain.v.example @ads
full:full.v.example # a note
keyword:betword-v
regexp:^re[0-9]+\.v\.example$
Upper.V.example @cn @ads &other
include:more
include:some @ads
include:rest @-ads
include:missing
com
`,
		blocked: []string{"plain.v.example", "www.plain.v.example", "www.domain.v.example", "full.v.example", "my-betword-v.example", "re7.v.example",
			"upper.v.example", "more.v.example", "with.v.example", "deeper.v.example", "without.v.example"},
		open:     []string{"www.full.v.example", "re.v.example", "not-with.v.example", "not-without.v.example", "v.example", "betword.example", "example.com"},
		rejected: map[string]int{"include-missing": 1, "single-label": 1, "include-cycle": 1},
	}, {
		file:     "ut1.tar.gz",
		blocked:  []string{"one.t.example", "www.one.t.example", "xn--bcher-kva.t.example", "whole.t.example", "linked.t.example"},
		open:     []string{"page.t.example", "school.t.example", "t.example", "stolen.t.example", "other.t.example", "casino-t.example"},
		rejected: map[string]int{"ip": 1, "url-path": 1, "regex": 1, "unsafe-path": 1},
	},
}

var v2flyFolder = map[string]string{
	"more": "more.v.example\ninclude:casino\n",
	"some": "with.v.example @ads\nnot-with.v.example\ninclude:deeper\n",
	"rest": "without.v.example\nnot-without.v.example @ads\n",
}

// ut1Archive packs folders of UT1's kind: one to block, one to allow, one that no map names, links inside and outside.
func ut1Archive(t *testing.T) string {
	t.Helper()
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	archive := tar.NewWriter(z)
	put := func(h tar.Header, text string) {
		h.Size, h.Mode = int64(len(text)), 0o644
		if err := archive.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		_, _ = archive.Write([]byte(text))
	}
	file := func(name, text string) { put(tar.Header{Typeflag: tar.TypeReg, Name: "blacklists/" + name}, text) }
	put(tar.Header{Typeflag: tar.TypeSymlink, Name: "blacklists/betting", Linkname: "casino"}, "")
	put(tar.Header{Typeflag: tar.TypeSymlink, Name: "blacklists/stolen", Linkname: "../../../etc"}, "")
	file("casino/domains", "one.t.example\nOne.T.example\n203.0.113.8\nbücher.t.example\nlinked.t.example\n")
	file("casino/urls", "page.t.example/play/now\nwhole.t.example/\n")
	file("casino/expressions", "[-/?=]casino([-/?=]|$)\n") // of a URL, says squidGuard
	file("casino/usage", "black\ngambling\n")
	file("school/domains", "school.t.example\n")
	file("school/usage", "# what it is for\nwhite\nchild\n")
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return packed.String()
}

// TestWrittenLists points the built program at one small list of every format and asks for names, over DNS, for a
// child who has all of them blocked.
func TestWrittenLists(t *testing.T) {
	u := newUpstream(t)
	u.replies(func(m *dns.Msg) { // address-192-0-2-1.example has the address 192.0.2.1
		name, ok := strings.CutPrefix(strings.ToLower(m.Question[0].Name), "address-")
		if a, is := m.Answer, len(m.Answer) == 1; ok && is {
			if rr, is := a[0].(*dns.A); is {
				rr.A = net.ParseIP(strings.ReplaceAll(strings.TrimSuffix(name, ".example."), "-", "."))
			}
		}
	})
	s := &server{t: t, dir: t.TempDir(), dns: freePort(t), http: freePort(t), metrics: freePort(t), log: &lockedBuffer{}}
	s.config = filepath.Join(s.dir, "hearth.yaml")
	writeLists(t, s, u.addr)
	if out, code := s.hearth("lists", "compile", "--config", s.config); code != 0 {
		t.Fatalf("lists compile: exit %d\n%s", code, out)
	}
	s.rejects()
	s.start()
	for _, l := range writtenLists {
		t.Run(l.file, func(t *testing.T) {
			for _, name := range l.blocked {
				s.answers(t, name, "127.0.0.1", "::1")
			}
			for _, name := range l.open {
				want := "192.0.2.1"
				if after, ok := strings.CutPrefix(name, "address-"); ok {
					want = strings.ReplaceAll(strings.TrimSuffix(after, ".example"), "-", ".")
				}
				s.answers(t, name, want, "2001:db8::1")
			}
		})
	}
}

// answers asks for a name's A, or for its AAAA if that stands before it.
func (s *server) answers(t *testing.T, name, four, six string) {
	t.Helper()
	kind, want := dns.TypeA, four
	if after, ok := strings.CutPrefix(name, "AAAA "); ok {
		name, kind, want = after, dns.TypeAAAA, six
	}
	if got := addresses(s.ask("udp", "127.0.0.2", name, kind)); got != want {
		t.Errorf("%s %s: %q, want %q", name, dns.TypeToString[kind], got, want)
	}
}

func writeLists(t *testing.T, s *server, upstream string) {
	t.Helper()
	folder := filepath.Join(s.dir, "lists-of-others")
	put := func(name, text string) string {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for name, text := range v2flyFolder {
		put("v2fly/"+name, text)
	}
	put("v2fly/deeper", "deeper.v.example @ads\n")
	var b strings.Builder
	fmt.Fprintf(&b, `version: 1
listen: [{addresses: ["%s"]}]
landing: {ipv4: 127.0.0.1, ipv6: "::1", http: ["%s"]}
resolve: {upstreams: ["%s"]}
metrics: {listen: "%s"}
categories: [{id: data.written, group: ads}]
profiles: [{name: strict, band: adult, categories: [{id: data.written, action: block}]}]
households:
  - id: home
    consent: {by: parents, at: 2026-01-01}
    networks: [127.0.0.0/8]
    members: [{name: Kim, profile: strict}]
    devices: [{name: kim, addresses: [127.0.0.2], member: Kim}]
lists:
  starter: false
  sources:
`, s.dns, s.http, upstream, s.metrics)
	for _, l := range writtenLists {
		if l.file == "ut1.tar.gz" {
			l.text = ut1Archive(t)
		}
		name, _, _ := strings.Cut(strings.ReplaceAll(l.file, "/", "-"), ".")
		fmt.Fprintf(&b, "    - {name: %s, path: %q, format: %q, categories: [data.written]}\n", name, put(l.file, l.text), l.format)
	}
	s.write(b.String())
}

// rejects compares what `hearth lists stats` says was rejected, as far as there is no doubt about the reason.
func (s *server) rejects() {
	s.t.Helper()
	out, code := s.hearth("lists", "stats", "--json", "--config", s.config)
	var stats struct {
		Lists []struct {
			Name, Format string
			Rejected     map[string]int
		}
	}
	if err := json.Unmarshal([]byte(out), &stats); err != nil || code != 0 {
		s.t.Fatalf("lists stats: exit %d, %v\n%s", code, err, out)
	}
	for _, l := range writtenLists {
		format, _, _ := strings.Cut(l.file, "/")
		format, _, _ = strings.Cut(format, ".")
		for _, stat := range stats.Lists {
			if stat.Name != strings.ReplaceAll(strings.TrimSuffix(l.file, ".tar.gz"), "/", "-") {
				continue
			}
			if stat.Format != format {
				s.t.Errorf("%s is read as %s", l.file, stat.Format)
			}
			for why, n := range maps.All(l.rejected) {
				if stat.Rejected[why] != n {
					s.t.Errorf("%s: %d rejected as %s, want %d: %v", l.file, stat.Rejected[why], why, n, stat.Rejected)
				}
			}
		}
	}
}
