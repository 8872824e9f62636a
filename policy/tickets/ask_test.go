package tickets

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/policy/policytest"
	"github.com/hearthdns/hearth/policy/store"
)

// TestAppeal is the way of an appeal: a number, a promise, the queue, the outcome.
func TestAppeal(t *testing.T) {
	b := newBench(t)
	r := b.appeal("h-1", "https://WWW.Cards.Example:8443/play?who=mia")
	if !regexp.MustCompile(`^\d{4}-\d{4}-\d{4}$`).MatchString(r.Number) || r.Promised != "2026-03-05" || r.Hotline {
		t.Errorf("receipt %+v, want twelve digits and the day after 72 hours", r)
	}
	if s := b.status(r.Number); s.Outcome != Open || s.Asked != "2026-03-02" || s.Promised != "2026-03-05" {
		t.Errorf("status %+v, want it open, asked on March 2 and promised for March 5", s)
	}
	queue := b.queue(Query{})
	if len(queue) != 1 || queue[0].Name != "cards.example" || queue[0].Category != "money.gambling" || queue[0].List != "bets" ||
		queue[0].Version != "1a2b3c4d" || queue[0].Entry != "||cards.example^" || queue[0].Households != 1 {
		t.Errorf("queue %+v, want the name, its category, list, version and entry", queue)
	}
	b.now = b.now.Add(time.Hour)
	b.decide(Verdict{Number: r.Number, Outcome: Declined, Word: "it takes bets", By: "Ops"})
	if s := b.status(strings.ReplaceAll(r.Number, "-", " ")); s.Outcome != Declined || s.Word != "it takes bets" {
		t.Errorf("status %+v, want the outcome and the word", s)
	}
	if len(b.queue(Query{})) != 0 || len(b.queue(Query{Decided: true})) != 1 {
		t.Error("a decided ticket is still in the queue, or nowhere")
	}
}

// TestHomeToldNothing: of who asks nothing is in the store but a keyed hash, and that only until the decision.
func TestHomeToldNothing(t *testing.T) {
	b := newBench(t)
	if _, err := b.Appeal(t.Context(), Ask{Household: "h-secret-4711", Name: "http://cards.example/private/path", Why: WhyFine, Word: "my homework is there"}); err != nil {
		t.Fatal(err)
	}
	for _, trace := range []string{"h-secret-4711", "private", "path"} {
		if strings.Contains(b.stored(), trace) {
			t.Errorf("the store holds %q:\n%s", trace, b.stored())
		}
	}
	voter := regexp.MustCompile(`"voters":\["([0-9a-f]{24})"\]`).FindStringSubmatch(b.stored())
	if voter == nil {
		t.Fatalf("no keyed hash keeps a household from counting twice:\n%s", b.stored())
	}
	ticket := b.queue(Query{})[0]
	if len(ticket.Words) != 1 {
		t.Errorf("the operator does not see the word: %+v", ticket)
	}
	b.decide(Verdict{Number: ticket.Number, Outcome: Declined, Word: "no"})
	for _, trace := range []string{voter[1], "homework"} {
		if strings.Contains(b.stored(), trace) {
			t.Errorf("the store still holds %q after the decision:\n%s", trace, b.stored())
		}
	}
}

// TestOneTicket: the same name many times is one ticket with a count of households, each counted once, and every number
// shows the outcome.
func TestOneTicket(t *testing.T) {
	b := newBench(t)
	var numbers []string
	for _, household := range []string{"h-1", "h-2", "h-1", "h-3", "h-1", "h-2"} {
		numbers = append(numbers, b.appeal(household, "cards.example").Number)
	}
	queue := b.queue(Query{})
	if len(queue) != 1 || queue[0].Households != 3 || queue[0].Why[WhyFine] != 3 {
		t.Fatalf("queue %+v, want one ticket of three households", queue)
	}
	b.reopen(b.Folder) // a restart forgets nothing
	b.appeal("h-2", "cards.example")
	if n := b.queue(Query{})[0].Households; n != 3 {
		t.Errorf("%d households after a restart, want 3", n)
	}
	seen := map[string]bool{}
	for _, n := range numbers {
		seen[n] = true
	}
	if len(seen) != len(numbers) {
		t.Error("two askers got the same number")
	}
	b.decide(Verdict{Number: numbers[4], Outcome: Upheld})
	for _, n := range numbers {
		if s := b.status(n); s.Outcome != Upheld {
			t.Errorf("number %s shows %q, want upheld", n, s.Outcome)
		}
	}
}

