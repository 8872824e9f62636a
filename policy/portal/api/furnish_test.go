package api_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/account"
	"github.com/hearthdns/hearth/policy/notify"
	"github.com/hearthdns/hearth/policy/parents"
	"github.com/hearthdns/hearth/policy/policytest"
	"github.com/hearthdns/hearth/policy/portal/api"
	"github.com/hearthdns/hearth/policy/tickets"
)

// found is what there is in a house, by the parameter or field that names it; "body" is a whole one, "query" what follows
// the path.
type found map[string]string

// furnished is a house in which a route can be done.
func furnished(t *testing.T, id string) (*house, found) {
	t.Helper()
	h := open(t, withTokens(holders()), frankly)
	f := found{"household": "one", "member": "Tom", "device": "tom-phone", "list": "starter", "decision": "10.fun.games-01234567-89abcdef"}
	switch id {
	case "testChannel", "removeChannel", "addChannel":
		h.channel(f)
	case "getRequest", "answerRequest", "getLetter", "listRequests":
		f["request"] = h.wants(tom, "casino.example", true).ID
	case "resetAccount", "amendAccount", "removeAccount", "endSessions", "listAccounts", "endToken", "listTokens", "withdrawAccountInvitation":
		h.accounts(f)
	case "listReports", "getReport", "getReportStatus", "decideReport", "getBundle", "listProposals", "withdrawProposals", "publishProposals", "getTransparency":
		h.reports(f)
	case "adoptHousehold":
		f["household"] = "two"
	case "replaceDefinition":
		d := want[api.Definition](h, http.StatusOK, http.MethodGet, "/v1/households/one/definition", "")
		body, _ := json.Marshal(d)
		f["body"] = string(body)
	case "eraseMember":
		f["query"] = " "
	case "confirmBand":
		must(h.AddMember(t.Context(), policytest.Machine("one"), policy.MemberConfig{Name: "Ida", Born: policy.Date{Year: 2016, Month: 11, Day: 20}}, nil))
		h.Later(3 * 24 * time.Hour)
		h.ok(h.Reload(t.Context()))
		f["member"] = "Ida"
	default:
		h.acts(id, f)
	}
	return h, f
}

// acts has parents do what a route ends.
func (h *house) acts(id string, f found) {
	who := policytest.Machine("one")
	who.Member = "Mia"
	switch id {
	case "takeGrant":
		f["member"] = "Mia"
	case "endPause":
		f["member"] = "Mia"
		must(h.Pause(h.t.Context(), who, parents.Span{For: "always"}))
	case "filterOn":
		f["member"] = "Mia"
		must(h.FilterOff(h.t.Context(), who, parents.Span{For: "30m"}))
	case "revokeGrant":
		f["grant"] = must(h.Grant(h.t.Context(), who, parents.Ask{Kind: policy.GrantName, Value: "casino.example", Span: parents.Span{For: "1h"}})).ID
	case "endLog":
		f["member"] = "Mia"
		must(h.Diary(h.t.Context(), who, parents.Diary{For: "2d"}))
	case "getSheet", "learnThing", "confirmThing":
		f["device"], who.Member, who.Device = "robot", "", "robot"
		must(h.Learn(h.t.Context(), who, "2d"))
	case "getDeviceSettings":
		f["device"] = "mia-tablet"
	}
}

// channel has the house tell a receiver on this machine of what happens.
func (h *house) channel(f found) {
	receiver := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	h.t.Cleanup(receiver.Close)
	h.post = must(notify.New(notify.Config{
		Settings: notify.Settings{Private: true}, Log: h.Bolt, State: h.t.TempDir(), Words: func(notify.Draft) notify.Text { return notify.Text{Title: "x"} }, Now: h.Clock,
	}))
	c := h.Config
	c.Post = h.post
	h.API = must(api.New(c))
	f["channel"] = must(h.post.Add(h.t.Context(), "one", notify.Channel{Kind: notify.Webhook, To: receiver.URL})).ID
	f["to"], f["body"] = receiver.URL+"/b", `{"kind": "webhook", "to": "`+receiver.URL+`/a"}`
}

func (h *house) accounts(f found) {
	invited := func(name string) account.Invitation {
		return must(h.book.Invite(h.t.Context(), account.Machine(), account.Offer{Household: "one", Role: account.Parent, Name: name}))
	}
	must(h.book.Accept(h.t.Context(), account.Join{Client: account.Client{Address: netip.MustParseAddr("192.0.2.1")}, Code: invited("Anna").Code, Name: "Anna", Passphrase: "quiet harbour lantern"}))
	t, _, err := h.book.NewToken(h.t.Context(), account.Machine(), account.Wish{Household: "one", Name: "lights", Scopes: []account.Scope{"explain"}, Until: h.Clock().Add(100 * 24 * time.Hour)})
	h.ok(err)
	f["account"], f["token"], f["invitation"] = "Anna", t.ID, invited("Bert").ID
}

func (h *house) reports(f found) {
	r := must(h.tickets.Appeal(h.t.Context(), tickets.Ask{Household: "one", Name: "casino.example", Category: "money.gambling", Why: tickets.WhyFine}))
	must(h.tickets.Decide(h.t.Context(), tickets.Verdict{Number: r.Number, Outcome: tickets.Upheld, By: "Ops"}))
	number := must(h.tickets.Report(h.t.Context(), tickets.Ask{Household: "one", Name: "new.example", Why: "scary"})).Number
	f["list"], f["number"], f["name"], f["category"] = "big", number, "casino.example", "money.gambling"
}

// sensible is a request that is right, and that can be done in the house.
func (f found) sensible(o described) *http.Request {
	row := who[o.id()]
	query, body := row.path, row.body
	if f["query"] != "" {
		query = strings.TrimSpace(f["query"])
	}
	if f["body"] != "" {
		body = f["body"]
	}
	if f["number"] != "" {
		body = strings.ReplaceAll(body, "4719-2083-5561", f["number"])
	}
	at := parameter.ReplaceAllStringFunc(o.path, func(p string) string { return f[p[1:len(p)-1]] })
	r := httptest.NewRequest(o.method, at+query, strings.NewReader(body))
	if _, has := o.body(); has {
		r.Header.Set("Content-Type", "application/json")
	}
	r.Header.Set("Authorization", "Bearer operator")
	return r
}
