package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"

	"github.com/hearthdns/hearth/policy/store"
)

// storePath is the file of what people decide while the server runs.
func storePath(state string) string { return filepath.Join(state, "hearth.db") }

// openStore opens the store in the state folder. One that cannot be used is no reason not to filter: the households of the
// configuration and the last snapshot serve on, and nothing can be changed. Only where another server has it this
// one does not start.
func openStore(state string, log *slog.Logger) (*store.Bolt, error) {
	if err := makeState(state); err != nil {
		return nil, err
	}
	path := storePath(state)
	s, err := store.Open(path)
	switch {
	case errors.Is(err, store.ErrLocked):
		return nil, err
	case err != nil:
		if errors.Is(err, store.ErrDamaged) {
			err = fmt.Errorf("%w; stop the server and write: hearth restore FILE, a backup", err)
		}
		s = store.Frozen(path, err)
		log.Error("the state cannot be opened: as it last was it serves on, nothing can be changed, and neither activity nor used minutes are kept", "error", s.Refused())
	}
	return s, nil
}

// closeStore writes what waits, and ends the use of the store.
func (s *server) closeStore() {
	if err := s.activity.Settle(); err != nil {
		s.log.Error("keeping the last activity", "error", err)
	}
	if err := s.store.Close(); err != nil {
		s.log.Error("closing the state", "error", err)
	}
}

// noState is the state where no server runs: the commands open the file themselves.
type noState struct{}

var errNoState = fmt.Errorf("%w; hearth backup and hearth export read the file", errNoServer)

// Backup implements api.State.
func (noState) Backup(io.Writer) error { return errNoState }

// Export implements api.State.
func (noState) Export(context.Context, io.Writer, string) error { return errNoState }

// Refused implements api.State.
func (noState) Refused() error { return nil }
