package notify

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hearthdns/hearth/policy/store"
)

// Config is what a Post stands on.
type Config struct {
	Settings Settings
	State    string    // folder where the key of Web Push is kept, with mode 0600
	Log      store.Log // channels of households
	// Words gives the text of a message in the language of who reads it. It is called from several goroutines.
	Words func(Draft) Text
	// Console gives the URL that parents reach the console at, such as https://hearth.example:8443; nil or "": nobody
	// knows it, and messages lead nowhere.
	Console func() string
	// Resolve finds the addresses of receivers; nil: the system's resolver.
	Resolve func(ctx context.Context, host string) ([]netip.Addr, error)
	NAT64   netip.Prefix     // of this network, beside 64:ff9b::/96; the zero Prefix: none
	Now     func() time.Time // nil: time.Now
	// Report gets what could not be delivered; nil discards. It never gets an address, a household or a text.
	Report *slog.Logger
}

const (
	backlog = 1024 // messages that wait to be given to channels: one read of the store each
	tests   = 10   // of one household in an hour: who is written to may not have asked for it
	testers = 4096 // households whose tests are counted
)

// carrier sends a letter, within the time of ctx. Its errors are *Failure.
type carrier interface {
	send(ctx context.Context, l letter) error
}

// Post brings messages to people. It is a prometheus.Collector (hearth_notify_*).
type Post struct {
	cfg   Config
	set   Settings
	guard *guard

	publicKey string
	carriers  map[Carrier]carrier
	slots     map[Carrier]chan struct{}
	inbox     chan Message

	edits  sync.Mutex // of channels
	mu     sync.Mutex
	lanes  map[laneKey]*lane
	full   map[string]int // lanes by carrier and by household
	tested map[string]*tally
	last   map[string]Result // by household and channel

	sent, failed                     map[Carrier]*atomic.Uint64
	noRoom, noStore, joined, removed atomic.Uint64
}

// tally counts in an hour.
type tally struct {
	since time.Time
	n     int
}

// Result is what became of the last message to a channel.
type Result struct {
	At      time.Time
	Failure *Failure // nil: it was delivered
}

// New makes a Post. It makes the key of Web Push where there is none yet; without one it reports why and goes on without
// Web Push. An error is of Settings, which must be valid, or of a file of a secret. Nothing is sent before Run runs, but tests.
func New(cfg Config) (*Post, error) { return newPost(cfg, nil) }

// newPost is New, believing in certificates of roots; nil: those of the system.
func newPost(cfg Config, roots *x509.CertPool) (*Post, error) {
	if cfg.Report == nil {
		cfg.Report = slog.New(slog.DiscardHandler)
	}
	if cfg.Resolve == nil {
		cfg.Resolve = func(ctx context.Context, host string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		}
	}
	if cfg.Words == nil {
		return nil, errors.New("messages have no words: give Words")
	}
	p := &Post{
		cfg: cfg, set: cfg.Settings, inbox: make(chan Message, backlog), lanes: map[laneKey]*lane{}, full: map[string]int{},
		tested: map[string]*tally{}, last: map[string]Result{}, carriers: map[Carrier]carrier{}, slots: map[Carrier]chan struct{}{},
		guard: &guard{private: cfg.Settings.Private, nat64: cfg.NAT64, own: ownAddresses},
		sent:  counters(), failed: counters(),
	}
	guarded, free := newWeb(cfg.Resolve, p.guard, roots), newWeb(cfg.Resolve, nil, roots)
	if key, err := openKey(cfg.State); err == nil {
		p.publicKey = key.public
		p.carriers[Push] = pushCarrier{guarded, key, cfg.Settings.contact()}
	} else {
		cfg.Report.Error("there is no Web Push", "error", err) // names are answered all the same
	}
	p.carriers[Webhook] = webhookCarrier{guarded}
	if n := cfg.Settings.Ntfy; n.Server != "" {
		token, err := secretOf("notify.ntfy.token_file", n.TokenFile)
		if err != nil {
			return nil, err
		}
		p.carriers[Ntfy] = ntfyCarrier{free, strings.TrimRight(n.Server, "/"), token}
	}
	if m := cfg.Settings.Mail; m.Server != "" {
		password, err := secretOf("notify.mail.password_file", m.PasswordFile)
		if err != nil {
			return nil, err
		}
		p.carriers[Mail] = mailCarrier{m, password, dialer{resolve: cfg.Resolve}, roots}
	}
	for c, n := range atOnce {
		p.slots[c] = make(chan struct{}, n)
	}
	return p, nil
}

