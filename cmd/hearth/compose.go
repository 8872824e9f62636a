package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"os"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/blocklists/help"
	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/account"
	"github.com/hearthdns/hearth/policy/events"
	"github.com/hearthdns/hearth/policy/notify"
	"github.com/hearthdns/hearth/policy/parents"
	"github.com/hearthdns/hearth/policy/portal"
	"github.com/hearthdns/hearth/policy/portal/api"
	"github.com/hearthdns/hearth/policy/store"
	"github.com/hearthdns/hearth/policy/tickets"
	"github.com/hearthdns/hearth/resolver"
	"github.com/hearthdns/hearth/resolver/atlas"
	"github.com/hearthdns/hearth/resolver/cache"
	"github.com/hearthdns/hearth/resolver/forward"
	"github.com/hearthdns/hearth/resolver/listen/certificate"
	"github.com/hearthdns/hearth/resolver/local"
	"github.com/hearthdns/hearth/resolver/querylog"
	"github.com/prometheus/client_golang/prometheus"
)

// server is the running program: the live values of one configuration, and
// what is needed to put those of another in their place.
type server struct {
	log   *slog.Logger
	level *slog.LevelVar
	state string
	file  string
	env   []string
	term  io.Writer // where downloads show their progress
	boot  *Config   // what the listeners, cache and own name were made with

	config  atomic.Pointer[loaded]
	record  configState
	ready   atomic.Bool
	started time.Time

	addresses []string // that are served

	// work is held while a World is made from a configuration and an index,
	// so that no reload and no list update undoes the other.
	work       sync.Mutex
	stock      stock
	generation uint64

	shelf        atomic.Pointer[shelf]
	shelfChanged chan struct{}

	switchboard *switchboard
	catalog     *blocklists.Catalog
	cache       *cache.Cache
	local       *local.Names
	atlas       *atlas.Keeper
	presence    *whereabouts
	telemetry   telemetry
	keeper      *certificate.Keeper // nil: no listener is encrypted
	resolver    *resolver.Resolver
	portal      *portal.Portal
	api         *api.API
	parents     *parents.Desk
	accounts    *account.Book
	notices     chan account.Notice // of accounts, to be written down and told
	untold      atomic.Uint64       // of them
	tickets     *tickets.Desk
	activity    *querylog.Activity
	store       *store.Bolt // never nil; where its file is refused it serves the last snapshot, read only
	used        *usageKeeper
	events      *events.Watch // nil: nobody is told
	post        *notify.Post
	console     http.Handler // the pages of parents
	footprints  *footprints
	survey      *survey
	probes      *probes
	turnedAway  *prometheus.CounterVec // from the console
	supervisor  supervisor
}

// newServer makes everything that needs no socket.
func newServer(a *app, l *loaded, log *slog.Logger, level *slog.LevelVar) (*server, error) {
	state, err := a.stateDir(&l.Config)
	if err != nil {
		return nil, err
	}
	kept, err := openStore(state, log)
	if err != nil {
		return nil, err
	}
	s := &server{
		store: kept,
		log:   log, level: level, state: state, file: l.File, env: a.environ, term: a.err, boot: &l.Config, started: time.Now(),
		shelfChanged: make(chan struct{}, 1),
		switchboard:  &switchboard{log: log, loop: new(forward.Loop)},
		catalog:      blocklists.NewCatalog(blocklists.CatalogConfig{}),
		cache:        newCache(&l.Config),
		local:        local.New(log),
		atlas:        atlas.NewKeeper(log),
		supervisor:   supervisor{log},
	}
	if s.keeper, err = newKeeper(&l.Config, state, log); err != nil {
		return nil, err
	}
	if s.telemetry, err = newTelemetry(l.Config.Telemetry, log); err != nil {
		return nil, err
	}
	shelf, err := newShelf(&l.Config, state, log, a.err)
	if err != nil {
		return nil, err
	}
	s.shelf.Store(shelf)
	if s.stock, err = shelf.load(); err != nil {
		return nil, err
	}
	if err := s.openDesk(l); err != nil {
		return nil, err
	}
	world, views, err := s.world(l, s.stock)
	if err != nil {
		return nil, err
	}
	s.switchboard.use(views)
	s.presence = s.newWhereabouts(&l.Config)
	if s.portal, err = s.pages(&l.Config); err != nil {
		return nil, fmt.Errorf("preparing the landing page: %w", err)
	}
	s.resolver, err = resolver.New(resolver.Config{
		World: world, Catalog: s.catalog, Cache: s.cache, Local: s.local, Presence: s.presence, Observer: witness{s, s.portal},
		Log: log, Node: nodeName(), Version: thisBuild().Version,
		Slow: s.telemetry.slow(), SlowAfter: l.Config.Telemetry.Traces.Slow,
	})
	if err != nil {
		return nil, fmt.Errorf("preparing the resolver: %w", err)
	}
	if err := s.openConsole(&l.Config); err != nil {
		return nil, err
	}
	s.begin(l, world)
	return s, nil
}

