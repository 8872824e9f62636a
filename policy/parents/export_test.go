package parents

import "context"

// Sweep has the tests throw away what has ended without waiting for it.
func (d *Desk) Sweep(ctx context.Context) error { return d.sweep(ctx) }
