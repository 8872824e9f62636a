package main

import (
	"context"
	"fmt"
	"time"
)

// showUpdating tells on a terminal which list the server is at, until done is
// called. Without a server the library itself shows its downloads.
func (a *app) showUpdating(ctx context.Context, c client) (done func()) {
	if a.config != "" || !a.atTerminal() {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		a.follow(ctx, c, 300*time.Millisecond)
	}()
	return func() { cancel(); <-ended }
}

// follow writes a line for each list that the server comes to, until ctx ends.
func (a *app) follow(ctx context.Context, c client, every time.Duration) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	last := ""
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if s, err := a.status(ctx, c); err == nil && s.Updating != "" && s.Updating != last {
			last = s.Updating
			fmt.Fprintf(a.err, "updating %s\n", last)
		}
	}
}
