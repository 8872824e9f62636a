package parents_test

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/parents"
)

const unknownDevice = "10.0.0.77"

func (h *house) redeem(code, from string) (parents.Device, error) {
	return h.Redeem(h.t.Context(), code, netip.MustParseAddr(from))
}

// TestEnrol: a code makes the device that shows it one of the household's, once.
func TestEnrol(t *testing.T) {
	h := open(t, families)
	code, err := h.Invite(t.Context(), one(""), parents.Assignment{Members: []string{"Tom"}}, "")
	h.ok(err)
	if !strings.Contains("ABCDEFGHJKMNPQRSTVWXYZ23456789", code.Code[:1]) || len(code.Code) != 9 {
		t.Errorf("the code is %q", code.Code)
	}
	h.gets(unknownDevice, "plain.example") // a guest of a family whose youngest is a child is a preteen
	h.doesNotGet(unknownDevice, "social.example")
	typed := strings.ToLower(strings.ReplaceAll(code.Code, "-", " "))
	for _, other := range []string{"10.0.0.2", "10.0.1.50", "192.0.2.1"} { // known, of another family, of none
		if _, err := h.redeem(code.Code, other); err == nil {
			t.Errorf("%s enrolled itself", other)
		}
	}
	got, err := h.redeem(typed, unknownDevice)
	h.ok(err)
	if got.Name != "tom-device" || got.Owner != parents.OwnerEnrolled || got.KnownBy[0] != unknownDevice {
		t.Errorf("enrolled: %+v", got)
	}
	h.gets(unknownDevice, "social.example")
	h.Crash()
	h.gets(unknownDevice, "social.example")
	_, err = h.redeem(code.Code, "10.0.0.78")
	h.refuses(err, parents.Refused)
}

// TestEnrolByMAC: a device whose MAC is known is enrolled by it, and keeps its rules at another address.
func TestEnrolByMAC(t *testing.T) {
	h := open(t, families)
	var mac policy.MAC
	h.ok(mac.UnmarshalText([]byte("02:00:00:00:00:07")))
	h.Seen = []parents.Seen{{Address: netip.MustParseAddr(unknownDevice), MAC: mac, Name: "toms-laptop"}}
	_, guests, err := h.Devices(t.Context(), of("one"))
	h.ok(err)
	if len(guests) != 1 || guests[0].Name != "toms-laptop" {
		t.Errorf("unknown devices: %+v", guests)
	}
	code, err := h.Invite(t.Context(), one(""), parents.Assignment{Members: []string{"Anna"}}, "")
	h.ok(err)
	got, err := h.redeem(code.Code, unknownDevice)
	h.ok(err)
	if got.Name != "toms-laptop" || got.KnownBy[0] != "02:00:00:00:00:07" {
		t.Errorf("enrolled: %+v", got)
	}
	c := h.Live().IdentifyBy(&policy.Facts{Addr: netip.MustParseAddr("10.0.0.99"), MAC: mac})
	if c.Member == nil || c.Member.Name != "Anna" {
		t.Errorf("at another address it is %+v", c)
	}
	if _, guests, err = h.Devices(t.Context(), of("one")); err != nil || len(guests) != 0 {
		t.Errorf("it is still unknown: %v, %v", guests, err)
	}
}

// TestCodesAreBounded: a code runs out, and who tries codes out is stopped long before one is met, in this family alone.
func TestCodesAreBounded(t *testing.T) {
	h := open(t, families)
	code, err := h.Invite(t.Context(), one(""), parents.Assignment{Members: []string{"Tom"}}, "")
	h.ok(err)
	for range 20 {
		_, err := h.redeem("ABCD-EFGH", unknownDevice)
		h.refuses(err, parents.Refused)
	}
	_, err = h.redeem(code.Code, unknownDevice)
	h.refuses(err, parents.Wait)
	_, err = h.redeem("ABCD-EFGH", "10.0.1.50")
	h.refuses(err, parents.Refused)
	h.At("2026-11-18 18:11")
	_, err = h.redeem(code.Code, unknownDevice)
	h.refuses(err, parents.Refused) // it has run out
	for range 20 {
		_, err = h.Invite(t.Context(), one(""), parents.Assignment{Profile: "things"}, "")
		h.ok(err)
	}
	_, err = h.Invite(t.Context(), one(""), parents.Assignment{Profile: "things"}, "")
	h.refuses(err, parents.Wait)
}

