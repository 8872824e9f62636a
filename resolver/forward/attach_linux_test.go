package forward

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// attend serves l as a reader of other things does, until stop is closed, and then
// detaches.
func attend(t *testing.T, l *Loop) (stop func()) {
	t.Helper()
	fd, detach, ok := l.Attach()
	if !ok {
		t.Fatal("nobody can attach")
	}
	quit, done := make(chan struct{}), make(chan struct{})
	var bell [2]int
	if err := unix.Pipe(bell[:]); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(done)
		defer detach()
		files := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}, {Fd: int32(bell[0]), Events: unix.POLLIN}}
		for {
			select {
			case <-quit:
				return
			default:
			}
			var limit *unix.Timespec
			if patience := l.Patience(); patience >= 0 {
				t := unix.NsecToTimespec(int64(patience))
				limit = &t
			}
			files[0].Revents = 0
			_, _ = unix.Ppoll(files, limit, nil)
			l.Turn(files[0].Revents != 0)
		}
	}()
	return func() {
		close(quit)
		_ = unix.Close(bell[1]) // which wakes the reader
		<-done
		_ = unix.Close(bell[0])
	}
}

func shared(t *testing.T, cfg Config) (*Forwarder, *Loop) {
	t.Helper()
	cfg.Loop = new(Loop)
	f, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range f.upstreams {
		u.health.srtt = 1
	}
	return f, cfg.Loop
}

// Whoever serves a loop, questions are answered: nobody yet, one who attached, the
// loop itself after he left, and one who comes back.
func TestAttachAndDetach(t *testing.T) {
	e := newEvil(t, truth)
	f, l := shared(t, Config{Upstreams: []string{e.addr.String()}})
	want(t, f, "192.0.2.1")
	for range 3 {
		stop := attend(t, l)
		if _, _, ok := l.Attach(); ok {
			t.Error("a second one attached")
		}
		for range 20 {
			want(t, f, "192.0.2.1")
		}
		stop()
		for range 5 {
			want(t, f, "192.0.2.1")
		}
	}
}

// An exchange that began before the change of who serves ends after it.
func TestExchangeOutlivesItsServer(t *testing.T) {
	for name, change := range map[string]func(t *testing.T, l *Loop, release func()){
		"attached meanwhile": func(t *testing.T, l *Loop, release func()) {
			t.Cleanup(attend(t, l))
			time.Sleep(2 * tick)
			release()
		},
		"detached meanwhile": func(t *testing.T, l *Loop, release func()) {
			attend(t, l)()
			release()
		},
	} {
		t.Run(name, func(t *testing.T) {
			arrived, gate := make(chan struct{}), make(chan struct{})
			e := newEvil(t, func(v *visit) { close(arrived); <-gate; truth(v) })
			f, l := shared(t, Config{Upstreams: []string{e.addr.String()}, Timeout: time.Minute, Attempts: 1})
			w := make(wait, 1)
			f.Exchange(asked(query(t, "www.example.com.", nil)), func(raw []byte, err error) { w.landed(reply{raw: raw}, err) })
			<-arrived
			change(t, l, func() { close(gate) })
			if o := <-w; o.err != nil {
				t.Errorf("Exchange = %v", o.err)
			}
		})
	}
}

// A reader that waits for nothing but a packet still sees that the time of an
// exchange is over which somebody else began.
func TestSleeperSeesTheTime(t *testing.T) {
	f, l := shared(t, Config{Upstreams: []string{mute(t, "127.0.0.1:0").String()}, Timeout: 100 * time.Millisecond, Attempts: 1})
	t.Cleanup(attend(t, l))
	await(t, l.asleep.Load)
	if _, err := answer(f, query(t, "www.example.com.", nil)); err == nil {
		t.Error("a mute upstream answered")
	}
}

// Sockets that nobody has used for a second are closed, by who is attached as well.
func TestIdleSocketsAreClosed(t *testing.T) {
	e := newEvil(t, truth)
	f, l := shared(t, Config{Upstreams: []string{e.addr.String()}})
	t.Cleanup(attend(t, l))
	before := openFiles()
	want(t, f, "192.0.2.1")
	if openFiles() <= before {
		t.Fatal("no socket is kept: this test shows nothing")
	}
	await(t, func() bool { return openFiles() <= before && l.asleep.Load() })
}
