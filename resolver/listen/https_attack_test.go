package listen_test

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hearthdns/hearth/resolver/listen"
	"golang.org/x/net/http2"
)

// peak watches how many goroutines there are at most, beyond those that there were.
type peak struct {
	before int
	most   atomic.Int64
	stop   chan struct{}
}

func watchGoroutines(t *testing.T) *peak {
	p := &peak{before: runtime.NumGoroutine(), stop: make(chan struct{})}
	go func() {
		for {
			select {
			case <-p.stop:
				return
			case <-time.After(time.Millisecond):
				p.look()
			}
		}
	}()
	t.Cleanup(func() { close(p.stop) })
	return p
}

func (p *peak) look() {
	if n := int64(runtime.NumGoroutine() - p.before); n > p.most.Load() {
		p.most.Store(n)
	}
}

// within requires that there never were more.
func (p *peak) within(t *testing.T, most int64) {
	t.Helper()
	if p.look(); p.most.Load() > most {
		t.Errorf("%d goroutines, want %d at most", p.most.Load(), most)
	}
}

// alive requires that a new client is served: sooner or later, since on a busy machine a
// client of ours may be over the limits of brief.
func (s *shielded) alive(t *testing.T) {
	t.Helper()
	for _, version := range versions {
		eventually(t, "a new client is served over HTTP/"+version, func() bool {
			res, err := s.web(version, webName).Do(s.getting("/dns-query", query(t, 0, "a.test")))
			if err != nil {
				return false
			}
			_ = res.Body.Close()
			return res.StatusCode == http.StatusOK
		})
	}
}

// few is what a client and a server need of goroutines besides.
const few = 30

// TestRapidReset is CVE-2023-44487: requests that are cancelled as soon as they are made.
func TestRapidReset(t *testing.T) {
	const perClient, streams = 50, 20
	h := newStub()
	s := startShielded(t, listen.HTTPS, listen.Config{Handler: h, Limits: listen.Limits{PerClient: perClient, CookieFactor: 1, HTTPS: listen.HTTPSLimits{Streams: streams}}}, nil)
	goroutines := watchGoroutines(t)
	f := s.frames()
	go func() {
		for {
			if _, err := f.ReadFrame(); err != nil {
				return
			}
		}
	}()
	q := query(t, 0, "slow.test")
	for range 10000 {
		id, err := f.get(s, q)
		if err == nil {
			err = f.WriteRSTStream(id, http2.ErrCodeCancel)
		}
		if err != nil {
			break // the server has had enough, as it may
		}
	}
	if n := h.waiting.Load(); n > perClient {
		t.Errorf("%d queries are resolved, want %d at most", n, perClient)
	}
	goroutines.within(t, perClient+streams+few) // of the stub one a query
	s.alive(t)
	close(h.gate)
	eventually(t, "all queries end", func() bool { return s.metric("hearth_listen_in_flight") == 0 })
}

// TestAnnouncedBodiesTakeNoMemory announces as many of the longest bodies as one client may,
// and sends none.
func TestAnnouncedBodiesTakeNoMemory(t *testing.T) {
	const connections, streams = 16, 100 // the defaults of one client
	s := startShielded(t, listen.HTTPS, listen.Config{Handler: newStub(), Limits: listen.Limits{TCP: listen.TCPLimits{Frame: time.Minute}}}, nil)
	before := heap()
	goroutines := watchGoroutines(t)
	for range connections {
		f := s.frames()
		for range streams {
			if _, err := f.post("65535"); err != nil {
				t.Fatal(err)
			}
		}
	}
	eventually(t, "every request is seen", func() bool { goroutines.look(); return goroutines.most.Load() >= connections*streams })
	if grown := heap() - before; grown > 64<<20 {
		t.Errorf("%d octets of memory are taken, want 64 MiB at most", grown)
	}
}

// TestContinuationFlood is CVE-2023-45288: a header that never ends.
func TestContinuationFlood(t *testing.T) {
	s := startShielded(t, listen.HTTPS, listen.Config{Handler: newStub()}, nil)
	before := heap()
	f := s.frames()
	if err := f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1}); err != nil {
		t.Fatal(err)
	}
	var err error
	for n := 0; err == nil; n++ {
		if n == 1<<16 {
			t.Fatal("64 MiB of a header are taken")
		}
		err = f.WriteContinuation(1, false, bytes.Repeat([]byte("a"), 1024))
	}
	if grown := heap() - before; grown > 8<<20 {
		t.Errorf("%d octets of memory are taken", grown)
	}
	eventually(t, "the connection's place is free", func() bool { return listen.Connections(s.Server, listen.HTTPS) == 0 })
	s.alive(t)
}