// TestDeviceChanges: an enrolled device is renamed, given to somebody else and taken away, with what holds for it.
func TestDeviceChanges(t *testing.T) {
	h := open(t, families)
	code, err := h.Invite(t.Context(), one(""), parents.Assignment{Members: []string{"Anna"}}, "console")
	h.ok(err)
	_, err = h.redeem(code.Code, unknownDevice)
	h.ok(err)
	who := parents.Who{Actor: machine, Household: "one", Device: "console", By: "Anna"}
	_, err = h.Pause(t.Context(), who, parents.Span{})
	h.ok(err)
	_, err = h.Rename(t.Context(), who, "shared")
	h.refuses(err, parents.Refused)
	_, err = h.Rename(t.Context(), who, "switch")
	h.ok(err)
	h.doesNotGet(unknownDevice, "plain.example")
	who.Device = "switch"
	got, err := h.Assign(t.Context(), who, parents.Assignment{Members: []string{"Mia", "tom"}})
	h.ok(err)
	if strings.Join(got.Members, " ") != "Mia Tom" {
		t.Errorf("assigned: %+v", got)
	}
	_, err = h.Resume(t.Context(), who)
	h.ok(err)
	h.doesNotGet(unknownDevice, "casino.example")
	_, err = h.Assign(t.Context(), who, parents.Assignment{})
	h.refuses(err, parents.Refused)
	h.ok(h.Remove(t.Context(), who))
	if c, _ := h.Question(unknownDevice, "a.example"); c.Status != policy.Guest {
		t.Errorf("removed, it is %v", c.Status)
	}
}

// TestEnrolmentsYield: what a parent writes into YAML later is not refused for a device that was enrolled before.
func TestEnrolmentsYield(t *testing.T) {
	h := open(t, families)
	for i, name := range []string{"tv", "box", "pad"} {
		code, err := h.Invite(t.Context(), one(""), parents.Assignment{Members: []string{"Tom"}}, name)
		h.ok(err)
		_, err = h.redeem(code.Code, fmt.Sprintf("10.0.0.%d", 70+i))
		h.ok(err)
	}
	text := strings.Replace(families, "- {name: shared,", "- {name: tv, member: Anna, addresses: [10.0.0.80]}\n      - {name: new, member: Anna, addresses: [10.0.0.71]}\n      - {name: shared,", 1)
	h.write(text)
	h.ok(h.Reload(t.Context()))
	for addr, want := range map[string]string{"10.0.0.80": "Anna", "10.0.0.71": "Anna", "10.0.0.72": "Tom"} {
		if c, _ := h.Question(addr, "a.example"); c.Member == nil || c.Member.Name != want {
			t.Errorf("%s belongs to %+v, want %s", addr, c.Member, want)
		}
	}
	h.write(strings.NewReplacer("- {name: Tom, profile: owl}", "", ", member: Tom,", ", member: Anna,", "[Mia, Tom]", "[Mia, Anna]").Replace(text))
	h.ok(h.Reload(t.Context()))
	if c, _ := h.Question("10.0.0.72", "a.example"); c.Status != policy.Guest {
		t.Errorf("the device of somebody who is gone: %+v", c)
	}
}

