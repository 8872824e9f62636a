package notify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/hearthdns/hearth/policy/policytest"
	"github.com/hearthdns/hearth/policy/store"
)

// notes is a carrier that notes what it is given, and when.
type notes struct {
	mu    sync.Mutex
	begin time.Time
	lines []string
	ids   []string
	fail  func(l letter) error
}

func (n *notes) send(_ context.Context, l letter) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.ids = append(n.ids, l.id)
	n.lines = append(n.lines, fmt.Sprintf("%s %s %s: %s", time.Since(n.begin).Truncate(time.Second), l.channel.Name, l.text.Title, l.text.Body))
	if n.fail != nil {
		return n.fail(l)
	}
	return nil
}

// staged runs a Post whose carriers are notes, under the clock of synctest.
func staged(t *testing.T, act func(t *testing.T, p *Post, n *notes)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		p := post(t, nil, func(c *Config) {
			c.Settings.Mail = MailSettings{Server: "example.com", TLS: startTLS, From: "a@example.com"}
			c.Settings.Ntfy.Server = "https://example.com"
		})
		n := &notes{begin: time.Now()}
		for _, c := range Carriers() {
			p.carriers[c] = n
		}
		run(t, p)
		act(t, p, n)
	})
}

// rest has time go by, until nobody has anything to do.
func rest(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func (n *notes) want(t *testing.T, want ...string) {
	t.Helper()
	n.mu.Lock()
	defer n.mu.Unlock()
	if diff := cmp.Diff(want, n.lines); diff != "" {
		t.Error(diff)
	}
}

func hook(n int) Channel {
	return Channel{Kind: Webhook, To: fmt.Sprintf("https://home.example/%d", n), Name: fmt.Sprint(n)}
}

// TestTenAreOne: ten requests within a minute are one message with the number, and a single one does not wait for others
// longer than a burst takes. E-mail is read later than that.
func TestTenAreOne(t *testing.T) {
	staged(t, func(t *testing.T, p *Post, n *notes) {
		add(t, p, hook(1))
		for range 10 {
			p.Send(Message{Household: "h-home", Kind: Request, Member: "Kim", Site: "a.example"})
		}
		rest(5 * time.Minute)
		n.want(t, "2s 1 10 request: Kim")
	})
	staged(t, func(t *testing.T, p *Post, n *notes) {
		mail := alex
		mail.Name = "mail"
		add(t, p, mail)
		for i := range 10 {
			p.Send(Message{Household: "h-home", Kind: Request, Member: []string{"Kim", "Toni"}[i/9]})
			rest(5 * time.Second)
		}
		rest(5 * time.Minute)
		n.want(t, "1m0s mail 10 request: ")
	})
	staged(t, func(t *testing.T, p *Post, n *notes) {
		add(t, p, hook(1))
		for range 9 { // 0 s to 40 s, then one more after the quiet began
			p.Send(Message{Household: "h-home", Kind: Request, Member: "Kim"})
			rest(5 * time.Second)
		}
		p.Send(Message{Household: "h-home", Kind: SignIn})
		rest(5 * time.Minute)
		p.Send(Message{Household: "h-home", Kind: Request, Member: "Kim"})
		rest(5 * time.Minute)
		// The one that comes later tells the number of all, and takes the place of the first on a screen.
		n.want(t, "2s 1 1 request: Kim", "47s 1 1 sign-in: ", "1m2s 1 9 request: Kim", "5m47s 1 1 request: Kim")
	})
}

// TestOneRequestTwice: that a request which was told of needs a second yes is told of as this one, and not as two.
func TestOneRequestTwice(t *testing.T) {
	staged(t, func(t *testing.T, p *Post, n *notes) {
		add(t, p, hook(1))
		p.Send(Message{Household: "h-home", Kind: Request, Member: "Kim", Path: "/requests/a"})
		rest(10 * time.Second)
		p.Send(Message{Household: "h-home", Kind: Request, Member: "Kim", Path: "/requests/a", What: "half"})
		rest(5 * time.Minute)
		p.Send(Message{Household: "h-home", Kind: Request, Member: "Kim", Path: "/requests/b"})
		p.Send(Message{Household: "h-home", Kind: Request, Member: "Kim", Path: "/requests/c"})
		rest(5 * time.Minute)
		n.want(t, "2s 1 1 request: Kim", "1m2s 1 1 request: Kim  half", "5m12s 1 2 request: Kim")
	})
}

// TestDeadReceiver: one that takes nothing delays nobody; it is tried five times within nine minutes, and what comes
// meanwhile goes with the next try.
func TestDeadReceiver(t *testing.T) {
	staged(t, func(t *testing.T, p *Post, n *notes) {
		add(t, p, hook(1))
		add(t, p, hook(2))
		n.fail = func(l letter) error {
			if l.channel.Name == "1" {
				return late
			}
			return nil
		}
		p.Send(Message{Household: "h-home", Kind: Request, Member: "Kim"})
		rest(20 * time.Second)
		p.Send(Message{Household: "h-home", Kind: Notice})
		rest(time.Hour)
		var dead, alive []string
		n.mu.Lock()
		for _, l := range n.lines {
			if strings.Contains(l, " 2 1 ") {
				alive = append(alive, l)
			} else {
				dead = append(dead, l)
			}
		}
		n.mu.Unlock()
		if diff := cmp.Diff([]string{"2s 2 1 request: Kim", "22s 2 1 notice: "}, alive); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]string{
			"2s 1 1 request: Kim", "7s 1 1 request: Kim", "22s 1 1 notice: ", "27s 1 1 notice: ", "37s 1 1 request: Kim", "57s 1 1 notice: ",
			"2m37s 1 1 request: Kim", "2m57s 1 1 notice: ", "7m37s 1 1 request: Kim", "7m57s 1 1 notice: ",
		}, dead); diff != "" {
			t.Error(diff)
		}
		if got := p.failed[Webhook].Load(); got != 2 {
			t.Errorf("%d failed, want 2", got)
		}
		if len(p.lanes) != 0 || len(p.full) != 0 {
			t.Errorf("%d lanes are left, %v", len(p.lanes), p.full)
		}
	})
}

