package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestKnownOnTheNetwork has devices known by what the network itself tells: by a code and the MAC that the kernel knows of
// ARP and neighbour discovery, and by the name that a device gives itself in multicast DNS.
func TestKnownOnTheNetwork(t *testing.T) {
	t.Parallel()
	if os.Getenv(role) == "" {
		inNamespaces(t, "TestKnownOnTheNetwork")
		return
	}
	h := newHome(t, "neighbours: true, mdns: true")
	t.Run("by a code", h.byCode)
	t.Run("by multicast DNS", h.byMulticastDNS)
}

const unknownMAC = "02:00:5e:10:00:99"

func (h *testHome) byCode(t *testing.T) {
	visitor := device(t, "new0", unknownMAC)
	visitor.run(t, "ip", "addr", "add", "10.77.0.40/24", "dev", "lan0")
	if got := visitor.told(t, "10.77.0.40", "10.77.0.1"); got != "192.0.2.1" {
		t.Errorf("a guest is told %s", got)
	}
	var made struct{ Code string }
	if err := json.Unmarshal([]byte(h.server.must("device", "enrol", "--member", "Mia", "--json")), &made); err != nil {
		t.Fatal(err)
	}
	visitor.in(t, func() { enters(t, h.server.http, made.Code) })
	if out := h.server.must("device", "list"); !strings.Contains(out, "of Mia, profile kids, enrolled by "+unknownMAC) {
		t.Errorf("the list:\n%s", out)
	}
	if got := visitor.told(t, "10.77.0.40", "10.77.0.1"); got != "0.0.0.0" {
		t.Errorf("the device that is Mia's now is told %s", got)
	}
	for i := range 10 {
		four, six := fmt.Sprintf("10.77.0.%d", 41+i), fmt.Sprintf("2001:db8:77::%x", 0x41+i)
		visitor.run(t, "ip", "addr", "flush", "dev", "lan0", "scope", "global")
		visitor.run(t, "ip", "addr", "add", four+"/24", "dev", "lan0")
		visitor.run(t, "ip", "addr", "add", six+"/64", "dev", "lan0", "nodad")
		if got, also := visitor.told(t, four, "10.77.0.1"), visitor.told(t, six, "2001:db8:77::1"); got != "0.0.0.0" || also != "0.0.0.0" {
			t.Errorf("from %s it is told %s, from %s %s", four, got, six, also)
		}
	}
	h.mother.run(t, "ip", "addr", "add", "10.77.0.40/24", "dev", "lan0")
	if got := h.mother.told(t, "10.77.0.40", "10.77.0.1"); got != "192.0.2.1" {
		t.Errorf("the mother, at an address that was Mia's, is told %s", got)
	}
}

// told asks for the name that Mia may not have.
func (s space) told(t *testing.T, from, to string) (got string) {
	t.Helper()
	s.in(t, func() { got = addressOf(from, to, "blocked.example.") })
	return got
}

// enters opens the page for devices and enters a code. It stays in one thread, and so in one namespace.
func enters(t *testing.T, server, code string) {
	conn, err := net.DialTimeout("tcp", server, 5*time.Second)
	if err != nil {
		t.Error(err)
		return
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	form := url.Values{"code": {code}}.Encode()
	fmt.Fprintf(conn, "POST /device HTTP/1.1\r\nHost: ask.hearth.home.arpa\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s", len(form), form)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Error(err)
		return
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("the page says %s", resp.Status)
	}
}

// byMulticastDNS has a real responder say what a device is called.
func (h *testHome) byMulticastDNS(t *testing.T) {
	program(t, "avahi-daemon")
	toy, mute := device(t, "toy0", "02:00:5e:10:00:70"), device(t, "mute0", "02:00:5e:10:00:71")
	toy.run(t, "ip", "addr", "add", "10.77.0.70/24", "dev", "lan0")
	mute.run(t, "ip", "addr", "add", "10.77.0.71/24", "dev", "lan0")
	dir := t.TempDir()
	config := filepath.Join(dir, "avahi.conf")
	if err := os.WriteFile(config, []byte("[server]\nhost-name=mias-toy\nallow-interfaces=lan0\nenable-dbus=no\n[publish]\npublish-addresses=yes\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	// The responder has its pid at one place of the whole machine: here it is a place of its own.
	const own = `mkdir -p /run/avahi-daemon && mount -t tmpfs tmpfs /run/avahi-daemon && exec avahi-daemon -f "$0" --no-drop-root --no-chroot --no-rlimits`
	log := toy.background(t, nil, "unshare", "-m", "sh", "-c", own, config)
	ready := func() bool { return strings.Contains(log.String(), "Server startup complete") }
	h.server.eventually("avahi-daemon is there", ready)
	h.server.eventually("the device is known by its name", func() bool { return toy.told(t, "10.77.0.70", "10.77.0.1") == "0.0.0.0" })
	if got := mute.told(t, "10.77.0.71", "10.77.0.1"); got != "192.0.2.1" {
		t.Errorf("a device without a name is told %s", got)
	}
	if out := h.server.must("device", "list"); !strings.Contains(out, "not known: 10.77.0.70 02:00:5e:10:00:70 mias-toy") { // a name is no proof
		t.Errorf("the list:\n%s", out)
	}
}