// secretOf reads what a file holds.
func secretOf(key, file string) (string, error) {
	if file == "" {
		return "", nil
	}
	b, err := os.ReadFile(file) //nolint:gosec // the operator's own
	if err != nil {
		return "", fmt.Errorf("reading %s: %w", key, err)
	}
	secret := strings.TrimSpace(string(b))
	if secret == "" || strings.ContainsFunc(secret, unprintable) {
		return "", fmt.Errorf("reading %s: %s must have one line: write the secret alone into it", key, file)
	}
	return secret, nil
}

func counters() map[Carrier]*atomic.Uint64 {
	all := map[Carrier]*atomic.Uint64{}
	for _, c := range Carriers() {
		all[c] = new(atomic.Uint64)
	}
	return all
}

// PublicKey is what a browser subscribes with (applicationServerKey), in base64url; "" where there is no Web Push.
func (p *Post) PublicKey() string { return p.publicKey }

// Offers says by what messages can go out here.
func (p *Post) Offers() (all []Carrier) {
	for _, c := range Carriers() {
		if p.carriers[c] != nil {
			all = append(all, c)
		}
	}
	return all
}

// Send has the household told, and returns at once. What does not fit is dropped and counted.
func (p *Post) Send(m Message) {
	select {
	case p.inbox <- m.bounded():
	default:
		p.noRoom.Add(1)
	}
}

// Run delivers until ctx ends; what has not been delivered by then is lost.
func (p *Post) Run(ctx context.Context) error {
	var work sync.WaitGroup
	defer work.Wait()
	for {
		select {
		case <-ctx.Done():
			return nil
		case m := <-p.inbox:
			p.distribute(ctx, &work, m)
		}
	}
}

// Test sends a test message to a channel, which need not be kept, and reports what happened: nil where the other side took
// it, else a *Failure. Ten an hour are sent for a household.
func (p *Post) Test(ctx context.Context, household string, c Channel) error {
	if kept, there, err := p.one(ctx, household, c.ID); c.ID != "" && err == nil && there {
		c = kept.Channel
	} else {
		c.ID = "" // nothing is remembered of what is not kept
	}
	if err := p.check(c); err != nil {
		return err
	}
	if !p.mayTest(household) {
		return &Failure{Why: Often, Text: fmt.Sprintf("%d tests were sent in an hour: wait for the next", tests)}
	}
	l := p.letter(c, rand.Text(), Message{Household: household, Kind: test}, 1, false)
	f := p.send(ctx, l)
	p.remember(household, c.ID, f)
	if f != nil {
		return f
	}
	return nil
}

// mayTest counts a test.
func (p *Post) mayTest(household string) bool {
	now := p.now()
	p.mu.Lock()
	defer p.mu.Unlock()
	for h, t := range p.tested {
		if now.Sub(t.since) >= time.Hour {
			delete(p.tested, h)
		}
	}
	t := p.tested[household]
	switch {
	case t == nil && len(p.tested) >= testers:
		return false
	case t == nil:
		t = &tally{since: now}
		p.tested[household] = t
	}
	t.n++
	return t.n <= tests
}

// Last tells what became of the last message to a channel; false where none was sent since the start.
func (p *Post) Last(household, id string) (Result, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	r, ok := p.last[household+"/"+id]
	return r, ok
}

// maxLast bounds what is remembered of channels: 100 octets each.
const maxLast = 16384

// remember notes what became of a message. Where there is no room, any other is forgotten.
func (p *Post) remember(household, id string, f *Failure) {
	if id == "" {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.last) >= maxLast {
		for k := range p.last {
			delete(p.last, k)
			break
		}
	}
	p.last[household+"/"+id] = Result{p.now(), f}
}

func (p *Post) now() time.Time {
	if p.cfg.Now == nil {
		return time.Now()
	}
	return p.cfg.Now()
}

func (p *Post) words(d Draft) Text { return p.cfg.Words(d) }

func (p *Post) console() string {
	if p.cfg.Console == nil {
		return ""
	}
	return p.cfg.Console()
}
