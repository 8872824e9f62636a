package source

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthdns/hearth/blocklists"
)

// spell writes an item the way the tables and golden files of these tests do.
func spell(i Item) string {
	text := i.Entry.Name.String() + " " + map[blocklists.Scope]string{
		blocklists.Subtree: "subtree", blocklists.Exact: "exact", blocklists.Below: "below",
	}[i.Entry.Scope]
	exception, important := i.Entry.Exception, i.Entry.Important
	switch {
	case i.Prefix.IsValid():
		text = i.Prefix.String()
	case i.Pattern != nil:
		text = "pattern " + i.Pattern.Expr
		if len(i.Pattern.Types) > 0 {
			text += fmt.Sprintf(" types %v", i.Pattern.Types)
		}
		if i.Pattern.Except {
			text += " excepted"
		}
		exception, important = i.Pattern.Exception, i.Pattern.Important
	}
	for _, flag := range []struct {
		set  bool
		word string
	}{{exception, "exception"}, {i.Entry.Yield, "yielding"}, {important, "important"}, {i.Entry.Cancel, "cancel"}} {
		if flag.set {
			text += " " + flag.word
		}
	}
	return text
}

// read parses text and returns the entries as spelled, and the rejections as "reason" repeated.
func read(t *testing.T, f Format, o Options, text string) (entries, reasons []string) {
	t.Helper()
	report, err := Parse(strings.NewReader(text), f, o, func(i Item) error {
		entries = append(entries, spell(i))
		return nil
	})
	if err != nil {
		t.Fatalf("Parse: %v", err)
	}
	for why, n := range report.Rejected {
		reasons = append(reasons, slices.Repeat([]string{string(why)}, n)...)
	}
	slices.Sort(reasons)
	return entries, reasons
}

