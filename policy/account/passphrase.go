package account

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/secure/precis"
)

// The rule for passphrases is that of NIST SP 800-63B-4, 3.1.1: length where nothing else is asked for, no rule about
// which signs, any language, nothing that is guessed first, no change without a reason.
const (
	minPassphrase = 15   // characters
	maxPassphrase = 128  // characters; at least 64 are asked for
	maxTyped      = 1024 // octets that are looked at
	minSurprises  = 6    // characters that do not follow from those before
)

// argon2id (RFC 9106) with the least of OWASP's settings: a machine with 512 MB can spare 19 MiB twice, and one hash took 45 ms
// of a core of a server; a small board takes several times that. A larger setting takes hold at the next sign-in of each account.
const (
	argonMemory = 19 << 10 // KiB
	argonTime   = 2
	argonLanes  = 1
	argonSalt   = 16 // octets
	argonHash   = 32 // octets
	// maxArgonMemory and maxArgonTime bound what a record may ask for, whoever wrote it.
	maxArgonMemory = 4 * argonMemory
	maxArgonTime   = 8
)

// checkPassphrase reads a new passphrase as it is kept, or says what to write instead. about are words that everybody
// tries first: names of the person and the household.
func checkPassphrase(text string, about ...string) (string, error) {
	clean, err := spoken(text)
	n := utf8.RuneCountInString(clean)
	switch {
	case err != nil:
		return "", weak("a passphrase is text without control characters, at most %d characters: write four or five words", maxPassphrase)
	case n < minPassphrase:
		return "", weak("a passphrase has at least %d characters, this one has %d: write four or five words that do not belong together", minPassphrase, n)
	case n > maxPassphrase:
		return "", weak("a passphrase has at most %d characters, this one has %d", maxPassphrase, n)
	case surprises(clean, about) < minSurprises:
		return "", weak("this passphrase is among the first that anybody tries (a name, a row of keys, a repetition): write four or five words that do not belong together")
	}
	return clean, nil
}

// weak refuses a passphrase; in another language one text says all that it must be.
func weak(format string, args ...any) error {
	return refused("passphrase", format, args...).with("", "least", minPassphrase, "most", maxPassphrase)
}

// spoken gives a passphrase one form, however a keyboard composed it (RFC 8265, OpaqueString).
func spoken(text string) (string, error) {
	if len(text) > maxTyped || !utf8.ValidString(text) {
		return "", errors.New("it is too long, or no text")
	}
	return precis.OpaqueString.String(text)
}

// rows are keys that lie beside each other.
const rows = "1234567890 qwertzuiop qwertyuiop asdfghjkl yxcvbnm zxcvbnm azertyuiop qsdfghjklm wxcvbn"

// surprises counts the characters that nobody could tell from those before: not the same nor a neighbour of the last one,
// not a repetition, not part of a word that everybody tries.
func surprises(text string, about []string) (n int) {
	text = strings.ToLower(text)
	for _, word := range append([]string{"hearth", "passphrase", "password", "passwort", "motdepasse"}, about...) {
		for word := range strings.FieldsSeq(strings.ToLower(word)) {
			if utf8.RuneCountInString(word) > 2 {
				text = strings.ReplaceAll(text, word, "")
			}
		}
	}
	runes := []rune(text)
	for i, r := range runes {
		follows := false
		for back := 1; back <= 8 && back <= i; back++ {
			follows = follows || runes[i-back] == r
		}
		if i > 0 {
			last := runes[i-1]
			follows = follows || r-last == 1 || last-r == 1 || strings.Contains(rows, string([]rune{last, r})) || strings.Contains(rows, string([]rune{r, last}))
		}
		if !follows {
			n++
		}
	}
	return n
}

// phc is a hash with its settings: $argon2id$v=19$m=19456,t=2,p=1$SALT$HASH
type phc struct {
	memory, time uint32
	lanes        uint8
	salt, hash   []byte
}

// decoy is compared where there is no passphrase, so that it takes the same time.
func decoy() phc {
	return phc{memory: argonMemory, time: argonTime, lanes: argonLanes, salt: make([]byte, argonSalt), hash: make([]byte, argonHash)}
}

