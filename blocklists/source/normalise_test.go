package source

import (
	"strings"
	"testing"
)

// label63 is the longest label there is, and name255 the longest name: 3 x (1+63) + (1+61) + 1 octets.
var (
	label63 = strings.Repeat("a", 63)
	name255 = label63 + "." + label63 + "." + label63 + "." + strings.Repeat("b", 61)
)

func TestNormalise(t *testing.T) {
	tests := []struct {
		why    string
		text   string
		want   string // presentation form; "" where a reason is wanted
		reason Reason
	}{
		{"plain", "porn.example", "porn.example", ""},
		{"case", "PORN.Example", "porn.example", ""},
		{"trailing dot", "porn.example.", "porn.example", ""},
		{"white space around", " \tporn.example ", "porn.example", ""},
		{"underscore, as real names have it", "_dmarc.my_shop.example", "_dmarc.my_shop.example", ""},
		{"hyphens in the third and fourth place", "r3---sn-1.example", "r3---sn-1.example", ""},
		{"A-label", "xn--bcher-kva.example", "xn--bcher-kva.example", ""},
		{"A-label in capitals", "XN--BCHER-KVA.example", "xn--bcher-kva.example", ""},
		{"U-label (UTS 46)", "Bücher.example", "xn--bcher-kva.example", ""},
		{"sharp s stays one (non-transitional)", "faß.example", "xn--fa-hia.example", ""},
		{"ideographic full stop parts labels (UTS 46)", "a。example", "a.example", ""},
		{"U-label beside an underscore", "bücher.my_shop.example", "xn--bcher-kva.my_shop.example", ""},
		{"full-width letters", "ａｂ.example", "ab.example", ""},
		{"escaped dot stays inside its label (RFC 1035 5.1)", `mail\.admin.example`, `mail\.admin.example`, ""},
		{"escaped dot by number", `mail\046admin.example`, `mail\.admin.example`, ""},
		{"escaped letter is a letter", `p\112rn.example`, "pprn.example", ""},
		{"escaped dot at the end is no trailing dot", `a.b\.`, `a.b\.`, ""},
		{"URL of a host", "https://porn.example/", "porn.example", ""},
		{"URL without slash", "http://porn.example", "porn.example", ""},
		{"URL with port", "http://porn.example:8080/", "porn.example", ""},
		{"URL with user", "http://me:x@porn.example/", "porn.example", ""},
		{"a fragment never leaves the browser", "porn.example/#top", "porn.example", ""},
		{"host and port", "porn.example:443", "porn.example", ""},
		{"host and slash", "porn.example/", "porn.example", ""},
		{"longest label", label63 + ".example", label63 + ".example", ""},
		{"longest name", name255, name255, ""},
		{"longest name, trailing dot", name255 + ".", name255, ""},
		{"number in front", "1.example", "1.example", ""},

		{"nothing", "", "", ReasonSyntax},
		{"scheme alone", "http://", "", ReasonSyntax},
		{"bad port", "porn.example:http", "", ReasonSyntax},
		{"port zero", "porn.example:0", "", ReasonSyntax},
		{"root", ".", "", ReasonSingleLabel},
		{"single label", "localhost", "", ReasonSingleLabel},
		{"single label, trailing dot", "com.", "", ReasonSingleLabel},
		{"URL of a single label", "http://router/", "", ReasonSingleLabel},
		{"IPv4", "192.0.2.1", "", ReasonIP},
		{"IPv4, trailing dot", "192.0.2.1.", "", ReasonIP},
		{"IPv4, short", "127.1", "", ReasonIP},
		{"IPv4, one number", "3221225985", "", ReasonIP},
		{"IPv4, octal", "0300.0.2.1", "", ReasonIP},
		{"IPv4, hexadecimal", "0xC0.0x0.0x2.0x1", "", ReasonIP},
		{"IPv4, hexadecimal number", "0xC0000201", "", ReasonIP},
		{"IPv4, full-width", "１９２.0.2.1", "", ReasonIP},
		{"IPv4 with port", "192.0.2.1:80", "", ReasonIP},
		{"IPv4 in a URL", "http://192.0.2.1/x", "", ReasonIP},
		{"network", "192.0.2.0/24", "", ReasonIP},
		{"network, nonsense length", "192.0.2.0/389242390482", "", ReasonIP},
		{"IPv6", "2001:db8::1", "", ReasonIP},
		{"IPv6 in brackets", "[2001:db8::1]", "", ReasonIP},
		{"IPv6 with port", "[2001:db8::1]:443", "", ReasonIP},
		{"IPv6 with zone", "fe80::1%lo0", "", ReasonIP},
		{"IPv6 network", "2001:db8::/32", "", ReasonIP},
		{"IPv4 in IPv6", "::ffff:192.0.2.1", "", ReasonIP},
		{"five numbers are no address, and no name ends in a number", "1.2.3.4.5", "", ReasonBadLabel},
		{"octet above 255", "192.0.2.256.9", "", ReasonBadLabel},
		{"number as top-level domain", "000058.0", "", ReasonBadLabel},
		{"path", "porn.example/films", "", ReasonURLPath},
		{"URL with path", "https://porn.example/films", "", ReasonURLPath},
		{"query", "porn.example/?id=1", "", ReasonURLPath},
		{"query without slash", "porn.example?id=1", "", ReasonURLPath},
		{"empty label", "porn..example", "", ReasonBadLabel},
		{"leading dot", ".porn.example", "", ReasonBadLabel},
		{"two trailing dots", "porn.example..", "", ReasonBadLabel},
		{"leading hyphen", "-porn.example", "", ReasonBadLabel},
		{"trailing hyphen", "porn-.example", "", ReasonBadLabel},
		{"label of 64", label63 + "a.example", "", ReasonBadLabel},
		{"comma", "porn,example.test", "", ReasonBadLabel},
		{"space inside", "porn example.test", "", ReasonBadLabel},
		{"mail address", "me@porn.example", "", ReasonBadLabel},
		{"backslash at the end", `porn.example\`, "", ReasonBadLabel},
		{"escape above 255", `p\256.example`, "", ReasonBadLabel},
		{"control character", "porn\x00.example", "", ReasonBadLabel},
		{"banner", "=========", "", ReasonBadLabel},
		{"invalid UTF-8", "b\xffcher.example", "", ReasonBadIDN},
		{"name of 256", name255 + "b", "", ReasonTooLong},
		{"name of 256 by its labels", "a." + name255, "", ReasonTooLong},
		{"U-labels that are too much to look at", strings.Repeat("ü.", 600) + "example", "", ReasonTooLong},
		{"inner wildcard", "ads.*.example", "", ReasonInnerWildcard},
		{"wildcard in a label", "ads*.example", "", ReasonInnerWildcard},
		{"only a wildcard", "*", "", ReasonInnerWildcard},
	}
	for _, tt := range tests {
		t.Run(tt.why, func(t *testing.T) {
			name, reason := Normalise(tt.text)
			got := ""
			if name != nil {
				got = name.String()
			}
			if got != tt.want || reason != tt.reason {
				t.Errorf("Normalise(%q) = %q, %q; want %q, %q", tt.text, got, reason, tt.want, tt.reason)
			}
		})
	}
}

// TestNormaliseKeepsNothing: a caller may keep what Normalise returned.
func TestNormaliseKeepsNothing(t *testing.T) {
	first, _ := Normalise("first.example")
	if second, _ := Normalise("other.example"); second.String() != "other.example" || first.String() != "first.example" {
		t.Errorf("got %s and %s", first, second)
	}
}
