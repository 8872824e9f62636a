package resolver

import (
	"crypto/sha256"
	"encoding/binary"
	"iter"
	"time"

	"github.com/hearthdns/hearth/resolver/cache"
	"github.com/hearthdns/hearth/resolver/wire"
)

// Answers yields what the cache knows and what may be written down, for a warm start: the
// answers that can be used or fall back on, of views with a Name. Left out are names of
// help, of health and of legal lists, and whatever was changed before it was stored.
func (r *Resolver) Answers() iter.Seq[cache.Record] {
	return func(yield func(cache.Record) bool) {
		w, now := r.world.Load(), r.cfg.Now().Unix()
		private := confidential(w.Index)
		names := make(map[uint32][16]byte)
		for v := range w.Upstreams.views() {
			names[v.ID] = v.mark()
		}
		for e := range r.cfg.Cache.Entries() {
			view, known := names[e.Key().View]
			if !known || !r.cfg.Cache.Usable(e, now) || e.Facts().EDE != 0 || private.holds(e, w) {
				continue
			}
			if !yield(cache.Record{View: view, Stored: e.Stored(), Message: e.AppendMessage(nil)}) {
				return
			}
		}
	}
}

// Restore takes answers that Answers gave back into the cache, and returns how many it
// took. They are believed no more than what an upstream says: each is inspected and
// read by the index that serves, and those of views that are no more are left out.
func (r *Resolver) Restore(records []cache.Record) (taken int) {
	w, now, limits := r.world.Load(), r.cfg.Now().Unix(), r.cfg.Cache.Config()
	oldest := now - int64((max(limits.MaxTTL, limits.MaxNegativeTTL)+limits.Stale.For)/time.Second)
	views := make(map[[16]byte]*View)
	for v := range w.Upstreams.views() {
		views[v.mark()] = v
	}
	for _, rec := range records {
		v := views[rec.View]
		if v == nil || rec.Stored < oldest || rec.Stored > now {
			continue
		}
		key, ok := asked(rec.Message)
		if !ok {
			continue
		}
		key.View = v.ID
		if _, err := r.keep(w, v, &key, rec.Message, rec.Stored); err == nil {
			taken++
		}
	}
	return taken
}

// asked reads the question of a message.
func asked(msg []byte) (k cache.Key, ok bool) {
	end, err := wire.SkipQuestion(msg)
	if err != nil {
		return k, false
	}
	k.Name, _, err = wire.AppendName(nil, msg, wire.HeaderLen)
	k.Type, k.Class = binary.BigEndian.Uint16(msg[end-4:]), binary.BigEndian.Uint16(msg[end-2:])
	k.CD = wire.Flags(binary.BigEndian.Uint16(msg[2:]))&wire.CD != 0
	return k, err == nil && k.Class == wire.ClassIN
}

// mark is what a snapshot knows the view by. Its Name may hold addresses with a secret in
// them, so it is no more than a checksum.
func (v *View) mark() [16]byte {
	sum := sha256.Sum256([]byte(v.Name))
	return [16]byte(sum[:16])
}

// views yields the views that have a Name; some more than once.
func (r *Routes) views() iter.Seq[*View] {
	return func(yield func(*View) bool) {
		for _, v := range r.profiles {
			if v.Name != "" && !yield(v) {
				return
			}
		}
		for _, v := range r.zones {
			if v.Name != "" && !yield(v) {
				return
			}
		}
	}
}
