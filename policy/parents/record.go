package parents

import (
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"slices"

	"github.com/goccy/go-yaml"

	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/store"
)

// Kinds of records that this package keeps in memory. Those of kindAudit stay on disk.
const (
	kindDefinition = "definition"
	kindGrant      = "grant"
	kindPause      = "pause"
	kindOff        = "off"
	kindUse        = "use"
	kindEnrolment  = "enrolment"
	kindPromotion  = "promotion"
	kindThing      = "learned"
	kindLog        = "log"
	kindRequest    = "request"
	kindPIN        = store.KindPIN
	kindAudit      = "audit"
)

// pin is what a member proves themselves with at a shared device.
type pin struct {
	Member string `json:"member"`
	Hash   []byte `json:"hash"` // bcrypt
	At     int64  `json:"at"`
}

// home is the records of one household by kind and id. It is replaced as a whole.
type home map[string]map[string]record

// record is one value, decoded.
type record struct {
	revision uint64
	value    any
}

// readers decode the kinds.
var readers = map[string]func([]byte) (any, error){
	kindDefinition: fromYAML[policy.HouseholdConfig],
	kindEnrolment:  fromYAML[policy.DeviceConfig],
	kindGrant:      fromJSON[policy.Grant],
	kindPause:      fromJSON[policy.Pause],
	kindOff:        fromJSON[policy.FilterOff],
	kindUse:        fromJSON[policy.Use],
	kindPromotion:  fromJSON[policy.Promotion],
	kindThing:      fromJSON[policy.Learned],
	kindLog:        fromJSON[policy.Log],
	kindRequest:    fromJSON[Request],
	kindPIN:        fromJSON[pin],
}

func fromJSON[T any](b []byte) (any, error) {
	var v T
	err := json.Unmarshal(b, &v)
	return v, err
}

// fromYAML reads what has the keys of the configuration.
func fromYAML[T any](b []byte) (any, error) {
	var v T
	err := yaml.UnmarshalWithOptions(b, &v, yaml.Strict())
	return v, err
}

// encode writes a value as it is kept: in JSON, with the keys of the configuration where it has such.
func encode(v any) (json.RawMessage, error) {
	switch v.(type) {
	case policy.HouseholdConfig, policy.DeviceConfig:
		return yaml.MarshalWithOptions(v, yaml.JSON(), yaml.OmitEmpty(), yaml.OmitZero())
	}
	return json.Marshal(v)
}

// all gives the values of a kind in the order of their ids.
func all[T any](h home, kind string) iter.Seq2[string, T] {
	return func(yield func(string, T) bool) {
		for _, id := range slices.Sorted(maps.Keys(h[kind])) {
			if !yield(id, h[kind][id].value.(T)) {
				return
			}
		}
	}
}

// with is the household after some changes; a change without a value is a deletion.
func (h home) with(changes ...change) home {
	next := make(home, len(h))
	for kind, records := range h {
		next[kind] = maps.Clone(records)
	}
	for _, c := range changes {
		if next[c.kind] == nil {
			next[c.kind] = map[string]record{}
		}
		if c.value == nil {
			delete(next[c.kind], c.id)
			continue
		}
		next[c.kind][c.id] = record{value: c.value, revision: c.revision}
	}
	return next
}

// change is one write to be made.
type change struct {
	kind, id string
	value    any     // nil deletes
	expect   *uint64 // nil: whatever is there
	revision uint64
}

func (c change) write(household string) (store.Write, error) {
	w := store.Write{Key: store.Key{Household: household, Kind: c.kind, ID: c.id}, Expect: c.expect}
	if c.value == nil {
		return w, nil
	}
	var err error
	if w.Value, err = encode(c.value); err != nil {
		return w, fmt.Errorf("writing %s: %w", w.Key, err)
	}
	return w, nil
}

// named makes an id of what people call something.
func named(name string) string { return policy.RecordID(name) }
