package tickets

import (
	"encoding/binary"
	"time"
)

// Status is what somebody sees who knows a number. It does not say about which name: who found or guessed a number learns
// nothing from it.
type Status struct {
	Number   string  `json:"number"`
	Asked    string  `json:"asked"`             // YYYY-MM-DD
	Promised string  `json:"promised"`          // YYYY-MM-DD
	Outcome  Outcome `json:"outcome,omitempty"` // "": not yet
	Word     string  `json:"word,omitempty"`    // the operator's
}

// Status tells the outcome to who knows a number. Errors: Refused for what is no number, Unknown for one that is too old.
func (d *Desk) Status(text string) (Status, error) {
	number, day, err := d.readNumber(text)
	if err != nil {
		return Status{}, err
	}
	settings, now := d.Settings(), d.Now()
	if time.Duration(dayOf(now)-day)*oneDay > settings.Keep {
		return Status{}, unknown("number", "this number is too old: what became of it is not kept any more")
	}
	s := Status{Number: number, Asked: dateOf(day), Promised: dateOf(day + settings.promiseDays())}
	d.mu.Lock()
	defer d.mu.Unlock()
	t, there := d.tickets[d.numbers[number]]
	if !there {
		s.Outcome = d.untold(number, day, now)
		return s, nil
	}
	for t.Outcome == Duplicate { // what is a duplicate never points back, so this ends
		other, known := d.tickets[d.numbers[t.Of]]
		if !known {
			break
		}
		t = other
	}
	s.Outcome, s.Word = t.Outcome, t.Word
	return s, nil
}

// untold is the outcome of a number of which nothing is kept, because the name is on a legal list: that it stays as it
// is, told at a time between the next day and the end of the promised one, which tells nobody anything.
func (d *Desk) untold(number string, day int64, now time.Time) Outcome {
	const seconds = int64(oneDay / time.Second)
	after := binary.BigEndian.Uint64(d.keyed("untold", number)) % uint64(d.Settings().promiseDays()*seconds)
	if now.Unix() < (day+1)*seconds+int64(after) {
		return Open
	}
	return Declined
}
