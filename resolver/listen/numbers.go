package listen

import (
	"sync/atomic"
	"time"
)

// numbers hands out the worker numbers of queries or connections. Having one is the
// leave to go on, so that the stock is the limit as well.
type numbers chan int

// newNumbers makes a stock of n numbers from first on.
func newNumbers(first, n int) numbers {
	c := make(numbers, n)
	for i := range n {
		c <- first + i
	}
	return c
}

// take returns a free number, or false at once if there is none.
func (c numbers) take() (int, bool) {
	select {
	case n := <-c:
		return n, true
	default:
		return 0, false
	}
}

// give returns a number that take gave.
func (c numbers) give(n int) { c <- n }

// used counts the numbers that are out.
func (c numbers) used() int { return cap(c) - len(c) }

// rarely says at most once a minute that it is time to log.
type rarely struct{ last atomic.Int64 }

func (r *rarely) due(now time.Time) bool {
	last, sec := r.last.Load(), now.Unix()
	return sec-last >= 60 && r.last.CompareAndSwap(last, sec)
}

// backoff spaces the attempts after an error of a socket that will likely persist,
// such as running out of file descriptors.
type backoff struct{ delay time.Duration }

func (b *backoff) wait() { time.Sleep(b.next()) }

// next returns the next pause.
func (b *backoff) next() time.Duration {
	b.delay = min(max(2*b.delay, 5*time.Millisecond), time.Second)
	return b.delay
}

func (b *backoff) reset() { b.delay = 0 }
