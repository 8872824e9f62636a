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
	files := b.watch(fd, bell)
	if len(files) == watched {
		defer b.socket.server.cfg.Beside.Detach()
	}
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
			pause.wait() // errors here are of single packets, or of a system out of memory
			continue
		}
		if now := time.Now(); now.Sub(rested) > restTime {
			rested = now
			runtime.Gosched()
		}
		b.wait(files, n == len(b.in))
	}
	return nil
}

// watched is the number of files that are waited for with work beside.
const watched = 3

// watch lists the files to wait for: the socket, the bell and the work beside, if this
// is the socket for it.
func (b *batch) watch(fd, bell uintptr) []unix.PollFd {
	files := make([]unix.PollFd, 0, watched)
	files = append(files, unix.PollFd{Fd: int32(fd), Events: unix.POLLIN}, unix.PollFd{Fd: int32(bell), Events: unix.POLLIN})
	if beside := b.socket.server.cfg.Beside; beside != nil && b.socket.worker == 0 {
		if fd, ok := beside.Attach(); ok {
			files = append(files, unix.PollFd{Fd: int32(fd), Events: unix.POLLIN})
		}
	}
	return files
}

// wait waits for any of the files, but not when there are more packets, and does the
// work beside.
func (b *batch) wait(files []unix.PollFd, more bool) {
	if len(files) < watched {
		if !more {
			_, _ = unix.Ppoll(files, nil, nil)
		}
		return
	}
	beside := b.socket.server.cfg.Beside
	var limit *unix.Timespec
	switch patience := beside.Turn(false); {
	case more:
		limit = new(unix.Timespec)
	case patience >= 0:
		t := unix.NsecToTimespec(int64(patience))
		limit = &t
	}
	files[watched-1].Revents = 0
	_, _ = unix.Ppoll(files, limit, nil)
	beside.Turn(files[watched-1].Revents != 0)
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
