package querylog

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/policytest"
)

// noticed lists the notices of the household, kind and whom, as parents or the child see them.
func (h *home) noticed(of string, child bool) (found []string) {
	h.t.Helper()
	all, err := h.Notices(h.t.Context(), of, child)
	h.ok(err)
	for _, n := range all {
		found = append(found, strings.TrimSpace(fmt.Sprint(n.Kind, " ", n.Member, " ", n.Device, " ", n.Name)))
		text := n.Text
		if n.Kind != policy.NoticeDestination && strings.Contains(text, ".test") || text == "" {
			h.t.Errorf("the notice says %q", text)
		}
	}
	slices.Sort(found)
	return found
}

func (h *home) wantNotices(of string, child bool, want ...string) {
	h.t.Helper()
	if got := h.noticed(of, child); !slices.Equal(got, want) {
		h.t.Errorf("at %s, %s, child %v: %q, want %q", h.now.Format("2006-01-02 15:04"), of, child, got, want)
	}
}

var vpns = []string{"vpn1.test", "vpn2.test", "www.vpn3.test", "vpn4.test", "vpn5.test"}

// TestBypassNotice: five sites of VPNs within an hour are a notice, which the child sees first; nothing less is.
func TestBypassNotice(t *testing.T) {
	for what, ask := range map[string]func(h *home){
		"four sites": func(h *home) { h.asks("10.0.0.2", vpns[:4]...); h.asks("10.0.0.2", vpns[:4]...) },
		"one site in many names": func(h *home) {
			h.asks("10.0.0.2", "vpn1.test", "www.vpn1.test", "a.vpn1.test", "b.vpn1.test", "c.vpn1.test", "d.vpn1.test")
		},
		"programs, not sites": func(h *home) {
			h.asks("10.0.0.2", "api.vpn1.test", "api.vpn2.test", "api.vpn3.test", "api.vpn4.test", "api.vpn5.test")
		},
		"resolvers of browsers":  func(h *home) { h.asks("10.0.0.2", "doh1.test", "doh2.test", "doh3.test", "doh4.test", "doh5.test") },
		"a device of a school":   func(h *home) { h.asks("10.0.0.9", vpns...) },
		"a shared device":        func(h *home) { h.asks("10.0.0.7", vpns...) },
		"a device nobody knows":  func(h *home) { h.asks("10.0.0.77", vpns...) },
		"a teenager":             func(h *home) { h.asks("10.0.0.4", vpns...) },
		"a young person":         func(h *home) { h.asks("10.0.0.5", vpns...) },
		"an adult":               func(h *home) { h.asks("10.0.0.6", vpns...) },
		"a thing":                func(h *home) { h.asks("10.0.0.8", vpns...) },
		"two children, few each": func(h *home) { h.asks("10.0.0.2", vpns[:3]...); h.asks("10.0.0.3", vpns[2:]...) },
		"one site an hour": func(h *home) {
			for _, v := range vpns {
				h.asks("10.0.0.2", v)
				h.now = h.now.Add(15 * time.Minute)
			}
		},
	} {
		h := newHome(t)
		ask(h)
		h.now = h.now.Add(48 * time.Hour)
		if got := h.noticed("home", false); len(got) != 0 {
			t.Errorf("%s: %q", what, got)
		}
	}
	h := newHome(t)
	for _, v := range vpns {
		h.asks("10.0.0.2", v)
		h.now = h.now.Add(14 * time.Minute)
	}
	h.asks("10.0.0.2", "vpn6.test")
	h.asks("10.0.0.3", vpns...)
	h.wantNotices("home", false)
	h.wantNotices("home/Kim", true, "bypass Kim kim")
	h.open() // it is written down
	h.wantNotices("home/Kim", true, "bypass Kim kim")
	h.ok(h.Seen(t.Context(), "home/Pre"))
	h.wantNotices("home", false, "bypass Pre pre") // seen by the child
	h.now = h.now.Add(24 * time.Hour)
	h.wantNotices("home", false, "bypass Kim kim", "bypass Pre pre")
	all, err := h.Notices(t.Context(), "home", false)
	h.ok(err)
	if text := all[0].Text; !strings.Contains(text, "may be a school or work program") || strings.Contains(text, "Kim") {
		t.Errorf("it says %q", text)
	}
	h.now = h.now.Add(7 * 24 * time.Hour)
	h.wantNotices("home", false)
}

