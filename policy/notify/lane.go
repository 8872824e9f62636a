package notify

import (
	"context"
	"crypto/rand"
	"errors"
	"sync"
	"time"

	"github.com/hearthdns/hearth/policy/store"
)

const (
	// burst is how long the first message waits for others: a child who taps ten times is told of once.
	burst = 2 * time.Second
	// quiet is how long there is after a message to a channel before the next of its kind: ten in a minute
	// are one message with their number. E-mail, which nobody reads within seconds, waits as long before the first too.
	quiet = time.Minute
	// most is the longest that the other side can have us wait before the next try.
	most = 5 * time.Minute

	maxLanes    = 1024 // of one carrier: messages of one kind for one channel
	maxHomely   = 40   // of one household: all kinds for eight channels
	byCarrier   = "carrier "
	byHousehold = "household "
)

// backoff is how long a message waits before each further try: 8 minutes in all, which a router needs to start.
var backoff = []time.Duration{5 * time.Second, 30 * time.Second, 2 * time.Minute, 5 * time.Minute}

// atOnce bounds how many messages are sent at a time. Those of mail and ntfy go to one server, which would mind more.
var atOnce = map[Carrier]int{Push: 256, Webhook: 256, Mail: 4, Ntfy: 8}

// laneKey names what waits behind each other: messages of one kind for one channel. A receiver that is dead delays
// nothing but its own.
type laneKey struct {
	household, channel string
	carrier            Carrier
	kind               Kind
}

// lane holds what waits: the messages as one, with their number.
type lane struct {
	message Message
	count   int // since the lane was made
	news    int // which came: of one request there may be several
	told    int // of the news
}

// distribute gives a message to the channels that want it.
func (p *Post) distribute(ctx context.Context, work *sync.WaitGroup, m Message) {
	found, err := p.kept(ctx, m.Household)
	if err != nil {
		if p.noStore.Add(1); ctx.Err() == nil {
			p.cfg.Report.Warn("a message has no channels, since they cannot be read", "error", err)
		}
		return
	}
	for _, c := range found {
		if p.carriers[c.Kind] != nil && c.wants(m) {
			p.enqueue(ctx, work, laneKey{m.Household, c.ID, c.Kind, m.Kind}, m)
		}
	}
}

// enqueue joins a message to what waits, or begins a lane.
func (p *Post) enqueue(ctx context.Context, work *sync.WaitGroup, key laneKey, m Message) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if l := p.lanes[key]; l != nil {
		p.joined.Add(1)
		l.news++
		switch {
		case l.message.Household == "": // what there was is dropped
		case m.Kind == Request && m.Path != "" && m.Path == l.message.Path: // what became of it
			l.message = m
			return
		default:
			m = l.message.join(m)
		}
		l.message = m
		l.count++
		return
	}
	of, home := byCarrier+string(key.carrier), byHousehold+key.household
	if p.full[of] >= maxLanes || p.full[home] >= maxHomely {
		p.noRoom.Add(1)
		return
	}
	p.full[of]++
	p.full[home]++
	l := &lane{message: m, count: 1, news: 1}
	p.lanes[key] = l
	work.Go(func() { p.work(ctx, key, l) })
}

// Drop forgets what waits to be told of a member of a household, with "" of all: they are erased.
func (p *Post) Drop(household, member string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for key, l := range p.lanes {
		if key.household == household && (member == "" || l.message.Member == member) {
			l.message, l.count, l.told = Message{}, 0, l.news
		}
	}
}

// work delivers what comes into a lane, until nothing has come for the time of quiet.
func (p *Post) work(ctx context.Context, key laneKey, l *lane) {
	wait := burst
	if key.carrier == Mail {
		wait = quiet
	}
	for sleep(ctx, wait) && !p.ended(key, l) {
		p.deliver(ctx, key, l)
		wait = quiet
	}
	if ctx.Err() != nil {
		p.end(key)
	}
}

// ended closes a lane in which nothing waits.
func (p *Post) ended(key laneKey, l *lane) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if l.told < l.news {
		return false
	}
	p.drop(key)
	return true
}

func (p *Post) end(key laneKey) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.drop(key)
}

// drop forgets a lane. The caller holds mu.
func (p *Post) drop(key laneKey) {
	if _, there := p.lanes[key]; !there {
		return
	}
	delete(p.lanes, key)
	for _, k := range []string{byCarrier + string(key.carrier), byHousehold + key.household} {
		if p.full[k]--; p.full[k] == 0 {
			delete(p.full, k)
		}
	}
}

// deliver sends what waits in a lane, again if it fails; what comes meanwhile goes with the next try.
func (p *Post) deliver(ctx context.Context, key laneKey, l *lane) {
	var f *Failure
	var id string
	count, news := 0, 0
	for n := 0; ; n++ {
		p.mu.Lock()
		m, dropped := l.message, l.message.Household == ""
		if l.news != news {
			id, count, news = rand.Text(), l.count, l.news
		}
		p.mu.Unlock()
		if dropped {
			return
		}
		if f = p.attempt(ctx, key, id, m, count); f == nil || !f.again() || n == len(backoff) {
			break
		}
		if !sleep(ctx, max(backoff[n], min(f.After, most))) {
			return
		}
	}
	p.mu.Lock()
	l.told = max(l.told, news)
	p.mu.Unlock()
	if f != nil && ctx.Err() == nil {
		p.failed[key.carrier].Add(1)
		p.cfg.Report.Warn("a message was not delivered", "by", string(key.carrier), "why", string(f.Why))
	}
}

// attempt tries once. The channel is read again: it may have been changed or removed since.
func (p *Post) attempt(ctx context.Context, key laneKey, id string, m Message, count int) *Failure {
	c, there, err := p.one(ctx, key.household, key.channel)
	if err != nil {
		return unreachable
	}
	if !there || !c.wants(m) {
		return nil
	}
	names, err := p.Names(ctx, key.household)
	if err != nil {
		names = false // the careful text
	}
	f := p.send(ctx, p.letter(c.Channel, id, m, count, names))
	p.remember(key.household, c.ID, f)
	if f == nil {
		p.sent[key.carrier].Add(1)
	}
	if f != nil && f.Why == Gone && c.Kind == Push { // RFC 8030 7.3
		p.unsubscribe(ctx, key, c.revision)
	}
	return f
}

// unsubscribe removes a channel that has ended, unless it was changed since.
func (p *Post) unsubscribe(ctx context.Context, key laneKey, revision uint64) {
	_, err := p.cfg.Log.Put(ctx, store.Write{Key: store.Key{Household: key.household, Kind: kindChannel, ID: key.channel}, Expect: &revision})
	var changed *store.ConflictError
	switch {
	case err == nil:
		p.removed.Add(1)
	case !errors.As(err, &changed) && ctx.Err() == nil:
		p.cfg.Report.Warn("a channel that has ended was not removed", "by", string(key.carrier), "error", err)
	}
}

// send has a carrier send a letter, once there is a slot.
func (p *Post) send(ctx context.Context, l letter) *Failure {
	slot := p.slots[l.channel.Kind]
	select {
	case slot <- struct{}{}:
	case <-ctx.Done():
		return late
	}
	defer func() { <-slot }()
	limit := sendTime
	if l.channel.Kind == Mail {
		limit = mailTime
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return failureOf(p.carriers[l.channel.Kind].send(ctx, l))
}

// sleep waits; false once ctx has ended.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
