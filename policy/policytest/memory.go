package policytest

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"

	"github.com/hearthdns/hearth/policy/store"
)

// Memory is a log without a disk, for tests of thousands of writes. Nobody can watch it.
type Memory struct {
	Broken error // what a call gives beside what it does

	mu       sync.Mutex
	revision uint64
	entries  map[string]store.Entry
}

// Snapshot implements store.Log.
func (m *Memory) Snapshot(_ context.Context, prefix string) (store.Snapshot, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	found := store.Snapshot{Revision: m.revision}
	for k, e := range m.entries {
		if k == prefix || (prefix == "" || strings.HasSuffix(prefix, "/")) && strings.HasPrefix(k, prefix) {
			found.Entries = append(found.Entries, e)
		}
	}
	slices.SortFunc(found.Entries, func(a, b store.Entry) int { return cmp.Compare(a.Key.String(), b.Key.String()) })
	return found, m.Broken
}

// Watch implements store.Log.
func (m *Memory) Watch(context.Context, string, uint64) iter.Seq2[[]store.Change, error] {
	return func(func([]store.Change, error) bool) {}
}

// Put implements store.Log.
func (m *Memory) Put(_ context.Context, writes ...store.Write) (uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, w := range writes {
		if err := w.Key.Validate(); err != nil {
			return 0, err
		}
		if found := m.entries[w.Key.String()]; w.Expect != nil && *w.Expect != found.Revision {
			return 0, &store.ConflictError{Expected: *w.Expect, Found: found}
		}
		if len(w.Value) > store.MaxValue {
			return 0, fmt.Errorf("%s has %d octets", w.Key, len(w.Value))
		}
	}
	if m.entries == nil {
		m.entries = map[string]store.Entry{}
	}
	m.revision++
	for _, w := range writes {
		if delete(m.entries, w.Key.String()); w.Value != nil {
			m.entries[w.Key.String()] = store.Entry{Key: w.Key, Revision: m.revision, Value: w.Value}
		}
	}
	return m.revision, m.Broken
}
