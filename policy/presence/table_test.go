package presence

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hearthdns/hearth/policy"
)

// fakeKernel tells what a test says.
type fakeKernel struct {
	mu     sync.Mutex
	knows  map[netip.Addr]policy.MAC
	feed   *fakeFeed
	asked  int
	before func()    // runs while the kernel is asked
	gate   chan bool // nil: a survey has not to wait
}

type fakeFeed struct {
	told   chan []change
	lost   chan error
	closed chan struct{}
	once   sync.Once
	busy   func() bool
}

var (
	lan   = netip.MustParsePrefix("192.168.1.0/24")
	lan6  = netip.MustParsePrefix("2001:db8:1::/64")
	local = netip.MustParsePrefix("fe80::/64")
	own   = netip.MustParseAddr("192.168.1.1")
)

func (k *fakeKernel) subscribe() (feed, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.feed = &fakeFeed{told: make(chan []change), lost: make(chan error), closed: make(chan struct{})}
	return k.feed, nil
}

func (k *fakeKernel) survey() (*ground, []Machine, error) {
	if k.gate != nil {
		<-k.gate
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	var all []Machine
	for a, m := range k.knows {
		all = append(all, Machine{Addr: a, MAC: m, link: 2})
	}
	links := []link{{lan, "eth0", 2}, {lan6, "eth0", 2}, {local, "eth0", 2}, {local, "eth1", 3}}
	return &ground{links: links, own: map[netip.Addr]bool{own: true}}, all, nil
}

func (k *fakeKernel) ask(number int, a netip.Addr) (Machine, bool, error) {
	if k.before != nil {
		k.before()
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.asked++
	m, known := k.knows[a]
	return Machine{Addr: a, MAC: m, link: number}, known, nil
}

func (k *fakeKernel) learn(a netip.Addr, m policy.MAC) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.knows[a] = m
}

func (f *fakeFeed) next() ([]change, error) {
	select {
	case c := <-f.told:
		return c, nil
	case err := <-f.lost:
		return nil, err
	case <-f.closed:
		return nil, errors.New("closed")
	}
}

func (f *fakeFeed) pending() bool { return f.busy != nil && f.busy() }

func (f *fakeFeed) close() { f.once.Do(func() { close(f.closed) }) }

func (f *fakeFeed) tell(gone bool, a netip.Addr, m policy.MAC) {
	f.told <- []change{{machine: Machine{Addr: a, MAC: m, link: 2}, gone: gone}}
	f.told <- nil // the first has been taken over
}

func mac(last int) policy.MAC {
	m := policy.MAC{0xa4, 0xcf, 0x12}
	binary.BigEndian.PutUint16(m[4:], uint16(last)) //nolint:gosec // small
	return m
}

var (
	tablet = netip.MustParseAddr("192.168.1.20")
	phone  = netip.MustParseAddr("192.168.1.30")
	six    = netip.MustParseAddr("2001:db8:1::20")
	far    = netip.MustParseAddr("10.9.9.9")
)

// watching is a Table that follows a kernel which knows the tablet.
func watching(t *testing.T) (*Table, *fakeKernel) {
	t.Helper()
	k := &fakeKernel{knows: map[netip.Addr]policy.MAC{tablet: mac(1)}}
	table := New(Config{})
	table.watch(k)
	go func() { _ = table.Run(t.Context()) }()
	return table, k
}

// found says what Find tells of an address: "?" if somebody must be asked.
func found(t *Table, a netip.Addr) string {
	f := policy.Facts{Addr: a}
	if !t.Find(&f) {
		return "?"
	}
	if f.MAC.IsZero() {
		return f.Name
	}
	if f.Name != "" {
		return f.MAC.String() + " " + f.Name
	}
	return f.MAC.String()
}

// TestWait: who can wait learns of a machine that only the kernel knows, and of none that nobody knows.
func TestWait(t *testing.T) {
	table, k := watching(t)
	k.learn(phone, mac(2))
	for a, want := range map[netip.Addr]policy.MAC{tablet: mac(1), phone: mac(2), six: {}} {
		f := policy.Facts{Addr: a}
		if found := table.Wait(&f, time.Now().Add(100*time.Millisecond)); f.MAC != want || found == f.MAC.IsZero() {
			t.Errorf("%s: %v, %s", a, found, f.MAC)
		}
	}
}

func expect(t *testing.T, table *Table, want map[netip.Addr]string) {
	t.Helper()
	for a, want := range want {
		if got := found(table, a); got != want {
			t.Errorf("%s: %q, want %q", a, got, want)
		}
	}
}

// TestFollow: what the kernel tells is known at once, and what it forgets is not known any more.
func TestFollow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table, k := watching(t)
		expect(t, table, map[netip.Addr]string{
			tablet: mac(1).String(), phone: "?", six: "?", far: "", own: "",
			netip.MustParseAddr("::ffff:192.168.1.20"): mac(1).String(), netip.MustParseAddr("127.0.0.1"): "", {}: "",
		})
		k.feed.tell(false, six, mac(1))
		k.feed.tell(false, tablet, mac(2))
		expect(t, table, map[netip.Addr]string{six: mac(1).String(), tablet: mac(2).String()})
		k.feed.tell(true, tablet, policy.MAC{})
		expect(t, table, map[netip.Addr]string{six: mac(1).String(), tablet: "?"})
	})
}