// TestControlFrameFloods are frames that want an acknowledgement each, of a client that
// reads none: CVE-2019-9512 and CVE-2026-3593. The server may end the connection or bear it.
func TestControlFrameFloods(t *testing.T) {
	for name, flood := range map[string]func(*framer) error{
		"SETTINGS": func(f *framer) error {
			return f.WriteSettings(http2.Setting{ID: http2.SettingHeaderTableSize, Val: 4096}, http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1})
		},
		"PING":          func(f *framer) error { return f.WritePing(false, [8]byte{}) },
		"PRIORITY":      func(f *framer) error { return f.WritePriority(1, http2.PriorityParam{StreamDep: 3, Weight: 7}) },
		"WINDOW_UPDATE": func(f *framer) error { return f.WriteWindowUpdate(0, 1) },
		"empty DATA":    func(f *framer) error { return f.WriteData(1, false, nil) },
	} {
		t.Run(name, func(t *testing.T) {
			s := startShielded(t, listen.HTTPS, listen.Config{Handler: newStub()}, nil)
			goroutines := watchGoroutines(t)
			before := heap()
			f := s.frames()
			for range 20000 {
				if flood(f) != nil {
					break
				}
			}
			goroutines.within(t, few)
			if grown := heap() - before; grown > 8<<20 {
				t.Errorf("%d octets of memory are taken", grown)
			}
			s.alive(t)
		})
	}
}

// heap is the memory in use, in octets.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse + m.StackInuse)
}

// TestOddFrames sends each type of frame that HTTP/2 does not know, or knows for others
// (CVE-2026-27141).
func TestOddFrames(t *testing.T) {
	s := startShielded(t, listen.HTTPS, listen.Config{Handler: newStub()}, nil)
	for kind := http2.FrameType(0x0a); kind <= 0x20; kind++ {
		f := s.frames()
		for _, length := range []int{0, 1, 8, 16384} {
			_ = f.WriteRawFrame(kind, 0xFF, 0, make([]byte, length))
			_ = f.WriteRawFrame(kind, 0xFF, 1, make([]byte, length))
		}
		_ = f.conn.Close()
		eventually(t, "the connection ends", func() bool { return listen.Connections(s.Server, listen.HTTPS) == 0 })
	}
	s.alive(t)
}

// brief are limits of a few milliseconds, for attacks by patience.
func brief() listen.Limits {
	const d = 100 * time.Millisecond
	return listen.Limits{TCP: listen.TCPLimits{Frame: d, Write: d, Resolve: d, Idle: d, BusyIdle: d}, QUIC: listen.QUICLimits{Stream: d}}
}

// TestZeroWindow asks and never takes an answer.
func TestZeroWindow(t *testing.T) {
	s := startShielded(t, listen.HTTPS, listen.Config{Handler: newStub(), Limits: brief()}, nil)
	before := runtime.NumGoroutine()
	f := s.frames(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0})
	for range 100 {
		if _, err := f.get(s, query(t, 0, "long.test")); err != nil {
			t.Fatal(err)
		}
	}
	f.drained(t)
	eventually(t, "nobody waits for the window", func() bool { return runtime.NumGoroutine() <= before+few })
}

// TestSlowClientsOfHTTPSAreCutOff begins things and never ends them.
func TestSlowClientsOfHTTPSAreCutOff(t *testing.T) {
	s := startShielded(t, listen.HTTPS, listen.Config{Handler: newStub(), Limits: brief()}, nil)
	plain := s.dial("tcp")
	write(t, plain, []byte{22, 3, 1, 1, 0}) // the beginning of a TLS handshake
	closed(t, plain)
	head := "POST /dns-query HTTP/1.1\r\nHost: dns.example\r\nContent-Type: application/dns-message\r\n"
	other := "POST /elsewhere HTTP/1.1\r\nHost: dns.example\r\n"
	for name, begun := range map[string]string{
		"header":                 head[:40],
		"body":                   head + "Content-Length: 100\r\n\r\nx",
		"chunks":                 head + "Transfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n",
		"body of another path":   other + "Content-Length: 100\r\n\r\nx",
		"body of 64 KiB":         head + "Content-Length: 65536\r\n\r\nx",
		"chunks of another path": other + "Transfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n",
		"nothing":                "",
	} {
		c := tls.Client(s.dial("tcp"), s.trusting(webName, "http/1.1"))
		write(t, c, []byte(begun))
		if _, err := io.Copy(io.Discard, c); err != nil {
			if ne, ok := err.(net.Error); ok && ne.Timeout() { //nolint:errorlint // as net gives it
				t.Errorf("%s: the server waits", name)
			}
		}
	}
	f := s.frames()
	if _, err := f.post(""); err != nil {
		t.Fatal(err)
	}
	f.drained(t)
	s.alive(t)
}

