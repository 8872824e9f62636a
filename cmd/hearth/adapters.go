package main

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"time"

	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/portal"
	"github.com/hearthdns/hearth/resolver"
	"github.com/hearthdns/hearth/resolver/forward"
	"github.com/hearthdns/hearth/resolver/listen"
	"github.com/hearthdns/hearth/resolver/querylog"
	"github.com/hearthdns/hearth/resolver/wire"
)

// deadEnd is the view of a server that knows no upstream.
type deadEnd struct{}

// Exchange fails with an error that says what to do.
func (deadEnd) Exchange(_ wire.Question, done func([]byte, error)) {
	done(nil, &resolver.Error{Rcode: wire.ServFail, EDE: forward.NoReachableAuthority, Err: errNoUpstreams})
}

var errNoUpstreams = errors.New("no upstream is known; write resolve.upstreams in the configuration")

// handler joins the listeners to the resolver, and tells the tap what was answered.
type handler struct {
	to     *resolver.Resolver
	tap    *querylog.Tap // nil: nobody is told
	was    *footprints   // nil: nothing is noted
	probes *probes
}

// Answer is the stroke that never waits. Its memory goes along to Resolve if there is
// no answer yet.
func (h handler) Answer(r *listen.Request) bool {
	h.was.mark(r.Client.Addr.Addr())
	if h.probes.asked(&r.Query, plainAddr(r.Client.Addr.Addr()), r.Client.Transport != listen.UDP) {
		r.Reply = nil
		return true
	}
	s := strokes.Get().(*resolver.Stroke)
	reply, done := h.to.Answer(s, &r.Query, clientOf(r), r.Buf())
	if !done {
		r.Scratch = s
		return false
	}
	r.Reply = reply
	if h.tap != nil {
		h.observe(s, r, time.Now())
	}
	strokes.Put(s)
	return true
}

// Resolve is the stroke that may ask others.
func (h handler) Resolve(ctx context.Context, r *listen.Request, until time.Time) {
	s := r.Scratch.(*resolver.Stroke)
	began := time.Now()
	h.to.Resolve(ctx, s, until, func(reply []byte) {
		r.Reply, r.Scratch = reply, nil
		if h.tap != nil {
			h.observe(s, r, began)
		}
		strokes.Put(s)
		r.Done()
	})
}

// observe tells the tap of an answered query what the band allows.
func (h handler) observe(s *resolver.Stroke, r *listen.Request, asked time.Time) {
	m := querylog.Message{
		Memory: s.Memory(), Protocol: protocolOf[r.Client.Transport], Six: r.Client.Addr.Addr().Unmap().Is6(),
		Asked: asked, Answered: time.Now(), Reply: r.Reply,
	}
	if m.Memory != policy.Names || len(r.Reply) == 0 {
		return
	}
	m.Action, m.Category = s.Verdict()
	h.tap.Observe(&m)
}

// protocolOf says to dnstap what a query came over.
var protocolOf = [...]querylog.Protocol{
	listen.UDP: querylog.UDP, listen.TCP: querylog.TCP, listen.TLS: querylog.TLS, listen.QUIC: querylog.QUIC, listen.HTTPS: querylog.HTTPS,
}

// strokes holds the memory of queries between queries. It does so for a while only: a
// stroke keeps the World that it was judged by.
var strokes = sync.Pool{New: func() any { return new(resolver.Stroke) }}

// clientOf says to the resolver where a query came from.
func clientOf(r *listen.Request) resolver.Client {
	return resolver.Client{
		Addr:     plainAddr(r.Client.Addr.Addr()),
		From:     r.Client.Addr.Addr().Unmap(),
		Local:    plainAddr(r.Client.Local.Addr()),
		Listener: r.Client.Listener,
		Worker:   r.Worker,

		Transport: transportOf[r.Client.Transport],
		Identity:  r.Client.Identity,
	}
}

// transportOf says to the resolver what a query came over.
var transportOf = [...]resolver.Transport{
	listen.UDP: resolver.UDP, listen.TCP: resolver.TCP, listen.TLS: resolver.TLS,
	listen.QUIC: resolver.QUIC, listen.HTTPS: resolver.HTTPS,
}

// plainAddr strips what two spellings of one address differ in.
func plainAddr(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }

// witness tells the ask page of blocked names, unless the operator turned it
// off, and activity of what may be remembered.
type witness struct {
	server *server
	page   *portal.Portal
}

// Observe implements resolver.Observer.
func (w witness) Observe(e *resolver.Event) {
	if e.Addr.IsValid() && w.server.config.Load().Config.Privacy.AskPage {
		w.page.Observe(e.Client, e.Addr, e.Name(), e.Decision, time.Unix(e.Time, 0))
	}
	w.server.activity.Observe(w.server.queryOf(e))
}
