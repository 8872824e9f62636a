package portal

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/parents"
)

// memoir is an Activity of the tests: what is kept by whom it is of, and the notices.
type memoir struct {
	Activity
	days    map[string][]policy.ActivityDay
	notices []policy.Notice
	asked   []string
}

func (d *memoir) Show(_ context.Context, of, day string) (policy.ActivityReport, error) {
	d.asked = append(d.asked, of)
	days := slices.DeleteFunc(slices.Clone(d.days[of]), func(x policy.ActivityDay) bool { return day != "" && x.Day != day })
	return policy.ActivityReport{Days: days}, nil
}

func (d *memoir) Notices(_ context.Context, of string, child bool) (found []policy.NoticeReport, _ error) {
	for _, n := range d.notices {
		if child && of == "family/"+n.Member {
			found = append(found, n.Report(time.UTC))
		}
	}
	return found, nil
}

func (d *memoir) Seen(_ context.Context, of string) error {
	for i := range d.notices {
		if of == "family/"+d.notices[i].Member {
			d.notices[i].Seen = 1
		}
	}
	return nil
}

// withDiary is a home with a desk and with something that is remembered of everybody.
func withDiary(t *testing.T) (*home, *parents.Desk, *memoir) {
	t.Helper()
	h, desk := withDesk(t)
	d := &memoir{days: map[string][]policy.ActivityDay{}}
	for _, who := range []string{"Mia", "Leo", "Tom", "Anna", "device:family-tablet"} {
		d.days["family/"+who] = []policy.ActivityDay{{Day: "2026-11-17", Sums: []policy.ActivitySum{
			{Verdict: "allowed", Count: 812}, {Verdict: "blocked", Count: 31}, {Verdict: "blocked", Cause: "adult.porn", Count: 9}, {Verdict: "blocked", Cause: "bedtime", Count: 22},
		}, Names: []policy.ActivityName{{Name: "naked.example", Verdict: "blocked", Cause: "adult.porn", First: "12:00", Last: "12:10"}, {Name: "of-" + strings.ToLower(strings.TrimPrefix(who, "device:")) + ".example", Verdict: "allowed", First: "09:00", Last: "09:00"}}}}
	}
	h.activity = d
	return h, desk, d
}

func (h *home) me(addr string, fields ...string) string {
	return h.getPath(addr, "ask."+own, mePath, fields...).Body.String()
}

// wants checks what a page says below its style sheet, and with a ! before it what it does not.
func wants(t *testing.T, what, body string, texts ...string) {
	t.Helper()
	if _, below, styled := strings.Cut(body, "</style>"); styled {
		body = below
	}
	for _, text := range texts {
		if never, is := strings.CutPrefix(text, "!"); is && strings.Contains(body, never) {
			t.Errorf("%s says %q", what, never)
		} else if !is && !strings.Contains(body, text) {
			t.Errorf("%s does not say %q:\n%s", what, text, body[max(0, strings.Index(body, "<h1>")):])
		}
	}
}

// TestMe: the page tells whoever reads it what holds for them, and a shared, an unknown or a strange device nothing of
// anybody.
func TestMe(t *testing.T) {
	h, _, _ := withDiary(t)
	wants(t, "Mia's page", h.me(mia), "<bdi>Mia</bdi>", "(child, 6-9)", "The internet is on.", "20:00–07:00", "15:00–17:00", "For 28 days", `Tuesday <span class="times">2026-11-17</span>`, "812", "!>Tom<", "!porn", "Your parents can read the same")
	wants(t, "Tom's page", h.me(tom), "<bdi>Tom</bdi>", "22:00–06:00", "No names. For 7 days", "dangerous sites that were blocked. For 7 days.", "!the log above", "!Mia")
	wants(t, "Anna's page", h.me(anna), "<bdi>Anna</bdi>", "<li>Nothing.</li>", "!Your parents", "!Bedtime")
	wants(t, "the tablet's page", h.me(tablet), "this device", "What holds for this device", "20:00–07:00", "812", "!Mia", "!>Tom<", "!day=", "!of-")
	wants(t, "a guest's page", h.me(guest), "this device", "all of them together", "!812", "!Mia", "!Leo", "!>Tom<")
	wants(t, "a stranger's page", h.me(stranger), "This device is not known yet", "!Now")
	at := func(clock string, addr string, texts ...string) {
		t.Helper()
		wants(t, clock, h.at(t, clock).me(addr), texts...)
	}
	at(evening, mia, "It is bedtime until 07:00", `<body class="night child">`)
	at(lessons, leo, "It is homework time until 17:30")
	at("2026-11-18 19:49", mia, "!Soon")
	at("2026-11-18 19:50", mia, "Soon", "Bedtime begins at 20:00.", `role="status"`)
	at("2026-11-18 14:55", mia, "Homework time begins at 15:00.")
	at("2026-11-18 14:55", tablet, "Homework time begins at 15:00.")
	wants(t, "ask", h.get(mia, "ask."+own).Body.String(), "Homework time begins at 15:00.", `href="http://ask.`+own+`/me"`)
}

