package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/parents"
	"github.com/hearthdns/hearth/policy/portal"
	"github.com/hearthdns/hearth/policy/portal/api"
	"github.com/hearthdns/hearth/resolver"
)

// reach gives a client of the control API: with --config one that works
// offline on that file and the state folder, else one of the running server.
func (a *app) reach() (client, error) {
	if c, is, err := a.distant(); is || err != nil {
		return c, err
	}
	l, err := a.load()
	if err != nil {
		return client{}, err
	}
	if a.config != "" {
		return a.offline(l)
	}
	return a.running(l)
}

// server gives a client of the control API of the server that runs with --config, or with what is
// usual: for what only a running one has.
func (a *app) server() (client, error) {
	if c, is, err := a.distant(); is || err != nil {
		return c, err
	}
	l, err := a.load()
	if err != nil {
		return client{}, err
	}
	return a.running(l)
}

func (a *app) running(l *loaded) (client, error) {
	state, err := a.stateDir(&l.Config)
	if err != nil {
		return client{}, err
	}
	c := dial(controlPath(&l.Config, state))
	c.by = cmp.Or(a.getenv("SUDO_USER"), a.getenv("USER"), parents.ByNobody)
	return c, nil
}

// offline answers in this process, by the same handlers as the server.
func (a *app) offline(l *loaded) (client, error) {
	s, err := a.openShelf(l)
	if err != nil {
		return client{}, err
	}
	k, err := s.load()
	if err != nil {
		return client{}, err
	}
	d, err := compilePolicy(&l.Config, k, time.Now())
	if err != nil {
		return client{}, err
	}
	state, err := a.stateDir(&l.Config)
	if err != nil {
		return client{}, err
	}
	reached, err := offlineEnrolment(&l.Config, state)
	if err != nil {
		return client{}, err
	}
	p, err := portal.New(portal.Config{
		Name: l.Config.Name, Guest: firstGuest(&l.Config), View: func() *policy.Directory { return d },
		Find: offline{s, l}.Lists().Find, Help: s.library.Help, Frank: func() bool { return true }, Enrolment: reached,
	})
	if err != nil {
		return client{}, fmt.Errorf("preparing the answer: %w", err)
	}
	local, err := api.New(api.Config{Portal: p, View: func() *policy.Directory { return d }, Control: offline{s, l}, Version: thisBuild().Version})
	if err != nil {
		return client{}, fmt.Errorf("preparing the answer: %w", err)
	}
	where := "offline, by " + l.source()
	if k.starter {
		where += ", with the built-in lists alone: hearth lists compile --config FILE makes the index"
	}
	return within(local.Local(), where), nil
}

// openShelf opens the lists of a configuration for a command.
func (a *app) openShelf(l *loaded) (*shelf, error) {
	state, err := a.stateDir(&l.Config)
	if err != nil {
		return nil, err
	}
	if err := makeState(state); err != nil {
		return nil, err
	}
	log := slog.New(slog.NewTextHandler(a.err, &slog.HandlerOptions{Level: slog.LevelWarn}))
	return newShelf(&l.Config, state, log, a.err)
}

// compilePolicy makes the directory of a configuration outside of a server.
func compilePolicy(c *Config, k stock, now time.Time) (*policy.Directory, error) {
	cfg, err := policyConfig(c, k, now)
	if err != nil {
		return nil, err
	}
	d, err := policy.Compile(cfg)
	if err != nil {
		return nil, fmt.Errorf("compiling profiles: %w", err)
	}
	return d, nil
}

// policyConfig gives what a directory is compiled of outside of a server.
func policyConfig(c *Config, k stock, now time.Time) (policy.CompileConfig, error) {
	own, err := blocklists.ParseName(c.Name)
	if err != nil {
		return policy.CompileConfig{}, fmt.Errorf("reading the own name: %w", err)
	}
	all, err := needs(c)
	if err != nil {
		return policy.CompileConfig{}, err
	}
	var zones []blocklists.Name
	for _, n := range all {
		zones = append(zones, n.zones...)
	}
	reached, err := designation(c)
	if err != nil {
		return policy.CompileConfig{}, err
	}
	return policy.CompileConfig{
		Config: c.people(), Index: k.index, Own: own, Popular: k.popular, Now: now,
		Fixed: resolver.FixedNames(own, reached.Name, zones),
	}, nil
}

// ask sends one request of the control API and says which server or file
// answered. A server that is not there is an error that says what to do.
func (a *app) ask(ctx context.Context, c client, r request, result any) error {
	return startable(c.call(ctx, r, result))
}

// startable says what to do where no server runs, and none need.
func startable(err error) error {
	if errors.Is(err, errNoServer) {
		return fmt.Errorf("%w; start it with hearth serve, or add --config FILE to work without it", err)
	}
	return err
}
