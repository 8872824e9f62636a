package e2e

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// watched is a server with lists of its own, a preteen, a child, a teenager, an adult and a bear. What is written as old
// in its configuration is replaced by with.
func watched(t *testing.T, old, with string) *server {
	t.Helper()
	s := example(t, newUpstream(t))
	lists := ""
	for category, names := range map[string]string{"bypass.vpn": "vpn1.example vpn2.example vpn3.example vpn4.example vpn5.example", "adult.porn": "naked.example", "ok.help": "helpline.example", "social.ugc": "forum.example"} {
		list := filepath.Join(s.dir, category+".txt")
		if err := os.WriteFile(list, []byte(strings.ReplaceAll(names, " ", "\n")+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		lists += "{name: " + category + ", path: " + list + ", format: domains, categories: [" + category + "]}, "
	}
	text, rest, _ := strings.Cut(s.read(), "    members:\n")
	_, rest, _ = strings.Cut(rest, "    guest:")
	text += `    members: [{name: Pre, band: preteen}, {name: Kim, band: child}, {name: Toni, band: teen}, {name: Alex, band: adult}]
    devices:
      - {name: pre-phone, member: Pre, addresses: [127.0.0.2]}
      - {name: toni-phone, member: Toni, addresses: [127.0.0.3]}
      - {name: alex-laptop, member: Alex, addresses: [127.0.0.4]}
      - {name: bear, profile: things, addresses: [127.0.0.5]}
      - {name: kim-tablet, member: Kim, addresses: [127.0.0.6]}
    guest:` + rest
	text = strings.Replace(text, "  sources: []", "  sources: ["+lists+"]", 1)
	s.write(strings.Replace(text, old, with, 1))
	s.start()
	s.eventually("has its lists in force", func() bool { // asked as a guest
		return addresses(s.ask("udp", "127.0.0.9", "naked.example", dns.TypeA)) != "192.0.2.1"
	})
	return s
}

// TestActivity: what is remembered of each band is what the bands allow; it survives a kill but for the last seconds,
// is told, and erased.
func TestActivity(t *testing.T) {
	t.Parallel()
	s := watched(t, "", "")
	for _, from := range []string{"127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5"} {
		for _, name := range []string{"private-page.example", "www.naked.example"} {
			s.ask("udp", from, name, dns.TypeA)
		}
	}
	s.eventually("remembers the teenager", func() bool {
		return strings.Contains(s.must("activity", "example-home/Toni"), "blocked       1  adult.porn 1")
	})
	s.eventually("remembers the thing, which asked last", func() bool {
		return !strings.Contains(s.must("activity", "example-home/bear"), "nothing is remembered")
	})
	for of, want := range map[string][2]string{
		"Pre":  {"allowed       1", "example"},
		"Toni": {"allowed       1", "example"},
		"Alex": {"nothing is remembered", "allowed"},
		"bear": {"private-page.example", "allowed"}, // blocked, on no list
	} {
		if out := s.must("activity", "example-home/"+of); !strings.Contains(out, want[0]) || strings.Contains(strings.ReplaceAll(out, "example-home", ""), want[1]) && of != "bear" {
			t.Errorf("of %s it says %q; want %q and never %q", of, out, want[0], want[1])
		}
	}
	if err := s.cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-s.exited
	s.start()
	if out := s.must("activity", "example-home/Pre"); !strings.Contains(out, "adult.porn 1") {
		t.Errorf("after a kill: %q", out)
	}
	out := s.must("activity", "export", "example-home/Pre")
	var x struct{ Partitions []struct{ Kind, Day string } }
	if err := json.Unmarshal([]byte(out), &x); err != nil || len(x.Partitions) != 1 || x.Partitions[0].Kind != "month" {
		t.Errorf("exported %s, %v", out, err)
	}
	if out := s.must("activity", "erase", "example-home/Pre"); !strings.Contains(out, "1 day of example-home/Pre erased") {
		t.Errorf("erasing says %q", out)
	}
	if out := s.must("activity", "example-home/Pre"); !strings.Contains(out, "nothing is remembered") {
		t.Errorf("after the erasure: %q", out)
	}
	if out := s.must("activity", "example-home/Toni"); !strings.Contains(out, "adult.porn 1") {
		t.Errorf("of somebody else, after it: %q", out)
	}
	for _, args := range [][]string{{"activity", "example-home/Nobody"}, {"activity", "erase", "example-home"}, {"activity", "log", "example-home/Alex", "--full"}, {"activity", "log", "example-home/Pre", "--full", "--for", "9d"}} {
		if out, code := s.hearth(args...); code == 0 || !strings.Contains(out, "hearth: ") {
			t.Errorf("hearth %s: exit %d, %s", strings.Join(args, " "), code, out)
		}
	}
}

// TestActivityLog: the names of a child are kept once a parent has asked for it, and no names of help.
func TestActivityLog(t *testing.T) {
	s := watched(t, "", "")
	s.ask("udp", "127.0.0.6", "before.example", dns.TypeA)
	s.eventually("counts it", func() bool { return strings.Contains(s.must("activity", "example-home/Kim"), "allowed       1") })
	s.must("activity", "log", "example-home/Kim", "--full", "--for", "2d")
	if out := s.must("activity", "log", "example-home/Toni", "--full"); !strings.Contains(out, "a day after they have seen it") {
		t.Errorf("of a teenager it says %q", out)
	}
	for _, from := range []string{"127.0.0.6", "127.0.0.3"} {
		for _, name := range []string{"after.example", "www.helpline.example"} {
			s.ask("udp", from, name, dns.TypeA)
		}
	}
	s.eventually("keeps the name", func() bool { return strings.Contains(s.must("activity", "example-home/Kim"), "after.example") })
	out := s.must("activity", "example-home")
	for _, never := range []string{"before.example", "helpline"} {
		if strings.Contains(out, never) {
			t.Errorf("%s is kept:\n%s", never, out)
		}
	}
	if strings.Count(out, "after.example") != 1 {
		t.Errorf("the teenager's log has begun:\n%s", out)
	}
	s.must("activity", "log", "example-home/Kim", "--off")
	s.ask("udp", "127.0.0.6", "later.example", dns.TypeA)
	s.eventually("counts on", func() bool { return strings.Contains(s.must("activity", "example-home/Kim"), "allowed       3") })
	if out := s.must("activity", "example-home/Kim"); strings.Contains(out, "later.example") {
		t.Errorf("a log that ended goes on:\n%s", out)
	}
}

// TestActivityOff: with privacy.activity: false the file holds nothing of what people ask.
func TestActivityOff(t *testing.T) {
	s := watched(t, "  activity: true", "  activity: false")
	s.ask("udp", "127.0.0.5", "nobody-may-know.example", dns.TypeA)
	s.ask("udp", "127.0.0.2", "www.naked.example", dns.TypeA)
	time.Sleep(300 * time.Millisecond) // longer than an event takes
	if out := s.must("activity", "example-home"); !strings.Contains(out, "nothing is remembered") {
		t.Errorf("it says %q", out)
	}
	s.signal(syscall.SIGTERM)
	<-s.exited
	s.exited <- nil
	b, err := os.ReadFile(filepath.Join(s.state(), "hearth.db"))
	if err != nil {
		t.Fatal(err)
	}
	for _, never := range []string{"nobody-may-know", "naked", "adult.porn"} {
		if bytes.Contains(b, []byte(never)) {
			t.Errorf("%s is in the file", never)
		}
	}
}

// TestThingLearns: a toy learns what it talks to, a parent confirms it, and what is new is blocked and told.
func TestThingLearns(t *testing.T) {
	s := watched(t, "", "")
	blocked := func(name string) bool {
		return addresses(s.ask("udp", "127.0.0.5", name, dns.TypeA)) != "192.0.2.1"
	}
	if !blocked("cloud.example") {
		t.Error("a thing that has not learned gets what is on no list")
	}
	s.must("device", "learn", "example-home/bear", "--for", "3d")
	for _, name := range []string{"cloud.example", "odd.example"} {
		if blocked(name) {
			t.Errorf("%s is blocked while the thing learns", name)
		}
	}
	if !blocked("www.naked.example") {
		t.Error("while it learns, a thing gets what its band blocks")
	}
	s.eventually("has heard both", func() bool {
		out := s.must("device", "sheet", "example-home/bear")
		return strings.Contains(out, "cloud.example") && strings.Contains(out, "odd.example")
	})
	if out := s.must("device", "confirm", "example-home/bear", "--without", "odd.example"); !strings.Contains(out, "confirmed") {
		t.Errorf("confirming says %q", out)
	}
	if blocked("cloud.example") || blocked("eu.cloud.example") || !blocked("odd.example") || !blocked("new.example") {
		t.Error("the list that was confirmed is not what holds")
	}
	for _, name := range []string{"new.example", "odd.example", "www.odd.example", "later.example"} {
		if !blocked(name) {
			t.Errorf("%s is not on the list that was confirmed, and answers", name)
		}
	}
	out := ""
	s.eventually("tells of the last new destination", func() bool {
		out = s.must("activity", "notices")
		return strings.Contains(out, "new destination, later.example")
	})
	if n := strings.Count(out, "new destination, new.example"); n != 1 {
		t.Errorf("%d notices of a new destination that was asked for twice:\n%s", n, out)
	}
	if strings.Contains(out, "odd.example") {
		t.Errorf("what the parent declined is told as news:\n%s", out)
	}
}

// TestBypassIsTheChildsFirst: a notice of VPN sites is not shown to parents before the child has seen it.
func TestBypassIsTheChildsFirst(t *testing.T) {
	s := watched(t, "", "")
	for _, n := range []string{"1", "2", "3", "4", "5"} {
		s.ask("udp", "127.0.0.2", "vpn"+n+".example", dns.TypeA)
	}
	s.eventually("has a notice for the child", func() bool {
		return strings.Contains(s.must("activity", "export", "example-home/Pre"), "bypass")
	})
	if out := s.must("activity", "notices"); !strings.Contains(out, "no notices") {
		t.Errorf("parents see it first: %s", out)
	}
	if code, page := s.browse("127.0.0.2", "http://ask.hearth.home.arpa/me", nil); code != http.StatusOK || !strings.Contains(page, "It may have been a program of a school or for work") {
		t.Errorf("the child is not told: %d\n%s", code, page)
	}
	if out := s.must("activity", "notices", "example-home"); !strings.Contains(out, "bypass (Pre, pre-phone)") {
		t.Errorf("parents do not see it after the child: %s", out)
	}
	if out := s.must("activity", "devices"); !strings.Contains(out, "pre-phone") || strings.Contains(out, "alex-laptop") {
		t.Errorf("devices: %s", out)
	}
}
