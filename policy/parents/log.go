package parents

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/hearthdns/hearth/policy"
)

// Diary is what a parent asks of the log of a person's names.
type Diary struct {
	Full bool   `json:"full"` // of all names, not only of blocked ones
	For  string `json:"for"`  // such as 12h or 7d, which is the longest
	Off  bool   `json:"off"`  // end it
	// Told says that the person knows of it, Confirmed that they agree: what the person's own page sends.
	Told      bool `json:"told"`
	Confirmed bool `json:"confirmed"`
}

// Diary begins, ends or notes something about the log of a member's names. By the band it is in force at once, a day
// after the person was told, or once they agreed; it ends by itself.
func (d *Desk) Diary(ctx context.Context, who Who, ask Diary) (policy.Log, error) {
	var made policy.Log
	need := manage
	if !ask.Off && (ask.Told || ask.Confirmed) {
		need = own
	}
	_, err := d.act(ctx, who, need, func(p *place) (e Entry, changes []change, err error) {
		if p.member == nil {
			return e, nil, refused("member", "whose log is meant is missing: write HOUSEHOLD/MEMBER")
		}
		was, there := p.home[kindLog][named(p.member.Name)].value.(policy.Log)
		what := "log"
		switch {
		case ask.Off || ask.Told || ask.Confirmed:
			if !there || !runs(was.Until, p.now) {
				return e, nil, unknown("member", "no log of %s is kept, nor asked for", p.member.Name)
			}
			made, what = was, ask.note(&was, p.now.Unix())
			made = was
		default:
			if made, err = ask.log(p); err != nil {
				return e, nil, err
			}
		}
		c := change{kind: kindLog, id: named(p.member.Name), value: made}
		if ask.Off {
			c.value = nil
		}
		return p.entry(what, tier(made.Full), made.Until), append(changes, c), nil
	})
	return made, err
}

// note marks what the person said, and names it.
func (ask Diary) note(l *policy.Log, now int64) string {
	switch {
	case ask.Off:
		return "log ended"
	case ask.Confirmed:
		l.Confirmed = now
		return "log agreed to"
	}
	if l.Told == 0 {
		l.Told = now
	}
	return "log told of"
}

// log makes the log that is asked for.
func (ask Diary) log(p *place) (policy.Log, error) {
	long, err := days(ask.For)
	if err != nil {
		return policy.Log{}, err
	}
	l := policy.Log{Member: p.member.Name, Full: ask.Full, At: p.now.Unix(), By: p.by}
	if p.member.Band == policy.Teen {
		long += policy.LogNotice
	}
	l.Until = p.now.Add(long).Unix()
	if err := l.Check(p.member.Band); err != nil {
		return l, refused("for", "%v", err)
	}
	return l, nil
}

func tier(full bool) string {
	if full {
		return "all names"
	}
	return "blocked names"
}

// days reads a duration that may be in days.
func days(text string) (time.Duration, error) {
	long, err := time.ParseDuration(text)
	if number, isDays := strings.CutSuffix(text, "d"); isDays {
		var n int
		n, err = strconv.Atoi(number)
		long = time.Duration(n) * 24 * time.Hour
	}
	if err != nil || long < time.Hour || long > 60*24*time.Hour {
		return 0, refused("for", "%q is no time to keep a log or to learn: write such as 12h, 3d or 7d", text)
	}
	return long, nil
}
