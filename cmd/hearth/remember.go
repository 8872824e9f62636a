package main

import (
	"context"
	"errors"
	"net/netip"
	"slices"

	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/portal"
	"github.com/hearthdns/hearth/resolver"
	"github.com/hearthdns/hearth/resolver/querylog"
)

// newActivity makes what remembers activity. The first World need not serve yet.
func (s *server) newActivity() *querylog.Activity {
	return querylog.NewActivity(querylog.ActivityConfig{Store: s.store, Directory: s.directory, Here: s.isHere, Log: s.log})
}

// renamed has what is remembered of a device follow its name.
func (s *server) renamed(household, was, next string) {
	if err := s.activity.Rename(household, was, next); err != nil {
		s.log.Error("what is remembered of a device lies under its old name; hearth activity erase takes that too", "household", household, "error", err)
	}
}

// isHere says whether a device was seen in the home's network lately, by what the presence table and the configuration
// say of its addresses.
func (s *server) isHere(household, name string) (here, known bool) {
	dir := s.directory()
	for _, m := range s.presence.List() {
		f := policy.Facts{Addr: m.Addr, MAC: m.MAC, Name: m.Name}
		known = true
		if c := dir.IdentifyBy(&f); c.Household != nil && c.Household.ID == household && c.Device != nil && c.Device.Name == name {
			return true, true
		}
	}
	return false, known
}

// queryOf is an event as activity takes it.
func (s *server) queryOf(e *resolver.Event) *querylog.Query {
	q := &querylog.Query{Time: e.Time, Client: e.Client, Decision: e.Decision, Categories: e.Categories, Memory: e.Memory, Name: e.Name()}
	if v := e.Client.Device; v != nil && v.Thing != nil && v.Thing.Learning && s.config.Load().Config.Geo.Country != "" {
		q.Countries = s.countries(e.Addresses())
	}
	return q
}

// countries says in which countries addresses lie, as far as the database knows.
func (s *server) countries(all []netip.Addr) (found []string) {
	for _, a := range all {
		if c := s.atlas.Locate(a).Country.String(); c != "" && !slices.Contains(found, c) && len(found) < policy.MaxCountries {
			found = append(found, c)
		}
	}
	return found
}

// remembered is what the control socket can do with activity.
type remembered struct{ *querylog.Activity }

// plainly gives an error of activity the form of the control API.
func plainly[T any](v T, err error) (T, error) {
	if e := new(querylog.Error); errors.As(err, &e) {
		return v, &portal.QueryError{Field: "of", Problem: e.Text, Unknown: e.Unknown}
	}
	return v, err
}

// Show implements portal.ActivityRecords.
func (r remembered) Show(ctx context.Context, of, day string) (policy.ActivityReport, error) {
	return plainly(r.Activity.Show(ctx, of, day))
}

// Export implements portal.ActivityRecords.
func (r remembered) Export(ctx context.Context, of string) (policy.ActivityExport, error) {
	return plainly(r.Activity.Export(ctx, of))
}

// Erase implements portal.ActivityRecords.
func (r remembered) Erase(ctx context.Context, of string, all bool) (policy.ActivityErased, error) {
	return plainly(r.Activity.Erase(ctx, of, all))
}

// Companions implements portal.ActivitySigns.
func (r remembered) Companions(ctx context.Context, of string) ([]policy.Companion, error) {
	return plainly(r.Activity.Companions(ctx, of))
}

// Notices implements portal.ActivitySigns.
func (r remembered) Notices(ctx context.Context, of string, child bool) ([]policy.NoticeReport, error) {
	return plainly(r.Activity.Notices(ctx, of, child))
}

// Devices implements portal.ActivitySigns.
func (r remembered) Devices(ctx context.Context, of string) ([]policy.Sighting, error) {
	return plainly(r.Activity.Devices(ctx, of))
}

// Seen implements portal.ActivityNotes.
func (r remembered) Seen(ctx context.Context, of string) error {
	_, err := plainly(true, r.Activity.Seen(ctx, of))
	return err
}
