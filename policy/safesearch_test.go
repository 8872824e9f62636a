package policy

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hearthdns/hearth/blocklists"
)

// The rows about searching of the band table, written by hand: + the engine answers from
// its safe host, - it is left alone, B it is blocked, and of YouTube the mode. The columns
// are little, child, preteen, teen, young, adult, things. What an allow-list blocks, the
// little's and a thing's, is allowed by an own rule first, so that the transform is seen.
const searchTable = `
www.google.com           + + + + + - -
www.google.co.uk         + + + + + - -
www.bing.com             + + + + + - -
duckduckgo.com           + + + + + - -
search.brave.com         + + + + + - -
www.ecosia.org           + + + + + - -
pixabay.com              + + + + + - -
api.qwant.com            + + + + + - -
yandex.com               + + + + + - -
www.youtube.com          strict strict strict moderate - - -
m.youtube.com            strict strict strict moderate - - -
youtubei.googleapis.com  strict strict strict moderate - - -
youtube.googleapis.com   strict strict strict moderate - - -
www.youtube-nocookie.com strict strict strict moderate - - -
`

// safeHosts are where the engines answer safely, as the facts of the project have them.
var safeHosts = map[string]string{
	"www.google.com": "forcesafesearch.google.com", "www.google.co.uk": "forcesafesearch.google.com",
	"www.bing.com": "strict.bing.com", "duckduckgo.com": "safe.duckduckgo.com", "search.brave.com": "forcesafe.search.brave.com",
	"www.ecosia.org": "strict-safe-search.ecosia.org", "pixabay.com": "safesearch.pixabay.com",
	"api.qwant.com": "safeapi.qwant.com", "yandex.com": "familysearch.yandex.ru",
	"strict": "restrict.youtube.com", "moderate": "restrictmoderate.youtube.com",
}

// TestEverySafeCell asks for each row in each band.
func TestEverySafeCell(t *testing.T) {
	var profiles strings.Builder
	for _, band := range Bands() {
		profiles.WriteString("  - {name: my-" + band.String() + ", band: " + band.String() + ", rules: [{name: com, action: allow}, {name: org, action: allow}, {name: uk, action: allow}]}\n")
	}
	a := asker{d: story(t, "Every safe cell.\n-- config.yaml --\nprofiles:\n"+profiles.String())}
	for row := range strings.Lines(strings.TrimSpace(searchTable)) {
		columns := strings.Fields(row)
		for i, band := range Bands() {
			cell, host := columns[1+i], columns[0]
			want := map[string]string{"-": "", "+": safeHosts[host]}[cell]
			if want == "" {
				want = safeHosts[cell]
			}
			q, client := a.question(t, host), Client{Status: Known, Profile: a.d.Profile("my-" + band.String())}
			d, safe := a.d.Safe(&client, q, client.Decide(q, time.Unix(0, 0)), time.Unix(0, 0))
			got := ""
			if safe != nil {
				got = safe.Target.String()
			}
			if d.Blocks() || got != want {
				t.Errorf("%s for %s: %s as %q, want allow as %q", host, band, d.Action, got, want)
			}
		}
	}
}

// TestSafeEngines holds the table to what it says of itself.
func TestSafeEngines(t *testing.T) {
	rows, err := SafeEngines()
	if err != nil {
		t.Fatal(err)
	}
	owner, titles := map[string]string{}, []string{}
	for _, row := range rows {
		titles = append(titles, row.Title)
		if row.Source == "" {
			t.Errorf("%s: no source", row.Title)
		}
		for _, host := range row.Hosts() {
			if name, err := blocklists.ParseName(host); err != nil || name.String() != host || name.Labels() < 2 {
				t.Errorf("%s: %q is no host in lower case: %v", row.Title, host, err)
			}
			if other := owner[host]; other != "" {
				t.Errorf("%q is of %s and of %s", host, other, row.Title)
			}
			owner[host] = row.Title
		}
	}
	for _, row := range rows {
		for _, target := range []string{row.Target, row.Moderate} {
			if owner[target] != "" {
				t.Errorf("%s: %s is a safe host and becomes an alias itself", row.Title, target)
			}
		}
	}
	want := []string{"Google", "Bing", "DuckDuckGo", "Brave Search", "Ecosia", "Pixabay", "Qwant", "Yandex", "YouTube"}
	if !slices.Equal(titles, want) {
		t.Errorf("the engines are %v, want %v", titles, want)
	}
	google := 0
	for host, title := range owner {
		if title == "Google" && strings.HasPrefix(host, "www.google.") {
			google++
		}
	}
	if google < 187 { // www.google.com/supported_domains
		t.Errorf("%d domains of Google, want its 187 at least", google)
	}
	for _, host := range []string{"www.google.com", "www.google.cat", "www.google.com.br", "www.google.co.jp", "www.google.rs", "www.google.cn", "www.google.zz"} {
		if (owner[host] == "") != (host == "www.google.zz") {
			t.Errorf("%s is of %q", host, owner[host])
		}
	}
}

