package main

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/policy/account"
	"github.com/hearthdns/hearth/policy/notify"
	"github.com/hearthdns/hearth/policy/parents"
	"github.com/prometheus/client_golang/prometheus"
)

// totalOf gives a counter without labels.
func totalOf(t *testing.T, c prometheus.Collector, name string) float64 {
	t.Helper()
	r := prometheus.NewPedanticRegistry()
	r.MustRegister(c)
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()[0].GetCounter().GetValue()
		}
	}
	t.Fatalf("there is no metric %s", name)
	return 0
}

// TestRequestReachesParents: what a child asks for at the desk comes to a channel of the household, without the site's name
// and to no other household, and the first of two answers asks for the second.
func TestRequestReachesParents(t *testing.T) {
	told := make(chan string, 10)
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		told <- r.URL.Path + " " + string(body)
	}))
	defer hook.Close()
	other := strings.NewReplacer("id: home", "id: other", "10.0.0.", "10.0.1.", "Kim", "Leo").Replace(withBand("child")[strings.Index(withBand("child"), "  - id"):])
	s, _, _ := testServer(t, strings.Replace(withBand("child"), "    members", "    answers: two\n    rules: [{name: games.example, action: deny}]\n    members", 1)+other+"notify: {private: true}\n")
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.post.Run(ctx) }()
	defer func() { cancel(); <-ended }()
	for _, home := range []string{"home", "other"} {
		if _, err := s.post.Add(ctx, home, notify.Channel{Kind: notify.Webhook, To: hook.URL + "/" + home}); err != nil {
			t.Fatal(err)
		}
	}
	kim := s.directory().Identify(mustAddr(t, "10.0.0.2"))
	name, err := blocklists.ParseName("games.example")
	if err != nil {
		t.Fatal(err)
	}
	now := s.parents.Now().In(kim.Household.Location)
	q := s.directory().Ask(name, new(blocklists.Hashes))
	r, err := s.parents.Request(ctx, kim, parents.Wish{Name: "games.example", Question: q, Decision: kim.Decide(&q, now)})
	if err != nil || r.Status != parents.Waiting {
		t.Fatalf("%+v, %v", r, err)
	}
	if got := <-told; !strings.HasPrefix(got, "/home ") || !strings.Contains(got, "Kim") || strings.Count(got, `"https://hearth.home.arpa:8444/requests/`+r.ID+`"`) != 2 || strings.Contains(got, "games.example") {
		t.Errorf("told %s", got)
	}
	anna := parents.Who{Household: "home", Actor: parents.Actor{Role: parents.Parent, Household: "home", Name: "Anna", Account: "a1"}}
	if r, err = s.parents.Answer(ctx, anna, r.ID, parents.Verdict{For: "30m"}); err != nil || r.Status != parents.Half {
		t.Fatalf("%+v, %v", r, err)
	}
	if text := sentences("en", notify.Draft{Kind: notify.Request, Count: 1, Member: "Kim", What: string(r.Status)}); !strings.Contains(text.Title, "second yes") {
		t.Errorf("%+v", text)
	}
	for end := time.Now().Add(10 * time.Second); totalOf(t, s.post, "hearth_notify_joined_total") == 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("nobody is told that a second answer is needed")
		}
	}
	select {
	case got := <-told:
		if strings.HasPrefix(got, "/other ") {
			t.Errorf("another household is told %s", got)
		}
	default: // it waits for its minute of quiet
	}
}

// TestRequestsAreForGrownUps: a request, and who signed in, comes to the channels of parents and of carers whose time has not ended, and to
// those that are everybody's; never to that of another child, not even where no grown-up has an account.
func TestRequestsAreForGrownUps(t *testing.T) {
	told := make(chan string, 10)
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { told <- r.URL.Path }))
	defer hook.Close()
	s, _, _ := testServer(t, withBand("child")+"notify: {private: true}\n")
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.post.Run(ctx) }()
	defer func() { cancel(); <-ended }()
	join := func(name string, role account.Role, until time.Time) {
		i, err := s.accounts.Invite(ctx, account.Machine(), account.Offer{Household: "home", Role: role, Name: name, Until: until})
		if err != nil {
			t.Fatal(err)
		}
		client := account.Client{Address: mustAddr(t, "10.0.0.9")}
		if _, err := s.accounts.Accept(ctx, account.Join{Client: client, Code: i.Code, Name: name, Passphrase: "four words of " + strings.ToLower(name) + " quietly"}); err != nil {
			t.Fatal(err)
		}
	}
	channel := func(to string, readers ...string) {
		if _, err := s.post.Add(ctx, "home", notify.Channel{Kind: notify.Webhook, To: hook.URL + "/" + to, For: readers}); err != nil {
			t.Fatal(err)
		}
	}
	hears := func(tell func(), want ...string) {
		t.Helper()
		tell()
		var got []string
		for range want {
			select {
			case path := <-told:
				got = append(got, path)
			case <-time.After(10 * time.Second):
				t.Fatalf("told %v, want %v", got, want)
			}
		}
		if slices.Sort(got); !slices.Equal(got, want) {
			t.Errorf("told %v, want %v", got, want)
		}
	}
	request := func() {
		s.tellOfRequest(parents.Request{Household: "home", Member: "Kim", Status: parents.Waiting})
	}
	join("Lena", account.Child, time.Time{})
	channel("child", "Lena")
	channel("all")
	hears(request, "/all")
	hears(func() { s.tellOf(ctx, account.Notice{Event: account.EventSignIn, Household: "home", Name: "Bo"}) }, "/all")
	join("Anna", account.Parent, time.Time{})
	join("Oma", account.Carer, time.Now().Add(24*time.Hour))
	channel("parent", "Anna")
	channel("carer", "Oma")
	hears(request, "/carer", "/parent") // that of all waits for its minute of quiet
	select {
	case path := <-told:
		t.Errorf("%s is told too", path)
	case <-time.After(100 * time.Millisecond):
	}
}

// TestGuessedPINsReachParents: who guesses PINs on a shared device is told of with the device, and stands in the audit with it.
func TestGuessedPINsReachParents(t *testing.T) {
	told := make(chan string, 10)
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		told <- string(body)
	}))
	defer hook.Close()
	s, _, _ := testServer(t, strings.NewReplacer("band: child}]", "band: child}, {name: Leo, band: teen}]", "member: Kim", "members: [Kim, Leo]").Replace(withBand("child"))+"notify: {private: true}\n")
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.post.Run(ctx) }()
	defer func() { cancel(); <-ended }()
	if _, err := s.post.Add(ctx, "home", notify.Channel{Kind: notify.Webhook, To: hook.URL}); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		if _, err := s.parents.Use(ctx, "home", "tablet", "Leo", "7777", 30); err == nil {
			t.Fatal("the PIN is taken")
		}
	}
	select {
	case got := <-told:
		if !strings.Contains(got, "Somebody guesses PINs on the device tablet") || !strings.Contains(got, "sign-in") || strings.Contains(got, "7777") {
			t.Errorf("told %s", got)
		}
	case <-time.After(10 * time.Second):
		t.Error("nobody is told")
	}
	_, list, err := s.parents.Audit(ctx, parents.Who{Household: "home", Actor: parents.Actor{Role: parents.Machine}})
	if err != nil || len(list) == 0 || list[0].What != "somebody guesses PINs" || list[0].Device != "tablet" {
		t.Errorf("the audit: %+v, %v", list, err)
	}
}
