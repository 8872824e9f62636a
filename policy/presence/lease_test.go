package presence

import (
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hearthdns/hearth/policy"
)

// fakeLeases are files that a test writes.
type fakeLeases struct {
	table *Table
	mu    sync.Mutex
	told  bool
	is    []Lease
}

func (l *fakeLeases) Fresh() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.told
}

func (l *fakeLeases) Refresh() {
	time.Sleep(time.Millisecond)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.is != nil {
		l.told = true
		l.table.SetLeases(l.is)
	}
}

func (l *fakeLeases) write(all ...Lease) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.told, l.is = false, all
}

// TestLeaseOfAnother: who gets an address by DHCP that was another's is not taken for them, not for one query, and one whose
// lease has run out has none; with the kernel's table and without.
func TestLeaseOfAnother(t *testing.T) {
	for _, kernel := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			files := &fakeLeases{told: true}
			table := New(Config{Leases: files})
			files.table = table
			if kernel {
				table.watch(&fakeKernel{knows: map[netip.Addr]policy.MAC{tablet: mac(1)}})
				go func() { _ = table.Run(t.Context()) }()
			}
			table.SetLeases([]Lease{{Addr: far, MAC: mac(6), Name: "desk", Until: time.Now().Add(time.Hour)}})
			expect(t, table, map[netip.Addr]string{far: mac(6).String() + " desk"})
			files.write(Lease{Addr: far, MAC: mac(7), Name: "toy", Until: time.Now().Add(time.Hour)})
			expect(t, table, map[netip.Addr]string{far: "?", netip.MustParseAddr("127.0.0.1"): ""})
			if got := looked(t, table, far); got != mac(7).String() {
				t.Errorf("who has the address now: %s", got)
			}
			expect(t, table, map[netip.Addr]string{far: mac(7).String() + " toy"})
			time.Sleep(time.Hour)
			expect(t, table, map[netip.Addr]string{far: ""})
			for _, m := range table.List() {
				if m.Addr == far {
					t.Error("a lease that has run out is listed")
				}
			}
			files.write() // somebody writes all the time
			if got := looked(t, table, far); got != "nobody" {
				t.Errorf("while nobody knows: %s", got)
			}
		})
	}
}

// TestNameIsWaitedFor: a neighbour without a name is not judged before its lease is read; one with a name is, whatever
// is written.
func TestNameIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		files := &fakeLeases{told: true}
		table := New(Config{Leases: files})
		files.table = table
		table.watch(&fakeKernel{knows: map[netip.Addr]policy.MAC{tablet: mac(1), phone: mac(2)}})
		go func() { _ = table.Run(t.Context()) }()
		table.SetLeases([]Lease{{Addr: phone, MAC: mac(2), Name: "phone"}})
		files.write(Lease{Addr: tablet, MAC: mac(1), Name: "slate"}, Lease{Addr: phone, MAC: mac(2), Name: "phone"})
		expect(t, table, map[netip.Addr]string{tablet: "?", phone: mac(2).String() + " phone"})
		f := policy.Facts{Addr: tablet}
		if !table.Wait(&f, time.Now().Add(time.Second)) || f.Name != "slate" {
			t.Errorf("it is %q", f.Name)
		}
	})
}