func (h phc) derive(text string) []byte {
	return argon2.IDKey([]byte(text), h.salt, h.time, h.memory, h.lanes, uint32(len(h.hash)))
}

func (h phc) String() string {
	raw := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, h.memory, h.time, h.lanes, raw.EncodeToString(h.salt), raw.EncodeToString(h.hash))
}

// parsePHC reads what String gives, within bounds.
func parsePHC(text string) (h phc, ok bool) {
	parts := strings.Split(text, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return h, false
	}
	if n, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &h.memory, &h.time, &h.lanes); n != 3 || err != nil {
		return h, false
	}
	var err, other error
	h.salt, err = base64.RawStdEncoding.Strict().DecodeString(parts[4])
	h.hash, other = base64.RawStdEncoding.Strict().DecodeString(parts[5])
	sound := err == nil && other == nil && len(h.salt) >= 8 && len(h.salt) <= 64 && len(h.hash) >= argonHash && len(h.hash) <= 64 &&
		h.time >= 1 && h.time <= maxArgonTime && h.lanes >= 1 && h.lanes <= 4 && h.memory >= 8*uint32(h.lanes) && h.memory <= maxArgonMemory
	return h, sound && h.String() == text
}

// current says whether a hash was made with the settings of today.
func (h phc) current() bool {
	return h.memory == argonMemory && h.time == argonTime && h.lanes == argonLanes
}

// Lanes of the gate: who is known need not wait behind who is not.
const (
	laneStranger = iota // a browser that has never signed in, perhaps a guesser
	laneKnown           // a browser that has, or somebody with a good code
	lanes
)

const (
	// atOnce bounds the hashes that are computed at once in each lane, and with it their memory: 19 MiB each.
	atOnce = 1
	// queued bounds who waits for one in a lane; more are sent away at once.
	queued = 8
	// rest is how long a lane rests after a wrong passphrase of a stranger: at most four a second from everywhere, so
	// that guessing leaves the processor to those who ask for names.
	rest = 250 * time.Millisecond
	// busyFor is what is said to who is sent away: as long as the queue takes.
	busyFor = queued * rest
)

// gate bounds what passphrases cost.
type gate struct {
	slots   [lanes]chan struct{}
	waiting [lanes]atomic.Int64
}

func newGate() *gate {
	g := &gate{}
	for i := range g.slots {
		g.slots[i] = make(chan struct{}, atOnce)
	}
	return g
}

// enter waits for a place in a lane, unless too many wait already.
func (g *gate) enter(ctx context.Context, lane int) error {
	if g.waiting[lane].Add(1) > queued+atOnce {
		g.waiting[lane].Add(-1)
		return busy()
	}
	select {
	case g.slots[lane] <- struct{}{}:
		return nil
	case <-ctx.Done():
		g.waiting[lane].Add(-1)
		return ctx.Err()
	}
}

// leave gives the place to the next.
func (g *gate) leave(lane int) {
	<-g.slots[lane]
	g.waiting[lane].Add(-1)
}

// hash makes what is kept of a passphrase.
func (b *Book) hash(ctx context.Context, text string) (string, error) {
	if err := b.gate.enter(ctx, laneKnown); err != nil {
		return "", err
	}
	defer b.gate.leave(laneKnown)
	b.counts.hashes.Add(1)
	h := decoy()
	_, _ = rand.Read(h.salt) // it never fails
	h.hash = h.derive(text)
	return h.String(), nil
}

// fits compares a passphrase. It takes as long where there is none to compare with.
func (b *Book) fits(ctx context.Context, known bool, kept, typed string) (bool, error) {
	lane := laneStranger
	if known {
		lane = laneKnown
	}
	if err := b.gate.enter(ctx, lane); err != nil {
		return false, err
	}
	b.counts.hashes.Add(1)
	text, err := spoken(typed)
	h, there := parsePHC(kept)
	if !there {
		h = decoy()
	}
	same := subtle.ConstantTimeCompare(h.derive(text), h.hash) == 1
	if same = same && there && err == nil; same || known {
		b.gate.leave(lane)
	} else {
		time.AfterFunc(rest, func() { b.gate.leave(lane) })
	}
	return same, nil
}
