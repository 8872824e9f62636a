package main

import (
	"context"
	"hash/maphash"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/portal/console"
	"github.com/hearthdns/hearth/resolver/setup"
)

const (
	// printBuckets times printWays addresses are remembered, 32 kB in all: as many as the presence table has.
	printBuckets = 1024
	printWays    = 4
	// printPace is how exactly it is known when somebody asked. The page tells minutes.
	printPace = 5 * time.Second
)

// footprints remember when somebody last asked from an address: a mark of the address under a key of this run, and a time;
// no names, in memory alone, and the oldest makes room. Marking takes no lock and no memory.
type footprints struct {
	seed    maphash.Seed
	now     atomic.Uint32 // unix seconds
	buckets [printBuckets][printWays]atomic.Uint64
}

func newFootprints() *footprints {
	f := &footprints{seed: maphash.MakeSeed()}
	f.tick(time.Now())
	return f
}

func (f *footprints) tick(now time.Time) { f.now.Store(uint32(now.Unix())) } //nolint:gosec // until 2106

// Run keeps the clock until ctx ends.
func (f *footprints) Run(ctx context.Context) error {
	ticker := time.NewTicker(printPace)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-ticker.C:
			f.tick(now)
		}
	}
}

// bucket gives where the mark of an address lies, and the mark.
func (f *footprints) bucket(a netip.Addr) (*[printWays]atomic.Uint64, uint64) {
	b := a.As16()
	h := maphash.Bytes(f.seed, b[:])
	return &f.buckets[h%printBuckets], h >> 32 << 32
}

// mark notes that somebody asked from an address now. nil notes nothing.
func (f *footprints) mark(a netip.Addr) {
	if f == nil {
		return
	}
	in, mark := f.bucket(a)
	now := mark | uint64(f.now.Load())
	oldest := 0
	for i := range in {
		was := in[i].Load()
		if was == now {
			return
		}
		if was>>32<<32 == mark {
			in[i].Store(now)
			return
		}
		if uint32(was) < uint32(in[oldest].Load()) { //nolint:gosec // the half that is the time
			oldest = i
		}
	}
	in[oldest].Store(now)
}

// last says when somebody last asked from an address, the zero Time if that is not known.
func (f *footprints) last(a netip.Addr) time.Time {
	in, mark := f.bucket(a)
	for i := range in {
		if was := in[i].Load(); was != 0 && was>>32<<32 == mark {
			return time.Unix(int64(uint32(was)), 0) //nolint:gosec // the half that is the time
		}
	}
	return time.Time{}
}

// surroundings tell the console which way queries come.
type surroundings struct{ server *server }

// Paths implements console.Network.
func (s *surroundings) Paths(addr netip.Addr) (p console.Paths) {
	all, own := s.machine(addr)
	for _, a := range all {
		at := &p.IPv6
		if a.Is4() {
			at = &p.IPv4
		}
		if last := s.server.footprints.last(a); last.After(*at) && (!own || !s.server.survey.made(last)) {
			*at = last
		}
	}
	return p
}

// machine gives the addresses of the machine that has one: those of the same MAC, of the same configured device, and of
// this machine itself, which is own, all.
func (s *surroundings) machine(addr netip.Addr) (all []netip.Addr, own bool) {
	if all = append(ownAddresses(), netip.IPv6Loopback(), loopback4(0).Addr()); slices.Contains(all, addr) {
		return all, true
	}
	all = []netip.Addr{addr}
	f := policy.Facts{Addr: addr}
	if s.server.presence.Find(&f); !f.MAC.IsZero() {
		for _, m := range s.server.presence.List() {
			if m.MAC == f.MAC {
				all = append(all, plainAddr(m.Addr))
			}
		}
	}
	if d := s.server.directory().IdentifyBy(&f).Device; d != nil {
		for _, a := range d.Addresses {
			all = append(all, plainAddr(a))
		}
	}
	return all, false
}

// Findings implements console.Network.
func (s *surroundings) Findings(anew bool) (found []console.Finding, looking bool) {
	return s.server.survey.findings(anew)
}

const (
	surveyFor  = 5 * time.Minute  // that what was found is shown without another look
	surveyAnew = 20 * time.Second // the same, for whoever wants another
	surveyMost = time.Minute      // that a look may take
	surveyAlso = 8                // who is asked beside the resolvers that are handed out
)

// survey looks at the network when somebody wants to know, and remembers what it found. Who asks never waits.
type survey struct {
	look   func(context.Context, []netip.Addr) []console.Finding
	wanted chan struct{} // a look that has not begun

	mu    sync.Mutex
	more  []netip.Addr // who asks for devices, at most surveyAlso
	stale bool         // some of them came after the last look began
	found []console.Finding
	began time.Time // the last look
	at    time.Time // when it ended
	busy  bool
}

func newSurvey(look func(context.Context, []netip.Addr) []console.Finding) *survey {
	return &survey{look: look, wanted: make(chan struct{}, 1)}
}

// Run looks, one time after the other, until ctx ends.
func (s *survey) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.wanted:
			s.renew(ctx)
		}
	}
}

// made says whether a look may have asked Hearth at that time, as clocks of printPace have it.
func (s *survey) made(at time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return at.After(s.began.Add(-2*printPace)) && (s.busy || at.Before(s.at.Add(printPace)))
}

// also has the next look, which is soon, ask somebody more.
func (s *survey) also(a netip.Addr) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Contains(s.more, a) && len(s.more) < surveyAlso {
		s.more, s.stale = append(s.more, a), true
	}
}

// findings gives what was found last, and says whether somebody looks at this moment. anew wants more than what was found a
// while ago.
func (s *survey) findings(anew bool) (found []console.Finding, looking bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := surveyFor
	if anew {
		old = surveyAnew
	}
	if !s.busy && (s.stale || time.Since(s.at) > old) {
		s.busy, s.began = true, time.Now()
		s.wanted <- struct{}{} // there is room: one look is wanted at a time
	}
	return s.found, s.busy
}

func (s *survey) renew(ctx context.Context) {
	ctx, stop := context.WithTimeout(ctx, surveyMost)
	defer stop()
	s.mu.Lock()
	more := slices.Clone(s.more)
	s.stale = false
	s.mu.Unlock()
	found := s.look(ctx, more)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.found, s.at, s.busy = found, time.Now(), false
}

// lookAround is what check-network does, as the console shows it.
func lookAround(c *Config, log *slog.Logger) func(context.Context, []netip.Addr) []console.Finding {
	return func(ctx context.Context, more []netip.Addr) (all []console.Finding) {
		cfg := setup.Config{Name: c.Name, Own: ownAddresses()}
		cfg.Servers = c.servesPlainly(cfg.Own)
		var err error
		if cfg.Resolvers, err = handedOut(); err != nil {
			log.Warn("which resolvers the network hands out is not known", "error", err)
		}
		for _, a := range more {
			if at := netip.AddrPortFrom(a, 53); !slices.ContainsFunc(cfg.Resolvers, func(r setup.Resolver) bool { return r.At == at }) {
				cfg.Resolvers = append(cfg.Resolvers, setup.Resolver{At: at, From: "asks for your device", Maybe: true})
			}
		}
		for _, f := range append(outOfReach(cfg.Servers), setup.Check(ctx, cfg)...) {
			all = append(all, console.Finding{State: string(f.State), About: f.About, Text: f.Text, Change: f.Change})
		}
		return all
	}
}
