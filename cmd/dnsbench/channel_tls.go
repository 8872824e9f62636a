//go:build linux

package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"
)

// tlsChannel asks over TLS, without waiting for one answer before the next query
// (RFC 7766 6.2.1.1).
type tlsChannel struct {
	conn *tls.Conn

	mu      sync.Mutex
	next    uint16
	waiting map[uint16]chan []byte
	failed  error
	broken  chan struct{} // closed once failed is set
}

func (t target) openTLS(ctx context.Context) (channel, error) {
	config := t.tls.Clone()
	config.NextProtos = []string{"dot"}
	conn, err := (&tls.Dialer{Config: config}).DialContext(ctx, "tcp", t.addr.String())
	if err != nil {
		return nil, err
	}
	c := &tlsChannel{conn: conn.(*tls.Conn), waiting: map[uint16]chan []byte{}, broken: make(chan struct{})}
	go c.read()
	return c, nil
}

// exchange implements channel.
func (c *tlsChannel) exchange(ctx context.Context, q []byte) ([]byte, error) {
	reply := make(chan []byte, 1)
	id, err := c.send(q, reply)
	if err != nil {
		return nil, fmt.Errorf("sending: %w", err)
	}
	select {
	case b := <-reply:
		b[0], b[1] = q[0], q[1]
		return b, nil
	case <-c.broken:
		return nil, c.failed
	case <-ctx.Done():
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.waiting, id)
		return nil, ctx.Err()
	}
}

// send writes q under an ID that no other query waits with.
func (c *tlsChannel) send(q []byte, reply chan []byte) (uint16, error) {
	frame := append(binary.BigEndian.AppendUint16(make([]byte, 0, 2+len(q)), uint16(len(q))), q...)
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.waiting[c.next] != nil {
		c.next++
	}
	id := c.next
	c.next++
	c.waiting[id] = reply
	binary.BigEndian.PutUint16(frame[2:], id)
	_, err := c.conn.Write(frame)
	return id, err
}

// read hands the answers out until the connection ends.
func (c *tlsChannel) read() {
	in := bufio.NewReader(c.conn)
	for {
		id, b, err := readFrame(in)
		c.mu.Lock()
		if err != nil {
			c.failed = fmt.Errorf("receiving: %w", err)
			close(c.broken)
			c.mu.Unlock()
			return
		}
		if reply := c.waiting[id]; reply != nil {
			delete(c.waiting, id)
			reply <- b
		}
		c.mu.Unlock()
	}
}

func readFrame(in io.Reader) (id uint16, b []byte, err error) {
	var head [2]byte
	if _, err := io.ReadFull(in, head[:]); err != nil {
		return 0, nil, err
	}
	b = make([]byte, binary.BigEndian.Uint16(head[:]))
	if len(b) < 12 {
		return 0, nil, errors.New("a message shorter than its header")
	}
	_, err = io.ReadFull(in, b)
	return binary.BigEndian.Uint16(b), b, err
}

func (c *tlsChannel) close() { _ = c.conn.Close() }
