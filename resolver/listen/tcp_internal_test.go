package listen

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"
)

// scripted is a connection whose writes do what the script says.
type scripted struct {
	net.Conn
	took      []int // of each write, before the deadline passes; the last takes the rest
	sent      []byte
	deadlines []time.Time
}

func (s *scripted) Write(b []byte) (int, error) {
	if len(s.took) == 0 {
		s.sent = append(s.sent, b...)
		return len(b), nil
	}
	n := s.took[0]
	s.took, s.sent = s.took[1:], append(s.sent, b[:n]...)
	return n, os.ErrDeadlineExceeded
}

func (s *scripted) SetWriteDeadline(t time.Time) error {
	s.deadlines = append(s.deadlines, t)
	return nil
}

func TestWriteGoesOnPastTheDeadlineOfAnEarlierOne(t *testing.T) {
	s := &scripted{took: []int{0, 3}}
	limit := time.Now().Add(time.Hour)
	if err := (&tcpConn{conn: s}).send([]byte("replies"), limit); err != nil {
		t.Fatal(err)
	}
	if string(s.sent) != "replies" {
		t.Errorf("sent %q", s.sent)
	}
	if len(s.deadlines) != 2 || s.deadlines[0] != limit || s.deadlines[1] != limit {
		t.Errorf("deadlines %v, want %v twice", s.deadlines, limit)
	}
}

func TestWriteEndsAtItsOwnLimit(t *testing.T) {
	s := &scripted{took: []int{3}}
	err := (&tcpConn{conn: s}).send([]byte("replies"), time.Now())
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("error %v, want %v", err, os.ErrDeadlineExceeded)
	}
	if string(s.sent) != "rep" || len(s.deadlines) != 0 {
		t.Errorf("sent %q, deadlines %v", s.sent, s.deadlines)
	}
}

func TestIdleIsWithoutQueriesAndOwedReplies(t *testing.T) {
	long := time.Now().Add(-time.Hour)
	s := &Server{cfg: Config{}.withDefaults()}
	for what, tt := range map[string]struct {
		make func(*tcpConn)
		idle bool
	}{
		"nothing":       {func(*tcpConn) {}, true},
		"in Resolve":    {func(c *tcpConn) { c.inFlight++ }, false},
		"to be written": {func(c *tcpConn) { c.pending = []byte{0} }, false},
		"being written": {func(c *tcpConn) { c.writing = true }, false},
		"answered":      {func(c *tcpConn) { c.pending = []byte{0}; c.flush() }, false},
		"left silent":   {func(c *tcpConn) { c.inFlight++; c.queue(&Request{}) }, false},
	} {
		c := &tcpConn{server: s, conn: &scripted{}, inFlight: 1, active: long}
		c.changed.L = &c.mu
		tt.make(c)
		if idle := c.idleFor() >= time.Hour; idle != tt.idle {
			t.Errorf("%s: idle %v, want %v", what, idle, tt.idle)
		}
	}
}

// The last reply may be queued, and the connection's own goroutine run, before whoever
// queued it gets to write it.
func TestFinishWritesWhatNobodyHasWrittenYet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		s := &Server{cfg: Config{}.withDefaults()}
		c := &tcpConn{server: s, conn: near, socket: &socket{Conn: near}, inFlight: 1}
		c.changed.L = &c.mu
		go c.finish()
		synctest.Wait() // for the reply
		c.queue(&Request{server: s, Reply: []byte("reply"), Client: Client{Transport: TCP}})
		if b, _ := io.ReadAll(far); string(b) != "\x00\x05reply" {
			t.Errorf("the client gets %q", b)
		}
	})
}
