package forward

import (
	"math/bits"
	"time"
)

// digest counts latencies in buckets that widen with them, four to each doubling, from
// 66 microseconds to 8.6 seconds. The oldest half weighs half as much whenever it is full.
type digest struct {
	counts [64]uint16
	total  int
	fresh  int // since slow was worked out
	slow   time.Duration
}

const (
	digestUnit  = 16  // a bucket of the first is 2^16 ns wide
	digestFull  = 512 // latencies
	digestFresh = 16  // until they are looked at again
)

// add counts one latency.
func (d *digest) add(rtt time.Duration) {
	d.counts[digestBucket(rtt)]++
	d.total++
	if d.fresh++; d.fresh < digestFresh {
		return
	}
	d.fresh, d.slow = 0, d.percentile95()
	if d.total < digestFull {
		return
	}
	d.total = 0
	for i := range d.counts {
		d.counts[i] /= 2
		d.total += int(d.counts[i])
	}
}

// percentile95 returns the upper bound of the bucket that at most 5 % are above.
func (d *digest) percentile95() time.Duration {
	above := 0
	for i := len(d.counts) - 1; i > 0; i-- {
		if above += int(d.counts[i]); 20*above > d.total {
			return digestBound(i)
		}
	}
	return digestBound(0)
}

func digestBucket(rtt time.Duration) int {
	v := uint64(max(rtt, 0)) >> digestUnit
	e := max(bits.Len64(v)-3, 0)
	return min(4*e+int(v>>e), len(digest{}.counts)-1) //nolint:gosec // v>>e is under 8
}

// digestBound returns the latency at which a bucket ends.
func digestBound(i int) time.Duration {
	e := max(i/4-1, 0)
	return time.Duration((i-4*e+1)<<e) << digestUnit
}
