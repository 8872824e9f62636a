package account

import (
	"cmp"
	"context"
	"net/netip"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/hearthdns/hearth/policy/store"
)

const (
	// A phone or computer of somebody's own stays signed in while it is used now and then; twice a year it is asked again.
	ownIdle  = 30 * 24 * time.Hour
	ownLimit = 180 * 24 * time.Hour
	// Any other browser, and an operator's always: NIST SP 800-63B-4, 2.2.3, for what concerns others.
	otherIdle  = 30 * time.Minute
	otherLimit = 12 * time.Hour
	// maxSessions bounds those of one account: phone, tablet, computer of a few years. The one unused for longest goes.
	maxSessions = 16
	// maxBrowsers bounds the browsers of an account that are known again after they were signed out.
	maxBrowsers = 16
	maxLabel    = 80 // octets
)

// Means is how somebody proved who they are. The set is closed.
type Means string

// The means.
const (
	ByPassphrase Means = "passphrase"
	ByPasskey    Means = "passkey"
	ByProvider   Means = "provider"
	ByCode       Means = "code"
)

// Client is the browser that somebody uses, and what it brings. The caller sets the cookies as the browser sent them,
// unchecked.
type Client struct {
	Address netip.Addr // where it comes from; not valid where nobody knows
	Cookie  string     // of its session, "" if it has none; a sign-in ends it
	Browser string     // of the browser, by which it is known again; "" if it has none
	Label   string     // what the list of sessions calls it, such as "Firefox on Android"
	Own     bool       // it is its owner's alone: it stays signed in
}

// Session is a browser that is signed in.
type Session struct {
	ID        string    `json:"id"` // the hash of its cookie: it opens nothing
	Household string    `json:"household"`
	Account   string    `json:"account"`
	Means     Means     `json:"means"`
	Label     string    `json:"label,omitempty"`
	Own       bool      `json:"own,omitempty"`
	At        time.Time `json:"at"`
	Seen      time.Time `json:"seen"`
	Until     time.Time `json:"until"`

	Proved time.Time `json:"-"` // when somebody last proved who they are; a sign-in makes a new session, so At
	Who    Account   `json:"-"` // as it is now
}

func (s Session) key() store.Key {
	return store.Key{Household: s.Household, Kind: kindSession, ID: s.ID}
}

// Ends gives when a session ends if it is not used any more.
func (s Session) Ends() time.Time {
	if at := s.Seen.Add(s.idle()); at.Before(s.Until) {
		return at
	}
	return s.Until
}

func (s Session) idle() time.Duration {
	if s.Own {
		return ownIdle
	}
	return otherIdle
}

// touchEvery is how often it is written down that a session is used: a memory card wears out.
func (s Session) touchEvery() time.Duration { return min(time.Hour, s.idle()/15) }

// Signed is a new session. The caller sets both cookies: HttpOnly, Secure, SameSite=Lax, names beginning with "__Host-";
// the session's for as long as the browser runs, or until Session.Until where it is Own; the browser's for a year.
type Signed struct {
	Session Session
	Cookie  string
	Browser string
}

// Session gives who is signed in with a cookie, as they are at this moment: who was removed, or whose rights have ended,
// is signed out.
func (b *Book) Session(ctx context.Context, cookie string) (Session, error) {
	s, err := b.session(ctx, cookie)
	if err != nil {
		return Session{}, err
	}
	if now := b.now(); now.Sub(s.value.Seen) >= s.value.touchEvery() {
		s.value.Seen = now
		if w, err := set(s.value, s.revision); err == nil {
			_ = b.put(ctx, w) // ended meanwhile, or nothing can be written: it is as it was
		}
	}
	return s.value, nil
}

// session looks a cookie up.
func (b *Book) session(ctx context.Context, cookie string) (s kept[Session], err error) {
	household, id, ok := locate(cookie)
	if !ok {
		return s, signedOut()
	}
	if s, err = read[Session](ctx, b, Session{Household: household, ID: id}.key()); err != nil {
		return s, err
	}
	now := b.now()
	if s.revision == 0 || !now.Before(s.value.Ends()) {
		return s, signedOut()
	}
	a, err := read[Account](ctx, b, Account{Household: household, ID: s.value.Account}.key())
	if err != nil {
		return s, err
	}
	if !a.value.active(now) {
		return s, signedOut()
	}
	s.value.Who, s.value.Proved = a.value, s.value.At
	return s, nil
}

// SignOut ends the session of a cookie. One that is none is signed out already.
func (b *Book) SignOut(ctx context.Context, cookie string) error {
	household, id, ok := locate(cookie)
	if !ok {
		return nil
	}
	return b.put(ctx, store.Write{Key: Session{Household: household, ID: id}.key()})
}

// Sessions lists where somebody is signed in, the one used last first: an account its own, a parent those of the
// household; with account "" all that there are, and with household "" too as Accounts does.
func (b *Book) Sessions(ctx context.Context, a Actor, household, account string) ([]Session, error) {
	if err := b.own(a, household, account); err != nil {
		return nil, err
	}
	all, err := listAll[Session](ctx, b, household, kindSession)
	now, found := b.now(), []Session{}
	for _, s := range all {
		if (account == "" || s.value.Account == account) && now.Before(s.value.Ends()) {
			s.value.Proved = s.value.At
			found = append(found, s.value)
		}
	}
	slices.SortStableFunc(found, func(a, b Session) int { return b.Seen.Compare(a.Seen) })
	return found, err
}

