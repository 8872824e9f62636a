package querylog

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"strings"
	"time"

	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/store"
)

const (
	// hearEvery is how often what a thing asked for is written while it learns.
	hearEvery = time.Minute
	// maxThings bounds the things that learn or report at once, maxNews the new destinations of one in a day.
	maxThings = 1000
	maxNews   = 20
	// maxFindings bounds what waits to be made a notice.
	maxFindings = 1000
	// Self-harm is told of after this many look-ups, ten minutes apart, on this many days of the last seven.
	careTimes = 3
	careDays  = 2
)

// hearing is what a thing asked for that is not written yet, and which destinations were reported.
type hearing struct {
	fresh   map[string]*policy.Destination
	domains map[string]string // of fresh
	written time.Time
	news    map[string]int64
}

// finding is a notice to be made. care: only once the days of self-harm say so.
type finding struct {
	household string
	person    string
	notice    policy.Notice
	care      bool
}

// signs looks for what parents should know of.
func (a *Activity) signs(x *heard) {
	if x.name == "" || x.person == policy.PersonGuests {
		return
	}
	a.hear(x)
	a.lack(x)
	h, c := x.Client.Household.ID, &x.Client
	if c.Evades(x.Decision, x.name, x.domain) && a.attempts.Asked(h+"/"+c.Device.Name, x.domain, x.Time) {
		a.found(finding{household: h, person: x.person, notice: policy.Notice{Kind: policy.NoticeBypass, Member: c.Member.Name, Device: c.Device.Name, At: x.Time}})
	}
	if c.Grieves(x.Decision, x.Categories, x.name, x.domain) {
		a.mark(x, kindWeek, keyCare)
		a.found(finding{household: h, person: x.person, care: true, notice: policy.Notice{Kind: policy.NoticeSelfHarm, Member: c.Member.Name, At: x.Time}})
	}
}

// found has a notice made at the next Flush.
func (a *Activity) found(f finding) {
	same := func(o finding) bool {
		return o.care && f.care && o.household == f.household && o.person == f.person
	}
	if slices.ContainsFunc(a.findings, same) {
		return
	}
	if len(a.findings) >= maxFindings {
		a.notices.Add(1)
		return
	}
	a.findings = append(a.findings, f)
}

// hear follows a thing: what it asks for while it learns, and what is new after a parent confirmed its list.
func (a *Activity) hear(x *heard) {
	v := x.Client.Device
	if v == nil || v.Thing == nil || x.Memory != policy.Names || x.Client.Assumed {
		return
	}
	at := device{x.Client.Household.ID, v.Name}
	switch {
	case v.Thing.Learning && !x.Decision.Blocks():
		a.hearing(at).hear(x)
	case !v.Thing.Learning && v.Thing.Taught && x.Decision.Blocks() && x.Decision.Step == policy.StepUnknown && !x.Decision.HasCategory:
		if a.hearing(at).isNews(x) {
			a.found(finding{household: at.household, person: x.person, notice: policy.Notice{
				Kind: policy.NoticeDestination, Device: v.Name, At: x.Time, Name: x.name, Categories: x.Client.Profile.Told(x.Categories)}})
		}
	}
}

// hearing gives that of a device; beyond maxThings it is nobody's.
func (a *Activity) hearing(at device) *hearing {
	h := a.things[at]
	if h == nil {
		h = &hearing{fresh: map[string]*policy.Destination{}, domains: map[string]string{}, news: map[string]int64{}}
		if len(a.things) < maxThings {
			a.things[at] = h
		}
	}
	return h
}

func (h *hearing) hear(x *heard) {
	d := h.fresh[x.name]
	if d == nil {
		if len(h.fresh) >= policy.MaxDestinations {
			return
		}
		d = &policy.Destination{Name: x.name, Categories: x.Client.Profile.Told(x.Categories), First: x.Time}
		h.fresh[x.name], h.domains[x.name] = d, x.domain
	}
	d.Count++
	d.Last = x.Time
}

// isNews says whether a destination was not reported within a day, and there is room for more.
func (h *hearing) isNews(x *heard) bool {
	for domain, at := range h.news {
		if x.Time-at >= int64(24*time.Hour/time.Second) {
			delete(h.news, domain)
		}
	}
	if _, known := h.news[x.domain]; known || len(h.news) >= maxNews {
		return false
	}
	h.news[x.domain] = x.Time
	return true
}

// lack follows an allow-list: what it lets through, and what is missing right after.
func (a *Activity) lack(x *heard) {
	p, d := x.Client.Profile, &x.Decision
	if !p.Listed() || x.Client.Assumed {
		return
	}
	who, from := x.Client.Household.ID+"/"+x.person, ""
	if x.Client.Device != nil {
		from = x.Client.Device.Name
	}
	switch {
	case d.Action == policy.Allow && d.Step > policy.StepAlwaysOn:
		a.companions.Allowed(who, from, x.domain, x.Time)
	case d.Blocks() && d.Step == policy.StepUnknown && !d.HasCategory && x.Memory != policy.Forget && !p.Stops(x.Categories):
		a.companions.Blocked(who, from, x.name, p.Told(x.Categories), x.Time)
	}
}

