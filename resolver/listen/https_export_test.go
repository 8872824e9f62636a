package listen

import "io"

// ForwardedFor and the others are what tests look at from within.
var (
	ForwardedFor  = forwardedFor
	FromParameter = fromParameter
	OneFrame      = oneFrame
)

// Receive is receive, and Room how large a query's buffer is.
func (r *Request) Receive(src io.Reader, n int) ([]byte, error) { return r.receive(src, n) }
func (r *Request) Room() int                                    { return len(r.in) }

// NewRequest makes a request with its buffers.
func NewRequest() *Request { return new(Server).take() }
