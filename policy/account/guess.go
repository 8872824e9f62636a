package account

import (
	"net/netip"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// Guessing slows whoever guesses, and nobody else: tries are counted for the network that they come from, for a browser
// that has signed in before in a count of its own. A session or a passkey is never asked after them. There is no count
// that could lock an account: who guesses from many networks is held to one try from each, and a parent with the right
// passphrase gets in at the first.
const (
	// freeTries wrong passphrases or codes are free for a network or a browser, and one more each tryEvery: 149 on a day,
	// of passphrases of 15 characters.
	freeTries = 5
	tryEvery  = 10 * time.Minute
	// nameTries at one name from everywhere, and one more each tryEvery, are guessing from many networks; from then on a
	// network that was wrong once waits. NIST SP 800-63B-4, 3.2.2, has 100 as the most.
	nameTries = 50
	// told is how often a household hears of guessing, and again each tellEvery: a guesser must not bury other news.
	told      = 2
	tellEvery = 6 * time.Hour
	// maxGuessers and maxNames bound what is counted, 150 octets each; who was quiet for longest is forgotten.
	maxGuessers = 8192
	maxNames    = 1024
)

// tries counts by somebody or something how many are used up, as the time at which none will be.
type tries struct {
	burst int
	every time.Duration

	mu   sync.Mutex
	full *simplelru.LRU[string, time.Time]
}

func newTries(burst int, every time.Duration, most int) *tries {
	full, err := simplelru.NewLRU[string, time.Time](most, nil)
	if err != nil {
		panic(err) // most is a constant above 0
	}
	return &tries{burst: burst, every: every, full: full}
}

// used gives when nothing will be used up. What lies further ahead than all tries together is of a clock that was set back
// since, and keeps nobody out.
func (t *tries) used(who string, now time.Time) time.Time {
	at, _ := t.full.Get(who)
	if at.Before(now) || at.After(now.Add(time.Duration(t.burst)*t.every)) {
		return now
	}
	return at
}

// take uses one up, before it is known whether it was needed, so that many at once are no more than in turn. It says how
// long somebody waits who has none left, and whether this was the last.
func (t *tries) take(who string, now time.Time) (wait time.Duration, last bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	at := t.used(who, now)
	if wait = at.Sub(now) - time.Duration(t.burst-1)*t.every; wait > 0 {
		return wait, false
	}
	at = at.Add(t.every)
	t.full.Add(who, at)
	return 0, at.Sub(now) > time.Duration(t.burst-1)*t.every
}

// back gives one back that was not needed.
func (t *tries) back(who string, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if at := t.used(who, now).Add(-t.every); at.After(now) {
		t.full.Add(who, at)
	} else {
		t.full.Remove(who)
	}
}

// wait is how long somebody waits for the next, without taking it, and whether any is used up.
func (t *tries) wait(who string, now time.Time) (wait time.Duration, some bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	at := t.used(who, now)
	return max(0, at.Sub(now)-time.Duration(t.burst-1)*t.every), at.After(now)
}

func (t *tries) len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.full.Len()
}

// slowdown is what is remembered of wrong tries, in memory alone.
type slowdown struct{ guessers, names, told *tries }

func newSlowdown() slowdown {
	return slowdown{
		guessers: newTries(freeTries, tryEvery, maxGuessers),
		names:    newTries(nameTries, tryEvery, maxNames),
		told:     newTries(told, tellEvery, maxNames),
	}
}

// Bits of an address that tell one home or machine from another: an IPv6 host takes any address of its network.
const (
	bits4 = 32
	bits6 = 64
)

// network gives where an address is counted. All that have none are one.
func network(a netip.Addr) netip.Prefix {
	a = a.Unmap().WithZone("")
	bits := bits6
	if a.Is4() {
		bits = bits4
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}

// try is one attempt that may be wrong.
type try struct {
	who, name string
	at        time.Time
}

// attempt uses a try up, or says that somebody has to wait. at is what is tried, whether there is such a thing or not, in
// few octets, because it is remembered; the household of the account, if there is one, is told.
func (b *Book) attempt(c Client, browser, at string, whose Account) (try, error) {
	t := try{who: "n" + network(c.Address).String(), name: at, at: b.Now()}
	if browser != "" {
		t.who = "b" + browser
	}
	held, before := b.slow.guessers.wait(t.who, t.at)
	if besieged, _ := b.slow.names.wait(t.name, t.at); besieged > 0 && before && browser == "" {
		held = max(held, besieged)
	}
	if held > 0 {
		b.counts.slowed.Add(1)
		return t, wait(held)
	}
	long, last := b.slow.guessers.take(t.who, t.at)
	if long > 0 { // another was faster
		b.counts.slowed.Add(1)
		return t, wait(long)
	}
	if _, full := b.slow.names.take(t.name, t.at); (last || full) && whose.ID != "" {
		b.tellGuessed(c, whose, t.at)
	}
	return t, nil
}

// tellGuessed tells a household, now and then.
func (b *Book) tellGuessed(c Client, whose Account, now time.Time) {
	if long, _ := b.slow.told.take(whose.Household, now); long == 0 {
		b.tell(Notice{Event: EventGuessed, Household: whose.Household, Name: whose.Name, Network: network(c.Address)})
	}
}

// forgive gives a try back that was right, or was not made.
func (b *Book) forgive(t try) {
	b.slow.guessers.back(t.who, t.at)
	b.slow.names.back(t.name, t.at)
}
