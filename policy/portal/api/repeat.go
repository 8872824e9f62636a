package api

import (
	"bytes"
	"crypto/sha256"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// What is kept of answers, so that a POST that is sent again is done once. docs/operations.md has the reasons.
const (
	keyHeader     = "Idempotency-Key"
	repeatedField = "Idempotency-Replayed"
	keepAnswers   = 24 * time.Hour
	maxKey        = 255
	maxAnswers    = 16 << 20  // octets of all answers
	maxTenant     = 1 << 20   // of those of one token
	maxAnswer     = 256 << 10 // of one; a longer one is not kept
	answerCost    = 256       // of one beside its text
)

// digest stands for a text of any length.
type digest [sha256.Size]byte

// answer is what a request was answered, or waits for it.
type answer struct {
	tenant string
	asked  digest // of its body
	at     time.Time
	done   bool
	status int
	kind   string
	text   []byte
	home   string // the household that it is about; "": whichever
	bare   bool   // its text is not to be kept
}

func (x *answer) cost() int { return answerCost + len(x.text) }

// repeats are the answers that are kept, the oldest first.
type repeats struct {
	mu      sync.Mutex
	all     *simplelru.LRU[digest, *answer]
	octets  int
	tenants map[string]int // octets by tenant
}

func newRepeats() *repeats {
	r := &repeats{tenants: map[string]int{}}
	r.all, _ = simplelru.NewLRU(maxAnswers/answerCost, func(_ digest, x *answer) { // it fails for a size below 1 alone
		r.octets -= x.cost()
		if r.tenants[x.tenant] -= x.cost(); r.tenants[x.tenant] <= 0 {
			delete(r.tenants, x.tenant)
		}
	})
	return r
}

// add keeps an answer, and forgets what is too old or too much: of the tenant first, so that nobody takes the room of
// others. The caller holds mu.
func (r *repeats) add(key digest, x *answer) {
	r.all.Remove(key)
	r.octets += x.cost()
	r.tenants[x.tenant] += x.cost()
	r.all.Add(key, x)
	for oldest, there := r.oldest(); there && x.at.Sub(oldest.at) >= keepAnswers; oldest, there = r.oldest() {
		r.all.RemoveOldest()
	}
	if r.tenants[x.tenant] > maxTenant {
		r.shrink(x)
	}
	for r.octets > maxAnswers {
		r.all.RemoveOldest()
	}
}

// shrink forgets the oldest answers of the tenant of x, until it has no more than its share. The caller holds mu.
func (r *repeats) shrink(x *answer) {
	for _, old := range r.all.Keys() {
		if r.tenants[x.tenant] <= maxTenant {
			return
		}
		if y, _ := r.all.Peek(old); y.tenant == x.tenant && y != x {
			r.all.Remove(old)
		}
	}
}

func (r *repeats) oldest() (*answer, bool) {
	_, x, there := r.all.GetOldest()
	return x, there
}

// begin finds the answer of a request that was sent before, or notes that this one is the first.
func (r *repeats) begin(key digest, first answer) (was answer, again bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if x, there := r.all.Peek(key); there && first.at.Sub(x.at) < keepAnswers {
		return *x, true
	}
	r.add(key, &first)
	return answer{}, false
}

// end keeps what the first was answered; one that may be another the next time is not kept.
func (r *repeats) end(key digest, x answer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if began, there := r.all.Peek(key); !there || began.bare {
		x.bare = true
	}
	failed := x.status >= http.StatusInternalServerError || x.status == http.StatusTooManyRequests || x.bare && x.status >= http.StatusBadRequest
	if !x.done || failed || len(x.text) > maxAnswer {
		r.all.Remove(key)
		return
	}
	if x.bare {
		x.text = nil
	}
	r.add(key, &x)
}

// forget drops what was answered about a household, and keeps that it was done; what was refused may be tried anew.
func (r *repeats) forget(household string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, key := range r.all.Keys() {
		x, _ := r.all.Peek(key)
		switch {
		case x.home != "" && x.home != household:
		case x.done && x.status >= http.StatusBadRequest:
			r.all.Remove(key)
		default:
			r.octets -= len(x.text)
			r.tenants[x.tenant] -= len(x.text)
			x.text, x.bare = nil, true
		}
	}
}

// held says how many octets are kept.
func (r *repeats) held() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.octets
}

// once has a POST with a key done once.
func (a *API) once(w http.ResponseWriter, r *http.Request, c Caller) {
	name := r.Header.Get(keyHeader)
	if r.Method != http.MethodPost || name == "" {
		a.mux.ServeHTTP(w, r)
		return
	}
	if len(name) > maxKey || strings.ContainsFunc(name, func(s rune) bool { return s < ' ' || s > '~' }) {
		(&Problem{Status: http.StatusBadRequest, Field: keyHeader, Detail: "a key has 1 to 255 signs of ASCII: write such as a UUID"}).write(w)
		return
	}
	body, _ := io.ReadAll(r.Body) // readBody has put it there
	r.Body = io.NopCloser(bytes.NewReader(body))
	tenant := c.ID + "\n" + c.Actor.Household
	key := digest(sha256.Sum256([]byte(strings.Join([]string{tenant, r.URL.EscapedPath(), name}, "\n")))) // a path may be long
	first := answer{tenant: tenant, asked: sha256.Sum256(body), at: a.Now(), home: homeOf(r, c)}
	was, again := a.repeats.begin(key, first)
	switch {
	case again && was.asked != first.asked:
		(&Problem{Status: http.StatusUnprocessableEntity, Field: keyHeader, Detail: "this key was sent with another body: write a new key for a new request"}).write(w)
	case again && !was.done:
		w.Header().Set("Retry-After", "1")
		(&Problem{Status: http.StatusConflict, Field: keyHeader, Detail: "the request with this key is being done: ask again in a second"}).write(w)
	case again && was.bare:
		a.counts.repeated.Inc()
		w.Header().Set(repeatedField, "true")
		(&Problem{Status: http.StatusConflict, Field: keyHeader, Detail: "this was done, and its answer is not kept: look at what it made, and write a new key for a new request"}).write(w)
	case again:
		a.counts.repeated.Inc()
		w.Header().Set("Content-Type", was.kind)
		w.Header().Set(repeatedField, "true")
		w.WriteHeader(was.status)
		_, _ = w.Write(was.text)
	default:
		to := &recorder{ResponseWriter: w, answer: first}
		to.status = http.StatusOK
		defer func() { a.repeats.end(key, to.answer) }()
		a.mux.ServeHTTP(to, r)
		to.done, to.kind, to.bare = true, w.Header().Get("Content-Type"), a.secret[r.Pattern]
	}
}

// homeOf is the household that a request is about, "" where it does not say so itself.
func homeOf(r *http.Request, c Caller) string {
	if c.Actor.Household != "" {
		return c.Actor.Household
	}
	if part := strings.Split(r.URL.Path, "/"); len(part) > 3 && part[2] == "households" && part[3] != only {
		return part[3]
	}
	return ""
}

// Forget drops what is kept of answers about a household of which something was erased.
func (a *API) Forget(household string) { a.repeats.forget(household) }

// recorder notes what it passes on.
type recorder struct {
	http.ResponseWriter
	answer
}

func (r *recorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(p []byte) (int, error) {
	if len(r.text) <= maxAnswer {
		r.text = append(r.text, p...)
	}
	return r.ResponseWriter.Write(p)
}

// Unwrap lets deadlines through.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