// TestTwoInterfaces: a link-local address is one of its interface.
func TestTwoInterfaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table, k := watching(t)
		first, second := netip.MustParseAddr("fe80::5%eth0"), netip.MustParseAddr("fe80::5%eth1")
		k.feed.tell(false, first, mac(1))
		expect(t, table, map[netip.Addr]string{first: mac(1).String(), second: "?", first.WithZone(""): "?"})
	})
}

// TestPendingChanges: while the kernel has something to tell, nothing is believed that it told before.
func TestPendingChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table, k := watching(t)
		k.feed.busy = func() bool { return true }
		expect(t, table, map[netip.Addr]string{tablet: "?", far: ""})
		if got := looked(t, table, tablet); got != mac(1).String() {
			t.Errorf("the kernel says %s", got)
		}
	})
}

// looked says what Look tells of an address, "nobody" if it is false.
func looked(t *testing.T, table *Table, a netip.Addr) string {
	t.Helper()
	f := policy.Facts{Addr: a}
	told := make(chan bool, 1)
	table.Look(&f, time.Now().Add(2*time.Second), func(found bool) { told <- found })
	if !<-told {
		return "nobody"
	}
	return f.MAC.String()
}

// TestLook: who is not in the table is asked for, and waited for as long as there is time.
func TestLook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table, k := watching(t)
		k.learn(phone, mac(3))
		if got := looked(t, table, phone); got != mac(3).String() {
			t.Errorf("what the kernel knew: %s", got)
		}
		expect(t, table, map[netip.Addr]string{phone: mac(3).String()})

		go func() { time.Sleep(time.Second); k.feed.tell(false, six, mac(4)) }()
		if got := looked(t, table, six); got != mac(4).String() {
			t.Errorf("what the kernel found out: %s", got)
		}
		other := netip.MustParseAddr("192.168.1.99")
		go func() { time.Sleep(time.Second); k.feed.tell(true, other, policy.MAC{}) }()
		start := time.Now()
		if got := looked(t, table, other); got != "nobody" || time.Since(start) != time.Second {
			t.Errorf("what the kernel did not find: %s after %s", got, time.Since(start))
		}
		start = time.Now()
		if got := looked(t, table, other); got != "nobody" || time.Since(start) != 2*time.Second {
			t.Errorf("what it tells nothing of: %s after %s", got, time.Since(start))
		}
		unscoped := netip.MustParseAddr("fe80::7")
		go func() { time.Sleep(time.Second); k.feed.tell(false, unscoped.WithZone("eth1"), mac(5)) }()
		if got := looked(t, table, unscoped); got != mac(5).String() {
			t.Errorf("a link-local address without its interface: %s", got)
		}
		if n := table.asks.len(); n != 0 {
			t.Errorf("%d wait still", n)
		}
	})
}

