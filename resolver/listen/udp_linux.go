package listen

import (
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// move takes a bound socket over: in batches, or singly where the kernel or a filter of
// system calls refuses batches.
func (u *udpSocket) move(conn *net.UDPConn) {
	s := u.server
	if !s.cfg.singly {
		b, err := newBatch(u, conn, calls{receive: recvmmsg, send: sendmmsg})
		if err == nil {
			u.mover, u.closer = b, b
			return
		}
		s.cfg.singly = true // it will refuse the others as well
		s.cfg.Log.Info("UDP packets are moved one by one, which costs more CPU", "reason", err)
	}
	u.mover, u.closer = &singly{u, conn}, conn
}

// detach makes conn's socket a file that is not in the runtime's poller: there, every
// packet in or out would wake a thread for nothing, which costs as much as the packet.
func detach(conn *net.UDPConn, c calls) (*os.File, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, err
	}
	var file *os.File
	var failed error
	err = raw.Control(func(fd uintptr) {
		if failed = c.probe(fd); failed == nil {
			file, failed = duplicate(fd)
		}
	})
	if err = errors.Join(err, failed); err != nil {
		return nil, err
	}
	_ = conn.Close()
	return file, nil
}

func duplicate(fd uintptr) (*os.File, error) {
	n, err := unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	if err := unix.SetNonblock(n, false); err != nil { // what does not block, os.NewFile puts into the poller
		_ = unix.Close(n)
		return nil, err
	}
	return os.NewFile(uintptr(n), "udp"), nil
}

// probe tries the system calls with nothing to move.
func (c calls) probe(fd uintptr) error {
	if _, errno := c.receive(fd, nil); errno != 0 {
		return fmt.Errorf("recvmmsg: %w", errno)
	}
	if _, errno := c.send(fd, nil); errno != 0 {
		return fmt.Errorf("sendmmsg: %w", errno)
	}
	if _, err := unix.Ppoll(nil, &unix.Timespec{}, nil); err != nil {
		return fmt.Errorf("ppoll: %w", err)
	}
	return nil
}

// serve holds on to both files, so that neither number is another file's meanwhile.
func (b *batch) serve() error {
	var noBell, failed error
	err := control(b.file, func(fd uintptr) {
		noBell = control(b.bell, func(bell uintptr) { failed = b.read(fd, bell) })
	})
	if err = errors.Join(err, noBell, failed); err != nil && !b.socket.server.draining.Load() {
		return fmt.Errorf("reading queries at %s: %w", b.socket.local, err)
	}
	return nil
}

func control(f *os.File, do func(fd uintptr)) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	return raw.Control(do)
}

// read serves batches until the shutdown. It waits in a system call of its own: on two
// cores that costs half of what the runtime's poller does.
func (b *batch) read(fd, bell uintptr) error {
	w, detach := b.watch(fd, bell)
	defer detach()
	var pause backoff
	rested := time.Now()
	for !b.socket.server.draining.Load() {
		n, errno := b.calls.receive(fd, b.in)
		switch errno {
		case 0:
			pause.reset()
			b.answer(fd, n)
		case unix.EAGAIN, unix.EINTR:
			n = 0
		case unix.EBADF, unix.ENOTSOCK:
			return errno
		default:
			w.pause(pause.next()) // errors here are of single packets, or of a system out of memory
			continue
		}
		if now := time.Now(); now.Sub(rested) > restTime {
			rested = now
			runtime.Gosched()
		}
		w.wait(n == len(b.in))
	}
	return nil
}

// watch is what a reader waits for: the socket, the bell and, of the first socket, the
// work beside.
type watch struct {
	files  []unix.PollFd
	beside Beside // nil: none
}

// watch begins to wait for the work beside; detach ends it.
func (b *batch) watch(fd, bell uintptr) (w *watch, detach func()) {
	w = &watch{files: []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}, {Fd: int32(bell), Events: unix.POLLIN}}}
	beside := b.socket.server.cfg.Beside
	if beside == nil || b.socket.worker != 0 {
		return w, func() {}
	}
	file, detach, ok := beside.Attach()
	if !ok {
		return w, func() {}
	}
	w.beside, w.files = beside, append(w.files, unix.PollFd{Fd: int32(file), Events: unix.POLLIN})
	return w, detach
}

// wait waits until the socket can be read, which it can already if there is more, and
// does the work beside meanwhile.
func (w *watch) wait(more bool) {
	if w.beside == nil {
		if !more {
			_, _ = unix.Ppoll(w.files, nil, nil)
		}
		return
	}
	for range turns {
		limit := w.beside.Patience()
		if more {
			limit = 0
		}
		if !w.turn(limit) || more || w.files[0].Revents|w.files[1].Revents != 0 {
			return
		}
	}
}

// turns is after how many the reader sees to the rest of its duties: yielding, above all.
const turns = 64

// pause lets some time go by without looking at the socket.
func (w *watch) pause(most time.Duration) {
	if w.beside == nil {
		time.Sleep(most)
		return
	}
	socket := w.files[0].Fd
	w.files[0].Fd = -1 // passed over
	for end := time.Now().Add(most); time.Now().Before(end) && w.files[1].Revents == 0; {
		limit := time.Until(end)
		if p := w.beside.Patience(); p >= 0 && p < limit {
			limit = p
		}
		w.turn(max(limit, 0))
	}
	w.files[0].Fd = socket
}

// turn waits once, forever if limit is less than 0, and does the work beside. It returns
// false if the system would not let it wait.
func (w *watch) turn(limit time.Duration) bool {
	var t *unix.Timespec
	if limit >= 0 {
		spec := unix.NsecToTimespec(int64(limit))
		t = &spec
	}
	for i := range w.files {
		w.files[i].Revents = 0
	}
	_, err := unix.Ppoll(w.files, t, nil)
	w.beside.Turn(w.files[2].Revents != 0)
	return err == nil || errors.Is(err, unix.EINTR)
}

// restTime is how long the reader runs before it yields. A goroutine that has not
// for 10 ms is taken for a hog, and the runtime wakes every 20 us to deal with it: at
// 5000 queries a second that was half of all CPU time.
const restTime = 5 * time.Millisecond

// stop wakes the reader.
func (b *batch) stop() { _, _ = b.bell.Write([]byte{1, 0, 0, 0, 0, 0, 0, 1}) }

// Close implements io.Closer.
func (b *batch) Close() error { return errors.Join(b.file.Close(), b.bell.Close()) }

func recvmmsg(fd uintptr, msgs []unix.Mmsghdr) (int, syscall.Errno) {
	return mmsg(unix.SYS_RECVMMSG, fd, msgs)
}

func sendmmsg(fd uintptr, msgs []unix.Mmsghdr) (int, syscall.Errno) {
	return mmsg(unix.SYS_SENDMMSG, fd, msgs)
}
