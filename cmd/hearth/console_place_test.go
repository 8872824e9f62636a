package main

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hearthdns/hearth/policy/account"
	"github.com/hearthdns/hearth/policy/portal"
	"github.com/hearthdns/hearth/policy/portal/console"
)

const consoleHome = `
resolve: {upstreams: [192.0.2.1]}
households: [{id: home, consent: {by: test, at: 2026-01-01}, networks: [10.0.0.0/24, "2001:db8:7::/64"], members: [{name: Kim, band: child}], devices: [{name: tablet, member: Kim, addresses: [10.0.0.2, "2001:db8:7::2"]}]}]
`

// TestConsoleMistakes: what the console cannot be is told with what to write instead.
func TestConsoleMistakes(t *testing.T) {
	for text, want := range map[string]string{
		`console: {listen: ["127.0.0.1:1", "127.0.0.1:1"]}`:                                                                           "console.listen[1]: 127.0.0.1:1 is listed twice",
		`console: {listen: ["0.0.0.0:8080"]}`:                                                                                         "console.listen[0]: 0.0.0.0:8080 is already used by landing.http",
		`console: {name: parents.example.org}`:                                                                                        "console.hearth.home.arpa",
		`console: {name: a.b.hearth.home.arpa}`:                                                                                       "is not in the certificate",
		`console: {allow: ["::ffff:192.0.2.0/120"]}`:                                                                                  "console.allow[0]",
		`console: {provider: {client_id: x}}`:                                                                                         "console.provider.issuer",
		`console: {provider: {issuer: "http://login.example", client_id: x, household: h}}`:                                           "console.provider.issuer: \"http://login.example\" is no address of https",
		`console: {provider: {issuer: "https://login.example", client_id: x, household: email}}`:                                      "console.provider.household: an address of e-mail proves nothing",
		`console: {listen: [], provider: {issuer: "https://login.example", client_id: x, household: h}}`:                              "console.listen: people come back",
		`console: {provider: {issuer: "https://login.example", client_id: x, household: h, role: r, roles: [{claim: a, role: god}]}}`: "console.provider.roles[0].role",
	} {
		r := hearth(t, "check-config", writeConfig(t, consoleHome+text+"\n"))
		if r.code == 0 || !strings.Contains(r.out+r.err, want) {
			t.Errorf("%s: code %d, without %q:\n%s%s", text, r.code, want, r.out, r.err)
		}
	}
	for _, text := range []string{`console: {name: console.hearth.home.arpa}`, `console: {listen: []}`, `console: {listen: ["0.0.0.0:443"], allow: [203.0.113.0/24]}`} {
		if r := hearth(t, "check-config", writeConfig(t, consoleHome+text+"\n")); r.code != 0 {
			t.Errorf("%s: %s%s", text, r.out, r.err)
		}
	}
}

// TestOrigins: a browser finds the console by its name and port, HTTPS's own left out (RFC 6454), the usual port first.
func TestOrigins(t *testing.T) {
	for text, want := range map[string][]string{
		"": {"https://hearth.home.arpa:8444"},
		`console: {listen: ["0.0.0.0:8444", "[::]:8444", "0.0.0.0:443"]}`:         {"https://hearth.home.arpa", "https://hearth.home.arpa:8444"},
		`console: {name: Console.Hearth.home.arpa., listen: ["192.168.1.2:443"]}`: {"https://console.hearth.home.arpa"},
		`console: {listen: []}`: nil,
	} {
		l, err := load(writeConfig(t, consoleHome+text+"\n"), nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := l.Config.origins(); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", text, got, want)
		}
	}
}

