package parents

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/store"
)

// keepAudit is how long changes are remembered.
const keepAudit = 90 * 24 * time.Hour

// maxAudit bounds what is remembered of one household: more than 50 changes on each of 90 days are no family's.
const maxAudit = 5000

// Entry is one change that somebody made. It holds no name of a site but what a parent wrote.
type Entry struct {
	At     int64  `json:"at"` // unix seconds
	By     string `json:"by,omitempty"`
	Role   string `json:"role,omitempty"` // of who did it; "" for what a code or PIN proved, and for what nobody did
	What   string `json:"what"`
	Member string `json:"member,omitempty"`
	Device string `json:"device,omitempty"`
	Detail string `json:"detail,omitempty"`
	Until  int64  `json:"until,omitempty"`
}

func (p *place) entry(what, detail string, until int64) Entry {
	return Entry{What: what, Member: p.subject.Member, Device: p.subject.Device, Detail: cut(detail, 512), Until: until}
}

// remembered is an entry as it is written down.
func (p *place) remembered(e Entry) change {
	e.At, e.By = p.now.Unix(), p.by
	if p.actor.Role != Nobody {
		e.Role = p.actor.Role.String()
	}
	return change{kind: kindAudit, id: fmt.Sprintf("%011d-%s", e.At, rand.Text()[:8]), value: e}
}

// Entry is what somebody did elsewhere than at the desk, for Note.
func (w Who) Entry(what, detail string) Entry {
	return Entry{By: cmp.Or(w.Actor.Name, w.By), Role: w.Actor.Role.String(), What: what, Detail: detail}
}

// Note writes down for a household what was done elsewhere than at the desk, such as with its accounts. It need not be in
// force.
func (d *Desk) Note(ctx context.Context, household string, e Entry) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	p := &place{household: &policy.Household{ID: household}, now: d.Now(), by: cut(strings.ToValidUTF8(e.By, ""), maxBy)}
	e.Detail = cut(e.Detail, 512)
	return d.commit(ctx, p, e, nil)
}

// cut shortens a text to at most n octets.
func cut(text string, n int) string {
	if len(text) <= n {
		return text
	}
	for n > 0 && text[n]&0xc0 == 0x80 {
		n--
	}
	return text[:n]
}

// Audit lists who changed what in a household, the latest first.
func (d *Desk) Audit(ctx context.Context, who Who) (h *policy.Household, list []Entry, err error) {
	d.mu.Lock()
	p, missing := d.look(ctx, who)
	d.mu.Unlock()
	if missing == nil {
		h = p.household
	} else if h = (&policy.Household{ID: who.Household, Location: time.UTC}); who.Actor.Role < Operator { // it may be gone, and something of it kept
		return nil, nil, missing
	}
	s, err := d.Log.Snapshot(ctx, h.ID+"/"+kindAudit+"/")
	switch {
	case missing != nil && (err != nil || len(s.Entries) == 0):
		return nil, nil, missing
	case err != nil:
		return nil, nil, fmt.Errorf("reading what was changed: %w", err)
	}
	slices.SortStableFunc(s.Entries, func(a, b store.Entry) int { return cmp.Compare(a.Revision, b.Revision) })
	list = make([]Entry, 0, len(s.Entries))
	for _, e := range slices.Backward(s.Entries) {
		var entry Entry
		if err := json.Unmarshal(e.Value, &entry); err == nil && time.Unix(entry.At, 0).Add(keepAudit).After(d.Now()) {
			list = append(list, entry)
		}
	}
	return h, list, nil
}

// forget drops what is no longer remembered. The caller holds mu.
func (d *Desk) forget(ctx context.Context, household string, now time.Time) error {
	s, err := d.Log.Snapshot(ctx, household+"/"+kindAudit+"/")
	if err != nil {
		return err
	}
	before := fmt.Sprintf("%011d", now.Add(-keepAudit).Unix())
	var gone []change
	for i, e := range s.Entries { // the oldest first
		if (e.Key.ID < before || i < len(s.Entries)-maxAudit) && len(gone) < store.MaxBatch {
			gone = append(gone, change{kind: kindAudit, id: e.Key.ID})
		}
	}
	if len(gone) == 0 {
		return nil
	}
	return d.put(ctx, household, gone)
}

// whom names a subject for people.
func (p *place) whom(s policy.Subject) string {
	switch {
	case s.Member != "":
		return s.Member
	case s.Device != "":
		return s.Device
	}
	return "the house"
}
