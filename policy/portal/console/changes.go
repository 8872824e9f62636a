package console

import (
	"fmt"
	"strings"

	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/parents"
)

// changed says what was done, in the language of the page; the audit has it in English, for programs.
func (v *visit) changed(what string) string {
	if key := "change." + what; v.words().Has(key) {
		return v.say(key)
	}
	return v.say("change.any")
}

// detail is what belongs to a change: names as they are, and the rest in the language of the page.
func (v *visit) detail(e parents.Entry) string {
	if tell := details[e.What]; tell != nil && e.Detail != "" {
		return tell(v, e.Detail)
	}
	return ""
}

// details are the changes of which more is told. What the audit says of others is English, and tells parents nothing more.
var details = map[string]func(v *visit, text string) string{
	"grant": (*visit).grants, "revoke": (*visit).grants, "continue": (*visit).grants, "pause": (*visit).grants, "rule": (*visit).grants, // "allow NAME"
	"request": (*visit).asked, "request granted": (*visit).asked, "request half granted": (*visit).asked, "request declined": (*visit).asked,
	"device invited": (*visit).given, "device enrolled": (*visit).given, "device assigned": (*visit).given,
	"device renamed": (*visit).behind, "device removed": (*visit).behind, "device used": (*visit).behind,
	"birthday confirmed": (*visit).aged, "member removed": (*visit).aged,
	"standing grant": func(v *visit, text string) string { return v.counted("time.plus", text) },
	"learning":       func(v *visit, text string) string { return v.counted("lists.names", text) },
	"confirmed":      func(v *visit, text string) string { return v.counted("lists.names", text) },

	"channel of messages added": (*visit).carried, "channel of messages removed": (*visit).carried,
	"signed in in a new browser": (*visit).behind, "somebody guesses passphrases": (*visit).behind, "passkey refused, it may be a copy": (*visit).behind,
	"account opened": (*visit).behind, "passkeys changed": (*visit).behind, "passphrase changed": (*visit).behind, "account started anew": (*visit).behind,
	"token made":         func(_ *visit, text string) string { return text },
	"decision looked at": func(_ *visit, text string) string { return text },
}

// grants are things that were granted, such as "name example.org; time".
func (v *visit) grants(text string) string {
	var list []string
	for one := range strings.SplitSeq(text, "; ") {
		var n int
		var of string
		if _, err := fmt.Sscanf(one, "%d minutes more of %s", &n, &of); err == nil {
			list = append(list, v.say("act.bonus", "n", n, "value", v.plainly(of)))
			continue
		}
		if one == string(policy.GrantTime) {
			list = append(list, v.say("act.time"))
			continue
		}
		_, value, _ := strings.Cut(strings.TrimSuffix(one, " at bedtime too"), " ")
		list = append(list, v.plainly(value))
	}
	return strings.Join(list, "; ")
}

// asked is what a request was about, such as "request 4711: service chess"; the name of a site is not written down.
func (v *visit) asked(text string) string {
	_, what, _ := strings.Cut(text, ": ")
	what, _, _ = strings.Cut(what, ", ")
	kind, of, _ := strings.Cut(what, " ")
	switch policy.GrantKind(kind) {
	case policy.GrantTime:
		return v.say("act.time")
	case policy.GrantService:
		return v.plainly(of)
	case policy.GrantBonus, policy.GrantName, policy.GrantCategory, policy.GrantContinue, policy.GrantSecurity:
	}
	return ""
}

// behind is what stands behind a preposition, such as "from 192.0.2.1".
func (v *visit) behind(text string) string {
	_, text, _ = strings.Cut(text, " ")
	return text
}

// given is to whom a device was given: people, or an age, or that it is a thing.
func (v *visit) given(text string) string {
	to := v.behind(text)
	if to == policy.Things.String() {
		return v.say("devices.thing")
	}
	return v.aged(strings.ReplaceAll(to, " and ", ", "))
}

// aged is an age band in words; of anything else it is that.
func (v *visit) aged(text string) string {
	if _, is := policy.ParseBand(text); is {
		return v.band(text)
	}
	return text
}

// counted is a text with the number that a detail begins with.
func (v *visit) counted(key, text string) string {
	before, _, _ := strings.Cut(text, " ")
	return v.say(key, "n", number(before))
}

func (v *visit) carried(text string) string {
	if key := "carrier." + text; v.words().Has(key) {
		return v.say(key)
	}
	return ""
}
