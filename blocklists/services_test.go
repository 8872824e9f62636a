package blocklists

import (
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/publicsuffix"
)

// sharedHosts are hosts and networks that carry the sites of strangers: a service that listed one would take the
// others along.
var sharedHosts = []string{
	"akadns.net", "akamai.com", "akamai.net", "akamaiedge.net", "akamaihd.net", "akamaized.net", "amazonaws.com",
	"appspot.com", "appsflyersdk.com", "azure.com", "azureedge.net", "azurefd.net", "azurewebsites.net", "b-cdn.net",
	"cdn77.org", "cloudflare.com", "cloudflare.net", "cloudfront.net", "cloudinary.com", "digitaloceanspaces.com",
	"edgekey.net", "edgesuite.net", "fastly-edge.com", "fastly.net", "fastlylb.net", "firebaseapp.com", "footprint.net",
	"ggpht.com", "github.com", "github.io", "google.com", "googleapis.com", "googleusercontent.com", "gstatic.com",
	"herokuapp.com", "hwcdn.net", "icloud.com", "imgix.net", "jsdelivr.net", "live.com", "llnwd.net", "llnwi.net",
	"microsoft.com", "mzstatic.com", "omtrdc.net", "apple.com", "itunes.apple.com", "shopify.com", "trafficmanager.net",
	"vercel.app", "windows.net", "workers.dev", "zendesk.com", "live-video.net", "l.google.com", "bing.com",
}

func services(t *testing.T) []Service {
	t.Helper()
	all, err := Services()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestServicesAreEnough holds the number that the issue asks for, and that the operator's own categories have room.
func TestServicesAreEnough(t *testing.T) {
	if n := len(services(t)); n < 140 {
		t.Errorf("%d services, want at least 140", n)
	}
	if free := MaxCategories - len(Builtin()); free < 50 {
		t.Errorf("%d categories are left for operators, want at least 50", free)
	}
	for _, group := range ServiceGroups() {
		if !slices.ContainsFunc(services(t), func(s Service) bool { return s.Group == group }) {
			t.Errorf("no service in group %s", group)
		}
	}
}

// TestServicesKeepTheirIDs: configurations name them.
func TestServicesKeepTheirIDs(t *testing.T) {
	tax := builtinTaxonomy(t)
	for _, id := range strings.Fields(`tiktok instagram facebook snapchat twitter pinterest bereal threads linkedin reddit
		tumblr whatsapp telegram signal discord viber omegle youtube twitch kick netflix disneyplus primevideo spotify vimeo
		dailymotion roblox minecraft fortnite steam playstation xbox nintendo chatgpt characterai gemini copilot`) {
		if _, ok := tax.Lookup("service." + id); !ok {
			t.Errorf("service.%s is gone", id)
		}
	}
}

func TestServiceNames(t *testing.T) {
	titles, owner := map[string]string{}, map[string]string{}
	for _, s := range services(t) {
		if other := titles[s.Title]; other != "" {
			t.Errorf("%s and %s have the same title", s.ID, other)
		}
		titles[s.Title] = s.ID
		for _, name := range s.Names {
			if wire, err := ParseName(name); err != nil || wire.String() != name || strings.Count(name, ".") == 0 {
				t.Errorf("%s: %q is no name in lower case: %v", s.ID, name, err)
			}
			if suffix, _ := publicsuffix.PublicSuffix(name); suffix == name {
				t.Errorf("%s: %q is a public suffix: strangers live beneath it", s.ID, name)
			}
			for _, shared := range sharedHosts {
				if name == shared || strings.HasSuffix(shared, "."+name) {
					t.Errorf("%s: %q carries the sites of others too", s.ID, name)
				}
			}
			if other := owner[name]; other != "" {
				t.Errorf("%q is of %s and of %s", name, other, s.ID)
			}
			owner[name] = s.ID
		}
	}
}

func TestServiceSources(t *testing.T) {
	for _, s := range services(t) {
		for _, source := range s.Sources {
			at, err := time.Parse(time.DateOnly, source.Date)
			if err != nil || at.Year() < 2000 {
				t.Errorf("%s: %q is no date", s.ID, source.Date)
			}
			// A wrong year is found; passing time can only make the test greener.
			if at.After(time.Now()) && time.Now().Year() > 2025 {
				t.Errorf("%s: %s lies in the future", s.ID, source.Date)
			}
		}
	}
}

// TestServicesThatAreNotWhole holds that a service without a source, its date, or anything else is refused.
func TestServicesThatAreNotWhole(t *testing.T) {
	const good = `
# a comment
service home
title Home
group video
parent fun.video
source 2026-01-31 publisher/services data/home 0123abc
names home.example
names home-cdn.example
`
	got, err := parseServices(good)
	if err != nil || len(got) != 1 || got[0].ID != "service.home" || len(got[0].Names) != 2 || got[0].Sources[0].Date != "2026-01-31" {
		t.Fatalf("a whole service: %+v, %v", got, err)
	}
	for _, tc := range []struct{ old, new, says string }{
		{"source 2026-01-31 publisher/services data/home 0123abc\n", "", "no source"},
		{"2026-01-31 ", "", "YYYY-MM-DD"},
		{"2026-01-31 ", "2026-13-31 ", "YYYY-MM-DD"},
		{" publisher/services data/home 0123abc", "", "the document"},
		{"title Home\n", "", "title"},
		{"parent fun.video\n", "", "parent"},
		{"group video", "group films", `"films"`},
		{"names home.example\nnames home-cdn.example\n", "", "names that carry it"},
		{"service home", "service Home", "a-z"},
		{"service home\n", "", "line 3"},
		{"title Home", "label Home", "label"},
	} {
		text := strings.Replace(good, tc.old, tc.new, 1)
		if text == good {
			t.Fatalf("%q is not in the table", tc.old)
		}
		if _, err := parseServices(text); err == nil || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%q instead of %q: got %v, want an error that says %q", tc.new, tc.old, err, tc.says)
		}
	}
	if _, err := parseServices(good + good); err == nil || !strings.Contains(err.Error(), "twice") {
		t.Errorf("a service twice: %v", err)
	}
}