// TestTries: a later try has the same id until something joins; what cannot be mended is not tried again; who says how
// long it wants to be left alone is, within bounds.
func TestTries(t *testing.T) {
	staged(t, func(t *testing.T, p *Post, n *notes) {
		add(t, p, hook(1))
		n.fail = func(letter) error { return &Failure{Why: Busy, After: time.Hour} }
		p.Send(Message{Household: "h-home", Kind: Request, Member: "Kim"})
		rest(6 * time.Minute)
		p.Send(Message{Household: "h-home", Kind: Request, Member: "Kim"})
		rest(5 * time.Minute)
		n.want(t, "2s 1 1 request: Kim", "5m2s 1 1 request: Kim", "10m2s 1 2 request: Kim")
		if n.ids[0] != n.ids[1] || n.ids[1] == n.ids[2] || n.ids[0] == "" {
			t.Errorf("ids %v", n.ids)
		}
	})
	for _, w := range []Why{Wrong, Off, Forbidden, Certificate, Login, Gone, Refused} {
		staged(t, func(t *testing.T, p *Post, n *notes) {
			add(t, p, hook(1))
			n.fail = func(letter) error { return &Failure{Why: w} }
			p.Send(Message{Household: "h-home", Kind: Request})
			rest(time.Hour)
			n.want(t, "2s 1 1 request: ")
		})
	}
}

