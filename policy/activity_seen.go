package policy

import (
	"cmp"
	"maps"
	"math/bits"
	"slices"
	"strings"
	"time"
)

// Sighting is when a device last asked.
type Sighting struct {
	Household string    `json:"household"`
	Device    string    `json:"device"`
	Last      time.Time `json:"last"`
	// Quiet says that it asked regularly and has stopped. It may be off, on mobile data, or use a VPN.
	Quiet bool `json:"quiet"`
	// Here says that it is at home all the same; nil: nobody knows.
	Here *bool `json:"here,omitempty"`
}

const (
	// quietAfter is how long a device that asks regularly has not asked when it is called quiet. Phones ask a few times an
	// hour while they lie about.
	quietAfter = int64(2 * time.Hour / time.Second)
	// regularHours is in how many of the 24 hours before it must have asked for that.
	regularHours = 4
	dayHours     = 24
	// maxSighted bounds the devices: 100 bytes each.
	maxSighted = 16384
)

// MaxSighted is how many devices are looked after at once.
const MaxSighted = maxSighted

// Sightings knows when devices asked. It is in memory alone, and only of devices whose queries may be remembered.
type Sightings struct{ devices map[string]*sighted }

type sighted struct {
	last  int64
	hours uint32 // bit i: it asked in the i-th hour before that of last
}

// Saw notes that a device asked.
func (s *Sightings) Saw(household, device string, at int64) {
	if s.devices == nil {
		s.devices = map[string]*sighted{}
	}
	key := household + "/" + device
	d := s.devices[key]
	if d == nil {
		if len(s.devices) >= maxSighted {
			delete(s.devices, oldest(s.devices, func(d *sighted) int64 { return d.last }))
		}
		d = &sighted{last: at}
		s.devices[key] = d
	}
	if later := at/3600 - d.last/3600; later > 0 {
		d.hours <<= min(uint64(later), dayHours) //nolint:gosec // above 0
	}
	if at >= d.last {
		d.last = at
		d.hours |= 1
	}
}

// List gives the devices of a household in the order of their names.
func (s *Sightings) List(household string, now int64) []Sighting {
	found := []Sighting{}
	for key, d := range s.devices {
		if name, ok := strings.CutPrefix(key, household+"/"); ok {
			regular := bits.OnesCount32(d.hours&(1<<dayHours-1)) >= regularHours
			found = append(found, Sighting{Household: household, Device: name, Last: time.Unix(d.last, 0), Quiet: regular && now-d.last >= quietAfter})
		}
	}
	slices.SortFunc(found, func(a, b Sighting) int { return cmp.Compare(a.Device, b.Device) })
	return found
}

// Forget forgets HOUSEHOLD/DEVICE, or with HOUSEHOLD/ all devices of it.
func (s *Sightings) Forget(who string) { forget(s.devices, who) }

// forget takes out what is under a key, or of one that ends in a slash under all keys that begin with it.
func forget[V any](all map[string]V, who string) {
	maps.DeleteFunc(all, func(key string, _ V) bool {
		return key == who || strings.HasSuffix(who, "/") && strings.HasPrefix(key, who)
	})
}
