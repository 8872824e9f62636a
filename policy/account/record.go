package account

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/hearthdns/hearth/policy/store"
)

// Kinds of records. What stands under kindProof no export has.
const (
	kindAccount = "account" // Account, by its id
	kindProof   = store.KindProof
	kindSession = "session" // Session, by the hash of its cookie
	kindToken   = "token"   // Token, by the hash of its bearer
	kindInvite  = "invite"  // Invitation, by the hash of its code
	kindPointer = "pointer" // of Operators: which account a passkey or a subject of a provider belongs to
)

// record is a value that knows its own key. A value under another's key is not believed: copying what opens a door from
// one household into another opens nothing.
type record interface {
	key() store.Key
}

// kept is a record and the revision that it came with, 0 where there is none.
type kept[T record] struct {
	value    T
	revision uint64
}

// read gives the record of a key.
func read[T record](ctx context.Context, b *Book, k store.Key) (one kept[T], err error) {
	if k.Validate() != nil {
		return one, nil
	}
	all, err := readAll[T](ctx, b, k.String(), k.Kind)
	if err != nil || len(all) == 0 {
		return one, err
	}
	return all[0], nil
}

// list gives all records of a kind of one household, in the order of their ids.
func list[T record](ctx context.Context, b *Book, household, kind string) ([]kept[T], error) {
	if !validHousehold(household) {
		return nil, nil
	}
	return readAll[T](ctx, b, household+"/"+kind+"/", kind)
}

// listAll is list for who may see every household, and sees them all with "".
func listAll[T record](ctx context.Context, b *Book, household, kind string) ([]kept[T], error) {
	if household != "" {
		return list[T](ctx, b, household, kind)
	}
	return readAll[T](ctx, b, "", kind)
}

// readAll leaves out what cannot be read, and counts it: the rest of the household must not suffer.
func readAll[T record](ctx context.Context, b *Book, prefix, kind string) ([]kept[T], error) {
	s, err := b.Log.Snapshot(ctx, prefix)
	if err != nil {
		return nil, fmt.Errorf("reading accounts: %w", err)
	}
	all := make([]kept[T], 0, len(s.Entries))
	for _, e := range s.Entries {
		if e.Key.Kind != kind {
			continue
		}
		one := kept[T]{revision: e.Revision}
		if json.Unmarshal(e.Value, &one.value) != nil || one.value.key() != e.Key {
			b.counts.torn.Add(1)
			continue
		}
		all = append(all, one)
	}
	return all, nil
}

// set writes a record over the one of a revision, which is 0 where there must be none.
func set(v record, revision uint64) (store.Write, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return store.Write{}, fmt.Errorf("writing %s: %w", v.key(), err)
	}
	return store.Write{Key: v.key(), Value: text, Expect: &revision}, nil
}

// drop deletes a record that must be there as it was read, so that two cannot use it.
func (k kept[T]) drop() store.Write { return store.Write{Key: k.value.key(), Expect: &k.revision} }

// put makes writes, or none of them.
func (b *Book) put(ctx context.Context, writes ...store.Write) error {
	for len(writes) > store.MaxBatch { // deletions alone are so many
		if _, err := b.Log.Put(ctx, writes[:store.MaxBatch]...); err != nil {
			return conflicting(err)
		}
		writes = writes[store.MaxBatch:]
	}
	if len(writes) == 0 {
		return nil
	}
	_, err := b.Log.Put(ctx, writes...)
	return conflicting(err)
}
