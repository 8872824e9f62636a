package notify

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
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

// MaxChannels bounds those of a household: phones, computers and addresses of four people, and a house's automation.
const MaxChannels = 20

// wishes is what a household wants of all its messages.
type wishes struct {
	Names bool `json:"names"`
}

// Channels lists those of a household, by their age, without what is as good as a password.
func (p *Post) Channels(ctx context.Context, household string) ([]Channel, error) {
	all, err := p.kept(ctx, household)
	found := make([]Channel, len(all))
	for i, c := range all {
		found[i] = c.Shown()
	}
	slices.SortFunc(found, func(a, b Channel) int { return a.Since.Compare(b.Since) })
	return found, err
}

// Add checks a channel and keeps it. The same receiver is the same channel: what was kept of it is replaced. Of a webhook the
// result has the secret by which it can tell our messages from others; it is never shown again. An error that is a *Failure
// says what to write instead. Whoever calls it has made sure that a parent asks: a channel that is for nobody in particular
// gets what is for parents.
func (p *Post) Add(ctx context.Context, household string, c Channel) (Channel, error) {
	if err := p.check(c); err != nil {
		return Channel{}, err
	}
	c.ID, c.Secret, c.Since = idOf(c.Kind, c.To), "", p.now().UTC()
	if c.Kind == Webhook {
		c.Secret = rand.Text()
	}
	err := p.change(ctx, household, func(there []revised) ([]revised, error) {
		i := slices.IndexFunc(there, func(o revised) bool { return o.ID == c.ID })
		switch {
		case i >= 0:
			return []revised{{c, there[i].revision}}, nil
		case len(there) >= MaxChannels:
			return nil, &Failure{Why: Full, Text: fmt.Sprintf("there are %d channels already: remove one that nobody reads", MaxChannels)}
		}
		return []revised{{c, 0}}, nil
	})
	if err != nil {
		return Channel{}, err
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
	return p.change(ctx, household, func(there []revised) (less []revised, _ error) {
		for _, c := range there {
			if !slices.Contains(c.For, account) {
				continue
			}
			if c.For = slices.DeleteFunc(c.For, func(a string) bool { return a == account }); len(c.For) == 0 {
				c.Kind = gone
			}
			less = append(less, c)
		}
		return less, nil
	})
}

// revised is a channel as it was read, or as it is to be: then of the revision in whose place it comes, 0 where there is none.
type revised struct {
	Channel
	revision uint64
}

// gone is the kind of a channel that is to be removed.
const gone Carrier = ""

// attempts is how often a change is tried again where somebody else was faster.
const attempts = 5

// change keeps what becomes of the channels of a household, all of it or nothing, and never in the place of what somebody
// else wrote meanwhile.
func (p *Post) change(ctx context.Context, household string, become func(there []revised) ([]revised, error)) error {
	p.edits.Lock()
	defer p.edits.Unlock()
	var conflict *store.ConflictError
	for range attempts {
		there, err := p.kept(ctx, household)
		if err != nil {
			return err
		}
		next, err := become(there)
		if err != nil || len(next) == 0 {
			return err
		}
		writes := make([]store.Write, len(next))
		for i, c := range next {
			writes[i] = store.Write{Key: store.Key{Household: household, Kind: kindChannel, ID: c.ID}, Expect: &c.revision}
			if c.Kind == gone {
				continue
			}
			if writes[i].Value, err = json.Marshal(c.Channel); err != nil { //nolint:gosec // the store keeps it
				return fmt.Errorf("keeping a channel: %w", err)
			}
		}
		switch _, err = p.cfg.Log.Put(ctx, writes...); {
		case err == nil:
			return nil
		case !errors.As(err, &conflict):
			return fmt.Errorf("keeping channels: %w", err)
		}
	}
	return fmt.Errorf("keeping channels: %w", conflict)
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

// kept reads the channels of a household. One that cannot be read is left out.
func (p *Post) kept(ctx context.Context, household string) ([]revised, error) {
	return p.under(ctx, household+"/"+kindChannel+"/")
}

// one reads a channel again; false where it was removed.
func (p *Post) one(ctx context.Context, household, id string) (c revised, there bool, err error) {
	found, err := p.under(ctx, store.Key{Household: household, Kind: kindChannel, ID: id}.String())
	if err != nil || len(found) == 0 {
		return c, false, err
	}
	return found[0], true, nil
}

func (p *Post) under(ctx context.Context, prefix string) (found []revised, err error) {
	s, err := p.cfg.Log.Snapshot(ctx, prefix)
	if err != nil {
		return nil, fmt.Errorf("reading channels: %w", err)
	}
	for _, e := range s.Entries {
		var c Channel
		if json.Unmarshal(e.Value, &c) == nil && c.ID == e.Key.ID {
			found = append(found, revised{c, e.Revision})
		}
	}
	return found, nil
}
