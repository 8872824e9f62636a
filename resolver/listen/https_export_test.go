package listen

// ForwardedFor and the others are what tests look at from within.
var (
	ForwardedFor  = forwardedFor
	FromParameter = fromParameter
	OneFrame      = oneFrame
)

// NewRequest makes a request with its buffers.
func NewRequest() *Request { return new(Server).take() }
