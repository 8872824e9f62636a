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
	failed = errors.Join(failed, a.flush())
	_, err := a.cfg.Store.Move(household, policy.PersonOfDevice(was), policy.PersonOfDevice(next))
	return errors.Join(failed, err, a.moveNotices(household, was, next))
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
