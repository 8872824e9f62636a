package blocklists

import (
	"bytes"
	"context"
	"encoding/binary"
)

// head is the record of a stream that is to be taken next.
type head struct {
	key     []byte // valid until the stream advances
	payload uint64
	prefix  uint64 // the first octets of key, which settle most comparisons
	more    uint64 // those behind them, which settle nearly all others
	ended   bool   // there is no record any more
}

// stream gives records by ascending key. advance puts the next one into h and reports whether there is one.
type stream interface {
	advance(h *head) (bool, error)
}

// merge calls visit for every record of all streams by ascending key and, for one key, ascending payload. The key
// is valid until visit returns. It is a tournament: what a stream's next record has to beat are only the
// losers on its way to the top, one comparison for each doubling of the number of streams.
func merge(ctx context.Context, streams []stream, visit func(key []byte, payload uint64) error) error {
	t := tournament{streams: streams, heads: make([]head, len(streams)), losers: make([]int, max(1, len(streams)))}
	if len(streams) == 0 {
		return nil
	}
	for i := range streams {
		if err := t.advance(i); err != nil {
			return err
		}
	}
	t.losers[0] = t.seed(1)
	for count := 1; ; count++ {
		if count%checkEvery == 1 && ctx.Err() != nil {
			return context.Cause(ctx)
		}
		winner := t.losers[0]
		h := &t.heads[winner]
		if h.ended {
			return nil
		}
		if err := visit(h.key, h.payload); err != nil {
			return err
		}
		if err := t.advance(winner); err != nil {
			return err
		}
		t.replay(winner)
	}
}

// tournament is a tree over streams: node 0 holds the winner, each other the loser of the match there; the two
// below node n are 2n and 2n+1, and from len(streams) on they are the streams themselves.
type tournament struct {
	streams []stream
	heads   []head
	losers  []int
}

// seed plays all matches from node n down and returns the winner.
func (t *tournament) seed(n int) int {
	if n >= len(t.heads) {
		return n - len(t.heads)
	}
	a, b := t.seed(2*n), t.seed(2*n+1)
	if t.before(b, a) {
		a, b = b, a
	}
	t.losers[n] = b
	return a
}

// replay finds the winner after stream i, the last one, got another record.
func (t *tournament) replay(i int) {
	winner := i
	for n := (i + len(t.heads)) / 2; n > 0; n /= 2 {
		if t.before(t.losers[n], winner) {
			t.losers[n], winner = winner, t.losers[n]
		}
	}
	t.losers[0] = winner
}

func (t *tournament) advance(i int) error {
	h := &t.heads[i]
	more, err := t.streams[i].advance(h)
	if err != nil {
		return err
	}
	h.ended, h.prefix, h.more = !more, ^uint64(0), ^uint64(0)
	if more {
		h.prefix, h.more = prefixOf(h.key)
	}
	return nil
}

// before reports whether the record of stream i comes before that of stream j.
func (t *tournament) before(i, j int) bool {
	a, b := &t.heads[i], &t.heads[j]
	if a.prefix != b.prefix {
		return a.prefix < b.prefix
	}
	if a.more != b.more {
		return a.more < b.more
	}
	if a.ended || b.ended {
		return b.ended && !a.ended
	}
	if order := bytes.Compare(a.key, b.key); order != 0 {
		return order < 0
	}
	return a.payload < b.payload
}

// prefixOf returns the first 16 octets of key as numbers that compare as they do; what lies behind its end is 0.
func prefixOf(key []byte) (prefix, more uint64) {
	if len(key) < 16 {
		var padded [16]byte
		copy(padded[:], key)
		key = padded[:]
	}
	return binary.BigEndian.Uint64(key), binary.BigEndian.Uint64(key[8:])
}