// TestKindsAndCategoriesApart: an appeal and a report about one name are two tickets, and so are two categories.
func TestKindsAndCategoriesApart(t *testing.T) {
	b := newBench(t)
	b.appeal("h-1", "both.example")
	if _, err := b.Appeal(t.Context(), Ask{Household: "h-1", Name: "both.example", Category: "ads.trackers"}); err != nil {
		t.Fatal(err)
	}
	b.report("h-1", "both.example", "adult.porn")
	queue := b.queue(Query{})
	if len(queue) != 3 {
		t.Fatalf("%d tickets, want 3: %+v", len(queue), queue)
	}
	if ads := b.queue(Query{Category: "ads.trackers"}); len(ads) != 1 || ads[0].List != "ads" {
		t.Errorf("the appeal about ads is of list %+v, want ads", ads)
	}
}

// TestReport: a report may say what the name is, or not.
func TestReport(t *testing.T) {
	b := newBench(t)
	b.report("h-1", "bad.example", "")
	b.report("h-2", "bad.example", "adult.porn")
	if len(b.queue(Query{Kind: Report})) != 2 {
		t.Error("a report that names a category is not one that names none")
	}
	for category, want := range map[string]string{"illegal.csam": "money.gambling", "ok.help": "money.gambling", "no.such": "money.gambling"} {
		_, err := b.Report(t.Context(), Ask{Name: "bad.example", Category: category})
		wantReason(t, err, Refused, want)
	}
	_, err := b.Report(t.Context(), Ask{Name: "github.io"})
	wantReason(t, err, Refused, "whole name")
	_, err = b.Report(t.Context(), Ask{Name: "bad.example", Why: WhyFine})
	wantReason(t, err, Refused, "scary")
}

// TestIllegalContent: it is never a ticket and never stored; there is the hotline, and a count of the day.
func TestIllegalContent(t *testing.T) {
	b := newBench(t)
	for range 3 * maxAsks { // no limit keeps anybody from the hotline
		r, err := b.Report(t.Context(), Ask{Household: "h-1", Name: "terrible.example", Word: "I saw a crime", Illegal: true})
		if err != nil || !r.Hotline || r.Number != "" {
			t.Fatalf("%+v, %v; want the hotline and nothing else", r, err)
		}
	}
	text := b.stored()
	for _, trace := range []string{"terrible", "crime", "h-1", "ticket/"} {
		if strings.Contains(text, trace) {
			t.Errorf("the store holds %q:\n%s", trace, text)
		}
	}
	if text != "tickets/total/2026-03-02 [{\"what\":\"hotline\",\"n\":30}]\n" {
		t.Errorf("the store holds %q, want a count of the day alone", text)
	}
	if len(b.queue(Query{})) != 0 {
		t.Error("a ticket was made")
	}
}

// writes counts what is written to a log.
type writes struct {
	store.Log
	n int
}

func (w *writes) Put(ctx context.Context, all ...store.Write) (uint64, error) {
	w.n++
	return w.Log.Put(ctx, all...)
}

// TestManyIllegal: whoever says ten thousand times that something may be against the law gets the hotline each time, and
// does not wear out the disk; neither do more households than there are. The day after they count again.
func TestManyIllegal(t *testing.T) {
	log := &writes{Log: new(policytest.Memory)}
	b := newBenchOn(t, log)
	report := func(household string) {
		t.Helper()
		if r, err := b.Report(t.Context(), Ask{Household: household, Illegal: true}); err != nil || !r.Hotline {
			t.Fatalf("%+v, %v; want the hotline", r, err)
		}
	}
	before := log.n
	for range 10_000 {
		report("h-1")
	}
	if n := log.n - before; n != 30 {
		t.Errorf("%d writes for one household", n)
	}
	report("h-2")
	if n := log.n - before; n != 31 {
		t.Errorf("%d writes with another household", n)
	}
	if !strings.Contains(b.stored(), `{"what":"hotline","n":31}`) {
		t.Errorf("counted: %s", b.stored())
	}
	for i := range maxAskers {
		report(fmt.Sprint("other ", i))
	}
	before = log.n
	report("one too many")
	if log.n != before || len(b.hotlines.asked) != maxAskers {
		t.Errorf("%d households are told apart", len(b.hotlines.asked))
	}
	b.now = b.now.Add(24 * time.Hour)
	report("h-1")
	if log.n != before+1 {
		t.Error("the day after is not counted")
	}
}

