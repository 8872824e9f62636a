package parents

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hearthdns/hearth/policy"
)

// Codes by which a device enrols itself. With 30 signs in 8 places there are 6.6e11 of them; with wrongCodes tries
// in codeLife nobody meets one.
const (
	codeSigns = "23456789ABCDEFGHJKMNPQRSTVWXYZ" // none that looks like another
	codeLen   = 8
	codeLife  = 10 * time.Minute
	// wrongCodes is how many wrong codes the devices of one household may show in codeLife.
	wrongCodes = 20
	// maxCodes bounds the codes of one household that are good at once.
	maxCodes = 20
)

// Code lets one device enrol itself.
type Code struct {
	Household string    `json:"household"`
	Code      string    `json:"code"` // ABCD-EFGH
	For       string    `json:"for"`  // whose the device will be
	Until     time.Time `json:"until"`
}

// invitation is what a code stands for.
type invitation struct {
	household, name, by string
	member              string
	members             []string
	profile             string
	hash                [sha256.Size]byte // of the code
	until               time.Time
}

// whose says in words whose the device will be.
func (i invitation) whose() string {
	switch {
	case i.member != "":
		return i.member
	case len(i.members) > 0:
		return strings.Join(i.members, " and ")
	}
	return i.profile
}

// invitation reads whose a device is to be.
func (p *place) invitation(to Assignment, name string) (i invitation, err error) {
	i = invitation{household: p.household.ID, profile: to.Profile, by: p.by}
	for _, m := range to.Members {
		found, err := memberOf(p.household, m)
		if err != nil {
			return i, err
		}
		i.members = append(i.members, found.Name)
	}
	if len(i.members) == 1 {
		i.member, i.members = i.members[0], nil
	}
	if i.member == "" && len(i.members) == 0 && i.profile == "" {
		return i, refused("members", "nobody uses this device: write its member, its members, or a profile such as things")
	}
	if i.profile != "" && p.dir.Profile(i.profile) == nil {
		return i, unknown("profile", "there is no profile %q for a device: write one of the configuration that has a band, or a band such as things", i.profile)
	}
	if name != "" {
		i.name, err = goodName(p, name)
	}
	return i, err
}

// codes are the invitations that wait, in memory alone: a restart makes them void.
type codes struct {
	mu    sync.Mutex
	wait  map[string][]invitation // by household
	wrong tries
}

// Invite makes a code for one device, and remembers who did: where that cannot be written down, the device could not be
// enrolled either.
func (d *Desk) Invite(ctx context.Context, who Who, to Assignment, name string) (Code, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	p, err := d.find(who, manage)
	if err != nil {
		return Code{}, err
	}
	i, err := p.invitation(to, name)
	if err != nil {
		return Code{}, err
	}
	if d.codes.full(i.household, d.Now()) {
		return Code{}, &Error{Reason: Wait, Text: "too many codes wait for a device already: use one of them, or wait ten minutes"}
	}
	code := newCode()
	i.hash, i.until = sha256.Sum256([]byte(code)), d.Now().Add(codeLife)
	if err := d.commit(ctx, p, p.entry("device invited", "for "+i.whose(), i.until.Unix()), nil); err != nil {
		return Code{}, err
	}
	d.codes.add(i)
	return Code{Household: i.household, Code: code[:codeLen/2] + "-" + code[codeLen/2:], For: i.whose(), Until: i.until.In(p.household.Location)}, nil
}

// full says whether as many codes of a household are good as may be, and forgets those that are not.
func (c *codes) full(household string, now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wait[household] = c.good(household, now)
	return len(c.wait[household]) >= maxCodes
}

// good are the codes of a household that have not run out. The caller holds mu.
func (c *codes) good(household string, now time.Time) []invitation {
	var left []invitation
	for _, i := range c.wait[household] {
		if i.until.After(now) {
			left = append(left, i)
		}
	}
	return left
}