func TestLines(t *testing.T) {
	tests := []struct {
		format Format
		line   string
		want   string // entries joined by ", "; then "!" and the reasons
	}{
		{Hosts, "0.0.0.0 a.example", "a.example subtree"},
		{Hosts, "0.0.0.0\ta.example  b.example\tc.example", "a.example subtree, b.example subtree, c.example subtree"},
		{Hosts, "127.0.0.1 a.example # why", "a.example subtree"},
		{Hosts, "127.0.0.1 a.example#why", "a.example subtree"},
		{Hosts, ":: a.example\r", "a.example subtree"},
		{Hosts, "\ufeff0.0.0.0 a.example", "a.example subtree"},
		{Hosts, "  0.0.0.0 A.Example.  ", "a.example subtree"},
		{Hosts, "127.0.0.1 localhost localhost.localdomain", ""},
		{Hosts, "fe80::1%lo0 localhost", ""},
		{Hosts, "255.255.255.255 broadcasthost", ""},
		{Hosts, "0.0.0.0 0.0.0.0", ""},
		{Hosts, "0.0.0.0 192.0.2.7", "!ip"},
		{Hosts, "0.0.0.0 a.example en", "a.example subtree!single-label"},
		{Hosts, "192.0.2.7", "!ip"},
		{Hosts, "a.example", "a.example subtree"},
		{Hosts, "a.example b.example", "!syntax"},
		{Hosts, "0.0.0.0 *.a.example", "!inner-wildcard"},
		{Hosts, "0.0.0.0 https://a.example/x", "!url-path"},
		{Hosts, "0.0.0.0 co.uk", "!public-suffix"},
		{Hosts, "0.0.0.0 a.co.uk", "a.co.uk subtree"},
		{Hosts, "# 0.0.0.0 a.example", ""},
		{Hosts, "### banner", ""},
		{Hosts, "", ""},

		{Domains, "a.example", "a.example subtree"},
		{Domains, "a.example    #Software - Cleaner ", "a.example subtree"},
		{Domains, "*.a.example", "a.example subtree"},
		{Domains, ".a.example", "a.example subtree"},
		{Domains, ".actor", "!single-label"},
		{Domains, "! Title: a list", ""},
		{Domains, "; a list", ""},
		{Domains, "// a list", ""},
		{Domains, "a.example and more", "!syntax"},
		{Domains, "0.0.0.0 a.example", "a.example subtree"},
		{Domains, "bücher.example", "xn--bcher-kva.example subtree"},
		{Domains, "https://a.example", "a.example subtree"},
		{Domains, "||a.example^", "!bad-label"},
		{Domains, "bologna.it", "!public-suffix"}, // the city's suffix
		{Domains, "github.io", "!public-suffix"},  // the private section counts
		{Domains, "foo.ck", "!public-suffix"},     // *.ck
		{Domains, "www.ck", "www.ck subtree"},     // !www.ck
		{Domains, "co.uk.example", "co.uk.example subtree"},
		{Domains, `co\.uk.example`, `co\.uk.example subtree`},
		{Domains, "*", "!inner-wildcard"},
		{Domains, ".", "!single-label"},

		{Wildcard, "*.a.example", "a.example subtree"},
		{Wildcard, "a.example", "a.example subtree"},
		{Wildcard, "*.*.a.example", "!inner-wildcard"},
		{Wildcard, "ads*.a.example", "!inner-wildcard"},
		{Wildcard, "*.com", "!single-label"},

		{Adblock, "||a.example^", "a.example subtree"},
		{Adblock, "||A.Example^", "a.example subtree"},
		{Adblock, "||a.example", "a.example subtree"},
		{Adblock, "||a.example^|", "a.example subtree"},
		{Adblock, "||a.example^*", "a.example subtree"},
		{Adblock, "||*.a.example^", "a.example below"},
		{Adblock, "|a.example^", "a.example exact"},
		{Adblock, "|a.example|", "a.example exact"},
		{Adblock, "|https://a.example^", "a.example exact"},
		{Adblock, "@@||a.example^", "a.example subtree exception"},
		{Adblock, "@@|a.example^", "a.example exact exception"},
		{Adblock, "||a.example^$important", "a.example subtree important"},
		{Adblock, "@@||a.example^$important", "a.example subtree exception important"},
		{Adblock, "||a.example^$badfilter", "a.example subtree cancel"},
		{Adblock, "@@||a.example^$important,badfilter", "a.example subtree exception important cancel"},
		{Adblock, "||a.example^$third-party", "!modifier"},
		{Adblock, "||a.example^$all", "!modifier"},
		{Adblock, "||a.example^$doc", "!modifier"},
		{Adblock, "||a.example^$domain=b.example", "!modifier"},
		{Adblock, "||a.example^$client=192.0.2.1", "!client"},
		{Adblock, "||a.example^$important,ctag=device_phone|~os_ios", "!client"},
		{Adblock, "||a.example^$dnstype=A", `pattern (?:^|\.)a\.example$ types [1]`},
		{Adblock, "||a.example^$dnstype=aaaa|a", `pattern (?:^|\.)a\.example$ types [1 28]`},
		{Adblock, "|a.example^$dnstype=HTTPS", `pattern ^a\.example$ types [65]`},
		{Adblock, "||*.a.example^$dnstype=A", `pattern \.a\.example$ types [1]`},
		{Adblock, "||a.example^$important,dnstype=~CNAME", `pattern (?:^|\.)a\.example$ types [5] excepted important`},
		{Adblock, "||a.example^$dnstype=~A|TXT", `pattern (?:^|\.)a\.example$ types [16]`}, // AdGuard's documentation: as TXT alone
		{Adblock, "@@||a.example^$dnstype=AAAA", `pattern (?:^|\.)a\.example$ types [28] exception`},
		{Adblock, "||a.example^$dnstype=NONE", "!modifier"},
		{Adblock, "||a.example^$dnstype=", "!modifier"},
		{Adblock, "||co.uk^$dnstype=A", "!public-suffix"},
		{Adblock, "||a.example^$denyallow=b.a.example|c.a.example",
			"a.example subtree, b.a.example subtree exception yielding, c.a.example subtree exception yielding"},
		{Adblock, "||a.example^$important,denyallow=b.a.example",
			"a.example subtree important, b.a.example subtree exception yielding important"},
		{Adblock, "||a.example^$denyallow=b.a.example,badfilter",
			"a.example subtree cancel, b.a.example subtree exception yielding cancel"},
		{Adblock, "||a.example^$denyallow=other.example", "a.example subtree"},
		{Adblock, "|a.example^$denyallow=b.a.example", "a.example exact"},
		{Adblock, "||a.example^$denyallow=", "!modifier"},
		{Adblock, "||a.example^$dnstype=A,denyallow=b.a.example", "!modifier"},
		{Adblock, "@@||a.example^$denyallow=b.a.example", "!modifier"},
		{Adblock, "||*.casino^$denyallow=a.casino", "!single-label"},
		{Adblock, "*$denyallow=example|test", "!too-broad"},
		{Adblock, "||a.example^$dnsrewrite=NXDOMAIN", "a.example subtree"},
		{Adblock, "||a.example^$dnsrewrite=REFUSED;;", "a.example subtree"},
		{Adblock, "||a.example^$dnsrewrite=NOERROR", "a.example subtree"},
		{Adblock, "||a.example^$dnsrewrite=NOERROR;;", "a.example subtree"},
		{Adblock, "||a.example^$dnsrewrite=0.0.0.0", "a.example subtree"},
		{Adblock, "||a.example^$dnsrewrite=::", "a.example subtree"},
		{Adblock, "||a.example^$dnsrewrite=NOERROR;A;127.0.0.1", "a.example subtree"},
		{Adblock, "||a.example^$dnstype=A,dnsrewrite=NXDOMAIN;;", `pattern (?:^|\.)a\.example$ types [1]`},
		{Adblock, "||a.example^$dnsrewrite=192.0.2.1", "!unsupported-action"},
		{Adblock, "||a.example^$dnsrewrite=NOERROR;A;192.0.2.1", "!unsupported-action"},
		{Adblock, "||a.example^$dnsrewrite=NOERROR;TXT;words", "!unsupported-action"},
		{Adblock, "||a.example^$dnsrewrite=safe.example", "!unsupported-action"},
		{Adblock, "||a.example^$dnsrewrite", "!unsupported-action"},
		{Adblock, "@@||a.example^$dnsrewrite=NXDOMAIN", "!unsupported-action"},
		{Adblock, "0.0.0.0 a.example$important", "!syntax"},
		{Adblock, "@@||a.example^$ehide", "!modifier"},
		{Adblock, "||a.example^$", "!modifier"},
		{Adblock, "||ads.*.example^", `pattern (?:^|\.)ads\..*\.example$`},
		{Adblock, "@@||Links.mkt*.example^", `pattern (?:^|\.)links\.mkt.*\.example$ exception`},
		{Adblock, "|ads*.example^", `pattern ^ads.*\.example$`},
		{Adblock, "||ads.*^", `pattern (?:^|\.)ads\.`},
		{Adblock, "||*ads.example^", `pattern ads\.example$`},
		{Adblock, "||*.ad*.example^$important", `pattern \.ad.*\.example$ important`},
		{Adblock, "||ad*.example/x^", "!url-path"},
		{Adblock, "||ad(*.example^", "!bad-label"},
		{Adblock, "||a*b^", "!too-broad"},
		{Adblock, "||*^", "!too-broad"},
		{Adblock, "||*^$dnstype=HTTPS", "!too-broad"},
		{Adblock, "||^", "!syntax"},
		{Adblock, "||*.casino^", "!single-label"},
		{Adblock, "||co.uk^", "!public-suffix"},
		{Adblock, "@@||co.uk^", "!public-suffix"},
		{Adblock, "||192.0.2.1^", "!ip"},
		{Adblock, "||a.example/ads^", "!url-path"},
		{Adblock, "||a.example^ads", "!url-path"},
		{Adblock, "/banner/img/", "!regex"},
		{Adblock, `/(^|\.)ads[0-9]\.example$/`, `pattern (^|\.)ads[0-9]\.example$`},
		{Adblock, `@@/ads\.example/$important`, `pattern ads\.example exception important`},
		{Adblock, `/ads\.example$/$dnstype=A`, `pattern ads\.example$ types [1]`},
		{Adblock, `/ads\.example/i`, `pattern ads\.example`},
		{Adblock, `/ADS\.example/`, `pattern (?i)ADS\.example`},
		{Adblock, `/^ads\D+\.example$/`, `pattern ^ads\D+\.example$`},
		{Adblock, `/ads\.example/$third-party`, "!modifier"},
		{Adblock, `/ads\.example/$denyallow=a.example`, "!modifier"},
		{Adblock, `/^(?!www\.)ads\.example$/`, "!regex"}, // no RE2
		{Adblock, `/(a)\1\.example/`, "!regex"},
		{Adblock, `/((a{100}){100}){10}/`, "!regex"},
		{Adblock, `/ads(\.example/`, "!regex"},
		{Adblock, `/.*/`, "!too-broad"},
		{Adblock, `/^.+\..+$/`, "!too-broad"},
		{Adblock, "/banner/img.gif", "!url-path"},
		{Adblock, "a.example##.ad", "!cosmetic"},
		{Adblock, "a.example,b.example#@#.ad", "!cosmetic"},
		{Adblock, "a.example#?#div:has(> .ad)", "!cosmetic"},
		{Adblock, "a.example#$#body { overflow: auto }", "!cosmetic"},
		{Adblock, "a.example#%#window.x = 1;", "!cosmetic"},
		{Adblock, "a.example$$script[data-src=\"ad\"]", "!cosmetic"},
		{Adblock, "##.ad", "!cosmetic"},
		{Adblock, "! comment", ""},
		{Adblock, "# comment", ""},
		{Adblock, "[Adblock Plus 2.0]", ""},
		{Adblock, "a.example", "a.example subtree"},
		{Adblock, "0.0.0.0 a.example b.example # c", "a.example subtree, b.example subtree"},
		{Adblock, "a.example^", "a.example subtree"},
		{Adblock, ".a.example^", "a.example below"},
		{Adblock, "*://*.a.example/*", "a.example subtree"},
		{Adblock, "*://a.example/*", "a.example exact"},
		{Adblock, "*://*.a.example/ai/*", "!url-path"},
		{Adblock, "*://*.single/*", "!single-label"},
		{Adblock, "a.example b.example", "!syntax"},
		{Adblock, "@@0.0.0.0 a.example", "!syntax"},

		{Dnsmasq, "address=/a.example/0.0.0.0", "a.example subtree"},
		{Dnsmasq, "address=/a.example/b.example/::", "a.example subtree, b.example subtree"},
		{Dnsmasq, "address=/a.example/#", "a.example subtree"},
		{Dnsmasq, "address=/a.example/", "a.example subtree"},
		{Dnsmasq, "server=/a.example/", "a.example subtree"},
		{Dnsmasq, "local=/a.example/ # why", "a.example subtree"},
		{Dnsmasq, "--local=/a.example/", "a.example subtree"},
		{Dnsmasq, "local=/*.a.example/", "a.example below"},
		{Dnsmasq, "local=/.a.example/", "a.example subtree"},
		{Dnsmasq, "local=/*a.example/", "!inner-wildcard"},
		{Dnsmasq, "server=/a.example/#", "a.example subtree exception"},
		{Dnsmasq, "server=/a.example/192.0.2.53", "!unsupported-action"},
		{Dnsmasq, "server=192.0.2.53", "!unsupported-action"},
		{Dnsmasq, "address=/#/0.0.0.0", "!single-label"},
		{Dnsmasq, "local=//", "!single-label"},
		{Dnsmasq, "bogus-nxdomain=192.0.2.1", "!unsupported-action"},
		{Dnsmasq, "domain-needed", "!unsupported-action"},
		{Dnsmasq, "a.example", "!syntax"},
		{Dnsmasq, "address=/co.uk/", "!public-suffix"},
		{Dnsmasq, "# address=/a.example/", ""},

		{RPZ, "a.example CNAME .", "a.example exact"},
		{RPZ, "*.a.example CNAME .", "a.example below"},
		{RPZ, "a.example 60 IN CNAME *.", "a.example exact"},
		{RPZ, "a.example IN 1h30m cname garden.example.net.", "a.example exact"},
		{RPZ, "a.example CNAME rpz-passthru.", "a.example exact exception"},
		{RPZ, "*.a.example CNAME RPZ-PASSTHRU.", "a.example below exception"},
		{RPZ, "a.example CNAME a.example.", "a.example exact exception"},
		{RPZ, "a.example CNAME rpz-drop.", "!unsupported-action"},
		{RPZ, "a.example CNAME rpz-tcp-only.", "!unsupported-action"},
		{RPZ, "a.example CNAME rpz-new.", "!unsupported-action"},
		{RPZ, "a.example DNAME b.example.", "!unsupported-action"},
		{RPZ, "a.example A 192.0.2.1", "a.example exact"},
		{RPZ, `a.example TXT "x; (y" ; why`, "a.example exact"},
		{RPZ, "a.example TYPE65280 \\# 0", "a.example exact"},
		{RPZ, "24.0.2.0.192.rpz-ip CNAME .", "192.0.2.0/24"},
		{RPZ, "32.7.2.0.192.RPZ-IP A 192.0.2.80", "192.0.2.7/32"},
		{RPZ, "8.0.0.0.10.rpz-ip CNAME *.", "10.0.0.0/8"},
		{RPZ, "32.7.2.0.192.rpz-ip CNAME rpz-passthru.", "192.0.2.7/32 exception"},
		{RPZ, "128.1.zz.8.db8.2001.rpz-ip CNAME .", "2001:db8:8::1/128"},
		{RPZ, "48.zz.1.db8.2001.rpz-ip CNAME .", "2001:db8:1::/48"},
		{RPZ, "128.1.zz.rpz-ip CNAME .", "::1/128"},
		{RPZ, "128.8.7.6.5.4.3.2.1.rpz-ip CNAME .", "1:2:3:4:5:6:7:8/128"},
		{RPZ, "24.1.2.0.192.rpz-ip CNAME .", "!syntax"}, // octets beyond the prefix
		{RPZ, "33.1.2.0.192.rpz-ip CNAME .", "!syntax"},
		{RPZ, "32.2.0.192.rpz-ip CNAME .", "!syntax"},
		{RPZ, "128.1.zz.2.zz.rpz-ip CNAME .", "!syntax"},
		{RPZ, "48.::1.rpz-ip CNAME .", "!syntax"},
		{RPZ, "0.0.0.0.0.rpz-ip CNAME .", "!too-broad"},
		{RPZ, "32.7.2.0.192.rpz-ip CNAME rpz-drop.", "!unsupported-action"},
		{RPZ, "32.7.2.0.192.rpz-ip CNAME rpz-tcp-only.", "!unsupported-action"},
		{RPZ, "32.7.2.0.192.rpz-new CNAME .", "!unsupported-trigger"},
		{RPZ, "24.0.2.0.192.rpz-client-ip CNAME rpz-passthru.", "!unsupported-trigger"},
		{RPZ, "48.zz.db8.2001.rpz-nsip CNAME .", "!unsupported-trigger"},
		{RPZ, "ns1.a.example.rpz-nsdname CNAME .", "!unsupported-trigger"},
		{RPZ, "*.com CNAME .", "!single-label"},
		{RPZ, "* CNAME .", "!inner-wildcard"},
		{RPZ, "a.*.example CNAME .", "!inner-wildcard"},
		{RPZ, "co.uk CNAME .", "!public-suffix"},
		{RPZ, "a.example", "!syntax"},
		{RPZ, "a.example CNAME", "!syntax"},
		{RPZ, "a.example NONSENSE x", "!syntax"},
		{RPZ, " CNAME .", "!syntax"},
		{RPZ, "$INCLUDE /etc/passwd", "!unsupported-action"},
		{RPZ, "$GENERATE 1-10 a$.example CNAME .", "!unsupported-action"},
		{RPZ, ")", "!syntax"},
		{RPZ, "; comment", ""},

		{Unbound, `local-zone: "a.example" always_nxdomain`, "a.example subtree"},
		{Unbound, `local-zone: "a.example." always_null # why`, "a.example subtree"},
		{Unbound, "local-zone: 'A.Example.' static", "a.example subtree"},
		{Unbound, "  local-zone:\ta.example\trefuse", "a.example subtree"},
		{Unbound, `local-zone: "a.example" "deny"`, "a.example subtree"},
		{Unbound, `local-zone: "a.example" redirect`, "a.example subtree"},
		{Unbound, `local-zone: "a.example" inform_deny`, "a.example subtree"},
		{Unbound, `local-zone: "a.example" inform_redirect`, "a.example subtree"},
		{Unbound, `local-zone: "a.example" always_refuse`, "a.example subtree"},
		{Unbound, `local-zone: "a.example" always_nodata`, "a.example subtree"},
		{Unbound, `local-zone: "a.example" always_deny`, "a.example subtree"},
		{Unbound, `local-zone: "a.example" transparent`, "a.example subtree exception"},
		{Unbound, `local-zone: "a.example" typetransparent`, "a.example subtree exception"},
		{Unbound, `local-zone: "a.example" always_transparent`, "a.example subtree exception"},
		{Unbound, `local-zone: "a.example" inform`, "a.example subtree exception"},
		{Unbound, `local-zone: "a.example" block_a`, `pattern (?:^|\.)a\.example$ types [1]`},
		{Unbound, `local-zone: "10.in-addr.arpa." nodefault`, "!unsupported-action"},
		{Unbound, `local-zone: "a.example" noview`, "!unsupported-action"},
		{Unbound, `local-zone: "a.example" nonsense`, "!syntax"},
		{Unbound, `local-zone: "a.example"`, "!syntax"},
		{Unbound, `local-zone: "a.example always_nxdomain`, "!syntax"},
		{Unbound, `local-zone: "com" static`, "!single-label"},
		{Unbound, `local-zone: "co.uk" static`, "!public-suffix"},
		{Unbound, `local-zone: "." static`, "!single-label"},
		{Unbound, `local-data: "a.example. 3600 IN A 0.0.0.0"`, "a.example exact"},
		{Unbound, `local-data: 'a.example AAAA ::'`, "a.example exact"},
		{Unbound, `local-data: "a.example A 127.0.0.1"`, "a.example exact"},
		{Unbound, `local-data: "a.example A 192.0.2.1"`, "!unsupported-action"},
		{Unbound, `local-data: "a.example CNAME b.example"`, "!unsupported-action"},
		{Unbound, `local-data: "a.example"`, "!syntax"},
		{Unbound, `local-data-ptr: "192.0.2.1 a.example"`, "!unsupported-action"},
		{Unbound, "server:", ""},
		{Unbound, `verbosity: 1`, "!unsupported-action"},
		{Unbound, "# comment", ""},
		{Unbound, "a.example", "!syntax"},

		{V2fly, "a.example", "a.example subtree"},
		{V2fly, "domain:a.example", "a.example subtree"},
		{V2fly, "full:www.a.example", "www.a.example exact"},
		{V2fly, "a.example @ads @!cn &other # why", "a.example subtree"},
		{V2fly, "xn--9kr7l.com     # 古博.com", "xn--9kr7l.com subtree"},
		{V2fly, "keyword:casino", "pattern casino"},
		{V2fly, "keyword:bet.", `pattern bet\.`},
		{V2fly, "keyword:Bet365", "pattern bet365"},
		{V2fly, "keyword:x", "!too-broad"},
		{V2fly, "keyword:a/b", "!bad-label"},
		{V2fly, `regexp:(^|\.)bet[0-9]+\.example$ @ads`, `pattern (^|\.)bet[0-9]+\.example$`},
		{V2fly, `regexp:(?=bet)`, "!regex"},
		{V2fly, `regexp:.+`, "!too-broad"},
		{V2fly, "include:other", "!include-missing"},
		{V2fly, "include:../other", "!include-missing"},
		{V2fly, "a.example b.example", "!syntax"},
		{V2fly, "suffix:a.example", "!syntax"},
		{V2fly, "# comment", ""},
		{V2fly, "goog", "!single-label"},
	}
	for _, tt := range tests {
		t.Run(string(tt.format)+"/"+tt.line, func(t *testing.T) {
			entries, reasons := read(t, tt.format, Options{}, tt.line+"\n")
			got := strings.Join(entries, ", ")
			if len(reasons) > 0 {
				got += "!" + strings.Join(reasons, ",")
			}
			if got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// TestMatchExact: the option holds for plain names, never for what a format says itself.
func TestMatchExact(t *testing.T) {
	for format, want := range map[Format][2]string{
		Hosts:    {"0.0.0.0 a.example", "a.example exact"},
		Domains:  {"a.example", "a.example exact"},
		Wildcard: {"*.a.example", "a.example subtree"},
		Adblock:  {"||a.example^", "a.example subtree"},
		Dnsmasq:  {"local=/a.example/", "a.example subtree"},
	} {
		entries, _ := read(t, format, Options{Match: MatchExact}, want[0])
		if !slices.Equal(entries, []string{want[1]}) {
			t.Errorf("%s: %q gives %q, want %q", format, want[0], entries, want[1])
		}
	}
}

// TestPublicSuffixesForced: a list of dynamic DNS providers or of a betting suffix is taken at its word.
func TestPublicSuffixesForced(t *testing.T) {
	entries, reasons := read(t, Domains, Options{PublicSuffixes: true}, "bet.br\ngithub.io\n.casino\n.local\nlocalhost\n")
	want := []string{"bet.br subtree", "github.io subtree", "casino subtree"}
	if diff := cmp.Diff(want, entries); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"single-label", "single-label"}, reasons); diff != "" {
		t.Errorf("local names are not delegated (-want +got):\n%s", diff)
	}
}

// TestReport: the counts, and of each reason the first line with its number.
func TestReport(t *testing.T) {
	report, err := Parse(strings.NewReader("# head\na.example\n\n192.0.2.1\n192.0.2.2\nbad-.example\x1b[31m\n"), Domains, Options{},
		func(Item) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	want := Report{
		Format: Domains, Lines: 6, Names: 1,
		Rejected: map[Reason]int{ReasonIP: 2, ReasonBadLabel: 1},
		Examples: map[Reason]Rejection{
			ReasonIP:       {Line: 4, Text: "192.0.2.1"},
			ReasonBadLabel: {Line: 6, Text: "bad-.example�[31m"},
		},
	}
	if diff := cmp.Diff(want, report); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestLongLines: a line over 4 KiB is skipped, whatever its length, and the next is read.
func TestLongLines(t *testing.T) {
	for _, size := range []int{maxLine, maxLine + 1, readBuffer, readBuffer + 1, 5*readBuffer + 7} {
		text := "a.example\n#" + strings.Repeat("x", size-2) + "\nb.example\n" + strings.Repeat("y", size)
		entries, reasons := read(t, Domains, Options{}, text)
		if !slices.Equal(entries, []string{"a.example subtree", "b.example subtree"}) {
			t.Errorf("%d: entries %q", size, entries)
		}
		long := 0
		if size > maxLine {
			long = 2
		}
		if n := strings.Count(strings.Join(reasons, " "), "long-line"); n != long {
			t.Errorf("%d: %d long lines, want %d (%q)", size, n, long, reasons)
		}
	}
}

// TestItems: where an entry stands, and its text as published.
func TestItems(t *testing.T) {
	var got []string
	_, err := Parse(strings.NewReader("! head\n||a.example^$important\n\n0.0.0.0 B.example c.example\n"), Adblock, Options{},
		func(i Item) error {
			got = append(got, fmt.Sprintf("%d %s %q", i.Line, i.Entry.Name, i.Text))
			return nil
		})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{`2 a.example "||a.example^$important"`, `4 b.example "B.example"`, `4 c.example "c.example"`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestEmitEnds: an error of emit ends the reading and comes back as it is.
func TestEmitEnds(t *testing.T) {
	stop := errors.New("stop")
	calls := 0
	for _, f := range []Format{Hosts, Adblock, Dnsmasq, RPZ} {
		calls = 0
		list := map[Format]string{Hosts: "0.0.0.0 a.example b.example\n0.0.0.0 c.example\n", Adblock: "||a.example^\n||b.example^\n",
			Dnsmasq: "local=/a.example/b.example/\n", RPZ: "a.example CNAME .\nb.example CNAME .\n"}[f]
		_, err := Parse(strings.NewReader(list), f, Options{}, func(Item) error { calls++; return stop })
		if !errors.Is(err, stop) || calls != 1 {
			t.Errorf("%s: %v after %d calls", f, err, calls)
		}
	}
}

func TestUnknownFormat(t *testing.T) {
	if _, err := Parse(strings.NewReader(""), "csv", Options{}, nil); err == nil || !strings.Contains(err.Error(), "dnsmasq") {
		t.Errorf("error %v does not name the formats", err)
	}
	if _, err := Parse(strings.NewReader(""), Hosts, Options{Match: "all"}, nil); err == nil {
		t.Error("an unknown match is accepted")
	}
}