// TestHotlineNeverFails: also where nothing can be written.
func TestHotlineNeverFails(t *testing.T) {
	b := newBench(t)
	_ = b.log.(*store.Bolt).Close()
	if r, err := b.Report(t.Context(), Ask{Name: "terrible.example", Illegal: true}); err != nil || !r.Hotline {
		t.Errorf("%+v, %v; want the hotline", r, err)
	}
	if strings.Contains(b.said.String(), "terrible") {
		t.Errorf("the log names it: %s", b.said.String())
	}
}

// TestNoOracle: an appeal or a report about a name of a legal list looks at every moment like one about another name that
// stays blocked, and nothing of it is kept.
func TestNoOracle(t *testing.T) {
	b := newBench(t)
	for _, do := range []func(household, name string) Receipt{b.appeal, func(h, n string) Receipt { return b.report(h, n, "adult.porn") }} {
		sealed, usual := do("h-1", "sealed.example"), do("h-2", "cards.example")
		if sealed.Promised != usual.Promised || len(sealed.Number) != len(usual.Number) || sealed.Number[:3] != usual.Number[:3] || sealed.Hotline {
			t.Errorf("receipts %+v and %+v differ in more than chance", sealed, usual)
		}
		if again := do("h-1", "sealed.example"); again.Number == sealed.Number {
			t.Error("the same number again, which other names never give")
		}
		a, u := b.status(sealed.Number), b.status(usual.Number)
		if a.Asked != u.Asked || a.Promised != u.Promised || a.Outcome != Open || u.Outcome != Open {
			t.Errorf("at first %+v and %+v", a, u)
		}
		was := b.now
		b.now = time.Date(2026, 3, 6, 0, 0, 0, 0, time.UTC)
		if s := b.status(sealed.Number); s.Outcome != Declined || s.Word != "" {
			t.Errorf("after the promised day %+v, want it declined without a word", s)
		}
		b.decide(Verdict{Number: usual.Number, Outcome: Declined})
		if u := b.status(usual.Number); u.Outcome != Declined || u.Word != "" {
			t.Errorf("another name %+v: if every refusal had a word, one without would be the law's", u)
		}
		b.now = b.now.Add(100 * 24 * time.Hour)
		_, err := b.Status(sealed.Number)
		wantReason(t, err, Unknown, "too old")
		_, err = b.Status(usual.Number)
		wantReason(t, err, Unknown, "too old")
		b.now = was
	}
	if strings.Contains(b.stored(), "sealed") {
		t.Errorf("the store names it:\n%s", b.stored())
	}
	for _, ticket := range append(b.queue(Query{}), b.queue(Query{Decided: true})...) {
		if ticket.Name == "sealed.example" {
			t.Error("the queue names it")
		}
	}
}

// TestUntoldTimes: what is never told ends at different times within the promise, as decisions of people do.
func TestUntoldTimes(t *testing.T) {
	b := newBench(t)
	var numbers []string
	for i := range 40 {
		numbers = append(numbers, b.appeal(fmt.Sprint("h-", i), "sealed.example").Number)
	}
	last, moments := 0, 0
	for hours := 24; hours <= 96; hours += 6 {
		b.now = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC).Add(time.Duration(hours) * time.Hour)
		n := 0
		for _, number := range numbers {
			if b.status(number).Outcome == Declined {
				n++
			}
		}
		if n > last {
			moments++
		}
		last = n
	}
	if last != len(numbers) || moments < 4 {
		t.Errorf("%d of %d are decided, at %d different times", last, len(numbers), moments)
	}
}

