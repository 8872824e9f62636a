package parents

import "context"

// Sweep has the tests throw away what has ended without waiting for it.
func (d *Desk) Sweep(ctx context.Context) error { return d.sweep(ctx) }

// EndLearning is what Run does each minute.
func (d *Desk) EndLearning(ctx context.Context) error { return d.endLearning(ctx) }
