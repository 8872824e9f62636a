// Package setup answers: over which way do the questions of this machine's network come to the server, and what is
// in their way? It asks the server and every resolver that the network hands out, and says what to change. It owns
// nothing and changes nothing.
package setup