// TestRemovedMeanwhile: a channel that is removed, or changed so that it wants no more of it, gets nothing from then on.
func TestRemovedMeanwhile(t *testing.T) {
	staged(t, func(t *testing.T, p *Post, n *notes) {
		one, two := add(t, p, hook(1)), add(t, p, hook(2))
		p.Send(Message{Household: "h-home", Kind: Request})
		rest(time.Second)
		if err := p.Remove(t.Context(), "h-home", one.ID); err != nil {
			t.Fatal(err)
		}
		two.Of = []Kind{Notice}
		add(t, p, two)
		rest(time.Hour)
		n.want(t)
	})
}

// TestErasedMeanwhile: of somebody who is erased nobody is told what waits, nor tried again; of others, and of what comes
// later, all the same.
func TestErasedMeanwhile(t *testing.T) {
	staged(t, func(t *testing.T, p *Post, n *notes) {
		add(t, p, hook(1))
		n.fail = func(letter) error { return &Failure{Why: Busy} }
		for _, m := range []Message{{Kind: Request, Member: "Mia"}, {Kind: Notice, Member: "Kim"}} {
			m.Household = "h-home"
			p.Send(m)
			rest(time.Second)
		}
		rest(2 * time.Second)
		p.Drop("h-home", "Mia")
		p.Drop("h-other", "Kim")
		n.fail = nil
		rest(20 * time.Second)
		p.Send(Message{Household: "h-home", Kind: Request, Member: "Tom"})
		rest(time.Hour)
		n.want(t, "2s 1 1 request: Mia", "3s 1 1 notice: Kim", "8s 1 1 notice: Kim", "1m7s 1 1 request: Tom")
	})
}

// TestWhoIsTold: a channel gets what is for its readers and of its kinds, of its household.
func TestWhoIsTold(t *testing.T) {
	staged(t, func(t *testing.T, p *Post, n *notes) {
		for i, c := range []Channel{{}, {For: []string{"anna"}}, {For: []string{"ben"}}, {Of: []Kind{SignIn}}, {For: []string{"ben"}, Of: []Kind{Request}}} {
			h := hook(i)
			h.For, h.Of = c.For, c.Of
			add(t, p, h)
		}
		if _, err := p.Add(t.Context(), "h-other", hook(9)); err != nil {
			t.Fatal(err)
		}
		for i, tt := range []struct {
			m    Message
			want []string
		}{
			{Message{Kind: Request}, []string{"0", "1", "2", "4"}},
			{Message{Kind: SignIn, For: []string{"anna"}}, []string{"0", "1", "3"}},
			{Message{Kind: Request, For: []string{"ben", "eve"}}, []string{"0", "2", "4"}},
			{Message{Kind: SignIn, For: append(slices.Repeat([]string{"eve"}, maxReaders-1), "anna")}, []string{"0", "1", "3"}},
		} {
			n.lines = nil
			tt.m.Household = "h-home"
			p.Send(tt.m)
			rest(time.Hour)
			got := map[string]bool{}
			for _, l := range n.lines {
				got[strings.Fields(l)[1]] = true
			}
			for _, w := range tt.want {
				if !got[w] {
					t.Errorf("%d: channel %s was not told: %v", i, w, n.lines)
				}
			}
			if len(got) != len(tt.want) {
				t.Errorf("%d: told %v, want %v", i, n.lines, tt.want)
			}
		}
	})
}

// TestNames: a site is named only where the household wants it, and never on the way there.
func TestNames(t *testing.T) {
	staged(t, func(t *testing.T, p *Post, n *notes) {
		add(t, p, hook(1))
		ask := Message{Household: "h-home", Kind: Request, Member: "Kim", Site: "games.example"}
		for _, names := range []bool{false, true, false} {
			if err := p.SetNames(t.Context(), "h-home", names); err != nil {
				t.Fatal(err)
			}
			if got, err := p.Names(t.Context(), "h-home"); err != nil || got != names {
				t.Errorf("%t, %v", got, err)
			}
			p.Send(ask)
			rest(time.Hour)
		}
		n.want(t, "2s 1 1 request: Kim", "1h0m2s 1 1 request: Kim games.example", "2h0m2s 1 1 request: Kim")
	})
}