// own says whether somebody may see and end what an account has: it itself, and who governs its household.
func (b *Book) own(a Actor, household, account string) error {
	if account != "" && a.Account == account && a.Household == household {
		return nil
	}
	return b.reads(a, household)
}

// EndSession ends one session by its id.
func (b *Book) EndSession(ctx context.Context, a Actor, household, id string) error {
	s, err := read[Session](ctx, b, Session{Household: household, ID: id}.key())
	if err != nil {
		return err
	}
	if s.revision == 0 || b.own(a, household, s.value.Account) != nil {
		return unknown("session", "there is no such session, or it has ended")
	}
	return b.put(ctx, store.Write{Key: s.value.key()})
}

// EndSessions ends all sessions of an account but the one of a cookie, "" for none, and forgets its browsers.
func (b *Book) EndSessions(ctx context.Context, a Actor, household, account, but string) error {
	if err := b.own(a, household, account); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	who, p, err := b.proven(ctx, household, account)
	if err != nil {
		return err
	}
	p.value.Browsers = nil
	w, err := set(p.value, p.revision)
	if err != nil {
		return err
	}
	_, stays, _ := locate(but)
	gone, err := b.sessionsOf(ctx, who.value, 0, stays)
	if err != nil {
		return err
	}
	return b.put(ctx, append(gone, w)...)
}

// sessionsOf lists the deletions of an account's sessions but for the newest and one that stays.
func (b *Book) sessionsOf(ctx context.Context, a Account, newest int, stays string) (gone []store.Write, err error) {
	all, err := list[Session](ctx, b, a.Household, kindSession)
	all = slices.DeleteFunc(all, func(s kept[Session]) bool { return s.value.Account != a.ID || s.value.ID == stays })
	slices.SortStableFunc(all, func(a, b kept[Session]) int { return b.value.Seen.Compare(a.value.Seen) })
	for _, s := range all[min(newest, len(all)):] {
		gone = append(gone, store.Write{Key: s.value.key()})
	}
	return gone, err
}

// entry is what somebody signs in with.
type entry struct {
	client  Client
	means   Means
	proof   kept[proof]   // as it is to be kept
	writes  []store.Write // that belong to it
	anew    bool          // all other sessions of the account end, and its browsers are forgotten
	expects bool          // somebody is told already: not of a new browser too
}

// begin signs somebody in: a new session under a new cookie, whatever the browser brought, in one step with all that
// belongs to it. The caller holds mu.
func (b *Book) begin(ctx context.Context, a Account, e entry) (Signed, error) {
	now := b.now()
	cookie, id := newSecret(a.Household)
	s := Session{ID: id, Household: a.Household, Account: a.ID, Means: e.means, Label: cleanLabel(e.client.Label), Own: e.client.Own && a.Role != Operator, At: now, Seen: now}
	if s.Until = now.Add(otherLimit); s.Own {
		s.Until = now.Add(ownLimit)
	}
	if !a.Until.IsZero() && a.Until.Before(s.Until) {
		s.Until = a.Until
	}
	if e.anew {
		e.proof.value.Browsers = nil
	}
	known := e.proof.value.knows(e.client.Browser)
	browser := e.client.Browser
	strange := known == ""
	if strange {
		browser, known = newSecret(a.Household)
	}
	e.proof.value.remember(known)
	newest := maxSessions - 1
	if e.anew {
		newest = 0
	}
	gone, err := b.sessionsOf(ctx, a, newest, "")
	if err != nil {
		return Signed{}, err
	}
	if household, old, ok := locate(e.client.Cookie); ok {
		k := Session{Household: household, ID: old}.key()
		if !slices.ContainsFunc(gone, func(w store.Write) bool { return w.Key == k }) {
			gone = append(gone, store.Write{Key: k})
		}
	}
	p, err := set(e.proof.value, e.proof.revision)
	if err != nil {
		return Signed{}, err
	}
	w, err := set(s, 0)
	if err != nil {
		return Signed{}, err
	}
	if err := b.put(ctx, append(append(e.writes, p, w), gone...)...); err != nil {
		return Signed{}, err
	}
	b.counts.signIn(e.means, true)
	if strange && !e.expects {
		b.tell(Notice{Event: EventSignIn, Household: a.Household, Name: a.Name, Network: network(e.client.Address)})
	}
	s.Who, s.Proved = a, now
	return Signed{Session: s, Cookie: cookie, Browser: browser}, nil
}

// knows gives the id of a browser that has signed in before, "" of any other.
func (p proof) knows(cookie string) string {
	household, id, ok := locate(cookie)
	if ok && household == p.Household && slices.Contains(p.Browsers, id) {
		return id
	}
	return ""
}

// remember puts a browser last.
func (p *proof) remember(id string) {
	p.Browsers = append(slices.DeleteFunc(p.Browsers, func(other string) bool { return other == id }), id)
	p.Browsers = p.Browsers[max(0, len(p.Browsers)-maxBrowsers):]
}

// cleanLabel makes one line of what a browser calls itself.
func cleanLabel(text string) string {
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(text[:min(len(text), 4*maxLabel)], ""))
	for len(text) > maxLabel {
		text = text[:strings.LastIndexFunc(text, func(rune) bool { return true })]
	}
	return cmp.Or(strings.TrimSpace(text), "a browser")
}
