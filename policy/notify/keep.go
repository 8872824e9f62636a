package notify

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/hearthdns/hearth/policy/store"
)

// Kinds of what the store keeps of a household.
const (
	kindChannel  = store.KindChannel // by the channel's id
	kindSettings = "notify"          // under settingsID
	settingsID   = "settings"
)

// maxChannels bounds those of a household: phones, computers and addresses of four people, and a house's automation.
const maxChannels = 20

// wishes is what a household wants of all its messages.
type wishes struct {
	Names bool `json:"names"`
}

// Channels lists those of a household, by their age, without what is as good as a password.
func (p *Post) Channels(ctx context.Context, household string) ([]Channel, error) {
	found, _, err := p.kept(ctx, household)
	for i, c := range found {
		found[i] = c.Shown()
	}
	slices.SortFunc(found, func(a, b Channel) int { return a.Since.Compare(b.Since) })
	return found, err
}

// Add checks a channel and keeps it. The same receiver is the same channel: what was kept of it is replaced. Of a webhook the
// result has the secret by which it can tell our messages from others; it is never shown again. An error that is a *Failure
// says what to write instead.
func (p *Post) Add(ctx context.Context, household string, c Channel) (Channel, error) {
	if err := p.check(c); err != nil {
		return Channel{}, err
	}
	c.ID, c.Secret, c.Since = idOf(c.Kind, c.To), "", p.now().UTC()
	if c.Kind == Webhook {
		c.Secret = rand.Text()
	}
	there, _, err := p.kept(ctx, household)
	if err != nil {
		return Channel{}, err
	}
	if len(there) >= maxChannels && !slices.ContainsFunc(there, func(o Channel) bool { return o.ID == c.ID }) {
		return Channel{}, &Failure{Why: Often, Text: fmt.Sprintf("there are %d channels already: remove one that nobody reads", maxChannels)}
	}
	value, err := json.Marshal(c) //nolint:gosec // the store keeps it
	if err != nil {
		return Channel{}, fmt.Errorf("keeping a channel: %w", err)
	}
	if _, err := p.cfg.Log.Put(ctx, store.Write{Key: store.Key{Household: household, Kind: kindChannel, ID: c.ID}, Value: value}); err != nil {
		return Channel{}, fmt.Errorf("keeping a channel: %w", err)
	}
	return c, nil
}

// Remove forgets a channel; one that is not there is forgotten already.
func (p *Post) Remove(ctx context.Context, household, id string) error {
	if _, err := p.cfg.Log.Put(ctx, store.Write{Key: store.Key{Household: household, Kind: kindChannel, ID: id}}); err != nil {
		return fmt.Errorf("forgetting a channel: %w", err)
	}
	return nil
}

// Forget takes an account out of the channels of its household, and removes those that are its alone.
func (p *Post) Forget(ctx context.Context, household, account string) error {
	found, _, err := p.kept(ctx, household)
	if err != nil {
		return err
	}
	var writes []store.Write
	for _, c := range found {
		if !slices.Contains(c.For, account) {
			continue
		}
		w := store.Write{Key: store.Key{Household: household, Kind: kindChannel, ID: c.ID}}
		if c.For = slices.DeleteFunc(c.For, func(a string) bool { return a == account }); len(c.For) > 0 {
			if w.Value, err = json.Marshal(c); err != nil { //nolint:gosec // the store keeps it
				return fmt.Errorf("keeping a channel: %w", err)
			}
		}
		writes = append(writes, w)
	}
	if len(writes) == 0 {
		return nil
	}
	if _, err = p.cfg.Log.Put(ctx, writes...); err != nil {
		return fmt.Errorf("forgetting channels: %w", err)
	}
	return nil
}

// Names says whether messages of a household may name the sites that they are about.
func (p *Post) Names(ctx context.Context, household string) (bool, error) {
	s, err := p.cfg.Log.Snapshot(ctx, store.Key{Household: household, Kind: kindSettings, ID: settingsID}.String())
	if err != nil {
		return false, fmt.Errorf("reading what messages may tell: %w", err)
	}
	var w wishes
	for _, e := range s.Entries {
		if err := json.Unmarshal(e.Value, &w); err != nil {
			return false, fmt.Errorf("reading what messages may tell: %w", err)
		}
	}
	return w.Names, nil
}

// SetNames says whether they may. Whoever sees a phone lie there reads them.
func (p *Post) SetNames(ctx context.Context, household string, names bool) error {
	w := store.Write{Key: store.Key{Household: household, Kind: kindSettings, ID: settingsID}}
	if names {
		w.Value = json.RawMessage(`{"names":true}`)
	}
	if _, err := p.cfg.Log.Put(ctx, w); err != nil {
		return fmt.Errorf("keeping what messages may tell: %w", err)
	}
	return nil
}

// kept reads the channels of a household with their revisions. One that cannot be read is left out.
func (p *Post) kept(ctx context.Context, household string) ([]Channel, []uint64, error) {
	return p.under(ctx, household+"/"+kindChannel+"/")
}

// one reads a channel again; false where it was removed.
func (p *Post) one(ctx context.Context, household, id string) (Channel, uint64, bool, error) {
	found, revisions, err := p.under(ctx, store.Key{Household: household, Kind: kindChannel, ID: id}.String())
	if err != nil || len(found) == 0 {
		return Channel{}, 0, false, err
	}
	return found[0], revisions[0], true, nil
}

func (p *Post) under(ctx context.Context, prefix string) (found []Channel, revisions []uint64, err error) {
	s, err := p.cfg.Log.Snapshot(ctx, prefix)
	if err != nil {
		return nil, nil, fmt.Errorf("reading channels: %w", err)
	}
	for _, e := range s.Entries {
		var c Channel
		if json.Unmarshal(e.Value, &c) == nil && c.ID == e.Key.ID {
			found, revisions = append(found, c), append(revisions, e.Revision)
		}
	}
	return found, revisions, nil
}