// TestSelfHarmNotice: only for those of 10 to 12, only after look-ups of sites on different days, and without the name.
func TestSelfHarmNotice(t *testing.T) {
	days := func(h *home, addr string, names ...string) {
		for range 2 {
			for _, n := range names {
				h.asks(addr, n, n, n)
				h.now = h.now.Add(20 * time.Minute)
			}
			h.ok(h.Flush())
			h.now = h.now.Add(24 * time.Hour)
		}
	}
	for what, ask := range map[string]func(h *home){
		"a child":              func(h *home) { days(h, "10.0.0.2", "dark.test", "sad.test") },
		"a teenager":           func(h *home) { days(h, "10.0.0.4", "dark.test", "sad.test") },
		"a shared device":      func(h *home) { days(h, "10.0.0.7", "dark.test", "sad.test") },
		"parts of other pages": func(h *home) { days(h, "10.0.0.3", "img.dark.test", "img.sad.test") },
		"once a day":           func(h *home) { days(h, "10.0.0.3", "dark.test") },
		"often, but on one day": func(h *home) {
			for range 20 {
				h.asks("10.0.0.3", "dark.test")
				h.now = h.now.Add(15 * time.Minute)
			}
		},
		"long ago and now": func(h *home) {
			h.asks("10.0.0.3", "dark.test")
			h.now = h.now.Add(time.Hour)
			h.asks("10.0.0.3", "sad.test")
			h.ok(h.Flush())
			h.now = h.now.Add(8 * 24 * time.Hour)
			h.ok(h.retain())
			h.asks("10.0.0.3", "dark.test")
		},
	} {
		h := newHome(t)
		ask(h)
		h.ok(h.Flush())
		h.now = h.now.Add(48 * time.Hour)
		if got := h.noticed("home", false); len(got) != 0 {
			t.Errorf("%s: %q", what, got)
		}
	}
	h := newHome(t)
	days(h, "10.0.0.3", "dark.test", "www.sad.test")
	h.wantNotices("home/Pre", true, "selfharm Pre")
	days(h, "10.0.0.3", "dark.test", "www.sad.test")
	h.wantNotices("home", false, "selfharm Pre") // once
	x, err := h.Export(t.Context(), "home/Pre")
	h.ok(err)
	text, err := json.Marshal(x)
	h.ok(err)
	for _, name := range []string{"dark", "sad.test"} {
		if strings.Contains(string(text), name) {
			t.Errorf("%s is kept: %s", name, text)
		}
	}
}

// TestThing: what a thing asks for while it learns is written down; after a parent confirmed, what is new is told once.
func TestThing(t *testing.T) {
	h := newHome(t)
	h.compile(map[string]policy.State{"home": {Things: []policy.Thing{{Device: "bear", Learning: true}}}})
	h.asks("10.0.0.8", "api.cloud.test", "time.test", "ads.test", "forum.test", "bad.test", "help.test")
	h.ok(h.Settle())
	h.asks("10.0.0.8", "api.cloud.test")
	h.ok(h.Settle())
	s, err := h.bolt.Snapshot(t.Context(), "home/heard/bear")
	h.ok(err)
	var heard policy.Heard
	h.ok(json.Unmarshal(s.Entries[0].Value, &heard))
	var got []string
	for _, d := range heard.Names {
		got = append(got, fmt.Sprintf("%s %v %d", d.Name, d.Categories, d.Count))
	}
	if want := []string{"api.cloud.test [] 2", "forum.test [social.ugc] 1", "time.test [ok.infra] 1"}; !slices.Equal(got, want) {
		t.Errorf("heard %q, want %q", got, want)
	}
	h.compile(map[string]policy.State{"home": {Things: []policy.Thing{{Device: "bear", Taught: true, Names: []string{"api.cloud.test"}, Declined: []string{"no.test"}}}}})
	h.asks("10.0.0.8", "no.test", "www.no.test", "api.cloud.test", "time.test", "ads.test", "bad.test", "x.new.test", "x.new.test", "y.new.test", "forum.test")
	h.wantNotices("home", false, "destination  bear forum.test", "destination  bear x.new.test")
	h.now = h.now.Add(25 * time.Hour)
	h.asks("10.0.0.8", "x.new.test")
	if n := len(h.noticed("home", false)); n != 3 {
		t.Errorf("%d notices, want one more on the next day", n)
	}
	for i := range 100 {
		h.asks("10.0.0.8", fmt.Sprintf("n%d.test", i))
	}
	if n := len(h.noticed("home", false)); n > 3+maxNews {
		t.Errorf("%d notices of one device in a day", n)
	}
	h.compile(nil)
	before := len(h.noticed("home", false))
	h.asks("10.0.0.8", "other.test")
	if n := len(h.noticed("home", false)); n != before {
		t.Error("a thing that nobody has taught is reported")
	}
}

// TestCompanions: what is missing right after a page of an allow-list, and nothing that a category blocks.
func TestCompanions(t *testing.T) {
	h := newHome(t)
	for range 2 {
		h.asks("10.0.0.1", "www.bunny.test")
		h.now = h.now.Add(3 * time.Second)
		h.asks("10.0.0.1", "cdn.rabbits.test", "ads.test", "bad.test", "bet.test", "dark.test", "vpn1.test", "time.test", "help.test")
		h.now = h.now.Add(3 * time.Second)
		h.asks("10.0.0.1", "late.test")
		h.now = h.now.Add(time.Minute)
	}
	h.asks("10.0.0.1", "alone.test", "time.test", "after-time.test")
	found, err := h.Companions(t.Context(), "home/Lou")
	h.ok(err)
	if len(found) != 1 || found[0].Page != "bunny.test" || found[0].Name != "cdn.rabbits.test" || found[0].Count != 2 {
		t.Errorf("%+v, want cdn.rabbits.test of bunny.test, twice", found)
	}
	h.asks("10.0.0.2", "www.bunny.test", "bet.test")
	if found, err := h.Companions(t.Context(), "home/Kim"); err != nil || len(found) != 0 {
		t.Errorf("of a child without an allow-list: %v, %v", found, err)
	}
	for i := range 3000 {
		h.asks("10.0.0.1", "www.bunny.test", fmt.Sprintf("n%d.test", i))
	}
	if found, err = h.Companions(t.Context(), "home/Lou"); err != nil || len(found) > 25 {
		t.Errorf("%d companions of one page", len(found))
	}
}

