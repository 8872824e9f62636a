package account

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/hearthdns/hearth/policy/store"
)

// census is what one look at the store found.
type census struct{ accounts, sessions, tokens, invitations int }

// Sweep throws away what has ended, and what belongs to no account any more.
func (b *Book) Sweep(ctx context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	s, err := b.Log.Snapshot(ctx, "")
	if err != nil {
		return fmt.Errorf("reading accounts: %w", err)
	}
	now := b.now()
	owners, lost := map[string]bool{}, []store.Write{}
	var ended []Account
	for _, e := range s.Entries {
		var a Account
		if e.Key.Kind != kindAccount || json.Unmarshal(e.Value, &a) != nil || a.key() != e.Key {
			continue
		}
		owners[a.Household+"/"+a.ID] = true
		if !a.Until.IsZero() && now.Sub(a.Until) > keepEnded {
			ended = append(ended, a)
		}
	}
	var found census
	found.accounts = len(owners)
	for _, e := range s.Entries {
		if over(e, owners, now, &found) {
			lost = append(lost, store.Write{Key: e.Key})
		}
	}
	b.census.Store(&found)
	if err := b.put(ctx, lost...); err != nil {
		return err
	}
	for _, a := range ended {
		if _, err := b.erase(ctx, a.Household, func(other Account) bool { return other.ID == a.ID }); err != nil {
			return err
		}
	}
	return nil
}

// gone counts what stays.
func gone(staying *int, over bool) bool {
	if !over {
		*staying++
	}
	return over
}

// over says whether a record has ended or belongs to nobody; what has not is counted. What cannot be read is left for
// people to look at.
func over(e store.Entry, owners map[string]bool, now time.Time, found *census) bool {
	switch e.Key.Kind {
	case kindSession:
		var s Session
		if json.Unmarshal(e.Value, &s) != nil {
			return false
		}
		return gone(&found.sessions, !now.Before(s.Ends()) || !owners[s.Household+"/"+s.Account])
	case kindToken:
		var t Token
		if json.Unmarshal(e.Value, &t) != nil {
			return false
		}
		orphan := t.Account != "" && !owners[t.Household+"/"+t.Account] && !owners[Operators+"/"+t.Account]
		return gone(&found.tokens, !now.Before(t.Until) || orphan)
	case kindInvite:
		var i Invitation
		if json.Unmarshal(e.Value, &i) != nil {
			return false
		}
		return gone(&found.invitations, !now.Before(i.Ends))
	case kindProof:
		return !owners[e.Key.Household+"/"+e.Key.ID]
	case kindPointer:
		var p pointer
		return json.Unmarshal(e.Value, &p) == nil && !owners[p.Household+"/"+p.Account]
	}
	return false
}
