package tickets

import (
	"net"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"

	"github.com/hearthdns/hearth/blocklists"
)

const (
	// maxWord bounds in characters what somebody writes to a ticket: two sentences.
	maxWord = 280
	// maxAddress bounds in octets what somebody gives as a name; browsers keep addresses below this.
	maxAddress = 2048
	// maxBy bounds in octets the words by which an operator is remembered.
	maxBy = 64
)

// reserved says whether a category is none that people report or appeal against.
func reserved(category string) bool {
	return strings.HasPrefix(category, "ok.") || blocklists.IsLegal(category) || strings.HasPrefix(category, "meta.")
}

// atHome are the ends of names that belong to one house or to no DNS: they would tell of who asks.
var atHome = []string{"local", "localhost", "internal", "lan", "home", "corp", "private", "intranet", "arpa", "onion", "alt", "invalid"}

// readName makes a name of what somebody wrote or pasted: a name, or the address of a page, of which the rest is dropped.
// An international name becomes an A-label, and the site behind www. is the site.
func readName(text string) (blocklists.Name, error) {
	if len(text) > maxAddress {
		return nil, refused("name", "this is too long for a name: write one such as example.com")
	}
	host := strings.TrimSpace(text)
	if _, rest, found := strings.Cut(host, "://"); found {
		host = rest
	}
	host, _, _ = strings.Cut(host, "/")
	if u, err := url.Parse("//" + host); err == nil && u.Hostname() != "" {
		host = u.Hostname()
	}
	if net.ParseIP(host) != nil {
		return nil, refused("name", "this is an address, not a name: write a name such as example.com")
	}
	ascii, err := idna.Lookup.ToASCII(strings.TrimSuffix(host, "."))
	if err != nil {
		return nil, refused("name", "this is not a domain name: write one such as example.com")
	}
	name, err := blocklists.ParseName(ascii)
	if err != nil || name.Labels() < 2 || strings.ContainsAny(name.String(), `\*`) {
		return nil, refused("name", "this is not a domain name: write one such as example.com")
	}
	last := ascii[strings.LastIndexByte(ascii, '.')+1:]
	if slices.Contains(atHome, strings.ToLower(last)) {
		return nil, refused("name", "this name is not of the public internet: write one such as example.com")
	}
	if site, www := strings.CutPrefix(name.String(), "www."); www && !isSuffix(site) {
		return blocklists.ParseName(site)
	}
	return name, nil
}

// isSuffix says whether strangers have names beneath a name.
func isSuffix(name string) bool {
	suffix, _ := publicsuffix.PublicSuffix(name)
	return suffix == name
}

// readWord makes plain text of one line of what somebody wrote: without control characters, and without those that
// change the direction of a text or cannot be seen.
func readWord(field, text string) (string, error) {
	if len(text) > 4*maxWord || utf8.RuneCountInString(text) > maxWord {
		return "", refused(field, "this is too long: write at most %d characters", maxWord)
	}
	return plain(text), nil
}

// plain leaves out what is no visible character, and joins the rest on one line.
func plain(text string) string {
	visible := strings.Map(func(r rune) rune {
		switch {
		case r == utf8.RuneError, unicode.Is(unicode.Co, r):
			return -1
		case unicode.IsSpace(r), unicode.IsControl(r):
			return ' '
		case unicode.Is(unicode.Cf, r) && r != '\u200c' && r != '\u200d': // Persian and emoji need these two
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, ""))
	return strings.Join(strings.Fields(visible), " ")
}

// cut shortens a text to at most n octets.
func cut(text string, n int) string {
	if len(text) <= n {
		return text
	}
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n]
}
