package querylog

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/store"
)

// Rename has what is remembered of a device go with it to its next name. What is in memory alone begins anew, but for what
// a thing asked for.
func (a *Activity) Rename(household, was, next string) error {
	a.writing.Lock()
	defer a.writing.Unlock()
	a.mu.Lock()
	heard := a.things[device{household, was}]
	delete(a.things, device{household, was})
	a.companions.Forget(household + "/" + policy.PersonOfDevice(was))
	a.attempts.Forget(household + "/" + was)
	a.sightings.Forget(household + "/" + was)
	a.mu.Unlock()
	var failed error
	if heard != nil && len(heard.fresh) > 0 { // at once: what waits under a name that is not yet in force is dropped
		failed = a.writeHeard(device{household, next}, heard)
	}
	return errors.Join(failed, a.flush(), a.movePartitions(household, policy.PersonOfDevice(was), policy.PersonOfDevice(next)), a.moveNotices(household, was, next))
}

// movePartitions puts what lies under one name under another.
func (a *Activity) movePartitions(household, was, next string) error {
	parts, err := a.cfg.Store.Partitions(household, was)
	if err != nil || len(parts) == 0 {
		return err
	}
	moved := make([]store.Addition, 0, len(parts))
	for _, p := range parts {
		records, err := a.cfg.Store.Records(p)
		if err != nil {
			return err
		}
		p.Person = next
		moved = append(moved, store.Addition{Partition: p, Records: records})
	}
	if _, err := a.cfg.Store.Append(moved...); err != nil {
		return err
	}
	_, err = a.cfg.Store.Erase(household, was)
	return err
}

// moveNotices has notices name a device as it is called now.
func (a *Activity) moveNotices(household, was, next string) error {
	ctx := context.Background()
	all, err := a.noticesOf(ctx, household)
	if err != nil {
		return err
	}
	var writes []store.Write
	for _, n := range all {
		if n.Device != was {
			continue
		}
		n.Device = next
		value, err := json.Marshal(n)
		if err != nil {
			return err
		}
		writes = append(writes, store.Write{Key: store.Key{Household: household, Kind: policy.KindNotice, ID: n.ID}, Value: value})
	}
	if len(writes) == 0 {
		return nil
	}
	_, err = a.cfg.Store.Put(ctx, writes...)
	return err
}
