//go:build !linux

package listen

import "net"

// move takes a bound socket over.
func (u *udpSocket) move(conn *net.UDPConn) { u.mover, u.closer = &singly{u, conn}, conn }
