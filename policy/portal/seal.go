package portal

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"sync"
	"time"
)

// sealFor is how long a form may be looked at before it is sent.
const sealFor = 15 * time.Minute

// seal marks forms, so that one is taken only from whom it was shown to, for what it was shown, and not for long. The
// key lives as long as the process.
type seal struct {
	key []byte

	mu    sync.Mutex
	spent map[string]spendings // of each household
	count int                  // of all of them
}

// spendings are the marks of one household that have been taken.
type spendings map[[sealedOctets]byte]*spending

// spending is what is done with a mark that is good once.
type spending struct {
	good uint64        // until when the mark would be
	done chan struct{} // closed once it is settled
	till time.Time     // when what was opened with it ends
}

// Bounds of the marks that are remembered as spent: no household passes 40 warnings in a quarter of an hour, and it takes
// hundreds that do to keep others from it.
const (
	ownSpent = 40
	maxSpent = 16384
)

func newSeal() *seal {
	key := make([]byte, sha256.Size)
	_, _ = rand.Read(key) // it never fails
	return &seal{key: key, spent: map[string]spendings{}}
}

// sealedOctets of the mark are 128 bits, which nobody tries out.
const sealedOctets = 16

// mark makes a token for what a form is about, which is good for a while.
func (s *seal) mark(now time.Time, about ...string) string {
	token := binary.BigEndian.AppendUint64(nil, uint64(now.Add(sealFor).Unix())) //nolint:gosec // after 1970
	return base64.RawURLEncoding.EncodeToString(append(token, s.sum(token, about)...))
}

// holds says whether a token was made for the same, and is good yet.
func (s *seal) holds(token string, now time.Time, about ...string) bool {
	until, sum, read := readMark(token)
	return read && subtle.ConstantTimeCompare(sum[:], s.sum(binary.BigEndian.AppendUint64(nil, until), about)) == 1 && uint64(now.Unix()) < until //nolint:gosec // after 1970
}

// readMark takes a token apart.
func readMark(token string) (until uint64, sum [sealedOctets]byte, read bool) {
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(raw) != 8+sealedOctets {
		return 0, sum, false
	}
	return binary.BigEndian.Uint64(raw), [sealedOctets]byte(raw[8:]), true
}

// spend takes a token of a household that holds, for what may be done with it once. Whoever takes it first settles it; others
// get the same spending. It is nil where too many were taken lately.
func (s *seal) spend(household, token string, now time.Time) (once *spending, first bool) {
	until, sum, read := readMark(token)
	s.mu.Lock()
	defer s.mu.Unlock()
	if once = s.spent[household][sum]; once != nil || !read {
		return once, false
	}
	if len(s.spent[household]) >= ownSpent {
		s.tidy(household, now)
	}
	if s.count >= maxSpent {
		for all := range s.spent {
			s.tidy(all, now)
		}
	}
	if len(s.spent[household]) >= ownSpent || s.count >= maxSpent {
		return nil, false
	}
	once = &spending{good: until, done: make(chan struct{})}
	if s.spent[household] == nil {
		s.spent[household] = spendings{}
	}
	s.spent[household][sum] = once
	s.count++
	return once, true
}

// tidy forgets the marks of a household that are good no more.
func (s *seal) tidy(household string, now time.Time) {
	for sum, old := range s.spent[household] {
		if old.good <= uint64(now.Unix()) { //nolint:gosec // after 1970
			s.forget(household, sum)
		}
	}
}

func (s *seal) forget(household string, sum [sealedOctets]byte) {
	delete(s.spent[household], sum)
	s.count--
	if len(s.spent[household]) == 0 {
		delete(s.spent, household)
	}
}

// settle says until when what a token was taken for is open; with the zero time nothing came of it, and the token is as good
// as before.
func (s *seal) settle(household, token string, once *spending, till time.Time) {
	once.till = till
	close(once.done)
	if _, sum, _ := readMark(token); till.IsZero() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.forget(household, sum)
	}
}

// sum is over the end and every part with its length, so that no two forms share one.
func (s *seal) sum(until []byte, about []string) []byte {
	h := hmac.New(sha256.New, s.key)
	_, _ = h.Write(until)
	for _, part := range about {
		_, _ = h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(part))))
		_, _ = h.Write([]byte(part))
	}
	return h.Sum(nil)[:sealedOctets]
}

// sealed is a form of ours with its mark: what it is about is told in its fields as well.
func (p *Portal) sealed(v *visit, f form, what, value string) *form {
	f.Fields = append(f.Fields, field{Name: "about", Value: value}, field{Name: "token", Value: p.seal.mark(v.now, v.reader(), what, value)})
	return &f
}

// unsealed gives what a form that was sent is about; false if it is not one that this reader was shown lately.
func (p *Portal) unsealed(v *visit, get func(string) string, what string) (value string, ours bool) {
	value = get("about")
	return value, p.seal.holds(get("token"), v.now, v.reader(), what, value)
}

// reader is who reads a page from which device.
func (v *visit) reader() string { return viewer(v.client, v.addr) + "/" + v.client.Person() }