// TestMeOfAStranger: a client of no household, whom a listener serves as a guest, has no page of its own.
func TestMeOfAStranger(t *testing.T) {
	h, _, _ := withDiary(t)
	h.guest = "childs"
	wants(t, "a stranger's page", h.me(stranger), "This device is not known yet", "!Bedtime", "!Now")
	wants(t, "its last blocks", h.get(stranger, "ask."+own).Body.String(), "Nothing was blocked", "!/me\"")
}

// TestMeTellsActs: what parents granted to whoever reads the page, the device or the house, and nobody else's.
func TestMeTellsActs(t *testing.T) {
	h, desk, _ := withDiary(t)
	grant := func(who parents.Who, ask parents.Ask) {
		t.Helper()
		if _, err := desk.Grant(t.Context(), who, ask); err != nil {
			t.Fatal(err)
		}
	}
	grant(parents.Who{Actor: machine, Member: "Mia"}, parents.Ask{Kind: policy.GrantName, Value: "games.example", Span: parents.Span{For: "1h"}})
	grant(parents.Who{Actor: machine, Member: "Tom"}, parents.Ask{Kind: policy.GrantName, Value: "only-toms.example", Span: parents.Span{For: "1h"}})
	grant(parents.Who{Actor: machine}, parents.Ask{Kind: policy.GrantName, Value: "naked.example", Span: parents.Span{For: "1h"}})
	grant(parents.Who{Actor: machine}, parents.Ask{Kind: policy.GrantCategory, Value: "adult.porn", Span: parents.Span{For: "1h"}})
	grant(parents.Who{Actor: machine, Device: "family-tablet"}, parents.Ask{Kind: policy.GrantTime, Span: parents.Span{For: "30m"}})
	wants(t, "Mia's page", h.me(mia), "games.example", "Until 13:00", "(something for grown-ups)", "!naked", "!Sex", "!only-toms", "!Extra time")
	wants(t, "Tom's page", h.me(tom), "only-toms.example", "naked.example", "Sex", "!games.example")
	wants(t, "the tablet's page", h.me(tablet), "Extra time", "Until 12:30", "!only-toms", "!games.example")
	wants(t, "a guest's page", h.me(guest), "!naked.example", "!Allowed as well")
	if _, err := desk.Pause(t.Context(), parents.Who{Actor: machine, Member: "Mia"}, parents.Span{For: "30m"}); err != nil {
		t.Fatal(err)
	}
	wants(t, "Mia's page", h.me(mia), "The internet is paused until 12:30", "!games.example")
	wants(t, "Tom's page", h.me(tom), "The internet is on")
	for i := range 60 {
		grant(parents.Who{Actor: machine, Member: "Leo"}, parents.Ask{Kind: policy.GrantName, Value: fmt.Sprintf("%s%d.example", strings.Repeat("long-name.", 20), i), Span: parents.Span{For: "1h"}})
	}
	if body := h.me(leo); len(body) > maxPage || !strings.Contains(body, "and 50 more") {
		t.Errorf("with many grants the page has %d octets", len(body))
	}
}

