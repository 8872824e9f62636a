package portal

import (
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"time"
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
