package store_test

import (
	"path/filepath"
	"testing"

	"github.com/hearthdns/hearth/policy/store"
)

func open(t *testing.T) *store.Bolt {
	t.Helper()
	b, err := store.Open(filepath.Join(t.TempDir(), "hearth.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}
