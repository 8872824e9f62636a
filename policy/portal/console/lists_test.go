package console_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hearthdns/hearth/policy/account"
	"github.com/hearthdns/hearth/policy/portal"
	"github.com/hearthdns/hearth/policy/portal/console"
)

// register is what is known of lists: two of the house's, and one that nobody is told of.
type register struct{ *house }

func (r register) All(context.Context) ([]console.List, error) {
	return []console.List{
		{Name: "starter-money", Categories: []string{"money.gambling"}, Names: 1},
		{Name: "odd <b>list", Licence: "CC-BY-4.0", Categories: []string{"social.networks", "fun.games"}, Names: 2100, Fetched: r.Clock().Add(-3 * time.Hour), Failed: true, Held: true, Stale: true},
		{Name: "secret-order", Categories: []string{"illegal.order"}, Names: 77},
		{Name: "music", Categories: []string{"fun.music"}, Names: 5},
	}, nil
}

func (r register) Explain(_ context.Context, q portal.ExplainQuery) (portal.Explanation, error) {
	e, err := portal.Explain(r.Live(), q)
	if q.Name == "broken.example" {
		return e, errors.New("the disk is full")
	}
	if slices.Contains(e.Categories, "money.gambling") {
		e.Lists = []portal.ListEntry{{Source: "starter-money", Categories: []string{"money.gambling"}}, {Source: "starter-money", Categories: []string{"money.gambling"}}, {Source: "mine", Exception: true}}
	}
	return e, err
}

// TestLists: which lists there are, for whom, how fresh, and what failed; legal ones are nowhere.
func TestLists(t *testing.T) {
	t.Parallel()
	h := open(t, "", family)
	anna := h.signedIn("one", account.Parent, "Anna")
	anna.get("/household").says(`href="/lists"`)
	page := anna.get("/lists").says("starter-money", "part of Hearth", "1 name", "odd &lt;b&gt;list", "CC-BY-4.0", "3 hours ago", "2100 names", "Social and chat, Games", "2106 names in all")
	page.says("did not work", "waits for whoever runs", "confirmed it", "Stops sites for Mia, Tom", "Stops sites for nobody here").lacks("secret-order", "illegal")
}

// TestFindName: what happens to a name for each member, and which lists know it.
func TestFindName(t *testing.T) {
	t.Parallel()
	h := open(t, "", family)
	anna := h.signedIn("one", account.Parent, "Anna")
	page := anna.get("/lists?name=CASINO.example").is(http.StatusOK).says("casino.example", "Mia</bdi></b> does not get it: Gambling", "Anna</bdi></b> gets it", "These lists know it").lacks("mine")
	if n := len(regexpMoney.FindAllString(page.text, -1)); n != 1 {
		t.Errorf("a list is named %d times among those that know the name", n)
	}
	anna.post("/child/Tom/pause", url.Values{"for": {"1h"}})
	anna.get("/lists?name=nobody.example").says("Tom</bdi></b> gets nothing at this moment")
	anna.get("/lists?name=nobody.example").says("gets it", "No list that can be named")
	anna.get("/lists?name="+url.QueryEscape("no name at all")).is(http.StatusUnprocessableEntity).says("no name of a site", `value="no name at all"`)
	anna.get("/lists?name=" + url.QueryEscape(`"><script>alert(1)</script>`)).lacks("<script>alert")
	anna.get("/lists?name=broken.example").is(http.StatusInternalServerError).lacks("the disk is full")
}

// TestFindTimedName: at homework time that is why, whatever kind of site it is.
func TestFindTimedName(t *testing.T) {
	t.Parallel()
	h := open(t, "", strings.Replace(family, "{name: Tom, band: teen}", "{name: Tom, band: teen, schedule: {homework: \"15:00-17:00\"}}", 1))
	anna := h.signedIn("one", account.Parent, "Anna")
	anna.get("/lists?name=social.example").says("Tom</bdi></b> gets it")
	h.Later(-2 * time.Hour)
	anna.get("/lists?name=social.example").says("Tom</bdi></b> does not get it: Homework time")
}

// TestFindNameWatched: where Hearth only watches, everybody gets every site.
func TestFindNameWatched(t *testing.T) {
	t.Parallel()
	h := open(t, "", family+"observe: true\n")
	anna := h.signedIn("one", account.Parent, "Anna")
	anna.get("/lists?name=casino.example").says("Mia</bdi></b> gets it").lacks("does not get it")
}