// TestUse: who proves by PIN that they use a shared device has their own rules there for a while, then the strictest hold.
func TestUse(t *testing.T) {
	h := open(t, families)
	for _, bad := range []string{"12", "1234", "4444", "12a4", "9876", "1234567890123"} {
		h.refuses(h.SetPIN(t.Context(), one("Tom"), bad), parents.Refused)
	}
	h.ok(h.SetPIN(t.Context(), one("Tom"), "8305"))
	h.ok(h.SetPIN(t.Context(), one("Anna"), "7316"))
	if got := h.Users("one", "shared"); strings.Join(got, " ") != "Tom" {
		t.Errorf("may use it: %v", got)
	}
	if got := h.Users("one", "mia-tablet"); len(got) != 0 {
		t.Errorf("may use a device that is not shared: %v", got)
	}
	h.doesNotGet("10.0.0.4", "social.example")
	use := func(device, member, pin string, minutes int) error {
		_, err := h.Use(t.Context(), "one", device, member, pin, minutes)
		return err
	}
	h.refuses(use("shared", "Tom", "8305", 45), parents.Refused)
	h.refuses(use("shared", "Tom", "8306", 30), parents.Refused)
	h.refuses(use("shared", "Mia", "8305", 30), parents.Refused)
	h.refuses(use("shared", "Anna", "7316", 30), parents.Refused) // it is not hers
	h.refuses(use("mia-tablet", "Mia", "8305", 30), parents.Refused)
	h.ok(use("shared", "Tom", "8305", 30))
	h.gets("10.0.0.4", "social.example")
	h.doesNotGet("10.0.0.2", "social.example")
	h.Crash()
	h.gets("10.0.0.4", "social.example")
	h.At("2026-11-18 18:30")
	h.doesNotGet("10.0.0.4", "social.example")
	h.ok(use("shared", "Tom", "8305", 120))
	h.ok(h.Leave(t.Context(), "one", "shared"))
	h.doesNotGet("10.0.0.4", "social.example")

	for range 5 {
		h.refuses(use("shared", "Tom", "0000", 30), parents.Refused)
	}
	h.refuses(use("shared", "Tom", "8305", 30), parents.Wait)
	h.At("2026-11-18 18:50")
	h.ok(use("shared", "Tom", "8305", 30))
	h.ok(h.SetPIN(t.Context(), one("Tom"), ""))
	if got := h.Users("one", "shared"); len(got) != 0 {
		t.Errorf("may use it without a PIN: %v", got)
	}
}

// TestGuessedPINs: who is slowed for guessing PINs is written down and told, once in a quarter of an hour for each device,
// whoever's PIN it is and even if nobody waits for the answer; never with a PIN.
func TestGuessedPINs(t *testing.T) {
	h := open(t, strings.Replace(families, "      - {name: anna-laptop", "      - {name: telly, members: [Mia, Tom], addresses: [10.0.0.6]}\n      - {name: anna-laptop", 1))
	h.ok(h.SetPIN(t.Context(), one("Tom"), "8305"))
	var told []string
	h.Guessed = func(household, device string) { told = append(told, household+"/"+device) }
	gone, hangUp := context.WithCancel(t.Context())
	hangUp()
	guess := func(device, member string, times int) {
		for range times {
			_, err := h.Use(gone, "one", device, member, "7777", 30)
			h.refuses(err, parents.Refused)
		}
	}
	written := func(want ...string) {
		t.Helper()
		if !slices.Equal(told, want) {
			t.Errorf("told of %v, want %v", told, want)
		}
		_, list, err := h.Audit(t.Context(), of("one"))
		h.ok(err)
		var rows []string
		for _, e := range slices.Backward(list) {
			if e.What != "somebody guesses PINs" {
				continue
			}
			if rows = append(rows, "one/"+e.Device); e.By != "" || e.Role != "" || e.Detail != "" {
				t.Errorf("written: %+v", e)
			}
		}
		if !slices.Equal(rows, want) {
			t.Errorf("written of %v, want %v", rows, want)
		}
	}
	guess("shared", "Tom", 4)
	written()
	guess("shared", "Tom", 1)
	written("one/shared")
	_, err := h.Use(t.Context(), "one", "shared", "Tom", "7777", 30)
	h.refuses(err, parents.Wait)
	guess("shared", "Mia", 5)
	written("one/shared")
	guess("telly", "Tom", 5)
	written("one/shared", "one/telly")
	h.At("2026-11-18 18:15")
	guess("shared", "Tom", 5)
	written("one/shared", "one/telly", "one/shared")
}

