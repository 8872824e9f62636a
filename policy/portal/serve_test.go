package portal

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/netutil"
)

func TestServe(t *testing.T) {
	h := newHome(t, houseOptions{language: "en"})
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- h.Serve(ctx, ln) }()

	ask := func(request string) string {
		t.Helper()
		c, err := net.Dial("tcp4", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close() }()
		_ = c.SetDeadline(time.Now().Add(20 * time.Second))
		if _, err := io.WriteString(c, request); err != nil {
			t.Fatal(err)
		}
		reply, _ := io.ReadAll(c)
		return string(reply)
	}
	page := ask("GET / HTTP/1.1\r\nHost: naked.example\r\nAccept: text/html\r\n\r\n")
	if !strings.HasPrefix(page, "HTTP/1.1 200 ") || !strings.Contains(page, "Connection: close") {
		t.Errorf("the page of a stranger on loopback begins with %.60q", page)
	}
	for _, request := range []string{
		"GET / HTTP/1.1\r\nHost: <svg onload=alert(1)>\r\n\r\n", "GET / HTTP/1.1\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a.example\r\nHost: b.example\r\n\r\n", "\x16\x03\x01\x00\x05hello\r\n\r\n",
	} {
		if reply := ask(request); !strings.HasPrefix(reply, "HTTP/1.1 400 ") || strings.Contains(reply, "svg") {
			t.Errorf("%q is answered with %.80q, want 400 without an echo", request, reply)
		}
	}
	if reply := ask("GET / HTTP/1.1\r\nHost: a.example\r\nX: " + strings.Repeat("x", 2*MaxHeaderBytes) + "\r\n\r\n"); !strings.HasPrefix(reply, "HTTP/1.1 431 ") {
		t.Errorf("a header beyond the limit is answered with %.60q, want 431", reply)
	}
	stop()
	if err := <-done; err != nil {
		t.Errorf("an ordered end gives %v", err)
	}
	if _, err := net.Dial("tcp4", ln.Addr().String()); err == nil {
		t.Error("the listener is still open after the end")
	}
}

// TestJoin: several listeners are served as one, a bound holds for all of them together, and closing one closes all.
func TestJoin(t *testing.T) {
	var all []net.Listener
	for range 3 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, l)
	}
	joined := netutil.LimitListener(Join(all), len(all))
	come := func(i int) {
		t.Helper()
		c, err := net.Dial("tcp", all[i].Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
	}
	var in []net.Conn
	for i := range all {
		come(i)
		c, err := joined.Accept()
		if err != nil || c.LocalAddr().String() != all[i].Addr().String() {
			t.Fatalf("listener %d: %v", i, err)
		}
		in = append(in, c)
	}
	come(0)
	next := make(chan error, 1)
	go func() { _, err := joined.Accept(); next <- err }()
	select {
	case <-next:
		t.Fatal("one more than the bound is let in")
	case <-time.After(50 * time.Millisecond):
	}
	_ = in[0].Close()
	if err := <-next; err != nil {
		t.Fatal(err)
	}
	_ = in[1].Close()
	go func() { _, err := joined.Accept(); next <- err }()
	if err := joined.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-next; !errors.Is(err, net.ErrClosed) {
		t.Errorf("after the end: %v", err)
	}
	for _, l := range all {
		if c, err := net.Dial("tcp", l.Addr().String()); err == nil {
			t.Errorf("%s is open", l.Addr())
			_ = c.Close()
		}
	}
}
