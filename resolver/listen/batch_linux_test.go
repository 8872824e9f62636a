package listen

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestRefusedBatchesLeaveTheSocketAsItWas is a filter of system calls, or an old kernel.
func TestRefusedBatchesLeaveTheSocketAsItWas(t *testing.T) {
	refuse := func(errno syscall.Errno) func(uintptr, []unix.Mmsghdr) (int, syscall.Errno) {
		return func(uintptr, []unix.Mmsghdr) (int, syscall.Errno) { return -1, errno }
	}
	for what, c := range map[string]calls{
		"recvmmsg: " + unix.ENOSYS.Error(): {refuse(unix.ENOSYS), sendmmsg},
		"sendmmsg: " + unix.EPERM.Error():  {recvmmsg, refuse(unix.EPERM)},
	} {
		conn, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:0")))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := newBatch(&udpSocket{server: &Server{}}, conn, c); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("error %v, want %q", err, what)
		}
		_ = conn.SetReadDeadline(time.Now().Add(time.Millisecond)) // a blocking socket would hang here
		if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("reading: %v, want a timeout", err)
		}
	}
}

func TestRunEndsWhenABatchFails(t *testing.T) {
	s, err := New(Config{Handler: nobody{}, Log: slog.New(slog.DiscardHandler), Listeners: []Listener{
		{Addr: netip.MustParseAddrPort("127.0.0.1:0"), Protocols: []Transport{UDP}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	b, ok := s.udp[0].mover.(*batch)
	if !ok {
		t.Skip("this system has no batches")
	}
	b.calls.receive = func(uintptr, []unix.Mmsghdr) (int, syscall.Errno) { return -1, unix.EBADF }
	if err := s.Run(context.Background()); err == nil {
		t.Error("Run ended without an error")
	}
}

// TestUnsentRepliesAreCounted: a reply that the system refuses costs that reply,
// not those behind it, and is seen.
func TestUnsentRepliesAreCounted(t *testing.T) {
	sent := 0
	full := true
	b := &batch{socket: &udpSocket{tally: &tally{}}, out: make([]unix.Mmsghdr, 3), staged: 3}
	b.calls.send = func(_ uintptr, m []unix.Mmsghdr) (int, syscall.Errno) {
		if full {
			full = false
			return -1, unix.EAGAIN
		}
		sent += len(m)
		return len(m), 0
	}
	b.flush(0)
	if n := b.socket.tally.shed[unsent].Load(); n != 1 || sent != 2 || b.staged != 0 {
		t.Errorf("%d unsent, %d sent, %d staged; want 1, 2 and none", n, sent, b.staged)
	}
}

type nobody struct{}

func (nobody) Answer(*Request) bool                         { return true }
func (nobody) Resolve(context.Context, *Request, time.Time) {}