// TestBounds: what does not fit is dropped and counted: messages, lanes of a carrier, of a household, channels, tests.
func TestBounds(t *testing.T) {
	p := post(t, nil, nil)
	for range backlog + 7 {
		p.Send(Message{Household: "h-home", Kind: Request})
	}
	if got := p.noRoom.Load(); got != 7 {
		t.Errorf("%d were dropped, want 7", got)
	}
	staged(t, func(t *testing.T, p *Post, _ *notes) {
		var work sync.WaitGroup
		ctx, stop := context.WithCancel(t.Context())
		for i := range maxLanes + 5 {
			p.enqueue(ctx, &work, laneKey{fmt.Sprintf("h-%d", i), "x", Webhook, Request}, Message{})
		}
		p.enqueue(ctx, &work, laneKey{"h-0", "x", Mail, Request}, Message{}) // of another carrier
		if got := p.noRoom.Load(); got != 5 || len(p.lanes) != maxLanes+1 {
			t.Errorf("%d were dropped and %d wait", got, len(p.lanes))
		}
		stop()
		work.Wait()
		if len(p.lanes) != 0 || len(p.full) != 0 {
			t.Errorf("%d lanes are left, %v", len(p.lanes), p.full)
		}
		ctx, stop = context.WithCancel(t.Context())
		for i := range maxHomely + 5 {
			p.enqueue(ctx, &work, laneKey{"h-home", fmt.Sprint(i), Webhook, Request}, Message{})
		}
		if got := p.noRoom.Load(); got != 10 {
			t.Errorf("%d were dropped, want 10", got)
		}
		stop()
		work.Wait()
	})
	for i := range MaxChannels {
		add(t, p, hook(i))
	}
	if _, err := p.Add(t.Context(), "h-home", hook(MaxChannels)); why(t, err) != Full {
		t.Errorf("one channel more: %v", err)
	}
	add(t, p, hook(3)) // one that is there
	for i := range maxLast + 10 {
		p.remember("h-home", fmt.Sprint(i), nil)
	}
	if len(p.last) > maxLast {
		t.Errorf("%d results are remembered", len(p.last))
	}
}

// TestTestsAreFew: who is written to may not have asked for it.
func TestTestsAreFew(t *testing.T) {
	staged(t, func(t *testing.T, p *Post, n *notes) {
		for i := range tests + 1 {
			if got, want := why(t, p.Test(t.Context(), "h-home", alex)), map[bool]Why{true: Often}[i >= tests]; got != want {
				t.Errorf("test %d: %q, want %q", i, got, want)
			}
		}
		stranger := alex
		stranger.ID = strings.Repeat("x", 1<<20)
		if err := p.Test(t.Context(), "h-other", stranger); err != nil || len(p.last) != 0 {
			t.Errorf("%v, and %d results are remembered of what is not kept", err, len(p.last))
		}
		rest(time.Hour)
		if err := p.Test(t.Context(), "h-home", alex); err != nil {
			t.Error(err)
		}
		if len(n.lines) != tests+2 || !strings.HasSuffix(n.lines[0], "1 test: ") {
			t.Errorf("%d were sent: %v", len(n.lines), n.lines)
		}
		for i := range testers + 10 {
			p.mayTest(fmt.Sprintf("h-%d", i))
		}
		if len(p.tested) > testers {
			t.Errorf("%d households are counted", len(p.tested))
		}
	})
}

