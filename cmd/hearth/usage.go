package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"time"

	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/store"
)

const (
	// usageKind is the kind of the partitions that hold which minutes of quotas are used.
	usageKind = "minutes"
	// usageEvery is how often they are kept: what a killed server forgets at most.
	usageEvery = time.Minute
	// usageDays is how many whole days they are kept beside the present one: of all zones the day before.
	usageDays = 2
)

// usageKeeper keeps the used minutes of quotas over restarts.
type usageKeeper struct {
	usage   *policy.Usage
	journal *store.Bolt
	places  func() map[string]*time.Location // of the households
	log     *slog.Logger
	now     func() time.Time

	recalled map[store.Partition]bool // that were merged into usage
	oldest   store.Day                // that is kept
	failing  bool
}

func newUsageKeeper(s *server) *usageKeeper {
	return &usageKeeper{
		usage: policy.NewUsage(), journal: s.store, places: s.places, log: s.log, now: time.Now,
		recalled: map[store.Partition]bool{},
	}
}

// places gives where the households are.
func (s *server) places() map[string]*time.Location {
	found := map[string]*time.Location{}
	for _, h := range s.directory().Households() {
		found[h.ID] = h.Location
	}
	return found
}

// Run keeps the used minutes until ctx ends, and once more then.
func (k *usageKeeper) Run(ctx context.Context) error {
	tick := time.NewTicker(usageEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			k.keep()
		case <-ctx.Done():
			k.keep()
			return nil
		}
	}
}

// keep merges what is kept of the present day and not known yet, which after a start is all of it, and keeps
// what is new. A failure is told when it begins; that there is no state to write to was told at the start.
func (k *usageKeeper) keep() {
	err := k.recall()
	if err == nil {
		err = k.usage.Flush(k.save)
	}
	if errors.Is(err, store.ErrReadOnly) {
		return
	}
	if failing := err != nil; failing != k.failing {
		if k.failing = failing; failing {
			k.log.Error("used minutes of quotas are not kept: a restart forgets them", "error", err)
		} else {
			k.log.Info("used minutes of quotas are kept again")
		}
	}
}

// recall merges the partitions of the present day that were not merged yet: that of a new day is empty, unless
// the clock was wrong before; a quota may have come with a reload.
func (k *usageKeeper) recall() error {
	places := k.places()
	for _, key := range k.usage.Keys() {
		place := places[key.Household]
		if place == nil {
			continue // the household is gone
		}
		today := k.now().In(place)
		p := store.Partition{Kind: usageKind, Day: store.DayOf(today), Household: key.Household, Person: key.Person}
		if k.recalled[p] {
			continue
		}
		if err := k.merge(p, policy.DateOf(today)); err != nil {
			return err
		}
	}
	return k.forget()
}

func (k *usageKeeper) merge(p store.Partition, day policy.Date) error {
	records, err := k.journal.Records(p)
	if err != nil {
		return fmt.Errorf("reading used minutes: %w", err)
	}
	for _, r := range records {
		used := policy.Used{MeterKey: policy.MeterKey{Household: p.Household, Person: p.Person, Of: r.Key}, Day: day}
		copy(used.Minutes[:], r.Bits)
		k.usage.Merge(used)
	}
	k.recalled[p] = true
	return nil
}

// save keeps used minutes; those that are kept already stay.
func (k *usageKeeper) save(used []policy.Used) error {
	var additions []store.Addition
	for _, u := range used {
		p := store.Partition{Kind: usageKind, Day: store.Day(u.Day.String()), Household: u.Household, Person: u.Person}
		if n := len(additions); n == 0 || additions[n-1].Partition != p {
			additions = append(additions, store.Addition{Partition: p})
		}
		last := &additions[len(additions)-1]
		last.Records = append(last.Records, store.Record{Key: u.Of, Bits: u.Minutes[:]})
	}
	if _, err := k.journal.Append(additions...); err != nil {
		return fmt.Errorf("writing used minutes: %w", err)
	}
	return nil
}

// forget drops the days that are over, once a day.
func (k *usageKeeper) forget() error {
	oldest := store.DayOf(k.now().UTC().AddDate(0, 0, -usageDays))
	if oldest == k.oldest {
		return nil
	}
	if _, err := k.journal.Drop(usageKind, oldest); err != nil {
		return fmt.Errorf("forgetting used minutes of days that are over: %w", err)
	}
	k.oldest = oldest
	maps.DeleteFunc(k.recalled, func(p store.Partition, _ bool) bool { return p.Day < oldest })
	return nil
}
