package store

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Kinds of the values by which people prove who they are. No export has them: whoever has the hash of four digits has the
// digits, and a passphrase is guessed from its hash where nobody slows it down.
const (
	KindPIN   = "pin"
	KindProof = "proof" // passphrases and passkeys of accounts
)

// KindChannel is that of ways to reach people. An export has them without their keys.
const KindChannel = "channel"

// exported is the state and the activity of one household, or of all, for people to read and keep.
type exported struct {
	Revision uint64     `json:"revision"`
	State    []Entry    `json:"state"`
	Activity []activity `json:"activity"`
}

// activity is what is kept of one person on one day.
type activity struct {
	Partition
	Records []Record `json:"records"`
}

// Export writes what is held of a household, with "" of all, as JSON: its state, and what is remembered by day. Nothing
// that names a category of legal lists is in it, whoever kept it.
func (b *Bolt) Export(ctx context.Context, w io.Writer, household string) error {
	prefix := ""
	if household != "" {
		prefix = household + "/"
	}
	s, err := b.Snapshot(ctx, prefix)
	if err != nil {
		return fmt.Errorf("exporting: %w", err)
	}
	all := exported{Revision: s.Revision, State: []Entry{}, Activity: []activity{}}
	for _, e := range s.Entries {
		var keep bool
		if e.Value, keep = lawful(e.Value); keep && !legal(e.Key.ID) && e.Key.Kind != KindPIN && e.Key.Kind != KindProof {
			if e.Key.Kind == KindChannel {
				e.Value = keyless(e.Value)
			}
			all.State = append(all.State, e)
		}
	}
	partitions, err := b.Partitions(household, "")
	if err != nil && !errors.Is(err, ErrReadOnly) {
		return fmt.Errorf("exporting: %w", err)
	}
	for _, p := range partitions {
		a, err := b.activity(p)
		if err := errors.Join(err, ctx.Err()); err != nil {
			return fmt.Errorf("exporting: %w", err)
		}
		all.Activity = append(all.Activity, a)
	}
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	out.SetIndent("", "  ")
	if err := out.Encode(all); err != nil {
		return fmt.Errorf("exporting: %w", err)
	}
	return nil
}

func (b *Bolt) activity(p Partition) (activity, error) {
	records, err := b.Records(p)
	a := activity{p, []Record{}}
	for _, r := range records {
		keep := true
		if r.JSON != nil {
			r.JSON, keep = lawful(r.JSON)
		}
		if keep && !legal(r.Key) {
			a.Records = append(a.Records, r)
		}
	}
	return a, err
}

// keyless leaves out of a channel what is as good as a password: what signs for a webhook, and the keys of a push.
func keyless(channel json.RawMessage) json.RawMessage {
	var parts map[string]json.RawMessage
	if json.Unmarshal(channel, &parts) != nil {
		return json.RawMessage("null")
	}
	for _, key := range []string{"secret", "p256dh", "auth"} {
		delete(parts, key)
	}
	left, _ := json.Marshal(parts) // what was read as JSON can be written
	return left
}

// legal says whether a word is a category of legal lists, which nothing may tell.
func legal(s string) bool {
	return strings.EqualFold(s, "illegal.csam") || strings.EqualFold(s, "illegal.order") || s == "illegal.*"
}

// lawful leaves out each object that names such a category, with all that it says, and says whether anything is left.
func lawful(value json.RawMessage) (json.RawMessage, bool) {
	if !bytes.Contains(bytes.ToLower(value), []byte("illegal")) && !bytes.Contains(value, []byte(`\u`)) {
		return value, true
	}
	read := json.NewDecoder(bytes.NewReader(value))
	read.UseNumber()
	var tree any
	if read.Decode(&tree) != nil {
		return nil, false
	}
	tree, keep := without(tree)
	left, err := json.Marshal(tree)
	return left, keep && err == nil
}

// without walks a tree of JSON. An object goes if one of its own strings is such a word, alone or in a list.
func without(v any) (left any, keep bool) {
	switch v := v.(type) {
	case string:
		return v, !legal(v)
	case []any:
		kept := make([]any, 0, len(v))
		for _, each := range v {
			each, ok := without(each)
			if _, word := each.(string); word && !ok {
				return nil, false
			}
			if ok {
				kept = append(kept, each)
			}
		}
		return kept, true
	case map[string]any:
		for name, each := range v {
			left, ok := without(each)
			_, object := each.(map[string]any)
			switch {
			case legal(name), !ok && !object:
				return nil, false
			case !ok:
				delete(v, name)
			default:
				v[name] = left
			}
		}
		return v, true
	}
	return v, true
}