// TestLooksAreBounded: forged addresses cannot make more queries wait than there is room for.
func TestLooksAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table, _ := watching(t)
		var mu sync.Mutex
		refused, waited := 0, 0
		begun := time.Now()
		for i := range 5000 {
			a := netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, 0, 1, 14: byte(i >> 8), 15: byte(i)})
			table.Look(&policy.Facts{Addr: a}, begun.Add(time.Second), func(found bool) {
				mu.Lock()
				defer mu.Unlock()
				if refused++; time.Since(begun) > 0 {
					waited++
				}
				if found {
					t.Error("somebody was found")
				}
			})
		}
		if n := table.asks.len(); n != maxLooks {
			t.Errorf("%d wait, want %d", n, maxLooks)
		}
		time.Sleep(2 * time.Second)
		mu.Lock()
		defer mu.Unlock()
		if refused != 5000 || waited != maxLooks || table.asks.len() != 0 || len(table.asks.of) != 0 {
			t.Errorf("%d of 5000 got an answer, %d after a wait, %d wait still", refused, waited, table.asks.len())
		}
	})
}

// TestAnswersThatCameLate: what the kernel said when it was asked does not replace what it told since.
func TestAnswersThatCameLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table, k := watching(t)
		k.learn(phone, mac(3))
		told := false
		k.before = func() {
			if !told {
				told = true
				k.feed.tell(false, phone, mac(4))
			}
		}
		if got := looked(t, table, phone); got != mac(4).String() && got != mac(3).String() {
			t.Error(got)
		}
		synctest.Wait()
		expect(t, table, map[netip.Addr]string{phone: mac(4).String()})
	})
}

// TestOverflow: after changes were lost nothing is believed until all has been read anew.
func TestOverflow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table, k := watching(t)
		k.gate = make(chan bool)
		delete(k.knows, tablet)
		k.knows[phone] = mac(7)
		first := k.feed
		first.lost <- errOverflow
		synctest.Wait()
		expect(t, table, map[netip.Addr]string{tablet: "?", phone: "?", far: ""})
		k.gate <- true
		k.gate = nil
		synctest.Wait()
		expect(t, table, map[netip.Addr]string{tablet: "?", phone: mac(7).String()})
		if n := table.counts.overflows.Load(); n != 1 {
			t.Errorf("%d overflows were counted", n)
		}
		if k.feed == first {
			t.Error("the feed that lost something is read on")
		}
		k.feed.tell(false, tablet, mac(8))
		expect(t, table, map[netip.Addr]string{tablet: mac(8).String()})
		k.feed.lost <- errors.New("broken")
		time.Sleep(2 * again)
		expect(t, table, map[netip.Addr]string{phone: mac(7).String()})
	})
}

// TestForgedNeighbours: a network full of forged neighbours takes no more room than there is, and nobody is taken for
// another.
func TestForgedNeighbours(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table, k := watching(t)
		var all []change
		for i := range 100_000 {
			a := netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, 0, 1, 13: byte(i >> 16), 14: byte(i >> 8), 15: byte(i)})
			all = append(all, change{machine: Machine{Addr: a, MAC: mac(i & 0xffff), link: 2}})
		}
		k.feed.told <- all
		k.feed.told <- nil
		if n := len(table.List()); n > maxMachines || int64(n) != table.size.Load() {
			t.Errorf("%d are kept and %d counted, want at most %d", n, table.size.Load(), maxMachines)
		}
		if table.counts.leftOut.Load() < 100_000-maxMachines-1 {
			t.Errorf("%d were left out", table.counts.leftOut.Load())
		}
		expect(t, table, map[netip.Addr]string{tablet: mac(1).String(), phone: "?"})
		k.learn(phone, mac(3))
		if got := looked(t, table, phone); got != mac(3).String() {
			t.Errorf("who found no room is %s", got)
		}
		for i := range all {
			all[i].gone = true
		}
		k.feed.told <- all
		k.feed.told <- nil
		if n := len(table.List()); n != 1 || table.size.Load() != 1 {
			t.Errorf("%d are kept of those that are gone, %d counted", n, table.size.Load())
		}
	})
}

// TestPortable: where no kernel tells, leases alone are known, and nobody waits.
func TestPortable(t *testing.T) {
	table := New(Config{})
	table.watch(nil)
	table.SetLeases([]Lease{{Addr: tablet, MAC: mac(1), Name: "tablet"}})
	expect(t, table, map[netip.Addr]string{tablet: mac(1).String() + " tablet", phone: "", six: ""})
	if all := table.List(); len(all) != 1 || all[0].Name != "tablet" {
		t.Errorf("the list is %v", all)
	}
}

