package portal

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hearthdns/hearth/policy"
)

// Bounds of the memory behind ask.<name>.
const (
	recentFor     = 10 * time.Minute
	recentNames   = 20
	recentDevices = 4096 // 20 names of at most 1 kB each; beyond it the longest silent device is forgotten
)

// block is one name that was blocked on a device.
type block struct {
	name     string
	category string // id, "" where no category decided
	action   policy.Action
	step     policy.Step
	clock    policy.Clock
	at       time.Time
	ad       bool // advertising, whatever it was blocked by: at bedtime the clock blocks it like all else
}

// recent remembers the last blocks of each device, in memory only.
type recent struct {
	mu      sync.Mutex
	devices map[string][]block // by viewer key; newest last
	swept   time.Time
}

// add remembers one block, and forgets an advertisement before anything a person asked for.
func (r *recent) add(key string, b block) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.devices == nil {
		r.devices = map[string][]block{}
	}
	r.sweep(b.at)
	if _, known := r.devices[key]; !known && len(r.devices) >= recentDevices {
		r.makeRoom(b.at)
	}
	kept := slices.DeleteFunc(fresh(r.devices[key], b.at), func(o block) bool { return o.name == b.name })
	if len(kept) == recentNames {
		oldest := max(0, slices.IndexFunc(kept, func(o block) bool { return o.ad }))
		kept = slices.Delete(kept, oldest, oldest+1)
	}
	r.devices[key] = append(kept, b)
}

// of lists what was blocked on the device in the last ten minutes, newest first.
func (r *recent) of(key string, now time.Time) []block {
	r.mu.Lock()
	defer r.mu.Unlock()
	kept := fresh(r.devices[key], now)
	if len(kept) == 0 {
		delete(r.devices, key)
		return nil
	}
	r.devices[key] = kept
	out := slices.Clone(kept)
	slices.Reverse(out)
	return out
}

// forget drops what is remembered of the devices of a household.
func (r *recent) forget(household string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	maps.DeleteFunc(r.devices, func(key string, _ []block) bool {
		return strings.HasPrefix(key, household+"/") || strings.HasPrefix(key, household+"@")
	})
}

// sweep forgets every device whose last block is too old, at most once a minute.
func (r *recent) sweep(now time.Time) {
	if now.Sub(r.swept) >= time.Minute {
		r.swept = now
		r.drop(now)
	}
}

func (r *recent) drop(now time.Time) {
	for key, blocks := range r.devices {
		if now.Sub(blocks[len(blocks)-1].at) > recentFor {
			delete(r.devices, key)
		}
	}
}

// makeRoom forgets what is too old, and the longest silent device if that was not enough.
func (r *recent) makeRoom(now time.Time) {
	r.drop(now)
	if len(r.devices) < recentDevices {
		return
	}
	var victim string
	var oldest time.Time
	for key, blocks := range r.devices {
		if last := blocks[len(blocks)-1].at; victim == "" || last.Before(oldest) {
			victim, oldest = key, last
		}
	}
	delete(r.devices, victim)
}

// fresh drops what is older than ten minutes.
func fresh(blocks []block, now time.Time) []block {
	return slices.DeleteFunc(blocks, func(b block) bool { return now.Sub(b.at) > recentFor })
}