// TestQuietDevices: a device that asked regularly and stopped is told of; one of whom nothing is remembered never is.
func TestQuietDevices(t *testing.T) {
	h := newHome(t)
	quiet := func() (found []string) {
		all, err := h.Devices(t.Context(), "home")
		h.ok(err)
		for _, s := range all {
			found = append(found, fmt.Sprint(s.Device, " ", s.Quiet))
		}
		return found
	}
	for range 6 {
		h.asks("10.0.0.2", "page.test")
		h.asks("10.0.0.5", "page.test")
		h.asks("10.0.0.6", "page.test")
		h.now = h.now.Add(time.Hour)
	}
	h.asks("10.0.0.4", "page.test")
	if got := quiet(); !slices.Equal(got, []string{"kim false", "tom false"}) {
		t.Errorf("%q, want the devices of Kim and Tom", got)
	}
	h.now = h.now.Add(2 * time.Hour)
	if got := quiet(); !slices.Equal(got, []string{"kim true", "tom false"}) {
		t.Errorf("%q, want kim quiet; tom asked only once", got)
	}
	h.asks("10.0.0.2", "page.test")
	if got := quiet(); !slices.Equal(got, []string{"kim false", "tom false"}) {
		t.Errorf("%q, want nobody quiet", got)
	}
	h.cfg.Here = func(_, device string) (bool, bool) { return true, device == "kim" }
	all, err := h.Devices(t.Context(), "home/Kim")
	h.ok(err)
	if len(all) != 1 || all[0].Here == nil || !*all[0].Here {
		t.Errorf("%+v, want kim at home", all)
	}
}

// TestNormalTrafficAccusesNobody: a thousand children's devices that look up, for a day, what devices of the world look up
// most, with the project's own lists of VPNs and with a public one that has much else in it: no notice.
func TestNormalTrafficAccusesNobody(t *testing.T) {
	const folder = "../../../shared/data"
	hosts := lines(t, filepath.Join(folder, "query-hosts-umbrella20k.txt.gz"))
	for what, list := range map[string][]string{
		"the starter list": lines(t, "../../blocklists/source/starter/bypass.vpn.txt"),
		"a public list":    lines(t, filepath.Join(folder, "categories/bypass_proxy_vpn_doh.txt.gz")),
	} {
		names := map[string]string{}
		for _, n := range list {
			names[n] = "bypass.vpn"
		}
		h := &home{t: t, index: policytest.Index(policytest.Lists(names)), renames: strings.NewReplacer()}
		h.at("2026-06-10 07:00")
		h.compile(nil)
		h.path = filepath.Join(t.TempDir(), "hearth.db")
		h.open()
		t.Cleanup(func() { _ = h.bolt.Close() })
		r, accused, blocked := rand.New(rand.NewPCG(1, 2)), 0, 0
		for range 1000 {
			h.attempts = policy.Attempts{} // another child
			h.findings = nil
			begin := h.now
			for range 12 { // hours
				for range 40 { // names: 480 different ones a day are many
					name := hosts[r.IntN(len(hosts))]
					h.asks("10.0.0.2", name)
					h.now = h.now.Add(90 * time.Second)
				}
			}
			h.now = begin
			accused += len(h.findings)
		}
		for p, records := range h.waiting {
			if p.Kind == kindMonth && records["blocked"] != nil {
				blocked = int(records["blocked"].count)
			}
		}
		t.Logf("%s: %d of 480,000 look-ups blocked, %d of 1,000 devices accused", what, blocked, accused)
		if accused != 0 || blocked == 0 {
			t.Errorf("%s: %d devices accused, %d look-ups blocked", what, accused, blocked)
		}
	}
}

// lines reads names, one a line.
func lines(t *testing.T, path string) []string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Skipf("the data is not here: %v", err)
	}
	defer f.Close()
	s := bufio.NewScanner(f)
	if strings.HasSuffix(path, ".gz") {
		z, err := gzip.NewReader(f)
		if err != nil {
			t.Fatal(err)
		}
		s = bufio.NewScanner(z)
	}
	var all []string
	for s.Scan() {
		if text, _, _ := strings.Cut(s.Text(), "#"); strings.TrimSpace(text) != "" {
			all = append(all, strings.TrimSpace(text))
		}
	}
	return all
}