// TestNames: what is no name, or not one to ask about, is refused in words that say what to write.
func TestNames(t *testing.T) {
	b := newBench(t)
	for name, want := range map[string]string{
		"":                          "example.com",
		"   ":                       "example.com",
		"com":                       "example.com",
		"192.0.2.1":                 "not a name",
		"http://[2001:db8::1]/x":    "not a name",
		"exa mple.com":              "example.com",
		"a..example":                "example.com",
		"-.example":                 "example.com",
		"*.example.org":             "example.com",
		`a\.b.example`:              "example.com",
		"a\x00b.example":            "example.com",
		"\u202egro.elpmaxe":         "example.com",
		"mias-laptop.local":         "public internet",
		"nas.fritz.lan":             "public internet",
		"4.3.2.1.in-addr.arpa":      "public internet",
		"hearth.home.arpa":          "public internet",
		strings.Repeat("a.", 200):   "example.com",
		strings.Repeat("x", 1<<20):  "too long",
		"<script>alert(1)</script>": "example.com",
		"own.example":               "never blocked",
	} {
		for _, do := range []func(Ask) (Receipt, error){
			func(a Ask) (Receipt, error) { return b.Appeal(t.Context(), a) },
			func(a Ask) (Receipt, error) { return b.Report(t.Context(), a) },
		} {
			r, err := do(Ask{Household: "h-" + want + fmt.Sprint(len(name)), Name: name})
			if err == nil || r != (Receipt{}) {
				t.Errorf("%.40q is taken: %+v", name, r)
				continue
			}
			wantReason(t, err, Refused, want)
			if len(err.Error()) > 300 {
				t.Errorf("%.40q: the error has %d octets", name, len(err.Error()))
			}
		}
	}
	_, err := b.Appeal(t.Context(), Ask{Name: "free.example"})
	wantReason(t, err, Unlisted, "ask at home")
	b.report("h-9", "Bücher.example", "")
	if got := b.queue(Query{})[0].Name; got != "xn--bcher-kva.example" {
		t.Errorf("an international name became %q", got)
	}
}

// TestWords: what people write is plain text of bounded length, whatever they send.
func TestWords(t *testing.T) {
	b := newBench(t)
	for _, long := range []string{strings.Repeat("a", 281), strings.Repeat("ß", 281), strings.Repeat("a", 1<<20), strings.Repeat("\u0301", 1<<19)} {
		_, err := b.Appeal(t.Context(), Ask{Name: "cards.example", Word: long})
		wantReason(t, err, Refused, "280 characters")
	}
	for i, text := range []string{"a\x00b\x1b[31mc\r\nd", "\u202eevil\u2066x\u200fy\u200bz\ufeff", "\xff\xfeok", strings.Repeat("ß", 280), "  a \t b  "} {
		if _, err := b.Appeal(t.Context(), Ask{Household: fmt.Sprint("h-", i), Name: "cards.example", Word: text}); err != nil {
			t.Fatal(err)
		}
	}
	got := b.queue(Query{})[0].Words
	want := []string{"a b [31mc d", "evilxyz", "ok", strings.Repeat("ß", 280), "a b"}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("words %q, want %q", got, want)
	}
	b.appeal("h-99", "cards.example")
	if _, err := b.Appeal(t.Context(), Ask{Household: "h-100", Name: "cards.example", Word: "a sixth"}); err != nil {
		t.Fatal(err)
	}
	if n := len(b.queue(Query{})[0].Words); n != maxWords {
		t.Errorf("%d words are kept, want %d", n, maxWords)
	}
}

// TestNumbers: slips are told from numbers, digits of other scripts are read, and one number says nothing of another.
func TestNumbers(t *testing.T) {
	b := newBench(t)
	n := b.appeal("h-1", "cards.example").Number
	arabic := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r - '0' + '٠'
		}
		return r
	}, n)
	for _, spelled := range []string{n, strings.ReplaceAll(n, "-", ""), strings.ReplaceAll(n, "-", "\u00a0"), " " + n + " ", arabic} {
		if s := b.status(spelled); s.Number != n {
			t.Errorf("%q is read as %q", spelled, s.Number)
		}
	}
	for _, wrong := range []string{"", "1", n + "1", n[:13], "abcd-efgh-ijkl", strings.Repeat("1", 1<<20), "٠", "../../etc/passwd"} {
		_, err := b.Status(wrong)
		wantReason(t, err, Refused, "twelve digits")
		_, err = b.Show(wrong)
		wantReason(t, err, Refused, "twelve digits")
	}
	slips := 0
	for i := range n { // each digit said wrongly
		if n[i] == '-' {
			continue
		}
		for digit := byte('0'); digit <= '9'; digit++ {
			if digit == n[i] {
				continue
			}
			if _, err := b.Status(n[:i] + string(digit) + n[i+1:]); err == nil {
				slips++
			}
		}
	}
	if slips > 2 { // one in 10,000 of 108
		t.Errorf("%d of 108 slips are taken for numbers", slips)
	}
}