// flushSigns writes what things asked for, and makes notices. The caller holds writing.
func (a *Activity) flushSigns() error {
	a.mu.Lock()
	findings := a.findings
	a.findings = nil
	a.mu.Unlock()
	var failed error
	for _, f := range findings {
		if err := a.report(f); err != nil {
			failed = errors.Join(failed, err)
			a.unkept.Add(1)
		}
	}
	return errors.Join(failed, a.flushHeard(hearEvery))
}

// flushHeard writes what things asked for, of each at most every so often.
func (a *Activity) flushHeard(every time.Duration) error {
	now := a.cfg.Now()
	heard := map[device]*hearing{}
	a.mu.Lock()
	for at, h := range a.things {
		if len(h.fresh) > 0 && now.Sub(h.written) >= every {
			heard[at] = &hearing{fresh: h.fresh, domains: h.domains}
			h.fresh, h.domains, h.written = map[string]*policy.Destination{}, map[string]string{}, now
		}
	}
	a.mu.Unlock()
	var failed error
	for at, h := range heard {
		if err := a.writeHeard(at, h); err != nil {
			failed = errors.Join(failed, err)
			a.unkept.Add(1)
		}
	}
	return failed
}

// writeHeard adds what a thing asked for to what is known of it.
func (a *Activity) writeHeard(at device, h *hearing) error {
	ctx := context.Background()
	key := store.Key{Household: at.household, Kind: policy.KindHeard, ID: policy.RecordID(at.name)}
	known := policy.Heard{Device: at.name}
	s, err := a.cfg.Store.Snapshot(ctx, key.String())
	if err != nil {
		return err
	}
	for _, e := range s.Entries {
		if err := json.Unmarshal(e.Value, &known); err != nil {
			return fmt.Errorf("reading what a thing asked for: %w", err)
		}
	}
	for name, d := range h.fresh {
		known.Hear(*d, h.domains[name])
	}
	slices.SortFunc(known.Names, func(a, b policy.Destination) int { return strings.Compare(a.Name, b.Name) })
	return a.put(ctx, key, known)
}

func (a *Activity) put(ctx context.Context, key store.Key, v any) error {
	value, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = a.cfg.Store.Put(ctx, store.Write{Key: key, Value: value})
	return err
}

// report makes a notice, and forgets those that are too old or too many.
func (a *Activity) report(f finding) error {
	ctx := context.Background()
	all, err := a.noticesOf(ctx, f.household)
	if err != nil {
		return err
	}
	if f.care {
		due, err := a.careDue(f, all)
		if !due || err != nil {
			return err
		}
	}
	f.notice.ID = fmt.Sprintf("%011d-%s", f.notice.At, strings.ToLower(rand.Text()[:8]))
	value, err := json.Marshal(f.notice)
	if err != nil {
		return err
	}
	writes := []store.Write{{Key: store.Key{Household: f.household, Kind: policy.KindNotice, ID: f.notice.ID}, Value: value}}
	before := a.cfg.Now().Add(-policy.KeepNotices).Unix()
	for i, n := range all { // the oldest first
		if full := len(all)-i >= policy.MaxNotices; n.At < before || full {
			writes = append(writes, store.Write{Key: store.Key{Household: f.household, Kind: policy.KindNotice, ID: n.ID}})
			if full {
				a.notices.Add(1)
			}
		}
	}
	_, err = a.cfg.Store.Put(ctx, writes...)
	return err
}

// noticesOf reads the notices of a household, the oldest first.
func (a *Activity) noticesOf(ctx context.Context, household string) ([]policy.Notice, error) {
	s, err := a.cfg.Store.Snapshot(ctx, household+"/"+policy.KindNotice+"/")
	if err != nil {
		return nil, err
	}
	all := make([]policy.Notice, 0, len(s.Entries))
	for _, e := range s.Entries {
		var n policy.Notice
		if err := json.Unmarshal(e.Value, &n); err != nil {
			return nil, fmt.Errorf("reading a notice: %w", err)
		}
		n.ID = e.Key.ID
		all = append(all, n)
	}
	slices.SortStableFunc(all, func(a, b policy.Notice) int { return int(a.At - b.At) })
	return all, nil
}

// careDue says whether somebody looked for self-harm so often, on several days, that it is to be told; once in a week.
func (a *Activity) careDue(f finding, all []policy.Notice) (bool, error) {
	for _, n := range all {
		if n.Kind == policy.NoticeSelfHarm && n.Member == f.notice.Member && f.notice.At-n.At < int64(policy.KeepNotices/time.Second) {
			return false, nil
		}
	}
	parts, err := a.cfg.Store.Partitions(f.household, f.person)
	if err != nil {
		return false, err
	}
	days, times := 0, 0
	for _, p := range parts {
		if p.Kind != kindWeek {
			continue
		}
		records, err := a.cfg.Store.Records(p)
		if err != nil {
			return false, err
		}
		for _, r := range records {
			if r.Key == keyCare {
				days++
				times += spells(r.Bits)
			}
		}
	}
	return days >= careDays && times >= careTimes, nil
}

// spells counts the stretches of ten minutes in which something was asked for.
func spells(minutes []uint64) int {
	n, last := 0, -10
	for i, w := range minutes {
		for ; w != 0; w &= w - 1 {
			if at := i*64 + bits.TrailingZeros64(w); at >= last+10 {
				n, last = n+1, at
			}
		}
	}
	return n
}