// begin has the first World serve, with what was kept from the last run.
func (s *server) begin(l *loaded, w *resolver.World) {
	s.install(l, w)
	s.record.serving(l.Hash(), time.Now())
	s.restoreAnswers()
	s.used.keep()
}

// pages makes the landing page and the pages beneath the own name.
func (s *server) pages(c *Config) (*portal.Portal, error) {
	reached, err := s.enrolment(c)
	if err != nil {
		return nil, err
	}
	return portal.New(portal.Config{
		Name: c.Name, Guest: firstGuest(c), View: s.directory, Presence: s.presence, Now: time.Now, Log: s.log, Find: func(ctx context.Context, name string) (portal.ListFound, error) {
			return control{s}.Lists().Find(ctx, name)
		}, Desk: s.parents, Activity: remembered{s.activity}, Tickets: s.tickets, Port: pagePort(c), Console: c.consoleOfPages(), Enrolment: reached,
		BlockTTL:  func() time.Duration { return s.config.Load().Config.Landing.TTL },
		Remembers: func() bool { return s.config.Load().Config.Privacy.Activity },
		Help:      func() help.Table { return s.shelf.Load().library.Help() },
		Frank:     func() bool { return !s.config.Load().Config.hasLegalLists() },
		Withheld:  func(a netip.Addr, q *policy.Question, d policy.Decision) bool { return s.resolver.Withheld(a, q, d) },
	})
}

// openAPI makes what programs ask.
func (s *server) openAPI() (err error) {
	s.api, err = api.New(api.Config{
		Portal: s.portal, View: s.directory, Control: control{s}, Desk: s.parents, Activity: remembered{s.activity}, Tickets: s.tickets, Accounts: s.accounts, SetupPages: s.setupPages, Post: s.post, Tokens: holders{s.accounts}, Version: thisBuild().Version, Log: s.log,
	})
	if err != nil {
		return fmt.Errorf("preparing the API: %w", err)
	}
	return nil
}

// newKeeper gives what keeps the certificates of encrypted listeners, nil where there is none.
func newKeeper(c *Config, state string, log *slog.Logger) (*certificate.Keeper, error) {
	at := c.secured()
	for _, console := range c.Console.Listen {
		at = append(at, console.Addr())
	}
	if len(at) == 0 {
		return nil, nil //nolint:nilnil // there is nothing to keep
	}
	k, err := certificate.New(c.certificates(), state, at, log)
	if err != nil {
		return nil, fmt.Errorf("preparing certificates: %w", err)
	}
	return k, nil
}

// tls gives what the encrypted listeners show, nil where there is none.
func (s *server) tls() *tls.Config {
	if s.keeper == nil {
		return nil
	}
	return s.keeper.TLS()
}

// firstGuest is the profile by which pages judge clients of no household.
func firstGuest(c *Config) string {
	for _, l := range c.Listen {
		if l.Guest != "" {
			return l.Guest
		}
	}
	return ""
}

