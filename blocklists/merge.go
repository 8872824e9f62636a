package blocklists

import (
	"bytes"
	"cmp"
	"context"
)

// merge calls visit for every record of all runs by ascending key and, for one key, ascending payload. The
// runs are read to their ends.
func merge(ctx context.Context, runs []*run, visit func(key []byte, payload uint32) error) error {
	var heap runHeap
	for _, r := range runs {
		more, err := r.next()
		if err != nil {
			return err
		}
		if more {
			heap = append(heap, r)
		}
	}
	for i := len(heap)/2 - 1; i >= 0; i-- {
		heap.down(i)
	}
	for count := 0; len(heap) > 0; count++ {
		if count%checkEvery == 0 && ctx.Err() != nil {
			return context.Cause(ctx)
		}
		first := heap[0]
		if err := visit(first.key, first.payload); err != nil {
			return err
		}
		more, err := first.next()
		if err != nil {
			return err
		}
		if !more {
			heap[0] = heap[len(heap)-1]
			heap = heap[:len(heap)-1]
		}
		heap.down(0)
	}
	return nil
}

// runHeap is a binary heap: each run's current record is not above those of the two runs below it.
type runHeap []*run

// down restores the order after the run at i got a higher record.
func (h runHeap) down(i int) {
	for {
		least := 2*i + 1
		if least >= len(h) {
			return
		}
		if right := least + 1; right < len(h) && h[right].before(h[least]) {
			least = right
		}
		if !h[least].before(h[i]) {
			return
		}
		h[i], h[least] = h[least], h[i]
		i = least
	}
}

// before reports whether the current record of r comes before that of other.
func (r *run) before(other *run) bool {
	if r.prefix != other.prefix {
		return r.prefix < other.prefix
	}
	if r.more != other.more {
		return r.more < other.more
	}
	if order := bytes.Compare(r.key, other.key); order != 0 {
		return order < 0
	}
	return cmp.Less(r.payload, other.payload)
}