// TestConsoleOfPages: the pages that other devices see lead to no console that only this machine reaches.
func TestConsoleOfPages(t *testing.T) {
	for text, want := range map[string]string{
		"":                                  "https://hearth.home.arpa:8444", // the pages are on this machine alone too
		"landing: {http: [\"0.0.0.0:80\"]}": "",
		"landing: {http: [\"0.0.0.0:80\"]}\nconsole: {listen: [\"0.0.0.0:8444\"]}":        "https://hearth.home.arpa:8444",
		"landing: {http: [\"192.168.1.2:80\"]}\nconsole: {listen: [\"192.168.1.2:443\"]}": "https://hearth.home.arpa",
		"console: {listen: []}": "",
	} {
		l, err := load(writeConfig(t, consoleHome+text+"\n"), nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := l.Config.consoleOfPages(); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

// TestConsoleAddresses: whoever is told where the console is can open it from a phone where one reaches it, at the address
// in the home where the machine has more than that; where none does, that is said.
func TestConsoleAddresses(t *testing.T) {
	own := []netip.Addr{mustAddr(t, "127.0.0.1"), mustAddr(t, "172.17.0.1"), mustAddr(t, "192.168.1.2"), mustAddr(t, "::1"), mustAddr(t, "fe80::1"), mustAddr(t, "fd00::2")}
	const anywhere, home = `console: {listen: ["0.0.0.0:8444"]}`, "\nlanding: {ipv4: 192.168.1.2}"
	for text, want := range map[string]string{
		"":              "https://127.0.0.1:8444",
		anywhere:        "https://172.17.0.1:8444",
		anywhere + home: "https://192.168.1.2:8444",
		anywhere + "\nlanding: {ipv4: 192.168.50.77}":              "https://172.17.0.1:8444",
		`console: {listen: ["127.0.0.1:8444", "192.168.1.2:443"]}`: "https://192.168.1.2",
		`console: {listen: ["[::]:8444"]}` + home:                  "https://[fd00::2]:8444",
	} {
		l, err := load(writeConfig(t, text+"\n"), nil)
		if err != nil {
			t.Fatal(err)
		}
		if all, others := l.Config.consoleAddresses(own); all[0] != want || others == strings.Contains(want, "127.0.0.1") {
			t.Errorf("%s: %v, others %v; want %s", text, all, others, want)
		}
	}
}

// TestProviderSettings: what the operator writes is what the book gets, with the secret of the file and the place that
// the console's own pages come back to.
func TestProviderSettings(t *testing.T) {
	file := writeConfig(t, consoleHome+`console: {listen: ["0.0.0.0:443"], provider: {issuer: "https://login.example", client_id: hearth, secret_file: oidc, scopes: [groups], household: hh, role: groups, roles: [{claim: staff, role: operator}]}}`+"\n")
	secret := filepath.Join(filepath.Dir(file), "oidc")
	l, err := load(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"", "two\nlines\n"} {
		write(t, secret, bad)
		if _, err := l.Config.openProvider(); err == nil {
			t.Errorf("%q is a secret", bad)
		}
	}
	write(t, secret, "word\n")
	p, err := l.Config.openProvider()
	if err != nil {
		t.Fatal(err)
	}
	if p.Secret != "word" || p.Redirect != "https://hearth.home.arpa/signin/provider/back" || p.ClientID != "hearth" || p.Household != "hh" || p.Roles["staff"] != account.Operator || p.Validate() != nil {
		t.Errorf("%+v", p)
	}
	if err := os.Remove(secret); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Config.openProvider(); err == nil {
		t.Error("without its file it starts")
	}
}

// TestAdmits: the console is for homes (RFC 1918, 4193, 3927, 4291), the networks of households, and whom the operator names.
// The shared space of carriers (RFC 6598) holds strangers.
func TestAdmits(t *testing.T) {
	s, _, _ := testServer(t, consoleHome+"console: {allow: [203.0.113.0/24]}\n")
	for addr, want := range map[string]bool{
		"127.0.0.1": true, "::1": true, "192.168.1.7": true, "172.16.0.1": true, "169.254.1.1": true, "fe80::1": true, "fd00::1": true,
		"2001:db8:7::9": true, "203.0.113.5": true,
		"192.0.2.1": false, "100.64.0.1": false, "2001:db8:8::9": false, "0.0.0.0": false, "172.32.0.1": false, "203.0.114.1": false,
	} {
		if got := s.admits(mustAddr(t, addr)); got != want {
			t.Errorf("%s: %v", addr, got)
		}
	}
	if s.admits(netip.Addr{}) {
		t.Error("nobody knows where they come from, and they are let in")
	}
}

// TestHostIsOurs: a page of another name that leads here is none of ours.
func TestHostIsOurs(t *testing.T) {
	s, _, _ := testServer(t, consoleHome)
	h := s.forUs(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	for host, want := range map[string]int{
		"hearth.home.arpa": 204, "hearth.home.arpa:8444": 204, "Hearth.HOME.arpa.": 204, "192.168.1.2:8444": 204, "[fd00::2]:8444": 204, "[::1]": 204, "localhost:8444": 204,
		"evil.example": 421, "192.168.1.2.evil.example": 421, "hearth.home.arpa.evil.example": 421, "localhost.evil.example": 421, "": 421, ":8444": 421, "ask.hearth.home.arpa": 421,
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Host = host
		w := httptest.NewRecorder()
		if h.ServeHTTP(w, r); w.Code != want {
			t.Errorf("%q: %d, want %d", host, w.Code, want)
		}
	}
}

// TestFootprints: an address that asked is known with its time, another is not; memory is bounded, and the oldest goes.
func TestFootprints(t *testing.T) {
	f := newFootprints()
	then := time.Unix(1_790_000_000, 0)
	f.tick(then)
	kim, lee := mustAddr(t, "10.0.0.2"), mustAddr(t, "2001:db8::2")
	f.mark(kim)
	if got := f.last(kim); !got.Equal(then) || !f.last(lee).IsZero() {
		t.Errorf("%v, %v", got, f.last(lee))
	}
	f.tick(then.Add(time.Minute))
	f.mark(mustAddr(t, "::ffff:10.0.0.2"))
	if got := f.last(kim); !got.Equal(then.Add(time.Minute)) {
		t.Errorf("a minute later: %v", got)
	}
	f.tick(then.Add(time.Hour))
	for n := range 1 << 17 { // 32 times as many as there is room for
		f.mark(netip.AddrFrom4([4]byte{192, byte(n >> 16), byte(n >> 8), byte(n)}))
	}
	if !f.last(kim).IsZero() {
		t.Error("the oldest is still known")
	}
	last := netip.AddrFrom4([4]byte{192, 1, 255, 255})
	if f.mark(last); !f.last(last).Equal(then.Add(time.Hour)) {
		t.Error("the latest is not known")
	}
	if n := testing.AllocsPerRun(1000, func() { f.mark(kim) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	(*footprints)(nil).mark(kim)
}

// TestPaths: the machine of a browser is known by all its addresses: as the configuration has them of its device, and all of
// this machine itself.
func TestPaths(t *testing.T) {
	s, _, _ := testServer(t, consoleHome)
	n := &surroundings{s}
	when := time.Unix(1_790_000_000, 0)
	s.footprints.tick(when)
	s.footprints.mark(mustAddr(t, "2001:db8:7::2"))
	if got, want := n.Paths(mustAddr(t, "10.0.0.2")), (console.Paths{IPv6: when}); !got.IPv4.IsZero() || !got.IPv6.Equal(want.IPv6) {
		t.Errorf("the tablet: %+v", got)
	}
	if got := n.Paths(mustAddr(t, "10.0.0.3")); got != (console.Paths{}) {
		t.Errorf("another: %+v", got)
	}
	s.footprints.mark(mustAddr(t, "127.0.0.1"))
	if got := n.Paths(mustAddr(t, "::1")); !got.IPv4.Equal(when) || !got.IPv6.IsZero() {
		t.Errorf("this machine: %+v", got)
	}
}

// TestSurvey: who asks for what was found never waits for the look; one look is under way at a time, and what it found is
// told until it is old.
func TestSurvey(t *testing.T) {
	looks, end := make(chan struct{}, 10), make(chan []console.Finding)
	s := newSurvey(func(ctx context.Context, _ []netip.Addr) []console.Finding {
		looks <- struct{}{}
		select {
		case found := <-end:
			return found
		case <-ctx.Done():
			return nil
		}
	})
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	for range 3 {
		if got, looking := s.findings(false); got != nil || !looking {
			t.Fatalf("found %v, looking %v", got, looking)
		}
	}
	<-looks
	end <- []console.Finding{{State: "problem", About: "192.0.2.1"}}
	for _, looking := s.findings(false); looking; _, looking = s.findings(false) {
		time.Sleep(time.Millisecond)
	}
	if got, _ := s.findings(true); got[0].About != "192.0.2.1" || len(looks) != 0 {
		t.Errorf("%v, %d looks", got, len(looks))
	}
	s.mu.Lock()
	s.at = s.at.Add(-surveyFor)
	s.mu.Unlock()
	if got, _ := s.findings(false); len(got) != 1 {
		t.Error("what was found is not told while somebody looks anew")
	}
	<-looks
	stop() // the server ends in the middle of a look, and nothing of it is left
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestSurveyOfMore: who comes while somebody looks is asked by the next look, which is soon, and what a look itself asked
// Hearth is still known for that.
func TestSurveyOfMore(t *testing.T) {
	looks, end := make(chan []netip.Addr), make(chan struct{})
	s := newSurvey(func(_ context.Context, more []netip.Addr) []console.Finding {
		looks <- more
		<-end
		return nil
	})
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	defer func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	router := mustAddr(t, "192.168.1.1")
	s.findings(false)
	if more := <-looks; len(more) > 0 {
		t.Errorf("the first look asks %v", more)
	}
	s.also(router)
	during := time.Now()
	end <- struct{}{}
	for began := false; !began; {
		select {
		case more := <-looks:
			if began = true; !slices.Equal(more, []netip.Addr{router}) {
				t.Errorf("the next look asks %v", more)
			}
		default:
			if !s.made(during) {
				t.Fatal("what a look asked is taken for a device's question")
			}
			s.findings(false)
		}
	}
	end <- struct{}{}
	for _, looking := s.findings(false); looking; _, looking = s.findings(false) {
		time.Sleep(time.Millisecond)
	}
	s.also(router)
	if _, looking := s.findings(false); looking {
		t.Error("it looks once more for who was asked")
	}
}

// TestBookshelf: parents see the lists with what the catalogue says of them, none of what the law forbids, and which of them
// has a name.
func TestBookshelf(t *testing.T) {
	dir := t.TempDir()
	sources := ""
	for name, category := range map[string]string{"mine": "money.gambling", "order": "illegal.order"} {
		write(t, filepath.Join(dir, name), name+"-bets.example\n")
		sources += "{name: " + name + ", path: " + filepath.Join(dir, name) + ", format: domains, categories: [" + category + "]}, "
	}
	s, _, _ := testServer(t, consoleHome+"lists: {sources: ["+sources+"]}\n")
	if err := s.recompile(t.Context()); err != nil {
		t.Fatal(err)
	}
	b, err := newBookshelf(s)
	if err != nil || len(b.licences) == 0 {
		t.Fatal(err)
	}
	all, err := b.All(t.Context())
	if err != nil || len(all) < 2 {
		t.Fatalf("%v, %v", all, err)
	}
	for _, l := range all {
		if l.Name == "order" || len(l.Categories) == 0 || l.Name == "mine" && (l.Names != 1 || l.Failed) {
			t.Errorf("%+v", l)
		}
	}
	e, err := b.Explain(t.Context(), portal.ExplainQuery{Name: "mine-bets.example", Member: "home/Kim"})
	if err != nil || e.Action != "block" || len(e.Lists) != 1 || e.Lists[0].Source != "mine" {
		t.Errorf("%+v, %v", e, err)
	}
	for _, typed := range []string{"https://mine-bets.example/x", "192.0.2.1", "kim", "*.mine-bets.example"} {
		if _, err := b.Explain(t.Context(), portal.ExplainQuery{Name: typed, Member: "home/Kim"}); !errors.As(err, new(*portal.QueryError)) {
			t.Errorf("%s: %v, want an error of what was asked", typed, err)
		}
	}
}
