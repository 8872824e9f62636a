package events

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// echo is a server that sends a line each 50 ms, and a client that prints what it gets: Debian's Perl has no need of
// more modules.
const (
	echoServer = `use IO::Socket::INET; $SIG{CHLD}="IGNORE"; $SIG{PIPE}="IGNORE"; my $s=IO::Socket::INET->new(LocalAddr=>"10.91.2.2",LocalPort=>7777,Listen=>5,ReuseAddr=>1) or die $!; $|=1; print "ready\n"; while(my $c=$s->accept){ next if fork; $c->autoflush(1); while(1){ print $c "x\n" or last; select(undef,undef,undef,0.05) } exit }`
	echoClient = `use IO::Socket::INET; $|=1; my $c=IO::Socket::INET->new(PeerAddr=>"10.91.2.2",PeerPort=>7777,Timeout=>3) or die $!; while(<$c>){ print }`
)

// TestRouterCutsConnections runs the example for OpenWrt in a router between two devices and a server: a
// connection of the stopped device that runs already is cut, the other device's goes on, and it comes back after go.
func TestRouterCutsConnections(t *testing.T) {
	for _, program := range []string{"ip", "nft", "perl"} {
		if _, err := exec.LookPath(program); err != nil || os.Getuid() != 0 {
			t.Skip("needs root, ip, nft and perl")
		}
	}
	id := fmt.Sprint(os.Getpid())
	router, kim, anna, web := "hev-r"+id, "hev-k"+id, "hev-a"+id, "hev-w"+id
	for _, ns := range []string{router, kim, anna, web} {
		run(t, "ip", "netns", "add", ns)
		t.Cleanup(func() { _ = exec.Command("ip", "netns", "del", ns).Run() })
	}
	for i, side := range []struct{ ns, net string }{{kim, "10.91.0"}, {anna, "10.91.1"}, {web, "10.91.2"}} {
		outer := fmt.Sprintf("hev%d", i)
		run(t, "ip", "-n", router, "link", "add", outer, "type", "veth", "peer", "name", "eth0", "netns", side.ns)
		run(t, "ip", "-n", router, "addr", "add", side.net+".1/24", "dev", outer)
		run(t, "ip", "-n", router, "link", "set", outer, "up")
		run(t, "ip", "-n", side.ns, "addr", "add", side.net+".2/24", "dev", "eth0")
		run(t, "ip", "-n", side.ns, "link", "set", "eth0", "up")
		run(t, "ip", "-n", side.ns, "route", "add", "default", "via", side.net+".1")
	}
	run(t, "ip", "netns", "exec", router, "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")
	serve := start(t, web, echoServer)
	serve.wait(t, "ready")
	one, other := start(t, kim, echoClient), start(t, anna, echoClient)
	one.wait(t, "x")
	other.wait(t, "x")

	script, err := filepath.Abs("../../deploy/openwrt/on-event")
	if err != nil {
		t.Fatal(err)
	}
	tell := func(event string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "ip", "netns", "exec", router, script)
		cmd.Stdin = strings.NewReader(event)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	until := time.Now().Add(time.Hour).In(time.FixedZone("", 2*3600+30*60)).Format(time.RFC3339)
	stop := `{"event":"stop","what":"all","why":"window","household":"h","device":"a \"b\"","addresses":["10.91.0.2","2001:db8::2"],"from":"2026-03-02T20:00:00+01:00","until":"` + until + `"}`
	tell(strings.ReplaceAll(stop, `"all"`, `"timed"`)) // no matter of addresses
	one.wait(t, "x")
	tell(stop)
	if !one.quiet() {
		t.Error("the stopped device's connection goes on")
	}
	other.wait(t, "x")
	set := run(t, "ip", "netns", "exec", router, "nft", "list", "set", "inet", "hearth_stop", "stopped4")
	if !strings.Contains(set, "10.91.0.2 timeout 1h") && !strings.Contains(set, "10.91.0.2 timeout 59m") {
		t.Errorf("the stop has not its end: %s", set)
	}
	const again = `{"event":"go","what":"all","why":"window","household":"h","device":"d","addresses":["10.91.0.2"],"from":"2026-03-02T20:00:00+01:00"}`
	tell(again)
	start(t, kim, echoClient).wait(t, "x")

	// A stop without an end has no time-out, and a reset ends it where nobody tells of a go.
	endless := strings.Replace(stop, `,"until":"`+until+`"`, "", 1)
	for _, end := range []string{again, `{"event":"reset","from":"2026-03-02T19:00:00Z"}`} {
		one := start(t, kim, echoClient)
		one.wait(t, "x")
		tell(endless)
		if !one.quiet() {
			t.Error("the stopped device's connection goes on")
		}
		if set := run(t, "ip", "netns", "exec", router, "nft", "list", "set", "inet", "hearth_stop", "stopped4"); !strings.Contains(set, "{ 10.91.0.2 }") {
			t.Errorf("the stop has an end: %s", set)
		}
		tell(end)
		start(t, kim, echoClient).wait(t, "x")
	}
	other.wait(t, "x")
}

func run(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), args[0], args[1:]...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v: %s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// talker is a program whose lines are read.
type talker struct{ lines chan string }

func start(t *testing.T, ns, program string) *talker {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	cmd := exec.CommandContext(ctx, "ip", "netns", "exec", ns, "perl", "-e", program)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // with what it forks, which is cut off and does not end
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	k := &talker{make(chan string, 10_000)}
	go func() {
		for in := bufio.NewScanner(out); in.Scan(); {
			k.lines <- in.Text()
		}
		close(k.lines)
	}()
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait()
	})
	return k
}

// wait waits for a new line.
func (k *talker) wait(t *testing.T, want string) {
	t.Helper()
	for len(k.lines) > 0 {
		<-k.lines
	}
	select {
	case line, open := <-k.lines:
		if !open || line != want {
			t.Fatalf("got %q (open %t), want %q", line, open, want)
		}
	case <-time.After(10 * time.Second):
		t.Fatalf("nothing came, want %q", want)
	}
}

// quiet says that nothing comes any more, or that it has ended.
func (k *talker) quiet() bool {
	for range 5 {
		for len(k.lines) > 0 {
			<-k.lines
		}
		select {
		case _, open := <-k.lines:
			if !open {
				return true
			}
		case <-time.After(time.Second):
			return true
		}
	}
	return false
}