func newCache(c *Config) *cache.Cache { return cache.New(c.Cache.bounds()) }

// bounds are the settings of the cache itself.
func (c CacheConfig) bounds() cache.Config {
	return cache.Config{
		MaxBytes: int64(c.Size), MinTTL: c.MinTTL, MaxTTL: c.MaxTTL, MaxNegativeTTL: c.MaxNegativeTTL, MaxFailureTTL: c.MaxFailureTTL,
		Stale: cache.Stale{For: c.Stale.For, After: c.Stale.After, TTL: c.Stale.TTL}, Prefetch: c.Prefetch,
	}
}

// nodeName tells the machines of a fleet apart.
func nodeName() string {
	name, err := os.Hostname()
	if err != nil {
		return "hearth"
	}
	return name
}

// directory gives who may see what, as it is at this moment.
func (s *server) directory() *policy.Directory { return s.resolver.World().Directory }

// world joins a configuration and an index. The caller holds work, or nobody
// else knows the server yet.
func (s *server) world(l *loaded, k stock) (*resolver.World, plan, error) {
	c := &l.Config
	own, err := blocklists.ParseName(s.boot.Name)
	if err != nil {
		return nil, plan{}, fmt.Errorf("reading the own name: %w", err)
	}
	routes, views, err := s.switchboard.routes(k.index.Key(), c, s.boot.addresses())
	if err != nil {
		return nil, plan{}, err
	}
	reached, err := designation(s.boot)
	if err != nil {
		return nil, plan{}, err
	}
	people, err := s.people(l)
	if err != nil {
		return nil, plan{}, err
	}
	d, err := policy.Compile(policy.CompileConfig{
		Config: people, States: s.parents.States(), Usage: s.used.usage, Index: k.index, Own: own, Popular: k.popular, Now: time.Now(),
		Fixed: resolver.FixedNames(own, reached.Name, routes.Zones()),
	})
	if err != nil {
		return nil, plan{}, fmt.Errorf("compiling profiles: %w", err)
	}
	to, err := landing(s.boot, c)
	if err != nil {
		return nil, plan{}, err
	}
	s.generation++
	w, err := resolver.NewWorld(resolver.WorldConfig{
		Index: k.index, Directory: d, Upstreams: routes, Landing: to, Own: own,
		Listeners: admissions(s.boot, c, d), Designated: reached, InfoURL: c.Answers.InfoURL, Structured: c.structured(), Activity: c.Privacy.Activity,
		Atlas: s.atlas.Follow(c.Geo), Generation: s.generation,
	})
	if err != nil {
		return nil, plan{}, fmt.Errorf("joining index and profiles: %w", err)
	}
	s.local.Configure(c.homeFiles())
	return w, views, nil
}

// swap puts a new World in place of the old one. The caller holds work.
func (s *server) swap(l *loaded, k stock) error {
	w, views, err := s.world(l, k)
	if err != nil {
		return err
	}
	s.install(l, w)
	s.switchboard.use(views) // after that nobody begins to ask those that are gone
	s.stock = k
	s.stopsChanged()
	return nil
}

// recompile serves the index of the lists as they are now. Where it cannot be
// made, the error says so, and what is new of legal lists is served all the same.
func (s *server) recompile(ctx context.Context) error {
	from := s.shelf.Load()
	k, failed := from.fresh(ctx)
	s.work.Lock()
	defer s.work.Unlock()
	if s.shelf.Load() != from {
		return nil // a reload came between, and made an index of its own
	}
	if failed != nil {
		k = s.stock
		if k.index = from.library.WithLegal(k.index); k.index.Same(s.stock.index) {
			return failed
		}
	}
	return errors.Join(failed, s.swap(s.config.Load(), k))
}

// sameLists says whether two configurations need the same index.
func sameLists(a, b *Config) bool {
	return reflect.DeepEqual(a.Lists, b.Lists) && reflect.DeepEqual(a.Categories, b.Categories)
}
