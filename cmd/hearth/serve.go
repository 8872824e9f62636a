package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/hearthdns/hearth/policy/portal"
	"github.com/hearthdns/hearth/resolver/listen"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"
	"golang.org/x/term"
)

func (a *app) serveCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "serve",
		Short: "Answer queries",
		Long: `Answer DNS queries, and show the page that blocked names lead to. Without
--config the built-in defaults serve an example household on 127.0.0.1:5300.

SIGHUP, a change of the configuration file and POST /v1/reload on the control
socket take over a new configuration; one with a mistake is reported and the
last good one serves on. SIGTERM answers what is in flight and ends.`,
		Example: `  hearth serve
  hearth serve --config /etc/hearth/config.yaml
  HEARTH__STATE=./state hearth serve`,
		Args: exactly(0, "serve takes no arguments; name the file with --config"),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.serve(cmd.Context()) },
	}
}

// serve runs until ctx ends.
func (a *app) serve(ctx context.Context) error {
	l, err := a.load()
	if err != nil {
		return err
	}
	ctx, stop := untilSignal(ctx)
	defer stop()
	level := new(slog.LevelVar)
	log := newLog(a.err, l.Config.Log, level)
	_, warnings := a.checkOwners(l)
	for _, p := range warnings {
		if p.Path != nobodysHome().Path { // the store knows better than its snapshot
			log.Warn("configuration", "warning", p.discreet())
		}
	}
	s, err := newServer(a, l, log, level)
	if err != nil {
		return err
	}
	if len(s.directory().Households()) == 0 {
		log.Warn("configuration", "warning", nobodysHome().discreet())
	}
	defer s.closeStore()
	open, err := openSockets(ctx, &l.Config, controlPath(s.boot, s.state), listen.Config{Handler: handler{s.resolver, s.telemetry.tap, s.footprints, s.probes}, Beside: s.switchboard.loop, TLS: s.tls(), Log: log})
	if err != nil {
		return err
	}
	if a.showsHints(l) {
		hints(a.err, &l.Config, l.source())
	}
	if err := a.welcome(ctx, s.accounts, s.setupPages(), log); err != nil {
		log.Warn("there is no set-up code", "error", err)
	}
	return s.run(ctx, open)
}

// showsHints says whether to show what to try: always for the first start,
// which has no configuration file, else only to a person.
func (a *app) showsHints(l *loaded) bool { return !a.json && (l.File == "" || a.atTerminal()) }

// atTerminal says whether a person looks on.
func (a *app) atTerminal() bool {
	f, ok := a.err.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// run serves the sockets until ctx ends, then drains.
func (s *server) run(ctx context.Context, open *sockets) error {
	for _, at := range open.dns.Addrs() {
		s.addresses = append(s.addresses, at.Network()+" "+at.String())
	}
	group, ctx := errgroup.WithContext(ctx)
	start := func(task func(context.Context) error) {
		group.Go(func() error { return task(ctx) })
	}
	start(open.dns.Run)
	start(s.resolver.Run)
	start(s.local.Run)
	start(s.presence.Run)
	if s.keeper != nil {
		start(s.keeper.Run)
	}
	s.telemetry.start(start)
	if s.events != nil {
		start(s.events.Run)
	}
	start(s.post.Run)
	start(s.librarian)
	start(s.birthdays)
	start(s.parents.Run)
	start(s.accounts.Run)
	start(s.tellOfAccounts)
	start(s.tickets.Run)
	start(s.activity.Run)
	start(s.hangups())
	start(s.keepAnswers)
	start(func(ctx context.Context) error { return s.store.Run(ctx, s.log) })
	start(s.used.Run)
	start(s.footprints.Run)
	if len(open.landing) > 0 {
		start(func(ctx context.Context) error { return s.portal.Serve(ctx, portal.Join(open.landing)) })
	}
	if len(open.console) > 0 {
		start(func(ctx context.Context) error { return s.serveConsole(ctx, portal.Join(open.console)) })
	}
	start(s.survey.Run)
	start(func(ctx context.Context) error { return s.api.ServeUnix(ctx, open.control) })
	if open.metrics != nil {
		web := newHTTPServer(operatorHandler(s.registry(open), &s.ready))
		start(func(ctx context.Context) error { return portal.Run(ctx, web, open.metrics) })
	}
	if s.file != "" {
		w := &watcher{files: s.files, lists: s.localLists, dirs: s.folders, log: s.log, changed: s.reloadQuietly("file change")}
		start(w.Run)
	}
	s.ready.Store(true)
	s.supervisor.ready()
	s.log.Info("serving", "version", thisBuild().Version, "addresses", strings.Join(s.addresses, ", "),
		"configuration", s.config.Load().Hash(), "state", s.state, "index", s.resolver.World().Index.ID())
	start(s.goodbye)
	if err := group.Wait(); err != nil {
		return fmt.Errorf("serving: %w", err)
	}
	s.log.Info("stopped")
	return nil
}

// goodbye tells monitoring and systemd that the end has begun.
func (s *server) goodbye(ctx context.Context) error {
	<-ctx.Done()
	s.ready.Store(false)
	s.supervisor.stopping()
	s.log.Info("stopping: answering what is in flight")
	return nil
}

// hangups gives what reloads on SIGHUP. The signal is waited for at once: one that comes right after the server has
// said that it is ready must not end it.
func (s *server) hangups() func(context.Context) error {
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	return func(ctx context.Context) error {
		defer signal.Stop(hangup)
		for {
			select {
			case <-ctx.Done():
				return nil
			case <-hangup:
				s.reloadQuietly("SIGHUP")(ctx)
			}
		}
	}
}

// reloadQuietly reloads for somebody who reads the log, not a reply.
func (s *server) reloadQuietly(why string) func(context.Context) {
	return func(ctx context.Context) {
		_, _ = s.reload(ctx, why) // reload has logged what is wrong
	}
}

// registry holds everything that /metrics shows.
func (s *server) registry(open *sockets) *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		&s.record, s.resolver, s.cache, s.catalog, s.switchboard, s.local, s.presence, s.store, s.parents, s.api, s.accounts, s.untoldMetric(), s.turnedAway, s.tickets, s.portal, s.post, s.activity, s.atlas, open.dns, libraryMetrics{s},
	)
	if s.keeper != nil {
		r.MustRegister(s.keeper)
	}
	if s.telemetry.tap != nil {
		r.MustRegister(s.telemetry.tap)
	}
	if s.events != nil {
		r.MustRegister(s.events)
	}
	return r
}

// libraryMetrics shows the library in use, which a reload may replace.
type libraryMetrics struct{ server *server }

// Describe implements prometheus.Collector: nothing, because the lists change
// while the server runs.
func (libraryMetrics) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (m libraryMetrics) Collect(ch chan<- prometheus.Metric) {
	m.server.shelf.Load().library.Collect(ch)
}
