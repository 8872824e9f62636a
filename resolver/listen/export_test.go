package listen

// Singly returns c with UDP packets moved one by one, whatever the system can.
func Singly(c Config) Config {
	c.singly = true
	return c
}

// Connections counts the open connections over t.
func Connections(s *Server, t Transport) int { return s.connections[t].workers.used() }
