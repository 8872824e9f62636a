package parents

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/store"
)

const (
	minPIN, maxPIN = 4, 12 // digits
	// pinCost makes one try take about 50 ms of one core: four digits are no secret to who has the file, but nobody
	// reads them in passing.
	pinCost = 10
	// wrongPINs in pinLock lock a member out at one device: of 10,000 PINs half are tried in ten days.
	wrongPINs = 5
	pinLock   = 15 * time.Minute
	// maxUses in pinLock are how often a member may say to use one device: each is written down, and who says so over
	// and over must not fill the store that all households share.
	maxUses = 6
)

// usable are the stretches of time for which somebody may say that they use a shared device.
var usable = []time.Duration{30 * time.Minute, time.Hour, 2 * time.Hour}

// pins guards the tries. Holding mu while a PIN is compared bounds what trying costs to one core.
type pins struct {
	mu    sync.Mutex
	wrong tries
	right tries
	told  tries // of guessing, by device
}

// SetPIN gives a member a PIN for shared devices, or with "" takes it away.
func (d *Desk) SetPIN(ctx context.Context, who Who, digits string) error {
	var hash []byte
	if digits != "" {
		if len(digits) < minPIN || len(digits) > maxPIN || strings.Trim(digits, "0123456789") != "" {
			return refused("pin", "a PIN has %d to %d digits", minPIN, maxPIN).with("", "least", minPIN, "most", maxPIN)
		}
		if strings.Count(digits, digits[:1]) == len(digits) || strings.Contains("01234567890123", digits) || strings.Contains("9876543210987", digits) {
			return refused("pin", "this PIN is the first that anybody tries: write another").with("", "least", minPIN, "most", maxPIN)
		}
		var err error
		if hash, err = bcrypt.GenerateFromPassword([]byte(digits), pinCost); err != nil {
			return err
		}
	}
	_, err := d.act(ctx, who, manage, func(p *place) (Entry, []change, error) {
		if p.member == nil {
			return Entry{}, nil, refused("member", "whose PIN it is is missing: write the member")
		}
		c := change{kind: kindPIN, id: named(p.member.Name)}
		if hash == nil {
			return p.entry("PIN removed", "", 0), []change{c}, nil
		}
		c.value = pin{Member: p.member.Name, Hash: hash, At: p.now.Unix()}
		return p.entry("PIN set", "", 0), []change{c}, nil
	})
	return err
}

// Users lists the members of a shared device who have a PIN; none of a device that is not shared.
func (d *Desk) Users(household, device string) []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	p, err := d.find(Who{Household: household, Device: device}, proven)
	if err != nil || p.device == nil || len(p.device.Members) < 2 {
		return nil
	}
	var names []string
	for _, m := range p.device.Members {
		if _, has := p.home[kindPIN][named(m.Name)]; has {
			names = append(names, m.Name)
		}
	}
	return names
}

// Use says, by PIN, who uses a shared device for the next 30, 60 or 120 minutes. Their profile holds there until then,
// and after it again the strictest of all its members.
func (d *Desk) Use(ctx context.Context, household, device, member, digits string, minutes int) (Act, error) {
	if !slices.Contains(usable, time.Duration(minutes)*time.Minute) {
		return Act{}, refused("minutes", "write 30, 60 or 120 minutes")
	}
	if err := d.prove(ctx, household, device, member, digits); err != nil {
		return Act{}, err
	}
	var made policy.Use
	p, err := d.act(ctx, Who{Household: household, Device: device, By: member}, proven, func(p *place) (Entry, []change, error) {
		i := slices.IndexFunc(p.device.Members, func(m *policy.Member) bool { return m.Name == member })
		if i < 0 || len(p.device.Members) < 2 {
			return Entry{}, nil, wrongPIN()
		}
		until := p.now.Add(time.Duration(minutes) * time.Minute).Unix()
		made = policy.Use{Device: p.device.Name, Member: member, At: p.now.Unix(), Until: until}
		changes := append(p.endUses(), change{kind: kindUse, id: newID(), value: made})
		return p.entry("device used", "by "+member, until), changes, nil
	})
	if err != nil {
		return Act{}, err
	}
	return p.use(made), nil
}

// Leave ends the use of a shared device before its time.
func (d *Desk) Leave(ctx context.Context, household, device string) error {
	_, err := d.act(ctx, Who{Household: household, Device: device}, proven, func(p *place) (Entry, []change, error) {
		if p.device == nil {
			return Entry{}, nil, refused("device", "which device is meant is missing: write its name")
		}
		changes := p.endUses()
		if len(changes) == 0 {
			return Entry{}, nil, unknown("device", "nobody has said that they use %s", p.device.Name)
		}
		return p.entry("device left", "", 0), changes, nil
	})
	return err
}

func (p *place) endUses() (changes []change) {
	for id, u := range all[policy.Use](p.home, kindUse) {
		if u.Device == p.device.Name {
			changes = append(changes, change{kind: kindUse, id: id})
		}
	}
	return changes
}

func wrongPIN() error {
	return &Error{Reason: Refused, Field: "pin", Case: "any", Text: "name and PIN do not fit: try again, or ask a parent"}
}

// prove compares a PIN. Who has none cannot be told from one whose PIN is another; nothing is counted for who is not
// of the device, so that what is counted stays bounded. The wrong PIN that is one too many is written down and told.
func (d *Desk) prove(ctx context.Context, household, device, member, digits string) error {
	d.mu.Lock()
	p, err := d.find(Who{Household: household, Device: device}, proven)
	if err == nil && p.device == nil {
		err = refused("device", "this device is not shared")
	}
	d.mu.Unlock()
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(p.device.Members, func(m *policy.Member) bool { return m.Name == member }) {
		return wrongPIN()
	}
	guessing, err := d.compare(p, member, digits)
	if guessing {
		d.guessed(context.WithoutCancel(ctx), p) // whoever guesses may hang up
	}
	return err
}

// compare uses a try up, and says whether to tell that somebody guesses: once in pinLock for each device.
func (d *Desk) compare(p *place, member, digits string) (guessing bool, err error) {
	d.pins.mu.Lock()
	defer d.pins.mu.Unlock()
	device, now := p.household.ID+"/"+p.device.Name, d.Now()
	key := device + "/" + member
	if d.pins.wrong.spent(key, wrongPINs, pinLock, now) || d.pins.right.spent(key, maxUses, pinLock, now) {
		return false, &Error{Reason: Wait, Text: "too many tries: wait a quarter of an hour, or ask a parent"}
	}
	kept, _ := p.home[kindPIN][named(member)].value.(pin)
	if kept.Hash == nil || len(digits) > maxPIN || bcrypt.CompareHashAndPassword(kept.Hash, []byte(digits)) != nil {
		d.pins.wrong.add(key, now)
		d.counts.wrongPINs.Add(1)
		if guessing = d.pins.wrong.spent(key, wrongPINs, pinLock, now) && !d.pins.told.spent(device, 1, pinLock, now); guessing {
			d.pins.told.add(device, now)
		}
		return guessing, wrongPIN()
	}
	delete(d.pins.wrong, key)
	d.pins.right.add(key, now)
	return false, nil
}

// guessed writes down that somebody guesses PINs at a device, and tells it.
func (d *Desk) guessed(ctx context.Context, p *place) {
	if err := d.Note(ctx, p.household.ID, Entry{What: "somebody guesses PINs", Device: p.device.Name}); err != nil && !errors.Is(err, store.ErrReadOnly) {
		d.Report.Error("that somebody guesses PINs is not written down", "household", p.household.ID, "error", err)
	}
	d.Guessed(p.household.ID, p.device.Name)
}
