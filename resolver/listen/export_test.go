package listen

// Singly returns c with UDP packets moved one by one, whatever the system can.
func Singly(c Config) Config {
	c.singly = true
	return c
}