// TestSecretsAreNotLogged: what fails is logged without address, topic, token, endpoint, password, household or text.
func TestSecretsAreNotLogged(t *testing.T) {
	secrets := []string{"opensesame", "h-home", "Kim", "games.example", "127.0.0.1", "smith", "tk_"}
	server, _ := secure(t, func(w http.ResponseWriter, _ *http.Request) { // one certificate for all of httptest
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte("opensesame"))
	})
	s := newSMTP(t, says("RCPT", "550 opensesame@home.example is unknown"))
	var log bytes.Buffer
	p := post(t, s.roots, func(c *Config) {
		c.Settings = Settings{Private: true, Mail: s.settings(""), Ntfy: NtfySettings{Server: server.URL}}
		c.Resolve = inHouse
		c.Report = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	push := newBrowser(t).channel("https://example.com:" + portOf(t, server.URL) + "/opensesame")
	for i, c := range []Channel{push, {Kind: Mail, To: "opensesame@home.example"}, {Kind: Ntfy, To: "smith-opensesame"}, {Kind: Webhook, To: server.URL + "/opensesame"}} {
		c = add(t, p, c)
		key := laneKey{"h-home", c.ID, c.Kind, Request}
		ctx, stop := context.WithCancel(t.Context())
		l := &lane{message: Message{Household: "h-home", Kind: Request, Member: "Kim", Site: "games.example"}, count: 1}
		p.deliver(ctx, key, l)
		stop()
		r, ok := p.Last("h-home", c.ID)
		if !ok || r.Failure == nil {
			t.Fatalf("%d: %s did not fail", i, c.Kind)
		}
		log.WriteString(r.Failure.Error())
	}
	if n := strings.Count(log.String(), "a message was not delivered"); n != 4 {
		t.Errorf("%d failures are logged: %s", n, &log)
	}
	for _, secret := range secrets {
		if strings.Contains(log.String(), secret) {
			t.Errorf("%s is told: %s", secret, &log)
		}
	}
}

// TestChannels: what is wrong is said with what to write, and nothing is kept of it.
func TestChannels(t *testing.T) {
	p := post(t, nil, nil)
	phone := newBrowser(t)
	good := phone.channel("https://push.example/x")
	short, off := good, good
	short.Auth = "AAAA"
	off.P256dh = "BBBB"
	padded := good
	padded.P256dh += "="
	for name, tt := range map[string]struct {
		c    Channel
		want Why
		say  string
	}{
		"push":             {good, "", ""},
		"padded keys":      {padded, "", ""},
		"short auth":       {short, Wrong, "as the browser gave"},
		"no point":         {off, Wrong, "as the browser gave"},
		"no keys":          {Channel{Kind: Push, To: "https://push.example/x"}, Wrong, "as the browser gave"},
		"push inside":      {phone.channel("https://10.0.0.1/x"), Forbidden, "notify.private"},
		"push in clear":    {phone.channel("http://push.example/x"), Wrong, "https://"},
		"mail is off":      {alex, Off, "notify.mail.server"},
		"ntfy is off":      {Channel{Kind: Ntfy, To: "smith"}, Off, "notify.ntfy.server"},
		"unknown":          {Channel{Kind: "pigeon", To: "x"}, Wrong, "push, mail, ntfy, webhook"},
		"none":             {Channel{}, Wrong, "push, mail, ntfy, webhook"},
		"webhook":          {hook(1), "", ""},
		"webhook inside":   {Channel{Kind: Webhook, To: "https://192.168.1.5/"}, Forbidden, "notify.private"},
		"webhook in clear": {Channel{Kind: Webhook, To: "http://home.example/"}, Wrong, "https://"},
		"kind":             {Channel{Kind: Webhook, To: "https://home.example/", Of: []Kind{"gossip"}}, Wrong, "request, notice, sign-in, birthday, outcome"},
		"test":             {Channel{Kind: Webhook, To: "https://home.example/", Of: []Kind{test}}, Wrong, "request"},
		"long name":        {Channel{Kind: Webhook, To: "https://home.example/", Name: strings.Repeat("x", 65)}, Wrong, "64"},
		"name of controls": {Channel{Kind: Webhook, To: "https://home.example/", Name: "a\nb"}, Wrong, "64"},
		"no account":       {Channel{Kind: Webhook, To: "https://home.example/", For: []string{""}}, Wrong, "accounts"},
		"keys elsewhere":   {Channel{Kind: Webhook, To: "https://home.example/", Auth: "x"}, Wrong, "keys"},
	} {
		c, err := p.Add(t.Context(), "h-home", tt.c)
		if got := why(t, err); got != tt.want || err != nil && !strings.Contains(err.Error(), tt.say) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
		if err == nil {
			if err := p.Remove(t.Context(), "h-home", c.ID); err != nil {
				t.Error(err)
			}
		}
	}
	if found, err := p.Channels(t.Context(), "h-home"); err != nil || len(found) != 0 {
		t.Errorf("%v, %v are kept", found, err)
	}
	for topic, want := range map[string]bool{"smith": true, "a-B_9": true, "": false, "a b": false, "a/b": false, "é": false, "a\n": false, strings.Repeat("a", 65): false} {
		if topics.MatchString(topic) != want {
			t.Errorf("topic %q: %t", topic, !want)
		}
	}
}

// TestKept: channels outlive a restart in the program's own store, replace themselves, and go with the account that they
// are for.
func TestKept(t *testing.T) {
	file := filepath.Join(t.TempDir(), "hearth.db")
	log, err := store.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	p := post(t, nil, func(c *Config) { c.Log = log })
	both, hers := hook(1), hook(2)
	both.For, hers.For = []string{"anna", "ben"}, []string{"anna"}
	first, everyone := add(t, p, both), hook(3)
	add(t, p, hers)
	add(t, p, everyone)
	if again := add(t, p, both); again.ID != first.ID || again.Secret == first.Secret {
		t.Errorf("%+v again as %+v", first, again)
	}
	if err := errors.Join(p.SetNames(t.Context(), "h-home", true), log.Close()); err != nil {
		t.Fatal(err)
	}
	if log, err = store.Open(file); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = log.Close() }()
	p = post(t, nil, func(c *Config) { c.Log = log })
	if names, err := p.Names(t.Context(), "h-home"); err != nil || !names {
		t.Errorf("%t, %v", names, err)
	}
	left := func() (names []string) {
		found, err := p.Channels(t.Context(), "h-home")
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range found {
			names = append(names, c.Name+" "+strings.Join(c.For, "+"))
		}
		return names
	}
	if diff := cmp.Diff([]string{"1 anna+ben", "2 anna", "3 "}, sorted(left())); diff != "" {
		t.Error(diff)
	}
	if err := p.Forget(t.Context(), "h-home", "anna"); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"1 ben", "3 "}, sorted(left())); diff != "" {
		t.Error(diff)
	}
}