// TestSwappedNumbers: who has the number of another sees an outcome, and never about what or whom.
func TestSwappedNumbers(t *testing.T) {
	b := newBench(t)
	first, second := b.appeal("h-1", "cards.example").Number, b.appeal("h-2", "chess.example").Number
	b.decide(Verdict{Number: first, Outcome: Declined, Word: "no"})
	if b.status(first).Outcome != Declined || b.status(second).Outcome != Open {
		t.Error("a number shows the outcome of another")
	}
	if text := fmt.Sprintf("%+v", b.status(second)); strings.Contains(text, "chess") || strings.Contains(text, "h-2") || strings.Contains(text, "gambling") {
		t.Errorf("a number tells about what it is: %s", text)
	}
}

// TestLimits: a household, and all together, can send only so much, and each limit says what to do.
func TestLimits(t *testing.T) {
	b := newBench(t)
	for i := range maxAsks {
		b.report("h-1", fmt.Sprintf("bad-%d.example", i), "")
	}
	_, err := b.Report(t.Context(), Ask{Household: "h-1", Name: "bad-x.example"})
	wantReason(t, err, Wait, "tomorrow")
	_, err = b.Appeal(t.Context(), Ask{Household: "h-1", Name: "sealed.example"})
	wantReason(t, err, Wait, "tomorrow")
	b.report("h-2", "bad-x.example", "")
	b.now = b.now.Add(24 * time.Hour)
	b.report("h-1", "bad-y.example", "")
}

// TestFlood: 100,000 junk reports of 20,000 households leave a queue of bounded size, and a name that has a ticket can
// still be asked about.
func TestFlood(t *testing.T) {
	b := newBenchOn(t, new(policytest.Memory))
	b.appeal("h-first", "cards.example")
	taken := 0
	for i := range 100_000 {
		r, err := b.Report(t.Context(), Ask{Household: fmt.Sprint("h-", i/5), Name: fmt.Sprintf("junk-%d.example", i), Word: strings.Repeat("x", 280)})
		if err == nil {
			taken++
		} else {
			wantReason(t, err, Wait, "tomorrow")
		}
		if err != nil && r != (Receipt{}) {
			t.Fatal("a receipt and an error")
		}
	}
	if taken != maxNew-1 {
		t.Errorf("%d of the junk became tickets, want what one day may bring: %d", taken, maxNew-1)
	}
	b.appeal("h-last", "cards.example")
	_, err := b.Appeal(t.Context(), Ask{Household: "h-other", Name: "sealed.example"})
	wantReason(t, err, Wait, "tomorrow") // as of every name that has no ticket
	_, err = b.Appeal(t.Context(), Ask{Household: "h-other", Name: "chess.example"})
	wantReason(t, err, Wait, "tomorrow")
}

// TestLooksAtOnce: however many ask at once, only so many look into the lists, and who goes away waits no longer.
func TestLooksAtOnce(t *testing.T) {
	b := newBench(t)
	under, release := make(chan struct{}, 100), make(chan struct{})
	b.Look = func(context.Context, blocklists.Name) (Standing, error) {
		under <- struct{}{}
		<-release
		return b.lists["cards.example"], nil
	}
	var all sync.WaitGroup
	for i := range 10 {
		all.Go(func() { b.appeal(fmt.Sprint("h-", i), "cards.example") })
	}
	for range maxLooks {
		<-under
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if _, err := b.Appeal(ctx, Ask{Household: "h-x", Name: "cards.example"}); !errors.Is(err, context.Canceled) {
		t.Errorf("who went away got %v", err)
	}
	if len(under) != 0 {
		t.Errorf("%d more look into the lists", len(under))
	}
	close(release)
	all.Wait()
	if n := b.queue(Query{})[0].Households; n != 10 {
		t.Errorf("%d of 10 were taken", n)
	}
}

// TestManyAboutOne: numbers and hashes of one ticket are bounded, and whoever comes late still sees the outcome.
func TestManyAboutOne(t *testing.T) {
	b := newBenchOn(t, new(policytest.Memory))
	var late Receipt
	for i := range maxNumbers + 5 {
		late = b.appeal(fmt.Sprint("h-", i), "cards.example")
	}
	ticket := b.queue(Query{})[0]
	if ticket.Households != MaxHouseholds || late.Number != ticket.Number {
		t.Errorf("%d households, the last number is %s of ticket %s", ticket.Households, late.Number, ticket.Number)
	}
	b.decide(Verdict{Number: late.Number, Outcome: Upheld})
	if b.status(late.Number).Outcome != Upheld {
		t.Error("who came late does not see the outcome")
	}
}
