package listen

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quic-go/quic-go"
)

// quicListener accepts the QUIC connections of one UDP socket: those of DNS over QUIC, or
// those of HTTP/3. It is a service.
type quicListener struct {
	server    *Server
	socket    net.PacketConn
	transport *quic.Transport
	tls       *tls.Config
	config    *quic.Config
	listener  int
	proxies   proxies
	tally     *tally
	speak     func(*quicConn)           // serves the streams of a connection until it ends or the server drains
	parting   quic.ApplicationErrorCode // ends a connection that nothing is wrong with
	reading   context.Context           // ends when no more queries are to be read
	end       context.CancelFunc        // of reading
}

// The receive windows of QUIC in octets. A query is far shorter than the smallest; what a
// connection may make us keep is bounded by the window of the connection.
const (
	streamWindow     = 1 << 14
	connectionWindow = 1 << 17
)

// newQUIC readies a bound socket for the protocol that ALPN calls alpn. Streams of one
// direction are for HTTP/3 alone.
func (s *Server) newQUIC(socket net.PacketConn, listener int, alpn string, oneWay int64) *quicListener {
	l := &quicListener{server: s, socket: socket, listener: listener, proxies: s.cfg.Listeners[listener].Proxies, tls: s.cfg.TLS.Clone()}
	l.tls.NextProtos = []string{alpn}
	l.reading, l.end = context.WithCancel(context.Background())
	l.transport = &quic.Transport{Conn: socket, VerifySourceAddress: l.doubts, ConnContext: l.admit}
	limits := s.cfg.Limits.QUIC
	l.config = &quic.Config{
		HandshakeIdleTimeout:           s.cfg.Limits.TCP.Frame,
		MaxIdleTimeout:                 limits.Idle,
		InitialStreamReceiveWindow:     streamWindow,
		MaxStreamReceiveWindow:         streamWindow,
		InitialConnectionReceiveWindow: connectionWindow,
		MaxConnectionReceiveWindow:     connectionWindow,
		MaxIncomingStreams:             int64(limits.Streams),
		MaxIncomingUniStreams:          oneWay,
		// Whoever saw early data go by can send it again. That a household's queries can be
		// replayed, and their answers timed, is not worth the round trip it would save
		// (RFC 9250 10.1, RFC 8470).
		Allow0RTT: false,
	}
	return l
}

// doubts says whether a client must first prove that it is where it seems to be: while
// connections or handshakes run short, in all or for this client (RFC 9000 8.1.2). Else
// forged packets could take all of them. It is asked about those alone that prove nothing,
// and counts the handshake of one that need not.
func (l *quicListener) doubts(peer net.Addr) bool {
	from, _ := addrPortOf(peer)
	limits, open := l.server.cfg.Limits.QUIC, &l.server.connections[QUIC]
	scarce := func(used, limit int) bool { return used*100 >= limit*limits.RetryAbove }
	return scarce(open.workers.used(), limits.Connections) || scarce(open.clients.count(clientOf(from.Addr())), limits.PerClient) ||
		!l.server.handshakes.allowUnproved(from.Addr())
}

// count is how much the client has in hand.
func (c *census) count(client netip.Addr) int {
	shard := &c.shards[shardOf(client)]
	shard.Lock()
	defer shard.Unlock()
	return shard.counts[client]
}

// errTurnedAway refuses a QUIC connection, which the client sees as CONNECTION_REFUSED.
var errTurnedAway = errors.New("turned away")

// admit lets a client in before anything is computed for it, or not.
func (l *quicListener) admit(ctx context.Context, info *quic.ClientInfo) (context.Context, error) {
	d, ok := l.server.seat(QUIC, l.tally)
	if !ok {
		return nil, errTurnedAway
	}
	peer, _ := addrPortOf(info.RemoteAddr)
	enter := d.enter // doubts counted the handshake
	if info.AddrVerified {
		enter = d.welcome
	}
	if d.proxied = l.proxies.include(peer.Addr()); !d.proxied && !enter(peer.Addr()) {
		d.leave()
		return nil, errTurnedAway
	}
	context.AfterFunc(ctx, d.leave)
	return context.WithValue(ctx, deskKey{}, d), nil
}

// serve accepts connections until the socket ends; the error says why, nil at a shutdown.
func (l *quicListener) serve() error {
	accepting, err := l.transport.Listen(l.tls, l.config)
	if err != nil {
		return fmt.Errorf("listening for QUIC at %s: %w", l.socket.LocalAddr(), err)
	}
	err = l.accept(l.reading, accepting)
	_ = accepting.Close()                         // refuses those that shake hands
	_ = l.accept(context.Background(), accepting) // those that did it meanwhile
	if l.server.draining.Load() {
		return nil
	}
	return fmt.Errorf("accepting QUIC connections at %s: %w", l.socket.LocalAddr(), err)
}

