package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/blocklists/register"
	"github.com/hearthdns/hearth/blocklists/source"
	"github.com/hearthdns/hearth/policy/tickets"
)

// reportsServer has a list of bets and a legal list, and answers on its socket.
func reportsServer(t *testing.T) (s *server, run func(args ...string) ran, file string) {
	t.Helper()
	s, _, file = testServer(t, withBand("child")+`lists:
  sources:
    - {name: bets, path: bets.txt, format: domains, categories: [money.gambling]}
    - {name: court, path: court.txt, format: domains, categories: [illegal.order]}
`)
	write(t, filepath.Join(filepath.Dir(file), "bets.txt"), "chess.example\ncards.example\n")
	write(t, filepath.Join(filepath.Dir(file), "court.txt"), "sealed.example\n")
	if _, err := s.reload(t.Context(), "test"); err != nil {
		t.Fatal(err)
	}
	environ := atSocket(t, s)
	return s, func(args ...string) ran { return hearthWith(t, environ, args...) }, file
}

// categoriesOf tells what a name is to the server.
func categoriesOf(t *testing.T, s *server, text string) string {
	t.Helper()
	name, err := blocklists.ParseName(text)
	if err != nil {
		t.Fatal(err)
	}
	var hashes blocklists.Hashes
	var ids []string
	for c := range s.directory().Ask(name, &hashes).Match.Categories.All() {
		ids = append(ids, s.directory().Index().Taxonomy().ID(c))
	}
	return strings.Join(ids, " ")
}

