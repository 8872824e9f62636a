package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// inNamespace tells the second run of the test from the first.
const inNamespace = "HEARTH_TEST_NAMESPACE"

// TestDNRThroughDnsmasq has a real dnsmasq, in a network of its own, offer an address to a client that asks for
// option 162: the octets that come are those that were printed.
func TestDNRThroughDnsmasq(t *testing.T) {
	if os.Getenv(inNamespace) != "" {
		offerThroughDnsmasq(t)
		return
	}
	for _, program := range []string{"dnsmasq", "ip"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("%s is not installed: %v", program, err)
		}
	}
	again := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestDNRThroughDnsmasq$", "-test.v")
	again.Env = append(os.Environ(), inNamespace+"=1")
	again.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	out, err := again.CombinedOutput()
	switch {
	case os.IsPermission(err):
		t.Skipf("this user may not make a network namespace: %v", err)
	case bytes.Contains(out, []byte("--- SKIP")):
		t.Skipf("%s", out)
	case err != nil:
		t.Fatalf("%v\n%s", err, out)
	}
}

func offerThroughDnsmasq(t *testing.T) {
	for _, args := range [][]string{
		{"link", "add", "hearth0", "type", "veth", "peer", "name", "hearth1", "address", "02:00:5e:10:00:20"},
		{"addr", "add", "192.0.2.1/24", "dev", "hearth0"}, {"link", "set", "hearth0", "up"}, {"link", "set", "hearth1", "up"},
	} {
		if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
			t.Skipf("this kernel has no veth: %v: %s", err, out)
		}
	}
	for _, args := range [][]string{nil, {"--device", "phone", "--mac", "02:00:5e:10:00:20"}} {
		want, _ := optionsOf(t, args...)
		stop := startDnsmasq(t, dnrSnippet(dnrOf(t, append(args, "dnsmasq")...)))
		got := offered(t, "hearth1")
		stop()
		if !bytes.Equal(got, want) {
			t.Errorf("%v: the client got\n%x, want\n%x", args, got, want)
		}
	}
}

func startDnsmasq(t *testing.T, snippet string) (stop func()) {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "dnsmasq.conf")
	text := fmt.Sprintf("port=0\ninterface=hearth0\nbind-interfaces\nuser=root\ndhcp-range=192.0.2.100,192.0.2.120,5m\nno-ping\ndhcp-authoritative\ndhcp-leasefile=%s\n%s\n", filepath.Join(dir, "leases"), snippet)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	server := exec.Command("dnsmasq", "--keep-in-foreground", "--log-facility=-", "--conf-file="+file)
	server.Stderr = &log
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	return func() {
		_ = server.Process.Kill()
		_ = server.Wait()
		if t.Failed() {
			t.Logf("%s", log.String())
		}
	}
}

// offered asks for an address and option 162 on an interface until somebody offers one.
func offered(t *testing.T, name string) []byte {
	t.Helper()
	link, err := net.InterfaceByName(name)
	if err != nil {
		t.Fatal(err)
	}
	const ip = 0x0800 // EtherType
	s, err := syscall.Socket(syscall.AF_PACKET, syscall.SOCK_DGRAM, ip>>8|ip<<8&0xff00)
	if err != nil {
		t.Skipf("raw packets: %v", err)
	}
	defer func() { _ = syscall.Close(s) }()
	to := &syscall.SockaddrLinklayer{Protocol: ip>>8 | ip<<8&0xff00, Ifindex: link.Index, Halen: 6, Addr: [8]byte{255, 255, 255, 255, 255, 255}}
	if err := syscall.Bind(s, to); err != nil {
		t.Fatal(err)
	}
	wait := syscall.NsecToTimeval(int64(200 * time.Millisecond))
	if err := syscall.SetsockoptTimeval(s, syscall.SOL_SOCKET, syscall.SO_RCVTIMEO, &wait); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 2048)
	for range 100 { // dnsmasq needs a moment to start
		if err := syscall.Sendto(s, discover(link.HardwareAddr), 0, to); err != nil {
			t.Fatal(err)
		}
		for {
			n, _, err := syscall.Recvfrom(s, buf, 0)
			if err != nil {
				break
			}
			if head := int(buf[0]&0xf) * 4; n > head+8 && buf[9] == 17 && binary.BigEndian.Uint16(buf[head:]) == 67 {
				return bytes.Clone(hasOption162(buf[head+8 : n]))
			}
		}
	}
	t.Error("nobody offered an address")
	return nil
}

// discover is a DHCPDISCOVER (RFC 2131) that asks for option 162, in UDP and IPv4.
func discover(hardware net.HardwareAddr) []byte {
	d := make([]byte, 240)
	d[0], d[1], d[2] = 1, 1, 6 // BOOTREQUEST, Ethernet
	copy(d[4:], "hrth")        // transaction
	d[10] = 0x80               // answers are to be broadcast
	copy(d[28:], hardware)
	binary.BigEndian.PutUint32(d[236:], 0x63825363)
	d = append(d, 53, 1, 1, 55, 3, 1, 3, 162, 255)
	udp := binary.BigEndian.AppendUint16(nil, 68)
	udp = binary.BigEndian.AppendUint16(udp, 67)
	udp = binary.BigEndian.AppendUint16(udp, uint16(8+len(d))) //nolint:gosec // a few hundred octets
	udp = append(append(udp, 0, 0), d...)                      // no checksum
	ip := []byte{0x45, 0, 0, 0, 0, 0, 0, 0, 64, 17, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255}
	binary.BigEndian.PutUint16(ip[2:], uint16(20+len(udp))) //nolint:gosec // a few hundred octets
	sum := uint32(0)
	for i := 0; i < len(ip); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(ip[i:]))
	}
	binary.BigEndian.PutUint16(ip[10:], ^uint16(sum>>16+sum&0xffff)) //nolint:gosec // the fold of RFC 1071
	return append(ip, udp...)
}