// TestMeTellsMinutes: what is left of quotas, with what was added; on a shared device the least, and not whose.
func TestMeTellsMinutes(t *testing.T) {
	h := newHome(t, houseOptions{language: "en", config: func(c *policy.Config) {
		c.Profiles[0].Quotas = []policy.QuotaConfig{{Of: "fun.games", Minutes: new(15)}, {Of: "total", Minutes: new(60)}}
		c.Profiles[2].Quotas = []policy.QuotaConfig{{Of: "fun.games", Minutes: new(90)}}
	}})
	if err := h.Live().Apply("family", policy.State{Grants: []policy.Grant{{Kind: policy.GrantBonus, Value: "fun.games", Minutes: 20, Subject: policy.Subject{Member: "Mia"}, At: h.Clock().Unix(), Until: h.Clock().Unix() + 3600}}}); err != nil {
		t.Fatal(err)
	}
	wants(t, "Mia's page", h.me(mia), "Games", "35 of 35 minutes left", "20 of them were added today", "60 of 60 minutes left", "Everything together", `<progress max="60" value="60"`, "In which minutes of the day")
	wants(t, "the tablet's page", h.me(tablet), "Games", "60 of 60 minutes left", "!90 of 90", "!Mia", "!>Tom<")
	wants(t, "Tom's page", h.me(tom), "90 of 90", "!60 of 60")
	h.at(t, "2026-11-18 12:00")
	h.Enforce(newHome(t, houseOptions{language: "en", config: func(c *policy.Config) {
		c.Profiles[2].Quotas = []policy.QuotaConfig{{Of: "fun.games", Minutes: new(10)}}
	}}).Live())
	wants(t, "Tom's page with ten minutes", h.me(tom), "Games: 10 minutes are left for today.")
}

// TestMeTellsDays: the numbers of a day are a page of their own, with what the parents can read of it and no more, for
// the person alone.
func TestMeTellsDays(t *testing.T) {
	h, _, d := withDiary(t)
	day := func(addr, day string) string { return h.getPath(addr, "ask."+own, mePath+"?day="+day).Body.String() }
	wants(t, "Tom's day", day(tom, "2026-11-17"), "Tuesday 2026-11-17", "naked.example", "Blocked, Sex · 12:00–12:10", "of-tom.example", "Sex 9", "Bedtime 22")
	wants(t, "Mia's day", day(mia, "2026-11-17"), "of-mia.example", "(something for grown-ups)", "!naked.example", "!Sex", ">31<")
	wants(t, "the tablet's day", day(tablet, "2026-11-17"), "!of-", "!naked.example")
	wants(t, "a guest's day", day(guest, "2026-11-17"), "!of-", "!naked.example")
	for _, bad := range []string{"2026-11-16", "yesterday", "../../x", "%3Cscript%3E"} {
		if w := h.getPath(tom, "ask."+own, mePath+"?day="+bad); w.Code != http.StatusNotFound {
			t.Errorf("the day %s: %d", bad, w.Code)
		}
	}
	if slices.Contains(d.asked, "family") || slices.Contains(d.asked, "family/guests:") {
		t.Errorf("a page asked for %q", d.asked)
	}
	many := &d.days["family/Tom"][0]
	for i := range 5000 {
		many.Names = append(many.Names, policy.ActivityName{Name: fmt.Sprintf("%s%d.example", strings.Repeat("a", 150), i), Verdict: "allowed", First: "10:00", Last: "11:00"})
	}
	if body := day(tom, "2026-11-17"); len(body) > maxPage || !strings.Contains(body, "day=2026-11-17&amp;from=40") {
		t.Errorf("a long day has %d octets", len(body))
	}
	wants(t, "its last page", day(tom, "2026-11-17&from=5000"), "from=4960", "999.example", "!>Later<")
	for i := range 28 {
		d.days["family/Mia"] = append(d.days["family/Mia"], policy.ActivityDay{Day: h.Clock().AddDate(0, 0, i).Format(time.DateOnly), Sums: []policy.ActivitySum{{Verdict: "allowed", Count: 1 << 40}}})
	}
	if body := h.me(mia); len(body) > maxPage {
		t.Errorf("the page of 28 days has %d octets", len(body))
	}
}