// newCode draws a code, each sign as likely as any other.
func newCode() string {
	const fair = 256 - 256%len(codeSigns)
	out := make([]byte, 0, codeLen)
	var b [1]byte
	for len(out) < codeLen {
		_, _ = rand.Read(b[:]) // it never fails
		if int(b[0]) < fair {
			out = append(out, codeSigns[int(b[0])%len(codeSigns)])
		}
	}
	return string(out)
}

// clean reads a code as people type it.
func clean(code string) string {
	code = strings.ToUpper(cut(code, 64))
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(codeSigns, r) {
			return r
		}
		return -1
	}, code)
}

// Redeem enrols the device that has an address with a code of its household: by its MAC where that is known, which
// outlives its addresses, else by the address.
func (d *Desk) Redeem(ctx context.Context, code string, from netip.Addr) (Device, error) {
	s := Seen{Address: from.Unmap().WithZone("")}
	if d.Presence != nil {
		if found, there := d.Presence.Find(from); there {
			s.MAC, s.Name = found.MAC, found.Name
		}
	}
	c := d.Directory().IdentifyBy(&policy.Facts{Addr: s.Address, MAC: s.MAC, Name: s.Name})
	switch c.Status {
	case policy.Known:
		if c.Device != nil {
			return Device{}, refused("", "this device is known already, as %s", c.Device.Name)
		}
	case policy.Guest:
		if c.Forwarder != nil {
			return Device{}, refused("", "this is the home's router, which asks for many devices: connect the device so that Hearth sees it itself, or write it into the configuration")
		}
	case policy.Stranger, policy.OptedOut:
		return Device{}, refused("", "this device is in no household's network: connect it at home, and try again")
	}
	i, err := d.codes.redeem(c.Household.ID, clean(code), d.Now())
	if err != nil {
		d.counts.wrongCodes.Add(1)
		return Device{}, err
	}
	return d.enrol(ctx, i, s)
}

// add makes a code good, or good again.
func (c *codes) add(i invitation) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wait[i.household] = append(c.wait[i.household], i)
}

// forget makes the codes void for devices of somebody, with "" of a household.
func (c *codes) forget(household, person string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	left := slices.DeleteFunc(c.wait[household], func(i invitation) bool {
		return person == "" || i.member == person || slices.Contains(i.members, person) || i.name != "" && policy.PersonOfDevice(i.name) == person
	})
	if c.wait[household] = left; len(left) == 0 {
		delete(c.wait, household)
	}
}

// redeem takes a code out of those that wait. Each is compared in constant time, and as a hash.
func (c *codes) redeem(household, code string, now time.Time) (invitation, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.wrong.spent(household, wrongCodes, codeLife, now) {
		return invitation{}, &Error{Reason: Wait, Text: "too many wrong codes: wait ten minutes, then ask a parent for a new one"}
	}
	hash, at := sha256.Sum256([]byte(code)), -1
	good := c.good(household, now)
	for n := range good {
		if subtle.ConstantTimeCompare(good[n].hash[:], hash[:]) == 1 {
			at = n
		}
	}
	if at < 0 {
		c.wrong.add(household, now)
		return invitation{}, &Error{Reason: Refused, Field: "code", Text: "this code is not good, or not any more: ask a parent for a new one"}
	}
	found := good[at]
	c.wait[household] = append(good[:at], good[at+1:]...)
	return found, nil
}

// tries counts what went wrong, by whom.
type tries map[string][]time.Time

// spent says whether somebody has none left in a stretch of time.
func (t tries) spent(who string, most int, in time.Duration, now time.Time) bool {
	var recent []time.Time
	for _, at := range t[who] {
		if now.Sub(at) < in {
			recent = append(recent, at)
		}
	}
	if t[who] = recent; len(recent) == 0 {
		delete(t, who)
	}
	return len(recent) >= most
}

func (t tries) add(who string, now time.Time) { t[who] = append(t[who], now) }
