package listen

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"time"
)

// httpsListener serves DNS over HTTPS (RFC 8484) on the TCP socket of a listener, over
// HTTP/1.1 and 2. Its ServeHTTP serves HTTP/3 as well. It is a service.
type httpsListener struct {
	server   *Server
	socket   net.Listener
	http     http.Server
	settings Listener
	listener int
	tally    *tally
	altSvc   []string // tells clients of HTTP/3 on the same port (RFC 7838)
}

// addHTTPS readies the bound sockets of a listener: tcp for HTTP/1.1 and 2, udp for HTTP/3.
func (s *Server) addHTTPS(tcp net.Listener, udp net.PacketConn, listener int) {
	l := &httpsListener{server: s, socket: tcp, settings: s.cfg.Listeners[listener], listener: listener, tally: &tally{transport: HTTPS}}
	def(&l.settings.Path, "/dns-query")
	l.settings.Path = strings.TrimRight(l.settings.Path, "/")
	if at, ok := addrPortOf(udp.LocalAddr()); ok {
		l.altSvc = []string{`h3=":` + strconv.Itoa(int(at.Port())) + `"; ma=86400`}
	}
	limits, times := s.cfg.Limits.HTTPS, s.cfg.Limits.TCP
	l.http = http.Server{
		Handler: l, TLSConfig: s.cfg.TLS.Clone(),
		// It would answer a request that is not ours to answer.
		DisableGeneralOptionsHandler: true,
		ReadHeaderTimeout:            times.Frame, // of the TLS handshake, too
		WriteTimeout:                 times.Frame + times.Resolve + times.Write,
		IdleTimeout:                  times.Idle,
		MaxHeaderBytes:               int(limits.Header),
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams:          limits.Streams,
			MaxReceiveBufferPerConnection: 2 * maxFrame,
			MaxReceiveBufferPerStream:     maxFrame,
			WriteByteTimeout:              times.Write,
		},
		Protocols: new(http.Protocols),
		// What goes wrong here is the client's doing, and would name it.
		ErrorLog:    slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
		BaseContext: func(net.Listener) context.Context { return s.base },
		ConnContext: deskOf,
	}
	l.http.TLSConfig.NextProtos = nil
	l.http.Protocols.SetHTTP1(true)
	l.http.Protocols.SetHTTP2(true)
	s.services = append(s.services, l, s.newHTTP3(udp, l))
	s.tallies = append(s.tallies, l.tally)
}

// serve implements service.
func (l *httpsListener) serve() error {
	err := l.http.ServeTLS(gate{l.socket, l}, "", "")
	if l.server.draining.Load() {
		return nil
	}
	return fmt.Errorf("serving HTTPS at %s: %w", l.socket.Addr(), err)
}

// stop implements service: it takes no more requests and sees off those in flight.
func (l *httpsListener) stop() {
	l.server.serving.Go(func() { _ = l.http.Shutdown(l.server.base) })
}

// close implements service.
func (l *httpsListener) close() {
	_ = l.http.Close()
	_ = l.socket.Close()
}

// waitingReply is where the reply to a resolved query goes: to the request's goroutine, if
// that is still there. It waits for one reply.
type waitingReply chan []byte

func (w waitingReply) deliver(r *Request) {
	r.server.dress(r)
	w <- append([]byte(nil), r.Reply...) // r is not ours any more when the goroutine wakes
}

// ServeHTTP answers a request, over any version of HTTP.
func (l *httpsListener) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	defer l.rescue()
	h := w.Header()
	h["X-Content-Type-Options"] = nosniff
	d, _ := req.Context().Value(deskKey{}).(*desk)
	if req.ProtoMajor < 3 && !d.proxied {
		h["Alt-Svc"] = l.altSvc
	}
	if req.ContentLength != 0 && req.ProtoMajor < 3 {
		// To keep the connection, net/http reads a body that nobody wants.
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(l.server.cfg.Limits.TCP.Frame))
	}
	id, ok := l.below(req.URL.Path)
	if !ok {
		refuseHTTP(w, notHere)
		return
	}
	s := l.server
	r := s.take()
	packet, problem := l.read(w, req, r)
	if problem != nil {
		s.release(r)
		refuseHTTP(w, *problem)
		return
	}
	r.Client = l.client(req)
	r.Client.Identity = l.identity(req, id)
	l.answer(w, req, d, r, packet)
}

// answer takes a query through the strokes and sends what comes of it.
func (l *httpsListener) answer(w http.ResponseWriter, req *http.Request, d *desk, r *Request, packet []byte) {
	s := l.server
	switch d.first(r, packet) {
	case ready:
	case hostile:
		s.release(r)
		refuseHTTP(w, notAQuery)
		return
	case missed:
		reply := make(waitingReply, 1)
		r.origin = reply
		if !s.hand(l.tally, r) {
			break
		}
		select {
		case b := <-reply:
			l.send(w, req, b)
		case <-req.Context().Done(): // nobody waits any more; the query may go on
			panic(http.ErrAbortHandler) // to return would send an empty success
		}
		return
	}
	s.dress(r)
	l.send(w, req, r.Reply)
	s.release(r)
}

// rescue keeps a panic of ours from being swallowed by net/http or http3.
func (l *httpsListener) rescue() {
	p := recover()
	if p == nil {
		return
	}
	if err, ok := p.(error); !ok || !errors.Is(err, http.ErrAbortHandler) {
		l.server.panics.Add(1)
		l.server.cfg.Log.Error("serving DNS over HTTPS panicked", "panic", p, "stack", string(debug.Stack()))
	}
	panic(http.ErrAbortHandler)
}
