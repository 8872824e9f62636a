package listen

import (
	"fmt"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestRefusedPortSaysHowToGrantIt(t *testing.T) {
	err := refused("udp", netip.MustParseAddrPort("0.0.0.0:53"), fmt.Errorf("bind: %w", syscall.EACCES))
	for _, want := range []string{"udp 0.0.0.0:53", "setcap cap_net_bind_service", "net.ipv4.ip_unprivileged_port_start=53", "AmbientCapabilities=CAP_NET_BIND_SERVICE"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error does not say %q:\n%v", want, err)
		}
	}
}

func TestCensusForgetsClientsThatHaveNothing(t *testing.T) {
	c := newCensus(2)
	a := netip.MustParseAddr("192.0.2.1")
	for i, want := range []bool{true, true, false} {
		if got := c.enter(a); got != want {
			t.Errorf("entry %d: %v, want %v", i+1, got, want)
		}
	}
	for i := range 100000 { // a flood of addresses, one query each
		b := netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
		if !c.enter(b) {
			t.Fatalf("%s is refused", b)
		}
		c.leave(b)
	}
	if n := c.len(); n != 1 {
		t.Errorf("%d clients in the table, want 1", n)
	}
	c.leave(a)
	c.leave(a)
	if n := c.len(); n != 0 {
		t.Errorf("%d clients in the table, want 0", n)
	}
	if !c.enter(a) {
		t.Error("the client's room did not come back")
	}
}

func TestClientOf(t *testing.T) {
	for addr, want := range map[string]string{
		"192.0.2.1":                  "192.0.2.1",
		"::ffff:192.0.2.1":           "192.0.2.1",
		"2001:db8:1:2:3:4:5:6":       "2001:db8:1:2::",
		"2001:db8:1:2:ffff::1":       "2001:db8:1:2::",
		"fd00::1":                    "fd00::1", // one's own network: a /64 is everybody at home
		"fe80::1%eth0":               "fe80::1%eth0",
		"::1":                        "::1",
		"2001:db8:1:3:ffff:ffff::ff": "2001:db8:1:3::",
	} {
		if got := clientOf(netip.MustParseAddr(addr)); got != netip.MustParseAddr(want) {
			t.Errorf("clientOf(%s) = %s, want %s", addr, got, want)
		}
	}
}

func TestRarelyIsOnceAMinute(t *testing.T) {
	var r rarely
	at := time.Unix(1000000, 0)
	for _, tt := range []struct {
		after time.Duration
		want  bool
	}{{0, true}, {time.Second, false}, {59 * time.Second, false}, {60 * time.Second, true}, {61 * time.Second, false}, {time.Hour, true}} {
		if got := r.due(at.Add(tt.after)); got != tt.want {
			t.Errorf("after %v: %v, want %v", tt.after, got, tt.want)
		}
	}
}