// accept serves connections until there are no more, or ctx ends.
func (l *quicListener) accept(ctx context.Context, accepting *quic.Listener) error {
	for {
		conn, err := accepting.Accept(ctx)
		if err != nil {
			return err
		}
		d, _ := conn.Context().Value(deskKey{}).(*desk)
		c := &quicConn{
			desk: d, listener: l, conn: conn, slots: make(chan struct{}, l.server.cfg.Limits.QUIC.Streams),
			idle: make(chan struct{}, idleHandlers), streams: make(chan *quic.Stream),
		}
		l.server.serving.Go(func() { l.speak(c) })
	}
}

// stop implements service.
func (l *quicListener) stop() { l.end() }

// close implements service.
func (l *quicListener) close() {
	l.end()
	_ = l.transport.Close()
	_ = l.socket.Close()
}

// quicConn is one connection.
type quicConn struct {
	*desk
	listener *quicListener
	conn     *quic.Conn
	slots    chan struct{}     // taken by streams whose query is being read or answered
	owed     sync.WaitGroup    // streams in hand, and replies to come
	debts    atomic.Int32      // how many those are
	unused   *time.Timer       // ends it after a while without a query
	idle     chan struct{}     // taken by goroutines that wait for a stream
	streams  chan *quic.Stream // to them
}

// idleHandlers is how many goroutines of a connection wait for its next streams. Each has a
// stack that has grown to what a stream takes; to grow one anew costs a tenth of a query of HTTP/3.
const idleHandlers = 8

// partingTime is how long a connection stays open behind its last reply, which would not
// be sent again once it is closed.
const partingTime = 100 * time.Millisecond

// each has every stream handled that the client opens, a bounded number of them at once:
// further ones wait unseen, and without credit for more. At a shutdown it sees the replies
// in flight off.
func (c *quicConn) each(handle func(*quic.Stream)) {
	c.unused = time.AfterFunc(c.listener.server.quicIdle(), c.leaveUnused)
	defer c.unused.Stop()
	for !c.listener.server.draining.Load() {
		c.slots <- struct{}{}
		c.unused.Reset(c.listener.server.quicIdle())
		stream, err := c.conn.AcceptStream(c.listener.reading)
		if err != nil {
			break
		}
		c.owe()
		select {
		case c.streams <- stream:
		default:
			go c.handle(stream, handle)
		}
	}
	close(c.streams)
	c.owed.Wait()
	select {
	case <-c.conn.Context().Done():
	case <-time.After(partingTime):
	}
	_ = c.conn.CloseWithError(c.listener.parting, "")
}

// leaveUnused closes a connection on which nothing was asked for as long as it may be idle: packets that
// ask nothing keep it alive for QUIC, not for us. While something is owed it stays.
func (c *quicConn) leaveUnused() {
	if c.debts.Load() > 0 {
		c.unused.Reset(c.listener.server.quicIdle())
		return
	}
	_ = c.conn.CloseWithError(c.listener.parting, "")
}

// quicIdle is how long a connection of QUIC may stay open without a query: shorter while connections run short.
func (s *Server) quicIdle() time.Duration {
	l := s.cfg.Limits
	if s.connections[QUIC].workers.used()*4 >= l.QUIC.Connections*3 {
		return min(l.TCP.BusyIdle, l.QUIC.Idle)
	}
	return l.QUIC.Idle
}

func (c *quicConn) owe() {
	c.debts.Add(1)
	c.owed.Add(1)
}

func (c *quicConn) paid() {
	if c.debts.Add(-1) == 0 {
		c.unused.Reset(c.listener.server.quicIdle()) // the client has to read what it was just sent
	}
	c.owed.Done()
}

// handle handles a stream and then others, until enough goroutines wait for one.
func (c *quicConn) handle(stream *quic.Stream, handle func(*quic.Stream)) {
	for ok := true; ok; {
		handle(stream)
		<-c.slots
		c.paid()
		select {
		case c.idle <- struct{}{}:
		default:
			return
		}
		if stream, ok = <-c.streams; ok {
			<-c.idle
		}
	}
}

// client says who asks on the connection now: a client may change its address and prove
// the new one (RFC 9000 9).
func (c *quicConn) client() Client {
	peer, _ := addrPortOf(c.conn.RemoteAddr())
	local, _ := addrPortOf(c.conn.LocalAddr())
	return Client{Addr: peer, Local: local, Transport: c.listener.tally.transport, Listener: c.listener.listener}
}