// TestFilterOffLeavesSafeSearch: a parent who stops the filter for a while has not switched
// safe search off.
func TestFilterOffLeavesSafeSearch(t *testing.T) {
	a := asker{d: story(t, `A family.
-- config.yaml --
profiles: [{name: kid, band: child, rules: [{name: www.bing.com, action: deny}]}]
households: [{id: h, consent: {by: Anna, at: 2026-01-10}, networks: [192.168.1.0/24], members: [{name: Mia, profile: kid}]}]
`)}
	if err := a.d.Apply("h", State{Offs: []FilterOff{{ID: "o", Subject: Subject{Member: "Mia"}, At: 1000, Until: 2000}}}); err != nil {
		t.Fatal(err)
	}
	c, err := a.d.Locate("h", "Mia")
	if err != nil {
		t.Fatal(err)
	}
	q := a.question(t, "www.bing.com")
	d := c.Decide(q, time.Unix(1500, 0))
	if _, safe := a.d.Safe(&c, q, d, time.Unix(1500, 0)); d.Applied || safe == nil || safe.Target.String() != "strict.bing.com" {
		t.Errorf("with the filter off: %+v as %+v", d, safe)
	}
	d = c.Decide(q, time.Unix(2500, 0))
	if d, safe := a.d.Safe(&c, q, d, time.Unix(2500, 0)); !d.Blocks() || safe != nil {
		t.Errorf("with the filter on again: %+v as %+v", d, safe)
	}
}

func TestSearchingIsValidated(t *testing.T) {
	c := Config{Profiles: []ProfileConfig{
		{Name: "a", SafeSearch: "strict", YouTube: "none", OtherSearch: "blocked"},
		{Name: "b", YouTube: "blocked", Services: []ServiceChange{{ID: "tiktok", Action: "allow"}, {ID: "youtube", Action: "timed"}}},
		{Name: "c", YouTube: "blocked", Services: []ServiceChange{{ID: "service.youtube", Action: "block"}}},
		{Name: "d", SafeSearch: "off", YouTube: "moderate", OtherSearch: "allow"},
	}}
	got := errorsOf(t, c.Validate(nil))
	for path, says := range map[string]string{
		"profiles[0].safe_search":  "write on or off",
		"profiles[0].youtube":      "write off, moderate, strict or blocked",
		"profiles[0].other_search": "write allow or block",
		"profiles[1].services[1]":  "youtube: strict",
	} {
		if !strings.Contains(got[path], says) {
			t.Errorf("%s: %q does not say %q", path, got[path], says)
		}
	}
	if len(got) != 4 {
		t.Errorf("%d errors, want 4: %v", len(got), got)
	}
}

func TestTransformAllocatesNothing(t *testing.T) {
	a := asker{d: busy(t)}
	p := a.member(t, "h", "Mia")
	for _, host := range []string{"www.google.de", "www.youtube.com", "www.example.test"} {
		q := a.question(t, host)
		if got := p.Transform(q) != nil; got != (host != "www.example.test") {
			t.Errorf("%s: %v", host, got)
		}
		d := p.Decide(q, time.Unix(0, 0))
		if n := testing.AllocsPerRun(200, func() {
			if safe := p.Transform(q); safe != nil {
				p.DecideChain(d, q, blocklists.Match{}, safe.Chain)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations, want 0", host, n)
		}
	}
}

// TestSafeSearchPage: docs/safesearch.md tells of every engine.
func TestSafeSearchPage(t *testing.T) {
	text, err := os.ReadFile("../docs/safesearch.md")
	if err != nil {
		t.Fatal(err)
	}
	rows, err := SafeEngines()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		for _, part := range []string{"| " + row.Title + " | " + row.Target, row.Moderate} {
			if !strings.Contains(string(text), part) {
				t.Errorf("the page does not say %q", part)
			}
		}
	}
}
