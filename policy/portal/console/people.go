package console

import (
	"net/url"
	"strconv"
	"time"

	"github.com/hearthdns/hearth/policy/account"
)

// peopleParts is who may sign in, and who is invited.
type peopleParts struct {
	Accounts []accountRow
	Invited  []invitedRow
	Roles    []option
	Until    string // proposed last day of a carer
	Least    string
	Most     string
	Fresh    bool
	Code     string // that was just made
	Join     string
}

type accountRow struct {
	ID, Name, Role, Until string
	Me                    bool
}

type invitedRow struct{ ID, Name, Role, Ends string }

// Days of a carer: a holiday with the grandparents, and what policy/account takes at most.
const (
	carerDays = 14
	carerMost = 365
)

func (c *Console) peoplePage(v *visit) error {
	p, err := v.peopleParts()
	if err != nil {
		return err
	}
	return v.show("people", p)
}

func (v *visit) peopleParts() (*page, error) {
	ctx, s := v.r.Context(), v.session
	household, err := v.overseen()
	if err != nil {
		return nil, err
	}
	accounts, err := v.c.Book.Accounts(ctx, s.Actor(), household)
	if err != nil {
		return nil, err
	}
	invited, err := v.c.Book.Invitations(ctx, s.Actor(), household)
	if err != nil {
		return nil, err
	}
	now := v.now()
	parts := &peopleParts{
		Fresh: v.fresh(), Until: day(now.AddDate(0, 0, carerDays)), Least: day(now), Most: day(now.AddDate(0, 0, carerMost)),
		Join: "https://" + v.r.Host + "/join",
	}
	for _, a := range accounts {
		row := accountRow{ID: a.ID, Name: a.Name, Role: v.say("role." + string(a.Role)), Me: a.ID == s.Account}
		if !a.Until.IsZero() {
			row.Until = v.lastDay(a.Until)
		}
		parts.Accounts = append(parts.Accounts, row)
	}
	for _, i := range invited {
		parts.Invited = append(parts.Invited, invitedRow{i.ID, i.Name, v.say("role." + string(i.Role)), v.when(i.Ends)})
	}
	for _, r := range []account.Role{account.Parent, account.Carer, account.Child} {
		parts.Roles = append(parts.Roles, option{string(r), v.say("role." + string(r)), r == account.Parent})
	}
	return v.blank(v.say("people.title"), "household", parts), nil
}

// overseen is the household whose accounts are meant; that an operator looks at them is written down there.
func (v *visit) overseen() (string, error) {
	h, err := v.c.Desk.Oversee(v.r.Context(), v.who())
	if err != nil {
		return "", err
	}
	return h.ID, nil
}

// invite makes a code for somebody, which is shown once.
func (c *Console) invite(v *visit) error {
	household, err := v.overseen()
	if err != nil {
		return err
	}
	i, err := v.offer(household)
	p, failed := v.peopleParts()
	if failed != nil {
		return failed
	}
	if err != nil {
		return v.again("people", p, err)
	}
	parts, _ := p.Parts.(*peopleParts)
	parts.Code = i.Code
	return v.show("people", p)
}

func (v *visit) offer(household string) (i account.Invitation, err error) {
	o := account.Offer{Household: household, Role: account.Role(v.form("role")), Name: v.form("name")}
	if o.Role == account.Carer {
		last, err := time.ParseInLocation(time.DateOnly, v.form("until"), v.now().Location())
		if err != nil {
			return i, v.wrong("until", "refusal.refused.until")
		}
		o.Until = last.AddDate(0, 0, 1) // the end of that day
	}
	return v.c.Book.Invite(v.r.Context(), v.session.Actor(), o)
}

func (c *Console) removePerson(v *visit) error {
	household, err := v.overseen()
	if err != nil {
		return err
	}
	if err := c.Book.Remove(v.r.Context(), v.session.Actor(), household, v.r.PathValue("id")); err != nil {
		return err
	}
	return v.done("/people", "person_removed")
}

func (c *Console) withdraw(v *visit) error {
	household, err := v.overseen()
	if err != nil {
		return err
	}
	if err := c.Book.Withdraw(v.r.Context(), v.session.Actor(), household, v.r.PathValue("id")); err != nil {
		return err
	}
	return v.done("/people", "withdrawn")
}

func escape(text string) string { return url.QueryEscape(text) }

func text(n int) string { return strconv.Itoa(n) }

// number reads a whole number, 0 for what is none.
func number(text string) int {
	n, _ := strconv.Atoi(text)
	return n
}
