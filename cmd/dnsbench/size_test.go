//go:build linux

package main

import (
	"errors"
	"net/netip"
	"os/exec"
	"slices"
	"strconv"
	"testing"
)

// TestTown holds that each household has a network of its own, that they fit into
// loopback's, and that clients come from real households.
func TestTown(t *testing.T) {
	for _, n := range []town{1, 2, 3, 100, 100_000} {
		networks := map[netip.Prefix]bool{}
		for i := range int(n) {
			networks[netip.MustParsePrefix(address(n.network(i))+"/"+strconv.Itoa(n.prefix())).Masked()] = true
		}
		if len(networks) != int(n) {
			t.Errorf("%d households have %d networks", n, len(networks))
		}
		homes := map[netip.Prefix]bool{}
		for _, from := range n.clients(1000) {
			a := netip.AddrFrom4(from)
			home := netip.PrefixFrom(a, n.prefix()).Masked()
			if !a.IsLoopback() || !networks[home] || a == home.Addr() {
				t.Fatalf("of %d households: a client at %v", n, a)
			}
			homes[home] = true
		}
		if len(homes) < min(int(n), 900) {
			t.Errorf("clients of %d of %d households", len(homes), n)
		}
	}
}

// TestLoadFromManyAddresses holds that queries come from the addresses given.
func TestLoadFromManyAddresses(t *testing.T) {
	c, l, err := listenFree()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = errors.Join(c.Close(), l.Close()) })
	seen := make(chan netip.Addr, 100)
	go func() {
		buf := make([]byte, 2*packetSize)
		for {
			n, from, err := c.ReadFromUDPAddrPort(buf[:packetSize])
			if err != nil {
				return
			}
			seen <- from.Addr().Unmap()
			_, _ = c.WriteToUDPAddrPort(turn(buf[:n]), from)
		}
	}()
	from := [][4]byte{{127, 0, 0, 2}, {127, 9, 8, 7}, {127, 255, 255, 1}}
	got, err := load(t.Context(), addressOf(c), traffic{queries: ask(3), count: 30, window: 3, sockets: 2, from: from})
	if err != nil || got.right != 30 {
		t.Fatalf("%d right of 30 (%v)", got.right, err)
	}
	count := map[netip.Addr]int{}
	for range 30 {
		count[<-seen]++
	}
	for _, a := range from {
		if count[netip.AddrFrom4(a)] != 10 {
			t.Errorf("%d queries from %v, want 10", count[netip.AddrFrom4(a)], a)
		}
	}
}

func TestPeaks(t *testing.T) {
	cmd := exec.Command("sleep", "0.1")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan [2]int)
	go func() {
		all, anon := peaks(cmd.Process.Pid)
		done <- [2]int{all, anon}
	}()
	_ = cmd.Wait()
	if got := <-done; got[1] < 1 || got[0] < got[1] || got[0] > 100<<10 {
		t.Errorf("sleep had %d KiB, %d of them no file's", got[0], got[1])
	}
}

func TestParseNumbers(t *testing.T) {
	if got, err := parseNumbers("100,1,10,10"); err != nil || !slices.Equal(got, []int{1, 10, 100}) {
		t.Errorf("%v (%v)", got, err)
	}
	for _, bad := range []string{"", "1,", "0", "x", "99999999999"} {
		if got, err := parseNumbers(bad); err == nil {
			t.Errorf("%q is read as %v", bad, got)
		}
	}
}

// The lines are those of the documentation of package runtime.
func TestHeapTrace(t *testing.T) {
	var h heapTrace
	for _, part := range []string{
		"gc 1 @0.012s 2%: 0.026+0.39+0.10 ms clock, 0.21+0.88/0.52/0+0.84 ms cpu, 4->", "5->2 MB, 5 MB goal, 0 MB stacks, 0 MB globals, 8 P\nwarning: 7->900->1 MB,\ngc 2 ",
		"@0.03s 2%: 0+0+0 ms clock, 0+0/0/0+0 ms cpu, 41->41->12 MB, 48 MB goal, 0 MB stacks, 0 MB globals, 8 P\n",
	} {
		if n, err := h.Write([]byte(part)); n != len(part) || err != nil {
			t.Fatal(n, err)
		}
	}
	if h.peak != 41 || h.lines() != "warning: 7->900->1 MB," {
		t.Errorf("a peak of %d MiB and %q, want 41 and the line that is no trace", h.peak, h.lines())
	}
}
