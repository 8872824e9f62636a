package source

import (
	"context"
	"errors"
)

// renewZone brings a newer version of a zone from its primaries.
func (l *Library) renewZone(_ context.Context, _ Source, _ kept) (candidate, Status, error) {
	return candidate{}, Failed, errors.New("zones are not transferred by this version: use url or path")
}