// between is a store into which somebody else writes between the reading and the writing of a change.
type between struct {
	*policytest.Memory
	write func()
}

func (b *between) Put(ctx context.Context, writes ...store.Write) (uint64, error) {
	if write := b.write; write != nil {
		b.write = nil
		write()
	}
	return b.Memory.Put(ctx, writes...)
}

// TestNothingIsLost: of those who change channels at the same time nobody takes back what another did, here or on another
// machine, and no more are kept than may be.
func TestNothingIsLost(t *testing.T) {
	log := &between{Memory: new(policytest.Memory)}
	p := post(t, nil, func(c *Config) { c.Log = log })
	other := post(t, nil, func(c *Config) { c.Log = log.Memory })
	both := hook(1)
	both.For = []string{"anna", "ben", "cleo"}
	add(t, p, both)
	log.write = func() {
		if err := other.Forget(t.Context(), "h-home", "ben"); err != nil {
			t.Error(err)
		}
	}
	if err := p.Forget(t.Context(), "h-home", "anna"); err != nil {
		t.Fatal(err)
	}
	found, err := p.Channels(t.Context(), "h-home")
	if err != nil || len(found) != 1 || !slices.Equal(found[0].For, []string{"cleo"}) {
		t.Errorf("left: %+v, %v", found, err)
	}
	log.write = func() {
		wider := hook(1)
		wider.For, wider.Name = []string{"dora", "cleo"}, "renamed"
		add(t, other, wider)
	}
	if err := p.Forget(t.Context(), "h-home", "cleo"); err != nil {
		t.Fatal(err)
	}
	found, err = p.Channels(t.Context(), "h-home")
	if err != nil || len(found) != 1 || found[0].Name != "renamed" || !slices.Equal(found[0].For, []string{"dora"}) {
		t.Errorf("left: %+v, %v", found, err)
	}
	var wait sync.WaitGroup
	for i := range 60 {
		wait.Go(func() {
			_, err := p.Add(t.Context(), "h-home", hook(i+2))
			if f := new(Failure); err != nil && (!errors.As(err, &f) || f.Why != Full) {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if found, err = p.Channels(t.Context(), "h-home"); err != nil || len(found) != MaxChannels {
		t.Errorf("%d channels, %v; want %d", len(found), err, MaxChannels)
	}
}

// TestStoreAway: where channels cannot be read nothing is sent, and that is counted and logged.
func TestStoreAway(t *testing.T) {
	staged(t, func(t *testing.T, p *Post, n *notes) {
		add(t, p, hook(1))
		p.cfg.Log.(*policytest.Memory).Broken = errors.New("the disk is gone")
		p.Send(Message{Household: "h-home", Kind: Request})
		rest(time.Hour)
		n.want(t)
		if got := p.noStore.Load(); got != 1 {
			t.Errorf("%d are counted", got)
		}
	})
}

// TestLinks: whatever a caller gives as a path, a message leads into the console or nowhere.
func TestLinks(t *testing.T) {
	for page, want := range map[string]string{
		"/requests/7": home + "/requests/7", "": home + "/", "requests": home + "/requests", "/a?b=c": home + "/a?b=c",
		"//evil.example/": home + "/evil.example", "https://evil.example/": home + "/https:/evil.example", "/../../x": home + "/x",
		"/%zz": "", "\\\\evil.example": home + "/%5C%5Cevil.example", "/a\nb": "",
	} {
		if got := inConsole(home, page); got != want {
			t.Errorf("%q leads to %q, want %q", page, got, want)
		}
	}
	for _, base := range []string{"", "hearth.example", "javascript:alert(1)", "ftp://x.example"} {
		if got := inConsole(base, "/x"); got != "" {
			t.Errorf("from %q to %q", base, got)
		}
	}
}

// TestMetrics: figures are of carriers alone.
func TestMetrics(t *testing.T) {
	staged(t, func(t *testing.T, p *Post, _ *notes) {
		add(t, p, hook(1))
		p.Send(Message{Household: "h-home", Kind: Request})
		p.Send(Message{Household: "h-home", Kind: Request})
		rest(time.Hour)
		r := prometheus.NewRegistry()
		r.MustRegister(p)
		all, err := r.Gather()
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]float64{}
		for _, f := range all {
			for _, m := range f.GetMetric() {
				name := f.GetName()
				for _, l := range m.GetLabel() {
					name += " " + l.GetValue()
				}
				got[name] = m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
		for name, want := range map[string]float64{
			"hearth_notify_sent_total webhook": 1, "hearth_notify_sent_total mail": 0, "hearth_notify_joined_total": 1, "hearth_notify_failed_total webhook": 0,
			"hearth_notify_dropped_total room": 0, "hearth_notify_dropped_total store": 0, "hearth_notify_waiting webhook": 0, "hearth_notify_removed_total": 0, "hearth_notify_limit channels": 20,
		} {
			if have, ok := got[name]; !ok || have != want {
				t.Errorf("%s is %v (%t), want %v", name, have, ok, want)
			}
		}
	})
}