// TestMeSaysWhy: what the clock stopped is told in the words of the page.
func TestMeSaysWhy(t *testing.T) {
	h, _, d := withDiary(t)
	d.days["family/Tom"] = []policy.ActivityDay{{Day: "2026-11-17", Sums: []policy.ActivitySum{
		{Verdict: "blocked", Count: 31}, {Verdict: "blocked", Cause: policy.Paused.String(), Count: 9}, {Verdict: "blocked", Cause: policy.QuotaUsed.String(), Count: 22}}}}
	body := h.getPath(tom, "ask."+own, mePath+"?day=2026-11-17").Body.String()
	wants(t, "Tom's day", body, "(Minutes for today 22, Pause 9)")
}

// TestMeTellsNames: the page itself shows the names that parents can read, the latest first, and of those that a child
// should not read how many there are; of whom no sums are kept it says so and not 0.
func TestMeTellsNames(t *testing.T) {
	h, _, d := withDiary(t)
	d.days["family/Lea"] = []policy.ActivityDay{{Day: "2026-11-17", Sums: []policy.ActivitySum{}, Names: []policy.ActivityName{{Name: "phish.example", Verdict: "blocked", Cause: "sec.phishing", First: "08:00", Last: "08:00"}}}}
	d.days["family/Mia"] = append(d.days["family/Mia"], policy.ActivityDay{Day: "2026-11-18", Names: []policy.ActivityName{{Name: "forum.example", Verdict: "blocked", Cause: "social.ugc", First: "11:00", Last: "11:30"}}})
	body := h.me(mia)
	wants(t, "Mia's page", body, "forum.example", "2026-11-18 11:00–11:30", "of-mia.example", "Names of things for grown-ups that are not shown here: 1.", "!naked.example", ">Names<")
	if strings.Index(body, "forum.example") > strings.Index(body, "of-mia.example") {
		t.Error("the latest does not come first")
	}
	wants(t, "Lea's page", h.me(lea), "phish.example", "<td>–</td><td>–</td><td>1</td>", "!<td>0</td>")
	wants(t, "Tom's page", h.me(tom), "naked.example", "of-tom.example", "!Names of things for grown-ups")
	wants(t, "the tablet's page", h.me(tablet), "!of-", "!naked", "!>Names<", "!<td>2</td>")
	wants(t, "a guest's page", h.me(guest), "!of-", "!naked")
}

// TestMeTellsNoticesFirst: a notice about a child is the child's first, on a device that is theirs alone, in words for
// them and with help before it; that they saw it is noted when a person looks, and by nothing else.
func TestMeTellsNoticesFirst(t *testing.T) {
	h, desk, d := withDiary(t)
	d.notices = []policy.Notice{
		{Kind: policy.NoticeBypass, Member: "Leo", Device: "leo-laptop", At: h.Clock().Unix() - 3600},
		{Kind: policy.NoticeSelfHarm, Member: "Leo", At: h.Clock().Unix() - 7200},
	}
	for _, addr := range []string{mia, tom, anna, tablet, guest, stranger} {
		wants(t, addr, h.me(addr), "!You are the first to know", "!You looked for something")
	}
	h.getPath(leo, "ask."+own, mePath, "Sec-Purpose: prefetch;prerender")
	h.getPath(leo, "ask."+own, mePath, "Referer: http://evil.example/")
	r := httptest.NewRequest(http.MethodHead, "http://ask."+own+mePath, nil)
	r.RemoteAddr = leo + ":40000"
	h.Landing().ServeHTTP(httptest.NewRecorder(), r)
	h.getPath(leo, "ask."+own, mePath, "Accept: image/*")
	if d.notices[0].Seen != 0 {
		t.Error("seen by what nobody looked at")
	}
	body := h.me(leo)
	wants(t, "Leo's page", body, "You are the first to know", "From leo-laptop somebody asked for several VPN", "You did nothing wrong", "Wednesday 2026-11-18", "!use: school", `<body class="care teen">`, "In danger right now?")
	if strings.Index(body, "In danger right now?") > strings.Index(body, "You are the first to know") {
		t.Error("help does not stand first")
	}
	if d.notices[0].Seen == 0 || d.notices[1].Seen == 0 {
		t.Error("that the child saw them is not noted")
	}
	// Who has said by PIN to use a shared device, and has one of their own, finds it there alone.
	if err := desk.SetPIN(t.Context(), parents.Who{Actor: machine, Member: "Tom"}, "8305"); err != nil {
		t.Fatal(err)
	}
	if _, err := desk.Use(t.Context(), "family", "family-tablet", "Tom", "8305", 30); err != nil {
		t.Fatal(err)
	}
	d.notices = []policy.Notice{{Kind: policy.NoticeBypass, Member: "Tom", Device: "tom-phone", At: h.Clock().Unix()}}
	wants(t, "the tablet in Tom's hands", h.me(tablet), "<bdi>Tom</bdi>", "on a device that is yours alone", "!first to know", "!day=", "!812")
	if d.notices[0].Seen != 0 {
		t.Error("seen where it was not shown")
	}
}

