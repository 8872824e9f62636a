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

	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/store"
)

const (
	// maxFindings bounds what of one kind waits to be made a notice.
	maxFindings = 1000
	// Self-harm is told of after this many look-ups, ten minutes apart, on this many days of the last seven.
	careTimes = 3
	careDays  = 2
)

// finding is a notice to be made. care: only once the days of self-harm say so.
type finding struct {
	household string
	person    string
	notice    policy.Notice
	care      bool
}

// found has a notice made at the next Flush.
func (a *Activity) found(f finding) {
	same := 0
	for _, o := range a.findings {
		if o.care && f.care && o.household == f.household && o.person == f.person {
			return
		}
		if o.notice.Kind == f.notice.Kind {
			same++
		}
	}
	if same >= maxFindings {
		a.notices.Add(1)
		return
	}
	a.findings = append(a.findings, f)
}

// flushFindings makes notices. What the store does not take waits for the next time. The caller holds writing.
func (a *Activity) flushFindings() error {
	a.mu.Lock()
	findings := a.findings
	a.findings = nil
	a.mu.Unlock()
	var failed error
	for _, f := range findings {
		if err := a.report(f); err != nil {
			failed = errors.Join(failed, err)
			a.mu.Lock()
			a.found(f)
			a.mu.Unlock()
		}
	}
	return failed
}

// report makes a notice, and forgets those that are too old, and of a kind too many.
func (a *Activity) report(f finding) error {
	ctx, now := context.Background(), a.cfg.Now().Unix()
	all, err := a.noticesOf(ctx, f.household)
	if err != nil {
		return err
	}
	f.notice.At = now
	if f.care {
		due, err := a.careDue(f, all)
		if !due || err != nil {
			return err
		}
	}
	f.notice.ID = fmt.Sprintf("%011d-%s", now, strings.ToLower(rand.Text()[:8]))
	value, err := json.Marshal(f.notice)
	if err != nil {
		return err
	}
	var writes []store.Write // those that go come first: they may be the only room that the household has
	same := map[policy.NoticeKind]int{f.notice.Kind: 1}
	for _, n := range slices.Backward(all) {
		same[n.Kind]++
		full := same[n.Kind] > n.Kind.Room()
		if full && !n.Over(now) {
			a.notices.Add(1)
		}
		if full || n.Over(now) {
			writes = append(writes, store.Write{Key: store.Key{Household: f.household, Kind: policy.KindNotice, ID: n.ID}})
		}
	}
	writes = append(writes, store.Write{Key: store.Key{Household: f.household, Kind: policy.KindNotice, ID: f.notice.ID}, Value: value})
	_, err = a.cfg.Store.Put(ctx, writes...)
	return err
}

// dropNotices forgets the notices of all households that are too old.
func (a *Activity) dropNotices() error {
	ctx, now := context.Background(), a.cfg.Now().Unix()
	s, err := a.cfg.Store.Snapshot(ctx, "")
	if err != nil {
		return err
	}
	var gone []store.Write
	for _, e := range s.Entries {
		if e.Key.Kind != policy.KindNotice {
			continue
		}
		var n policy.Notice
		if err := json.Unmarshal(e.Value, &n); err == nil && n.Over(now) {
			gone = append(gone, store.Write{Key: e.Key})
		}
	}
	for batch := range slices.Chunk(gone, store.MaxBatch) {
		if _, err := a.cfg.Store.Put(ctx, batch...); err != nil {
			return err
		}
	}
	return nil
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
	told := 0
	for _, n := range all {
		if n.Kind != policy.NoticeSelfHarm || n.Over(f.notice.At) {
			continue
		}
		if told++; n.Member == f.notice.Member {
			return false, nil
		}
	}
	if told >= policy.NoticeSelfHarm.Room() { // were one dropped for this, its child would be told of again
		a.notices.Add(1)
		return false, nil
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
