package main

import (
	"context"
	"errors"
	"time"

	"github.com/hearthdns/hearth/policy"
)

// librarian keeps the lists fresh: it compiles what could not be loaded at
// the start, runs the library's schedule and serves what it brings. A reload
// that changes the lists replaces the library, and this begins anew with it.
func (s *server) librarian(ctx context.Context) error {
	s.compileMissing(ctx)
	for ctx.Err() == nil {
		season, end := context.WithCancel(ctx)
		go func() {
			select {
			case <-s.shelfChanged:
				end()
			case <-season.Done():
			}
		}()
		err := s.shelf.Load().library.Run(season, func() { s.renew(season) })
		ended := season.Err() != nil
		end()
		if err != nil && !ended && !errors.Is(err, context.Canceled) {
			s.log.Error("lists are not updated any more; restart to try again", "error", err)
			<-ctx.Done()
		}
	}
	return nil
}

// compileMissing replaces what serves because no index fitted the lists.
func (s *server) compileMissing(ctx context.Context) {
	s.work.Lock()
	needed := s.stock.stale
	s.work.Unlock()
	if needed {
		s.renew(ctx)
	}
}

// renew compiles and serves, or says why the old index serves on.
func (s *server) renew(ctx context.Context) {
	if err := s.recompile(ctx); err != nil && ctx.Err() == nil {
		s.log.Error("the lists in use serve on", "error", err)
	}
}

// birthdays makes the profiles anew, every hour of the day on which a member
// gets into another age band: midnight is not at the same time everywhere.
func (s *server) birthdays(ctx context.Context) error {
	hour := time.NewTicker(time.Hour)
	defer hour.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-hour.C:
			s.growUp(time.Now())
		}
	}
}

func (s *server) growUp(now time.Time) {
	const easternmost = 14 * time.Hour // UTC+14 has each day first
	s.work.Lock()
	defer s.work.Unlock()
	next := s.directory().BandsUntil()
	if next.IsZero() || policy.DateOf(now.UTC().Add(easternmost)).Before(next) {
		return
	}
	if err := s.swap(s.config.Load(), s.stock); err != nil {
		s.log.Error("age bands are not renewed", "error", err)
	}
}