// TestMeAgreesToALog: whose names a parent wants to read sees when and by whom it was asked for; from 13 to 15 it begins
// a day after that; at 16 and 17 with their word, which is taken from them alone, for that log alone, and once.
func TestMeAgreesToALog(t *testing.T) {
	h, desk := withDesk(t)
	log := func(member string) policy.Log {
		t.Helper()
		home, _ := h.Live().Household("family")
		for _, l := range home.Logs(h.Clock().Unix()) {
			if l.Member == member {
				return l
			}
		}
		return policy.Log{}
	}
	ask := func(member string) {
		t.Helper()
		if _, err := desk.Diary(t.Context(), parents.Who{Actor: machine, Member: member, By: "Anna"}, parents.Diary{Full: true, For: "3d"}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := desk.Diary(t.Context(), parents.Who{Actor: machine, Member: "Mia", By: parents.ByNobody}, parents.Diary{Full: true, For: "3d"}); err != nil {
		t.Fatal(err)
	}
	wants(t, "Mia's page", h.me(mia), "Asked for by a parent on", "!control socket")
	ask("Tom")
	h.get(tom, "naked.example")
	h.getPath(tom, "ask."+own, mePath, "Referer: http://evil.example/")
	if log("Tom").Told != 0 {
		t.Error("told by a page that nobody looked at, or that does not say when it begins")
	}
	wants(t, "Tom's page", h.me(tom), "the names of all sites that you open", "Asked for by Anna on Wednesday 2026-11-18 12:00.", "It begins on Thursday 2026-11-19 12:00", "!I agree")
	if told := log("Tom").Told; told != h.Clock().Unix() {
		t.Errorf("told at %d", told)
	}
	h.Later(time.Hour)
	h.me(tom)
	if told := log("Tom").Told; told != h.Clock().Unix()-3600 {
		t.Error("a second look puts it off")
	}
	ask("Lea")
	body := h.me(lea)
	form := formOf(t, body)
	wants(t, "Lea's page", body, "It begins only if you agree", `<form class="card" method="post" action="/me">`, "Asked for by Anna")
	for from, page := range map[string]string{tom: ourPage, guest: ourPage, tablet: ourPage, lea: "http://evil.example"} {
		if w := h.submit(from, mePath, page, form); w.Code < http.StatusBadRequest || log("Lea").Confirmed != 0 {
			t.Errorf("from %s: %d", from, w.Code)
		}
	}
	if w := h.submit(lea, mePath, ourPage, url.Values{"about": form["about"]}); w.Code != http.StatusBadRequest || log("Lea").Confirmed != 0 {
		t.Errorf("without the mark: %d", w.Code)
	}
	w := h.submit(lea, mePath, ourPage, form)
	agreed := log("Lea").Confirmed
	if wants(t, "Lea's page", w.Body.String(), "You agreed on Wednesday", "!I agree<"); w.Code != http.StatusOK || agreed != h.Clock().Unix() {
		t.Errorf("agreed: %d, at %d", w.Code, agreed)
	}
	h.Later(time.Minute)
	if w = h.submit(lea, mePath, ourPage, form); log("Lea").Confirmed != agreed {
		t.Errorf("the form counts twice: %d", w.Code)
	}
	if _, err := desk.Diary(t.Context(), parents.Who{Actor: machine, Member: "Lea"}, parents.Diary{Off: true}); err != nil {
		t.Fatal(err)
	}
	ask("Lea")
	if w = h.submit(lea, mePath, ourPage, form); w.Code != http.StatusBadRequest || log("Lea").Confirmed != 0 {
		t.Errorf("the word for one log is taken for the next: %d", w.Code)
	}
}

// TestMeReadsItselfAgain: the page comes up to date without a script, and stops doing so for who wants that.
func TestMeReadsItselfAgain(t *testing.T) {
	h, _, _ := withDiary(t)
	for clock, want := range map[string]string{noon: "300", "2026-11-18 19:47": "181", "2026-11-18 19:58": "121", "2026-11-18 19:50": "300"} {
		w := h.at(t, clock).getPath(mia, "ask."+own, mePath)
		if got := w.Header().Get("Refresh"); got != want {
			t.Errorf("at %s it is read again after %q seconds, want %q", clock, got, want)
		}
		wants(t, "the page", w.Body.String(), "Stop updating this page by itself")
	}
	if w := h.getPath(mia, "ask."+own, mePath+"?still=yes"); w.Header().Get("Refresh") != "" || !strings.Contains(w.Body.String(), ">Update this page by itself<") {
		t.Error("it does not keep still")
	}
	if w := h.get(mia, "naked.example"); w.Header().Get("Refresh") != "" {
		t.Error("another page reads itself again")
	}
}

// TestMeEscapes: names of people and devices are text, whatever they are.
func TestMeEscapes(t *testing.T) {
	const evil = `<script>alert(1)<!--"><img src=x onerror=alert(1)>` + "\u202eevil" // a name has no /
	h := newHome(t, houseOptions{language: "en", config: func(c *policy.Config) {
		home := &c.Households[0]
		home.Members[1].Name, home.Devices[1].Name, home.Devices[1].Member = evil, "pc "+evil, evil
	}})
	d := &memoir{days: map[string][]policy.ActivityDay{"family/" + evil: {{Day: "2026-11-17", Names: []policy.ActivityName{{Name: "<b>x</b>.example", Cause: "<i>", First: "<u>"}}}}}}
	d.notices = []policy.Notice{{Kind: policy.NoticeBypass, Member: evil, Device: "pc " + evil, At: h.Clock().Unix()}}
	h.activity = d
	for _, path := range []string{mePath, mePath + "?day=2026-11-17", mePath + `?still="><script>`, mePath + `?day="><script>`} {
		w := h.getPath(leo, "ask."+own, strings.ReplaceAll(path, `"><`, "%22%3E%3C"))
		if w.Code == http.StatusOK {
			checkPage(t, w.Header(), w.Body.String())
		}
		wants(t, path, w.Body.String(), "!<script", "!<img", "!<i>", "!<u>")
	}
}

// TestMeInEveryLanguage: the page stands in each language, small, whole, and with no place left empty.
func TestMeInEveryLanguage(t *testing.T) {
	for _, language := range policy.Languages() {
		h := newHome(t, houseOptions{language: language, country: "AT"})
		h.activity = &memoir{notices: []policy.Notice{{Kind: policy.NoticeSelfHarm, Member: "Leo", At: h.Clock().Unix()}, {Kind: policy.NoticeBypass, Member: "Leo", Device: "leo-laptop", At: h.Clock().Unix()}}}
		for _, clock := range []string{noon, evening, lessons, "2026-11-18 20:55"} {
			for _, addr := range []string{mia, leo, tom, anna, tablet, guest, stranger} {
				w := h.at(t, clock).getPath(addr, "ask."+own, mePath)
				body := w.Body.String()
				checkPage(t, w.Header(), body)
				if len(body) > maxPage || strings.ContainsAny(readable(t, body), "{}") || addr != stranger && !strings.Contains(body, `lang="`+language+`"`) {
					t.Errorf("%s, %s at %s: %d octets\n%s", language, addr, clock, len(body), readable(t, body))
				}
			}
		}
	}
}
