package console

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/hearthdns/hearth/policy/account"
	"github.com/hearthdns/hearth/policy/notify"
	"github.com/hearthdns/hearth/policy/parents"
	"github.com/hearthdns/hearth/policy/portal"
)

// refusal is why something was not done, in the words of who reads the page.
type refusal struct {
	status int
	fields []string // of the form, that it may be about: the first that is there
	text   string
}

// Error implements error.
func (r *refusal) Error() string { return r.text }

// wrong is what the console itself finds wrong with a field of a form; key is one of the catalogue's.
func (v *visit) wrong(field, key string, pairs ...any) error {
	return &refusal{http.StatusUnprocessableEntity, []string{field}, v.say(key, pairs...)}
}

func (v *visit) unread() error { return v.wrong("", "problem.form") }

// mePath is where a child finds its own page beneath Ask.
const mePath = "/me"

func (v *visit) forChild() error {
	return &refusal{http.StatusForbidden, nil, v.say("problem.child", "place", v.c.Ask+mePath)}
}

func (v *visit) missing() error {
	return &refusal{http.StatusNotFound, nil, v.say("problem.missing")}
}

func (v *visit) gone(name string) error {
	return &refusal{http.StatusNotFound, nil, v.say("problem.gone", "name", name)}
}

func (v *visit) stale() error {
	return &refusal{http.StatusForbidden, nil, v.say("refusal.stale.any")}
}

// fail tells what was wrong.
func (v *visit) fail(err error) {
	told := v.told(err)
	if err := v.problem(told.status, told.text); err != nil {
		v.c.Log.Error("a page was not made", "error", err)
	}
}

// told is an error in words for people. The sentences of the packages are for programs and the shell: none of them is shown.
func (v *visit) told(err error) *refusal {
	var ours *refusal
	var desk *parents.Error
	var book *account.Error
	var post *notify.Failure
	out := &refusal{status: portal.StatusOf(err)}
	if out.status == http.StatusBadRequest { // a form of ours could be read: what stands in it cannot be used (RFC 9110, 15.5.21)
		out.status = http.StatusUnprocessableEntity
	}
	switch {
	case errors.As(err, &ours):
		return ours
	case errors.As(err, &post):
		out.fields, out.text = []string{post.Field}, v.undelivered(notify.Carrier(v.form("kind")), post)
	case errors.As(err, &desk):
		out.fields, out.text = inputs(desk.Case, desk.Field), v.refused(desk.Reason.String(), desk.Case, desk.Field, append(desk.Values, "place", desk.Place))
	case errors.As(err, &book):
		out.fields, out.text = inputs(book.Case, book.Field), v.refused(book.Reason.String(), book.Case, book.Field, book.Values)
		if book.Reason == account.Wait {
			v.w.Header().Set("Retry-After", strconv.Itoa(int(book.Wait.Seconds())))
		}
	default:
		v.c.Log.Error("a page failed", "path", v.r.Pattern, "error", err)
		out.status, out.text = http.StatusInternalServerError, v.say("problem.inside")
	}
	return out
}

// refused finds the text for a refusal: that of the case, else of the field, else of the reason.
func (v *visit) refused(reason, which, field string, values []any) string {
	if reason == parents.Unknown.String() && (field == "member" || field == "device") && v.name() != "" {
		return v.say("problem.gone", "name", v.name())
	}
	return v.say(v.words().Refusal(reason, which, field), values...)
}

// Refusal is the key of the text for a refusal of a field.
func (p *phrases) Refusal(reason, which, field string) string {
	for _, of := range []string{which, field} {
		if key := "refusal." + reason + "." + of; of != "" && p.Has(key) {
			return key
		}
	}
	return "refusal." + reason + ".any"
}

// undelivered says why a message does not reach a channel of a kind.
func (v *visit) undelivered(kind notify.Carrier, f *notify.Failure) string {
	switch f.Why {
	case notify.Full:
		return v.say("refusal.refused.full", "most", notify.MaxChannels)
	case notify.Wrong:
		if key := "refusal.failed." + string(kind); f.Field == "to" && v.words().Has(key) {
			return v.say(key)
		}
		return v.say(v.words().Refusal(parents.Refused.String(), "", f.Field))
	case notify.Late:
		return v.say("refusal.failed." + string(notify.Unreachable))
	case notify.Login:
		return v.say("refusal.failed." + string(notify.Refused))
	case notify.Off, notify.Often, notify.Forbidden, notify.Unreachable, notify.Certificate, notify.Gone, notify.Busy, notify.Refused:
	}
	return v.say("refusal.failed." + string(f.Why))
}

// called are the fields of forms whose names differ from those of the use-cases.
var called = map[string]string{"pin": "digits", "passphrase": "next", "timezone": "zone"}

// inputs are the fields of a form that a refusal of a use-case may be about.
func inputs(which, field string) (list []string) {
	for _, of := range []string{which, field} {
		list = append(list, of, called[of])
	}
	return list
}
