package listen_test

import (
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hearthdns/hearth/resolver/listen"
	"golang.org/x/sys/unix"
)

// errand is work beside a socket: it counts how often its file was readable.
type errand struct {
	t                  *testing.T
	file               int
	attached, detached atomic.Int64
	calls, done        atomic.Int64
	patience           atomic.Int64 // a duration
}

func newErrand(t *testing.T) *errand {
	t.Helper()
	file, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(file) })
	e := &errand{t: t, file: file}
	e.patience.Store(-1)
	return e
}

func (e *errand) bring() {
	if _, err := unix.Write(e.file, []byte{1, 0, 0, 0, 0, 0, 0, 1}); err != nil {
		e.t.Error(err)
	}
}

func (e *errand) Attach() (int, func(), bool) {
	e.attached.Add(1)
	return e.file, func() { e.detached.Add(1) }, true
}

func (e *errand) Patience() time.Duration {
	e.calls.Add(1)
	return time.Duration(e.patience.Load())
}

func (e *errand) Turn(ready bool) {
	if ready {
		if _, err := unix.Read(e.file, make([]byte, 8)); err != nil {
			e.t.Errorf("Turn, and nothing is there: %v", err)
		}
		e.done.Add(1)
	}
}

// The reader of a socket does the work beside it when that is there, as often as it
// asks to be called, answers queries all the same, and leaves it when it ends.
func TestWorkBesideASocket(t *testing.T) {
	if os.Getenv(singlyEnv) != "" {
		t.Skip("the portable twin waits for nothing but its socket")
	}
	e := newErrand(t)
	s := start(t, listen.Config{Handler: newStub(), Beside: e})
	eventually(t, "the reader attaches", func() bool { return e.attached.Load() == 1 })
	u := s.dial("udp")
	for n := range 20 {
		e.bring()
		send(t, u, query(t, uint16(n), "a.test"))
		if m := recv(t, u); int(m.Id) != n {
			t.Fatalf("reply %d, want %d", m.Id, n)
		}
		eventually(t, "the work is done", func() bool { return e.done.Load() == int64(n)+1 })
	}
	calls := e.calls.Load()
	e.patience.Store(int64(time.Millisecond)) // read before the next wait, which the next query brings
	send(t, u, query(t, 99, "a.test"))
	recv(t, u)
	eventually(t, "the work is looked after", func() bool { return e.calls.Load() > calls+20 })
	s.stop()
	s.wait()
	if e.attached.Load() != 1 || e.detached.Load() != 1 {
		t.Errorf("attached %d times and detached %d times, want once", e.attached.Load(), e.detached.Load())
	}
}
