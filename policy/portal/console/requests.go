package console

import (
	"cmp"
	"errors"
	"slices"

	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/parents"
)

// RequestPath is the page of one request, where messages about it lead. To open it answers nothing: scanners of mail follow links.
func RequestPath(id string) string { return requestsPath + "/" + id }

const requestsPath = "/requests"

// maxWaiting bounds the requests on the page; answering one brings the next.
const maxWaiting = 12

// requestRow is a request.
type requestRow struct {
	W                                     *phrases
	ID, From, What, Why, Word, Half, When string
	Alone                                 bool   // on a page of its own
	More                                  int    // requests that wait beside it
	Yes, Always                           bool   // who looks may say yes to it, and for always
	Closed, Reply                         string // what became of it, and the word that went with the answer
}

// waiting adds the requests that nobody has answered, or one of two parents, the oldest first.
func (v *visit) waiting(parts *todayParts) error {
	page, err := v.c.Desk.Requests(v.r.Context(), v.who(), parents.RequestQuery{Limit: 100})
	if err != nil {
		return err
	}
	slices.Reverse(page.Requests)
	for _, r := range page.Requests[:min(len(page.Requests), maxWaiting)] {
		parts.Requests = append(parts.Requests, v.request(r))
	}
	parts.More = len(page.Requests) - len(parts.Requests)
	return nil
}

func (v *visit) request(r parents.Request) requestRow {
	me := v.actor()
	row := requestRow{W: v.words(), ID: r.ID, From: cmp.Or(r.Member, r.Device), What: cmp.Or(r.Name, v.plainly(r.Value)), Word: r.Word, When: v.ago(r.At), Yes: true, Always: me.Role >= parents.Parent}
	if r.Kind == policy.GrantTime {
		row.What = v.say("act.time")
	}
	if r.Kind == policy.GrantService {
		row.What = v.plainly(r.Value)
	}
	if r.Category != "" {
		row.Why = v.group(r.Category)
	}
	if r.Mistake {
		row.Why = v.say("request.mistake")
	}
	if h, there := v.c.Directory().Household(r.Household); there && h.TwoAnswer && me.Role != parents.Parent {
		row.Yes, row.Half = false, v.say("request.two")
	}
	for _, a := range r.Answers {
		row.Half = v.say("request.half", "name", cmp.Or(a.By, v.say("role.parent")))
		if a.Account != "" && a.Account == me.Account {
			row.Yes, row.Half = false, v.say("request.mine")
		}
	}
	return row
}

// requestPage shows one request, and what became of it.
func (c *Console) requestPage(v *visit) error {
	p, err := v.requestPage(v.r.PathValue("id"))
	if err != nil {
		return err
	}
	return v.show("request", p)
}

func (v *visit) requestPage(id string) (*page, error) {
	r, err := v.c.Desk.ShowRequest(v.r.Context(), v.who(), id)
	if unknown := new(parents.Error); errors.As(err, &unknown) && unknown.Reason == parents.Unknown {
		return nil, v.missing() // of others is as if it were not
	} else if err != nil {
		return nil, err
	}
	row := v.request(r)
	row.Alone = true
	if !r.Open() {
		row.Yes, row.Half = false, ""
		row.Closed, row.Reply = v.outcome(r)
	}
	var others todayParts
	if err := v.waiting(&others); err != nil {
		return nil, err
	}
	row.More = len(slices.DeleteFunc(others.Requests, func(o requestRow) bool { return o.ID == id })) + others.More
	return v.blank(v.say("request.title", "name", row.From), "today", row), nil
}

// outcome says what became of a closed request, and the word that was said with it.
func (v *visit) outcome(r parents.Request) (text, word string) {
	from, by := cmp.Or(r.Member, r.Device), v.say("role.parent")
	if n := len(r.Answers); n > 0 {
		by, word = cmp.Or(r.Answers[n-1].By, by), r.Answers[n-1].Word
	}
	switch {
	case r.Status == parents.Granted && r.Until.IsZero():
		return v.say("request.yes_always", "name", by), word
	case r.Status == parents.Granted:
		return v.say("request.yes_until", "name", by, "until", v.when(r.Until)), word
	case r.Status == parents.Declined:
		return v.say("request.said_no", "name", by), word
	case r.Status == parents.Withdrawn:
		return v.say("request.taken_back", "name", from), ""
	}
	return v.say("request.expired"), ""
}

// requestsPage is where a message about several of them leads.
func (c *Console) requestsPage(v *visit) error {
	v.to("/")
	return nil
}

// answer answers a request with one tap, and shows what waits, or the page of this one.
func (c *Console) answer(v *visit) error {
	id, verdict := v.form("id"), parents.Verdict{For: v.form("for"), Word: v.form("word")}
	if verdict.For == "no" {
		verdict.For, verdict.Decline = "", true
	}
	back := "/"
	if v.form("back") == "request" {
		back = RequestPath(id)
	}
	r, err := c.Desk.Answer(v.r.Context(), v.who(), id, verdict)
	if err != nil {
		return v.unanswered(id, back, err)
	}
	done := map[parents.RequestStatus]string{parents.Granted: "answered", parents.Declined: "declined", parents.Half: "half"}
	return v.done(back, done[r.Status])
}

// unanswered shows the page from which an answer came once more, with why it was not taken.
func (v *visit) unanswered(id, back string, err error) error {
	name, show := "today", v.todayParts
	if back != "/" {
		name, show = "request", func() (*page, error) { return v.requestPage(id) }
	}
	p, gone := show()
	if gone != nil {
		return gone
	}
	told := v.told(err)
	if row, is := p.Parts.(requestRow); is && row.Closed != "" {
		told.text = v.say("request.late")
	}
	return v.again(name, p, told)
}