// TestNoHTTP2WithoutTLS holds that nothing switches to HTTP/2 in the clear
// (CVE-2026-32136), and that nothing is answered in the clear at all.
func TestNoHTTP2WithoutTLS(t *testing.T) {
	s := startShielded(t, listen.HTTPS, listen.Config{Handler: newStub()}, nil)
	for _, begun := range []string{
		http2.ClientPreface,
		"GET /dns-query HTTP/1.1\r\nHost: dns.example\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n",
	} {
		c := s.dial("tcp")
		write(t, c, []byte(begun))
		b, _ := io.ReadAll(c)
		if len(b) > 0 && !strings.HasPrefix(string(b), "HTTP/1.0 400 ") {
			t.Errorf("%.20q: %q", begun, b)
		}
	}
	req := s.getting("/dns-query", query(t, 0, "a.test"))
	req.Header.Set("Connection", "Upgrade, HTTP2-Settings")
	req.Header.Set("Upgrade", "h2c")
	req.Header.Set("HTTP2-Settings", "AAMAAABkAAQAAP__")
	if got := s.fetch(s.web("1.1", webName), req); got.StatusCode != http.StatusOK || got.ProtoMajor != 1 {
		t.Errorf("%s %s", got.Proto, got.Status)
	}
}

func TestHTTPSConnectionLimits(t *testing.T) {
	for reason, limits := range map[string]listen.HTTPSLimits{
		"connections":            {Connections: 3},
		"connections_per_client": {PerClient: 3},
	} {
		s := startShielded(t, listen.HTTPS, listen.Config{Handler: newStub(), Limits: listen.Limits{HTTPS: limits}}, nil)
		var open []net.Conn
		for range 3 {
			c := tls.Client(s.dial("tcp"), s.trusting(webName, "http/1.1"))
			if err := c.Handshake(); err != nil {
				t.Fatal(err)
			}
			open = append(open, c)
		}
		closed(t, s.dial("tcp"))
		if n := s.metric(`hearth_listen_shed_total{reason="` + reason + `",transport="https"}`); n != 1 {
			t.Errorf("%s: %v counted, want 1", reason, n)
		}
		_ = open[0].Close()
		eventually(t, "its place is free", func() bool { return listen.Connections(s.Server, listen.HTTPS) == 2 })
		s.fetch(s.web("2", webName), s.getting("/dns-query", query(t, 0, "a.test")))
	}
}

// TestCancelledRequestsFreeTheirStreams also has replies come after the cancellation.
func TestCancelledRequestsFreeTheirStreams(t *testing.T) {
	for _, version := range versions {
		h := newStub()
		const streams = 2
		s := startShielded(t, listen.HTTPS, listen.Config{Handler: h, Limits: listen.Limits{HTTPS: listen.HTTPSLimits{Streams: streams}, QUIC: listen.QUICLimits{Streams: streams}}}, nil)
		c := s.web(version, webName)
		for n := range int64(20) {
			ctx, cancel := withCancel(t)
			done := make(chan struct{})
			go func() {
				defer close(done)
				res, err := c.Do(s.getting("/dns-query", query(t, 0, fmt.Sprintf("slow%d.test", n))).WithContext(ctx))
				if err == nil {
					_ = res.Body.Close()
					t.Errorf("HTTP/%s: %s in spite of the cancellation: %v", version, res.Status, res.Header)
				}
			}()
			eventually(t, "the query waits", func() bool { return h.waiting.Load() == n+1 })
			cancel()
			<-done
		}
		close(h.gate)
		eventually(t, "the queries end", func() bool { return s.metric("hearth_listen_in_flight") == 0 })
		if got := s.fetch(c, s.getting("/dns-query", query(t, 0, "a.test"))); got.StatusCode != http.StatusOK {
			t.Errorf("HTTP/%s: %s", version, got.Status)
		}
	}
}

func TestHTTPSDrainLosesNoReply(t *testing.T) {
	for _, version := range versions {
		h := newStub()
		s := startShielded(t, listen.HTTPS, listen.Config{Handler: h, Drain: time.Hour}, nil)
		idle, busy := s.web(version, webName), s.web(version, webName)
		s.fetch(idle, s.getting("/dns-query", query(t, 0, "a.test")))
		done := make(chan fetched)
		go func() { done <- s.fetch(busy, s.getting("/dns-query", query(t, 0, "slow.test"))) }()
		eventually(t, "the query waits", func() bool { return h.waiting.Load() == 1 })
		s.stop()
		time.Sleep(10 * time.Millisecond) // let it begin to drain
		close(h.gate)
		if got := <-done; got.StatusCode != http.StatusOK || len(got.body) < 12 {
			t.Errorf("HTTP/%s: %s, %x", version, got.Status, got.body)
		}
		s.wait()
	}
}