// TestReportsFromEndToEnd: a mistake is said, looked at, upheld, signed, read by the server itself, and no mistake any more.
func TestReportsFromEndToEnd(t *testing.T) {
	s, run, file := reportsServer(t)
	good := func(args ...string) string {
		t.Helper()
		r := run(args...)
		if r.code != 0 {
			t.Fatalf("hearth %s: exit %d\n%s%s", strings.Join(args, " "), r.code, r.out, r.err)
		}
		return r.out
	}
	if is := categoriesOf(t, s, "www.chess.example"); is != "money.gambling" {
		t.Fatalf("www.chess.example is %q before", is)
	}
	number, _, _ := strings.Cut(good("reports", "add", "appeal", "www.chess.example", "--why", "fine", "--word", "a club"), ",")
	report, _, _ := strings.Cut(good("reports", "add", "report", "https://bad.example/page"), ",")
	if list := good("reports", "list", "--kind", "appeal"); !strings.Contains(list, number) || !strings.Contains(list, "chess.example (money.gambling bets)") || !strings.Contains(list, "1 of 1 ticket") {
		t.Errorf("the list:\n%s", list)
	}
	if show := good("reports", "show", number); !strings.Contains(show, "chess.example") || !strings.Contains(show, "fine (1)") || !strings.Contains(show, "a club") {
		t.Errorf("the ticket:\n%s", show)
	}
	good("reports", "decide", number, "upheld")
	if r := run("reports", "decide", report, "upheld"); r.code != 2 || !strings.Contains(r.err, "write its category") {
		t.Errorf("a report without a category: exit %d, %s", r.code, r.err)
	}
	good("reports", "decide", report, "upheld", "--category", "adult.porn")
	published := good("reports", "publish")
	head, sources, found := strings.Cut(published, "lists:\n  sources:\n")
	if !found || !strings.Contains(head, "1 blocked and 1 taken out") {
		t.Fatalf("published:\n%s", published)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	write(t, file, string(text)+sources)
	if _, err := s.reload(context.Background(), "test"); err != nil {
		t.Fatalf("the sources that publish shows: %v", err)
	}
	for name, want := range map[string]string{"www.chess.example": "", "cards.example": "money.gambling", "www.bad.example": "adult.porn", "sealed.example": "illegal.order"} {
		if is := categoriesOf(t, s, name); is != want {
			t.Errorf("%s is %q, want %q", name, is, want)
		}
	}
	if bundle := good("reports", "bundle", "bets"); !strings.Contains(bundle, "`chess.example`") || !strings.Contains(bundle, "1 name that may be listed by mistake") {
		t.Errorf("the bundle:\n%s", bundle)
	}
	var b tickets.Bundle
	if err := json.Unmarshal([]byte(good("reports", "bundle", "bets", "--json")), &b); err != nil || len(b.Items) != 1 || len(b.Items[0].Version) < 8 {
		t.Errorf("the bundle in JSON: %v, %+v", err, b)
	}
	if page := good("reports", "transparency", "--from", "2020-01-01", "--to", "2029-12-31"); !strings.Contains(page, "| money.gambling | fewer than 5 |") || strings.Contains(page, ".example") {
		t.Errorf("the report:\n%s", page)
	}
	good("reports", "withdraw", "bad.example")
	good("reports", "publish")
	if _, err := (control{s}).Reload(context.Background()); err != nil {
		t.Fatal(err)
	}
	if is := categoriesOf(t, s, "bad.example"); is != "" {
		t.Errorf("bad.example is %q after it was withdrawn", is)
	}
}

// TestReportsTellNothingOfTheLaw: a name of a legal list is taken like any other, and is nowhere after.
func TestReportsTellNothingOfTheLaw(t *testing.T) {
	s, run, _ := reportsServer(t)
	sealed, usual := run("reports", "add", "appeal", "sealed.example"), run("reports", "add", "appeal", "cards.example")
	number, rest, _ := strings.Cut(sealed.out, ",")
	_, other, _ := strings.Cut(usual.out, ",")
	if sealed.code != 0 || usual.code != 0 || rest != other || len(sealed.out) != len(usual.out) {
		t.Errorf("one is answered %q, the other %q", sealed.out, usual.out)
	}
	if status, err := s.tickets.Status(number); err != nil || status.Outcome != tickets.Open {
		t.Errorf("its number shows %+v, %v", status, err)
	}
	for _, args := range [][]string{{"reports", "list"}, {"reports", "list", "--decided"}, {"export", "--json"}, {"reports", "transparency", "--from", "2020-01-01", "--to", "2029-12-31", "--json"}} {
		if r := run(args...); strings.Contains(r.out+r.err, "sealed") {
			t.Errorf("hearth %s names it:\n%s%s", strings.Join(args, " "), r.out, r.err)
		}
	}
	for range 20 {
		run("reports", "add", "appeal", "sealed.example")
	}
	if r := run("reports", "add", "appeal", "sealed.example"); r.code == 0 || !strings.Contains(r.err, "tomorrow") {
		t.Errorf("names can be tried in bulk: exit %d, %s%s", r.code, r.out, r.err)
	}
}

// TestReportsRefused: what is asked wrongly is told in words that say what to write.
func TestReportsRefused(t *testing.T) {
	_, run, _ := reportsServer(t)
	for _, x := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"add", "rant", "cards.example"}, 2, "appeal or report"},
		{[]string{"add", "appeal", "free.example"}, 1, "ask at home"},
		{[]string{"add", "appeal", "ask.hearth.home.arpa"}, 2, "public internet"},
		{[]string{"add", "report", "dns.resolver.arpa"}, 2, "public internet"},
		{[]string{"show", ""}, 2, "which one is meant"},
		{[]string{"add", "appeal", "cards.example", "--why", "rant"}, 2, "fine, category, help, other"},
		{[]string{"show", "1"}, 2, "twelve digits"},
		{[]string{"decide", "1", "upheld"}, 2, "twelve digits"},
		{[]string{"list", "--older", "long"}, 2, "48h"},
		{[]string{"list", "--limit", "1000"}, 2, "1 to 200"},
		{[]string{"bundle", "nobody"}, 1, "nothing is to be told"},
		{[]string{"transparency"}, 2, "YYYY-MM-DD"},
		{[]string{"withdraw", "cards.example"}, 1, "not on the signed list"},
	} {
		if r := run(append([]string{"reports"}, x.args...)...); r.code != x.code || !strings.Contains(r.err, x.want) {
			t.Errorf("hearth reports %s: exit %d, %q; want %d with %q", strings.Join(x.args, " "), r.code, r.err, x.code, x.want)
		}
	}
}

// TestMaintainer: who makes a list is found by its address, and where they take issues by the forge.
func TestMaintainer(t *testing.T) {
	known, err := register.Open()
	if err != nil {
		t.Fatal(err)
	}
	l, found := known.List("hagezi-light")
	if !found {
		t.Fatal("the catalogue has no hagezi-light")
	}
	m, ok := maintainer(known, []source.Source{{Name: "mine", URL: l.URL}}, "mine")
	if !ok || m.Tracker != "https://github.com/hagezi/dns-blocklists/issues" || !strings.Contains(m.Title, "HaGeZi") {
		t.Errorf("%+v", m)
	}
	if m, ok := maintainer(known, nil, "starter:adult.porn"); !ok || m.Tracker != homepage+"/issues" {
		t.Errorf("of a starter list %+v", m)
	}
	for _, none := range []string{"", "https://lists.example/a/b", "https://github.com/only-one", "http://[::1", "https://github.com/a/b/c"} {
		if at := tracker(none); at != "" {
			t.Errorf("%s takes issues at %s", none, at)
		}
	}
}
