package forward

import (
	"math/rand/v2"
	"sync"
	"time"
)

const (
	firstTimeout = time.Second            // before anything is known of an upstream
	minTimeout   = 400 * time.Millisecond // a resolver with a cold cache asks two or three others
	maxTimeout   = 2 * time.Second

	failuresToDown = 3 // in a row
	minBackoff     = time.Second
	maxBackoff     = 30 * time.Second
	jitter         = 4 // up to a 4th of the back-off is taken off, so that not all of a household's resolvers probe at once

	plainFor     = 15 * time.Minute // how long a server without EDNS is remembered as one
	respellAfter = 24 * time.Hour   // the same for one that does not keep the spelling of names
)

// health is what an upstream's behaviour taught: how long to wait for it, whether
// it is believed to be down, and whether it knows EDNS and
// keeps the spelling of names. It learns only from tries
// that ran their course and from replies that passed the checks.
type health struct {
	mu         sync.Mutex
	srtt, vary time.Duration // smoothed as in RFC 6298 section 2; 0: nothing measured
	score      time.Duration // srtt, but that a failure weighs as much as a reply after its patience
	latencies  digest
	failures   int           // in a row
	backoff    time.Duration // 0: up
	probeAt    time.Time     // when a down upstream is tried again beside another
	probing    bool
	plainUntil time.Time
	lowerUntil time.Time
	spelled    bool // a reply kept the spelling of a question
	noEDNS     int  // in a row: EDNS was refused, without proof, and no reply had it
	unproven   int  // failures in a row that somebody else may have brought about
	doubts     int  // replies that lost it over UDP but not over TCP, while none kept it
}

// timeout returns how long to wait for a reply before asking again elsewhere. It
// doubles with each failure in a row, since the failure may be the impatience.
func (h *health) timeout() time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.patience()
}

func (h *health) patience() time.Duration {
	t := firstTimeout
	if h.srtt > 0 {
		t = max(h.srtt+4*h.vary, minTimeout)
	}
	return min(t<<min(h.failures, 3), maxTimeout)
}

// measured notes how long a reply took, whatever it said, whether it kept the
// spelling of the question, and whether it had EDNS.
func (h *health) measured(rtt time.Duration, spelled, edns bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if edns {
		h.noEDNS = 0
	}
	h.spelled = h.spelled || spelled
	h.latencies.add(rtt)
	h.weigh(rtt)
	if h.srtt == 0 {
		h.srtt, h.vary = rtt, rtt/2
		return
	}
	h.vary += ((h.srtt - rtt).Abs() - h.vary) / 4
	h.srtt += (rtt - h.srtt) / 8
}

// weigh adds a latency to the score. h.mu is held.
func (h *health) weigh(rtt time.Duration) {
	if h.score == 0 {
		h.score = max(rtt, 1)
		return
	}
	h.score = max(h.score+(rtt-h.score)/8, 1)
}

// rank returns a number by which upstreams compare: the smoothed latency, or that it is
// unknown, or that the upstream is down.
func (h *health) rank() time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.backoff > 0:
		return rankDown
	case h.score == 0:
		return rankUnknown
	}
	return h.score
}

// usual returns the latency within which 95 % of the replies come; before enough of them
// have, minTimeout.
func (h *health) usual() time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.latencies.slow == 0 {
		return minTimeout
	}
	return h.latencies.slow
}

// answered notes a usable reply and returns whether the upstream was down.
func (h *health) answered() (wasDown bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	wasDown = h.backoff > 0
	h.failures, h.unproven, h.backoff = 0, 0, 0
	return wasDown
}

// failed notes a try without a usable reply, which somebody else may have brought about unless
// it is proven: then it counts from the second in a row on. It returns whether the upstream
// is down from now on. The time to the next probe doubles from 1 s to 30 s,
// less a random part.
func (h *health) failed(now time.Time, proven bool) (goesDown bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !proven {
		if h.unproven++; h.unproven < 2 {
			return false
		}
	}
	h.failures++
	h.weigh(h.patience())
	if h.failures < failuresToDown || now.Before(h.probeAt) {
		return false
	}
	goesDown = h.backoff == 0
	h.backoff = min(max(2*h.backoff, minBackoff), maxBackoff)
	h.probeAt = now.Add(h.backoff - rand.N(h.backoff/jitter)) //nolint:gosec // no secret
	return goesDown
}

// down reports whether the upstream is believed to be dead.
func (h *health) down() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.backoff > 0
}

// claimProbe reports whether a probe of a down upstream is due and nobody else
// is at it; then the caller makes it, and calls endProbe.
func (h *health) claimProbe(now time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.backoff == 0 || h.probing || now.Before(h.probeAt) {
		return false
	}
	h.probing = true
	return true
}

// claimExploration reports whether nobody else is asking the upstream for its health; then
// the caller does, and calls endProbe.
func (h *health) claimExploration() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.probing {
		return false
	}
	h.probing = true
	return true
}

func (h *health) endProbe() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.probing = false
}

// knowsEDNS reports whether queries may carry OPT.
func (h *health) knowsEDNS(now time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return !now.Before(h.plainUntil)
}

// lacksEDNS notes that a query without OPT was answered where one with it was not, and
// returns whether that is remembered: if there is proof that the server refused it, or if it
// is the second time in a row.
func (h *health) lacksEDNS(now time.Time, proven bool) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.noEDNS++; !proven && h.noEDNS < 2 {
		return false
	}
	h.noEDNS, h.plainUntil = 0, now.Add(plainFor)
	return true
}

// keepsSpelling reports whether replies are expected to repeat the question in the
// spelling in which it was asked.
func (h *health) keepsSpelling(now time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return !now.Before(h.lowerUntil)
}

// keptSpelling reports whether a reply ever kept a spelling.
func (h *health) keptSpelling() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.spelled
}

// doubted notes a spelling that was lost over UDP but not over TCP, and returns
// whether that makes two.
func (h *health) doubted() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.doubts++
	return h.doubts > 1
}

// losesSpelling notes that the upstream answers in another spelling than it is asked.
func (h *health) losesSpelling(now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lowerUntil, h.spelled, h.doubts = now.Add(respellAfter), false, 0
}