// TestLeases: a name belongs to the machine with the MAC, at all its addresses; beyond a router the lease tells the MAC.
func TestLeases(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table, k := watching(t)
		table.SetLeases([]Lease{{Addr: tablet, MAC: mac(1), Name: "tablet"}, {Addr: phone, MAC: mac(9), Name: "phone"}, {Addr: far, MAC: mac(6), Name: "desk"}, {Addr: six, MAC: policy.MAC{}, Name: "six"}})
		k.feed.tell(false, six, mac(1))
		k.feed.tell(false, phone, mac(3)) // who has another's address has not its name
		expect(t, table, map[netip.Addr]string{
			tablet: mac(1).String() + " tablet", six: mac(1).String() + " tablet", phone: mac(3).String(), far: mac(6).String() + " desk",
		})
		if got := looked(t, table, tablet); got != mac(1).String() {
			t.Error(got)
		}
		table.SetLeases([]Lease{{Addr: tablet, MAC: mac(1), Name: "slate"}})
		expect(t, table, map[netip.Addr]string{tablet: mac(1).String() + " slate", far: ""})
	})
}

// TestSince: the list says since when a machine has an address.
func TestSince(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &fakeKernel{knows: map[netip.Addr]policy.MAC{tablet: mac(1)}}
		table := New(Config{})
		table.watch(k)
		go func() { _ = table.Run(t.Context()) }()
		begun := time.Now()
		time.Sleep(time.Hour)
		k.feed.tell(false, tablet, mac(1))
		table.SetLeases([]Lease{{Addr: tablet, MAC: mac(1), Name: "tablet"}})
		if all := table.List(); len(all) != 1 || !all[0].Since.Equal(begun) || all[0].MAC.Vendor() != "a4:cf:12" {
			t.Errorf("%v, want since %s", all, begun)
		}
		k.feed.tell(false, tablet, mac(2))
		if all := table.List(); !all[0].Since.Equal(begun.Add(time.Hour)) {
			t.Errorf("another machine has it since %s", all[0].Since)
		}
	})
}

// TestFindAllocatesNothing: it lies on the path of every answer.
func TestFindAllocatesNothing(t *testing.T) {
	table := full(t)
	f := &policy.Facts{}
	for _, a := range []netip.Addr{tablet, phone, far, six} {
		f.Addr = a
		if n := testing.AllocsPerRun(100, func() { table.Find(f) }); n != 0 {
			t.Errorf("%s: %v allocations, want none", a, n)
		}
	}
}

// full is a table with half the machines that it can hold.
func full(t testing.TB) *Table {
	t.Helper()
	k := &fakeKernel{knows: map[netip.Addr]policy.MAC{tablet: mac(1), phone: mac(2)}}
	for i := range maxMachines / 2 {
		k.knows[netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, 0, 1, 14: byte(i >> 8), 15: byte(i)})] = mac(i)
	}
	table := New(Config{})
	table.watch(k)
	return table
}

func BenchmarkFind(b *testing.B) {
	table := full(b)
	for name, a := range map[string]netip.Addr{"neighbour4": tablet, "neighbour6": six, "far": far} {
		b.Run(name, func(b *testing.B) {
			f := &policy.Facts{Addr: a}
			for b.Loop() {
				table.Find(f)
			}
		})
	}
}

// TestAllAtOnce is for the race detector.
func TestAllAtOnce(t *testing.T) {
	table, k := watching(t)
	var group sync.WaitGroup
	for worker := range 4 {
		group.Go(func() {
			for i := range 300 {
				a := netip.MustParseAddr(fmt.Sprintf("192.168.1.%d", 2+i%200))
				switch f := (policy.Facts{Addr: a}); worker {
				case 0:
					k.feed.told <- []change{{machine: Machine{Addr: a, MAC: mac(i), link: 2}, gone: i%3 == 0}, {ground: i%50 == 0, gone: true}}
				case 1:
					done := make(chan bool, 1)
					table.Look(&f, time.Now().Add(time.Millisecond), func(bool) { done <- true })
					<-done
				case 2:
					table.SetLeases([]Lease{{Addr: a, MAC: mac(i), Name: "name"}})
					table.List()
				default:
					table.Find(&f)
				}
			}
		})
	}
	group.Wait()
}