// TestAtOnce: parents, reloads and children at the same time lose no change and leave no other family touched.
func TestAtOnce(t *testing.T) {
	h := open(t, families)
	ctx, stop := context.WithCancel(t.Context())
	var background, acts sync.WaitGroup
	background.Go(func() { _ = h.Run(ctx) })
	background.Go(func() {
		for ctx.Err() == nil {
			if err := h.Reload(t.Context()); err != nil {
				t.Error(err)
			}
		}
	})
	background.Go(func() {
		for ctx.Err() == nil {
			h.blocked("10.0.0.2", "plain.example")
		}
	})
	for i := range 8 {
		acts.Go(func() {
			for n := range 12 {
				name := fmt.Sprintf("g%d-%d.example", i, n)
				if _, err := h.Grant(t.Context(), one("Tom"), parents.Ask{Kind: policy.GrantName, Value: name, Span: parents.Span{For: "1h"}}); err != nil {
					t.Error(err)
				}
				if _, err := h.Pause(t.Context(), one("Mia"), parents.Span{For: "30m"}); err != nil {
					t.Error(err)
				}
				h.doesNotGet("10.0.0.2", "plain.example") // in force when the call returns, whatever was reloaded meanwhile
			}
		})
	}
	acts.Wait()
	stop()
	background.Wait()
	got, err := h.Acts(t.Context(), of("one"))
	h.ok(err)
	if len(got) != 8*12+1 {
		t.Errorf("%d acts in force, want %d", len(got), 8*12+1)
	}
	if got, err = h.Acts(t.Context(), of("two")); err != nil || len(got) != 0 {
		t.Errorf("in the other family: %v, %v", got, err)
	}
}

// TestSweep: what has ended leaves the store, but for a standing grant, which counts on; so does what nobody needs to
// remember any more.
func TestSweep(t *testing.T) {
	h := open(t, families)
	_, err := h.Pause(t.Context(), one("Tom"), parents.Span{For: "10m"})
	h.ok(err)
	_, err = h.Grant(t.Context(), one("Tom"), parents.Ask{Kind: policy.GrantTime, Span: parents.Span{For: "10m"}})
	h.ok(err)
	_, err = h.FilterOff(t.Context(), one("Tom"), parents.Span{For: "10m"})
	h.ok(err)
	_, err = h.Take(t.Context(), one("Mia"))
	h.ok(err)
	left := func() (kinds []string) {
		for _, e := range must(h.Bolt.Snapshot(t.Context(), "one/")).Entries {
			kinds = append(kinds, e.Key.Kind)
		}
		return kinds
	}
	for _, step := range []struct {
		at   string
		want []string
	}{
		{"2026-11-18 18:05", []string{"audit", "audit", "audit", "audit", "grant", "grant", "off", "pause"}},
		{"2026-11-18 18:20", []string{"audit", "audit", "audit", "audit", "grant"}},
		{"2026-11-27 18:00", []string{"audit", "audit", "audit", "audit"}},
		{"2027-02-20 18:00", nil},
	} {
		h.At(step.at)
		h.ok(h.Sweep(t.Context()))
		if got := left(); !slices.Equal(got, step.want) {
			t.Errorf("at %s the store holds %v, want %v", step.at, got, step.want)
		}
	}
}

// TestFollow: what others write into the store is in force.
func TestFollow(t *testing.T) {
	h := open(t, families)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	go func() { _ = h.Run(ctx) }()
	other := must(parents.Open(t.Context(), parents.Config{
		Log: h.Bolt, Directory: h.Live, Renew: func(context.Context) error { return nil }, Now: h.Clock,
		Written: h.Written,
	}))
	_, err := other.Pause(t.Context(), one("Tom"), parents.Span{For: "10m"})
	h.ok(err)
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if acts, err := h.Acts(t.Context(), of("one")); err == nil && len(acts) == 1 {
			return
		}
	}
	t.Error("a pause that another desk wrote is not known here")
}
